//! Encodes integers in as few bytes as they need, like LEB128:
//! <https://dwarfstd.org/doc/DWARF5.pdf>, 7.6.

/// Appends `value`, twice as large, the lowest bit being its sign.
pub(super) fn push_signed(bytes: &mut Vec<u8>, value: i64) {
    push(bytes, (value << 1 ^ value >> 63) as u64);
}

/// Appends `value`, seven bits a byte, the lowest bits first. The highest bit of a byte says that
/// more follow.
pub(super) fn push(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_take_as_many_bytes_as_they_need() {
        let mut bytes = Vec::new();
        for value in [0, 127, 128, 300, u64::MAX] {
            push(&mut bytes, value);
        }
        assert_eq!(bytes[..6], [0, 127, 0x80, 1, 0xac, 2]);
        assert_eq!(bytes.len(), 6 + 10);
    }
}
