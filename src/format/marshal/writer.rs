//! Writes marshal version 4, which Python 3.4 and all later versions read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Write};

use foldhash::fast::RandomState;

use super::{
    ASCII, BYTES, DICT, END_OF_DICT, FLAG_REF, FLOAT, INT, LIST, LONG, NONE, REF, SHORT_ASCII,
    SHORT_TUPLE, TUPLE, UNICODE,
};
use crate::format::wtf8::encodes_a_str;

/// The longest string and the largest container that marshal can hold.
const MAX_LEN: usize = i32::MAX as usize;

/// An object that was written with a number and can be referred to again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ref(u32);

/// Builds one marshal object, front to back.
///
/// A container announces its size, and the caller must then write that many objects. Strings longer
/// than 2 GiB, which marshal cannot express, are cut.
#[derive(Default)]
pub struct Writer<'a> {
    out: Vec<u8>,
    sink: Option<Sink<'a>>,
    refs: u32,
    texts: HashMap<&'a [u8], Ref, RandomState>,
}

/// Destination of the bytes that a writer has written.
struct Sink<'a> {
    to: &'a mut dyn Write,
    /// The first error; nothing is written after it.
    result: io::Result<()>,
}

/// Bytes that are written to a sink at once.
const AT_ONCE: usize = 256 << 10;

impl<'a> Writer<'a> {
    /// A writer of one object.
    pub fn new() -> Self {
        Self::default()
    }

    /// A writer to `sink`, in parts, so that the whole is never in memory.
    pub(crate) fn to(sink: &'a mut dyn Write) -> Self {
        Writer {
            sink: Some(Sink {
                to: sink,
                result: Ok(()),
            }),
            ..Self::default()
        }
    }

    /// Begins the next object, which can't refer to what was written before.
    pub(crate) fn next_object(&mut self) {
        self.refs = 0;
        self.texts.clear();
    }

    /// Returns the bytes written, if they have no sink.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Writes the rest to the sink.
    ///
    /// # Errors
    ///
    /// The first of the sink's.
    pub(crate) fn flush(mut self) -> io::Result<()> {
        self.write_out(0);
        self.sink.map_or(Ok(()), |sink| sink.result)
    }

    /// Writes the bytes so far to the sink, if there are more than `least`.
    fn write_out(&mut self, least: usize) {
        if let Some(sink) = self.sink.as_mut().filter(|_| self.out.len() > least) {
            if sink.result.is_ok() {
                sink.result = sink.to.write_all(&self.out);
            }
            self.out.clear();
        }
    }

    /// Writes `None`.
    pub fn none(&mut self) {
        self.out.push(NONE);
    }

    /// Writes an int.
    pub fn int(&mut self, value: i128) {
        if let Ok(small) = i32::try_from(value) {
            self.out.push(INT);
            self.out.extend_from_slice(&small.to_le_bytes());
            return;
        }
        let mut digits = Vec::with_capacity(9);
        let mut rest = value.unsigned_abs();
        while rest != 0 {
            digits.push((rest & 0x7fff) as u16);
            rest >>= 15;
        }
        let count = digits.len() as i32;
        let count = if value < 0 { -count } else { count };
        self.out.push(LONG);
        self.out.extend_from_slice(&count.to_le_bytes());
        for digit in digits {
            self.out.extend_from_slice(&digit.to_le_bytes());
        }
    }

    /// Writes a float.
    pub fn float(&mut self, value: f64) {
        self.out.push(FLOAT);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// Writes a bytes object.
    pub fn bytes(&mut self, value: &[u8]) {
        self.sized(BYTES, value);
    }

    /// Writes a bytes object that consists of `parts`, one after the other.
    pub fn bytes_of<const N: usize>(&mut self, parts: impl ExactSizeIterator<Item = [u8; N]>) {
        self.out.push(BYTES);
        let count = parts.len().min(MAX_LEN / N.max(1));
        self.len(count * N);
        if self.sink.is_none() {
            self.out.reserve(count * N);
        }
        for part in parts.take(count) {
            self.out.extend_from_slice(&part);
            self.write_out(AT_ONCE);
        }
    }

    /// Writes a str, or a reference if it was written before. Bytes that no str encodes to, even
    /// with `surrogatepass`, become a bytes object.
    pub fn text(&mut self, value: &'a [u8]) {
        self.text_numbered(value);
    }

    /// Writes like [`text`](Self::text), and returns the text's number if it has one.
    pub(crate) fn text_numbered(&mut self, value: &'a [u8]) -> Option<Ref> {
        // A reference takes five bytes, so repeating a shorter text is cheaper.
        let number = (value.len() > 3).then_some(Ref(self.refs));
        if let Some(new) = number {
            match self.texts.entry(value) {
                Entry::Occupied(known) => {
                    let known = *known.get();
                    self.again(known);
                    return Some(known);
                }
                Entry::Vacant(place) => {
                    place.insert(new);
                    self.refs += 1;
                }
            }
        }
        let flag = if number.is_some() { FLAG_REF } else { 0 };
        if value.is_ascii() {
            if let Ok(short) = u8::try_from(value.len()) {
                self.out.extend_from_slice(&[SHORT_ASCII | flag, short]);
                self.out.extend_from_slice(value);
            } else {
                self.sized(ASCII | flag, value);
            }
        } else if encodes_a_str(value) {
            self.sized(UNICODE | flag, value);
        } else {
            self.sized(BYTES | flag, value);
        }
        number
    }

    /// Writes two ints and two floats.
    pub(crate) fn figures(&mut self, ints: [i128; 2], floats: [f64; 2]) {
        let [Ok(first), Ok(second)] = ints.map(i32::try_from) else {
            ints.into_iter().for_each(|value| self.int(value));
            return floats.into_iter().for_each(|value| self.float(value));
        };
        // Most of a profile is such figures, which are copied at once.
        let mut bytes = [0; 28];
        bytes[0] = INT;
        bytes[1..5].copy_from_slice(&first.to_le_bytes());
        bytes[5] = INT;
        bytes[6..10].copy_from_slice(&second.to_le_bytes());
        bytes[10] = FLOAT;
        bytes[11..19].copy_from_slice(&floats[0].to_le_bytes());
        bytes[19] = FLOAT;
        bytes[20..].copy_from_slice(&floats[1].to_le_bytes());
        self.out.extend_from_slice(&bytes);
    }

    /// Begins a tuple of `count` objects.
    pub fn tuple(&mut self, count: usize) {
        self.tuple_flagged(count, 0);
    }

    /// Begins a tuple of `count` objects, which can be written again with [`again`](Self::again) as
    /// soon as it is complete.
    pub fn numbered_tuple(&mut self, count: usize) -> Ref {
        let number = self.numbered();
        self.tuple_flagged(count, FLAG_REF);
        number
    }

    /// Begins a list of `count` objects.
    pub fn list(&mut self, count: usize) {
        self.out.push(LIST);
        self.len(count);
    }

    /// Begins a dict: keys and values follow in turn.
    pub fn dict(&mut self) {
        self.out.push(DICT);
    }

    /// Ends the innermost dict.
    pub fn end_dict(&mut self) {
        self.out.push(END_OF_DICT);
    }

    /// Writes a reference to an object that was written before.
    pub fn again(&mut self, object: Ref) {
        self.out.push(REF);
        self.out.extend_from_slice(&object.0.to_le_bytes());
    }

    fn numbered(&mut self) -> Ref {
        let number = Ref(self.refs);
        self.refs += 1;
        number
    }

    fn tuple_flagged(&mut self, count: usize, flag: u8) {
        self.write_out(AT_ONCE);
        if let Ok(short) = u8::try_from(count) {
            self.out.extend_from_slice(&[SHORT_TUPLE | flag, short]);
        } else {
            self.out.push(TUPLE | flag);
            self.len(count);
        }
    }

    fn sized(&mut self, code: u8, value: &[u8]) {
        let value = value.get(..MAX_LEN).unwrap_or(value);
        self.out.push(code);
        self.len(value.len());
        self.out.extend_from_slice(value);
    }

    fn len(&mut self, len: usize) {
        self.out.extend_from_slice(&(len as u32).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer<'static>)) -> Vec<u8> {
        let mut writer = Writer::new();
        write(&mut writer);
        writer.finish()
    }

    // The expected bytes are `marshal.dumps` of CPython 3.13, flags taken off.
    #[test]
    fn ints() {
        assert_eq!(written(|w| w.int(-2)), b"i\xfe\xff\xff\xff");
        assert_eq!(
            written(|w| w.int(1 << 31)),
            b"l\x03\x00\x00\x00\x00\x00\x00\x00\x02\x00"
        );
        assert_eq!(
            written(|w| w.int(-(1 << 40))),
            b"l\xfd\xff\xff\xff\x00\x00\x00\x00\x00\x04"
        );
    }

    #[test]
    fn repeated_texts_become_references() {
        let bytes = written(|w| {
            w.tuple(3);
            w.text(b"name");
            w.text(b"name");
            w.text(b"abc");
        });
        assert_eq!(bytes, b")\x03\xfa\x04namer\x00\x00\x00\x00z\x03abc");
    }

    #[test]
    fn texts_that_no_str_encodes_to_are_bytes() {
        assert_eq!(written(|w| w.text(b"\xff")), b"s\x01\x00\x00\x00\xff");
        assert_eq!(
            written(|w| w.text("é".as_bytes())),
            b"u\x02\x00\x00\x00\xc3\xa9"
        );
        assert_eq!(
            written(|w| w.text(b"\xed\xb2\x80")),
            b"u\x03\x00\x00\x00\xed\xb2\x80"
        );
    }

    #[test]
    fn long_texts_and_tuples_have_long_lengths() {
        let long: &'static [u8] = &[b'x'; 256];
        let bytes = written(|w| w.text(long));
        assert_eq!(bytes[..5], [ASCII | FLAG_REF, 0, 1, 0, 0]);
        assert_eq!(written(|w| w.tuple(256)), [TUPLE, 0, 1, 0, 0]);
    }
}
