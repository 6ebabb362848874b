//! Shortens names of functions that are not written in Python.

use std::borrow::Cow;

/// Removes the address of an object from a name. It differs in every process, and would split one
/// function into hundreds.
pub fn without_address(name: &[u8]) -> Cow<'_, [u8]> {
    const MARK: &[u8] = b" at 0x";
    let Some(start) = name.windows(MARK.len()).position(|window| window == MARK) else {
        return Cow::Borrowed(name);
    };
    let digits = &name[start + MARK.len()..];
    let count = digits
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    if count == 0 {
        return Cow::Borrowed(name);
    }
    Cow::Owned([&name[..start], &digits[count..]].concat())
}

/// Returns a function's name as code calls it, `builtins.len` or `list.append`: without an address,
/// and without the text that pstats puts around builtins.
pub fn short_name(name: &[u8]) -> Cow<'_, [u8]> {
    const METHOD: &[u8] = b"method '";
    const OF: &[u8] = b"' of '";
    let name = without_address(name);
    let Some(inner) = name.strip_prefix(b"<").and_then(|n| n.strip_suffix(b">")) else {
        return name;
    };
    if let Some(function) = inner.strip_prefix(b"built-in method ") {
        return Cow::Owned(function.to_vec());
    }
    let method = inner.strip_prefix(METHOD);
    let Some(method) = method.and_then(|rest| rest.strip_suffix(b"' objects")) else {
        return name;
    };
    match method.windows(OF.len()).position(|window| window == OF) {
        Some(at) => Cow::Owned([&method[at + OF.len()..], b".", &method[..at]].concat()),
        None => name,
    }
}
