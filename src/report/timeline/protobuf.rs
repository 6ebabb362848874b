//! Writes messages of protocol buffers without a schema: fields by their numbers.
//!
//! <https://protobuf.dev/programming-guides/encoding/>

/// A message that grows field by field.
#[derive(Debug, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

/// Kinds of values, as the low bits of a field's tag have them.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;

/// Bytes of a number.
pub(super) fn length(number: u64) -> u64 {
    u64::from(number.max(1).ilog2() / 7) + 1
}

impl Message {
    /// Adds a number, or true as 1.
    pub(super) fn number(&mut self, field: u32, value: u64) {
        self.varint(u64::from(field) << 3 | VARINT);
        self.varint(value);
    }

    /// Adds a float.
    pub(super) fn float(&mut self, field: u32, value: f64) {
        self.varint(u64::from(field) << 3 | FIXED_64);
        self.bytes.extend(value.to_le_bytes());
    }

    /// Adds a text.
    pub(super) fn text(&mut self, field: u32, text: &str) {
        self.varint(u64::from(field) << 3 | LENGTH_DELIMITED);
        self.varint(text.len() as u64);
        self.bytes.extend(text.as_bytes());
    }

    /// Adds a message whose fields `fill` adds.
    pub(super) fn message(&mut self, field: u32, fill: impl FnOnce(&mut Message)) {
        self.varint(u64::from(field) << 3 | LENGTH_DELIMITED);
        // Most messages are shorter than 128 bytes, so that their length takes one.
        let length_at = self.bytes.len();
        self.bytes.push(0);
        fill(self);
        let length = (self.bytes.len() - length_at - 1) as u64;
        match u8::try_from(length) {
            Ok(length) if length < 0x80 => self.bytes[length_at] = length,
            _ => {
                let mut varint = Message::default();
                varint.varint(length);
                self.bytes.splice(length_at..=length_at, varint.bytes);
            }
        }
    }

    /// The bytes so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Removes all fields.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_encoded_like_those_of_the_guide() {
        let mut message = Message::default();
        message.number(1, 150);
        message.text(2, "testing");
        message.message(3, |inner| inner.number(1, 150));
        let expected = b"\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01";
        assert_eq!(message.bytes(), expected);
    }

    #[test]
    fn long_messages_have_long_lengths() {
        let mut message = Message::default();
        let text = "x".repeat(300);
        message.message(16, |inner| inner.text(1, &text));
        assert_eq!(message.bytes()[..7], *b"\x82\x01\xaf\x02\x0a\xac\x02");
        assert_eq!(message.bytes().len(), 307);
        assert_eq!([0, 127, 128, 1 << 14].map(length), [1, 1, 2, 3]);
    }
}
