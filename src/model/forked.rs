//! Text for the calls that were open when a process forked.

use super::Function;

/// Number of names in a path: those of the innermost calls, because a fork in deep recursion has
/// many more.
const MOST_NAMES: usize = 16;

/// Names `open` calls, of which the outermost comes first.
pub(crate) fn path<'f>(open: impl DoubleEndedIterator<Item = &'f Function>) -> Box<[u8]> {
    let mut open = open.rev();
    let mut names: Vec<&[u8]> = open.by_ref().take(MOST_NAMES).map(name).collect();
    if open.next().is_some() {
        names.push("…".as_bytes());
    }
    names.reverse();
    names.join(&b" > "[..]).into()
}

fn name(function: &Function) -> &[u8] {
    match &*function.qualified_name {
        b"" => &function.label.name,
        qualified => qualified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_calls_of_a_long_path_are_named() {
        let functions: Vec<Function> = (0..20)
            .map(|number| Function::stand_in(&format!("f{number}")))
            .collect();
        let path = |count| String::from_utf8(path(functions[..count].iter()).into()).unwrap();
        assert_eq!(path(0), "");
        assert_eq!(path(2), "f0 > f1");
        assert!(path(20).starts_with("… > f4 > f5 > "));
        assert!(path(20).ends_with(" > f18 > f19"));
    }

    #[test]
    fn methods_are_named_with_their_class() {
        let function = Function {
            qualified_name: (*b"Popen._launch").into(),
            ..Function::stand_in("_launch")
        };
        assert_eq!(&*path([&function].into_iter()), b"Popen._launch");
    }
}
