//! Identity of a function in reports for programs.

use xxhash_rust::xxh3::xxh3_64;

use super::Label;
use super::native_name::without_address;

/// Returns a number that names the function in all reports of all runs: a hash of its file, line
/// and name. Addresses of objects in the name don't count, because they differ in every process.
pub fn function_id(label: &Label) -> u64 {
    let line = label.line.to_string();
    let name = without_address(&label.name);
    // No file name and no number has a NUL byte.
    xxh3_64(&[&*label.file, b"\0", line.as_bytes(), b"\0", &name].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_counts_but_addresses() {
        let id = |file: &[u8], line, name: &[u8]| {
            function_id(&Label {
                file: file.into(),
                line,
                name: name.into(),
            })
        };
        let ids = [
            id(b"a.py", 1, b"f"),
            id(b"b.py", 1, b"f"),
            id(b"a.py", 2, b"f"),
            id(b"a.py", 1, b"g"),
        ];
        for (at, one) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(one));
        }
        let of_object = |address: &str| id(b"~", 0, format!("<f of X at 0x{address}>").as_bytes());
        assert_eq!(of_object("7f01"), of_object("55aa"));
        // Never changes: scripts keep it.
        assert_eq!(id(b"/tmp/dd/try.py", 3, b"leaf"), 0x163d_dc27_372e_935a);
    }
}
