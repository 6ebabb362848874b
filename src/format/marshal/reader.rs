//! Reads marshal from front to back, one object at a time.
//!
//! Builds nothing that the caller did not ask for. Nesting takes no stack here, and a declared
//! length takes no memory before its bytes are there. A reference is followed by reading its object
//! again, within a budget.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::{
    ASCII, BYTES, DICT, END_OF_DICT, FALSE, FLAG_REF, FLOAT, INT, INT64, INTERNED, INTERNED_ASCII,
    INTERNED_REF, LIST, LONG, NONE, REF, SHORT_ASCII, SHORT_INTERNED_ASCII, SHORT_TUPLE,
    TEXT_FLOAT, TRUE, TUPLE, UNICODE,
};
use crate::format::input::Input;
use crate::format::read_error::{ReadError, Reason};
use crate::format::wtf8::encodes_a_str;

/// An object, or the beginning of one whose contents follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// `None`.
    None,
    /// An int or a bool.
    Int(i128),
    /// A float.
    Float(f64),
    /// A str, as UTF-8 with surrogates let through, or a bytes object.
    String(&'a [u8]),
    /// A tuple of so many objects.
    Tuple(usize),
    /// A list of so many objects.
    List(usize),
    /// A dict, until [`Reader::end_of_dict`].
    Dict,
}

impl Value<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Int(_) => "an int",
            Value::Float(_) => "a float",
            Value::String(_) => "a string",
            Value::Tuple(_) => "a tuple",
            Value::List(_) => "a list",
            Value::Dict => "a dict",
        }
    }
}

/// A place in a marshalled object. Must not be used after an error.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    input: Input<'a>,
    /// Offsets of the numbered objects.
    numbered: Vec<usize>,
    /// Python 2's own table of interned strings.
    interned: Vec<&'a [u8]>,
    /// Number of references that are being followed: objects there are numbered already.
    replaying: u32,
}

impl<'a> Reader<'a> {
    /// A reader of the object that begins at offset `start` of `input`.
    pub fn new(input: &'a [u8], start: usize) -> Self {
        Self {
            input: Input::new(input, start, EXPANSION),
            numbered: Vec::new(),
            interned: Vec::new(),
            replaying: 0,
        }
    }

    /// Offset in the input of the next object.
    pub fn offset(&self) -> usize {
        self.input.at
    }

    /// The error that the object which begins at `offset` is not `expected`.
    pub fn unexpected(offset: usize, expected: &'static str, found: Value<'_>) -> ReadError {
        let found = found.kind();
        ReadError::new(offset, Reason::Unexpected { expected, found })
    }

    /// Returns the number of the next object, if it has one, and true if it refers to an object
    /// that was read before.
    #[inline]
    pub fn number_ahead(&self) -> Option<(usize, bool)> {
        match self.input.rest() {
            [REF, a, b, c, d, ..] => Some((u32::from_le_bytes([*a, *b, *c, *d]) as usize, true)),
            [code, ..] if code & FLAG_REF != 0 && self.replaying == 0 => {
                Some((self.numbered.len(), false))
            }
            _ => None,
        }
    }

    /// Reads an object: calls `read` with it, which must read all of its contents.
    ///
    /// # Errors
    /// Those of `read`; input that is no marshal.
    #[inline]
    pub fn object<T>(
        &mut self,
        read: impl FnOnce(&mut Self, Value<'a>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        if self.input.rest().first() != Some(&REF) {
            let value = self.begin()?;
            return read(self, value);
        }
        let reference = self.input.at;
        self.input.at += 1;
        let number = self.u32()? as usize;
        let back = self.input.at;
        self.input.at = *self
            .numbered
            .get(number)
            .ok_or_else(|| ReadError::invalid(reference, "a reference to nothing"))?;
        self.replaying += 1;
        let value = self.begin()?;
        let result = read(self, value)?;
        self.replaying -= 1;
        self.input.at = back;
        Ok(result)
    }

    /// Reads an int or a bool.
    ///
    /// # Errors
    /// Anything else is there.
    #[inline]
    pub fn int(&mut self) -> Result<i128, ReadError> {
        let offset = self.input.at;
        // Half of a profile consists of such ints and floats.
        if let Some(bytes) = self.plain(INT) {
            return Ok(i32::from_le_bytes(bytes).into());
        }
        if let Some(value) = self.int_again() {
            return value;
        }
        self.object(|_, value| match value {
            Value::Int(value) => Ok(value),
            other => Err(Self::unexpected(offset, "an int", other)),
        })
    }

    /// Reads a float, or an int as one.
    ///
    /// # Errors
    /// Anything else is there.
    #[inline]
    pub fn float(&mut self) -> Result<f64, ReadError> {
        let offset = self.input.at;
        if let Some(bytes) = self.plain(FLOAT) {
            return Ok(f64::from_le_bytes(bytes));
        }
        self.object(|_, value| match value {
            Value::Float(value) => Ok(value),
            Value::Int(value) => Ok(value as f64),
            other => Err(Self::unexpected(offset, "a float", other)),
        })
    }

    /// Reads a str or a bytes object.
    ///
    /// # Errors
    /// Anything else is there.
    #[inline]
    pub fn string(&mut self) -> Result<&'a [u8], ReadError> {
        let offset = self.input.at;
        if let Some(text) = self.text_again() {
            return text;
        }
        self.object(|_, value| match value {
            Value::String(value) => Ok(value),
            other => Err(Self::unexpected(offset, "a string", other)),
        })
    }

    /// Reads a list: `item` is called for each of its objects.
    ///
    /// # Errors
    /// Those of `item`; anything else is there.
    pub fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let offset = self.input.at;
        self.object(|reader, value| match value {
            Value::List(count) => (0..count).map(|_| item(reader)).collect(),
            other => Err(Self::unexpected(offset, "a list", other)),
        })
    }

    /// Reads a dict: `entry` is called at each key and must read it and its value.
    ///
    /// # Errors
    /// Those of `entry`; anything else is there.
    pub fn dict(
        &mut self,
        mut entry: impl FnMut(&mut Self) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let offset = self.input.at;
        self.object(|reader, value| match value {
            Value::Dict => {
                while !reader.end_of_dict() {
                    entry(reader)?;
                }
                Ok(())
            }
            other => Err(Self::unexpected(offset, "a dict", other)),
        })
    }

    /// Reads a tuple of exactly `count` objects, which `items` must read.
    ///
    /// # Errors
    /// Those of `items`; anything that is not `expected` is there.
    #[inline]
    pub fn tuple<T>(
        &mut self,
        count: usize,
        expected: &'static str,
        items: impl FnOnce(&mut Self) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let offset = self.input.at;
        if self.begin_short_tuple(count) {
            return items(self);
        }
        self.object(|reader, value| match value {
            Value::Tuple(found) if found == count => items(reader),
            Value::Tuple(_) => Err(ReadError::new(
                offset,
                Reason::Unexpected {
                    expected,
                    found: "a tuple of another length",
                },
            )),
            other => Err(Self::unexpected(offset, expected, other)),
        })
    }

    /// Steps over the beginning of a tuple of `count` objects, if a short one comes next.
    #[inline]
    pub fn begin_short_tuple(&mut self, count: usize) -> bool {
        let [code, short, ..] = *self.input.rest() else {
            return false;
        };
        let is_next = code & !FLAG_REF == SHORT_TUPLE && usize::from(short) == count;
        if !is_next || self.replaying != 0 {
            return false;
        }
        if code & FLAG_REF != 0 {
            self.numbered.push(self.input.at);
        }
        self.input.at += 2;
        true
    }

    /// Reads two ints and two floats.
    ///
    /// # Errors
    /// Anything else is there.
    #[inline]
    pub fn figures(&mut self) -> Result<([i128; 2], [f64; 2]), ReadError> {
        // Three quarters of a profile look like this.
        if let Some((ints, floats)) = self.figures_ahead() {
            if let [Some(first), Some(second)] = ints.map(|int| self.short_int(int)) {
                let again = ints.iter().filter(|[code, ..]| *code == REF).count();
                if again > 0 {
                    self.input.expand(self.input.at, again * OBJECT_SIZE)?;
                }
                self.input.at += FIGURES;
                return Ok(([first.into(), second.into()], floats));
            }
        }
        let ints = [self.int()?, self.int()?];
        Ok((ints, [self.float()?, self.float()?]))
    }

    /// Returns the next objects, if they are two ints, or references, and two floats without
    /// numbers.
    #[inline]
    fn figures_ahead(&self) -> Option<([[u8; 5]; 2], [f64; 2])> {
        let bytes: &[u8; FIGURES] = self.input.rest().first_chunk()?;
        let (&first, rest) = bytes.split_first_chunk()?;
        let (&second, rest) = rest.split_first_chunk()?;
        let ints: [[u8; 5]; 2] = [first, second];
        let (&[first_code, ref first @ ..], rest) = rest.split_first_chunk::<9>()?;
        let &[second_code, ref second @ ..] = rest.first_chunk::<9>()?;
        let are_ints = ints.iter().all(|[code, ..]| matches!(*code, INT | REF));
        let fits = are_ints && [first_code, second_code] == [FLOAT; 2] && self.replaying == 0;
        fits.then_some((
            ints,
            [first, second].map(|&bytes| f64::from_le_bytes(bytes)),
        ))
    }

    /// Returns the int in these bytes, or the one that the reference in them leads to, if it is
    /// short.
    #[inline]
    fn short_int(&self, [code, value @ ..]: [u8; 5]) -> Option<i32> {
        if code != REF {
            return Some(i32::from_le_bytes(value));
        }
        let start = *self.numbered.get(u32::from_le_bytes(value) as usize)?;
        let &[code, value @ ..] = self.input.from(start).first_chunk::<5>()?;
        (code & !FLAG_REF == INT).then(|| i32::from_le_bytes(value))
    }

    /// Steps over a reference, if [`number_ahead`](Self::number_ahead) has found one.
    #[inline]
    pub fn skip_reference(&mut self) {
        self.input.at += 5;
    }

    /// Steps over a reference to `text`, which was read before.
    ///
    /// # Errors
    /// Those of reading it again.
    #[inline]
    pub fn skip_text_again(&mut self, text: &[u8]) -> Result<(), ReadError> {
        self.skip_reference();
        self.input.expand(self.input.at, text.len() + OBJECT_SIZE)
    }

    /// Number of bytes that are still to be read.
    pub fn len_ahead(&self) -> usize {
        self.input.rest().len()
    }

    /// Steps over the end of a dict, if that is next.
    pub fn end_of_dict(&mut self) -> bool {
        let ends = self.input.rest().first() == Some(&END_OF_DICT);
        self.input.at += usize::from(ends);
        ends
    }

    /// Steps over an object of any kind.
    ///
    /// # Errors
    /// Input that is no marshal, or nested deeper than Python reads.
    pub fn skip(&mut self) -> Result<(), ReadError> {
        // Items left in each open container; a dict has no count.
        let mut open: Vec<Option<usize>> = Vec::new();
        let mut left = Some(1);
        loop {
            match &mut left {
                Some(0) => {}
                Some(count @ 4..) if self.figures_ahead().is_some() => {
                    *count -= 4;
                    self.input.at += FIGURES;
                    continue;
                }
                None if self.end_of_dict() => {}
                count => {
                    if let Some(count) = count {
                        *count -= 1;
                    }
                    if self.input.rest().first() == Some(&REF) {
                        self.input.at += 1;
                        self.u32()?;
                        continue;
                    }
                    let contents = match self.begin()? {
                        Value::Tuple(count) | Value::List(count) => Some(count),
                        Value::Dict => None,
                        _ => continue,
                    };
                    if open.len() == MAX_DEPTH {
                        return Err(ReadError::invalid(self.input.at, "nested too deeply"));
                    }
                    open.push(std::mem::replace(&mut left, contents));
                    continue;
                }
            }
            match open.pop() {
                Some(outer) => left = outer,
                None => return Ok(()),
            }
        }
    }

    /// Reads an int through a reference, if one to a short int comes next. Python writes all
    /// repeated ints up to 256 in this way.
    fn int_again(&mut self) -> Option<Result<i128, ReadError>> {
        let &reference @ [REF, ..] = self.input.rest().first_chunk::<5>()? else {
            return None;
        };
        let value = self.short_int(reference)?.into();
        let start = self.input.at;
        self.input.at += 5;
        Some(self.input.expand(start, OBJECT_SIZE).map(|()| value))
    }

    /// Reads a string through a reference, if one to a string comes next. The string was checked
    /// when it was numbered.
    #[inline]
    fn text_again(&mut self) -> Option<Result<&'a [u8], ReadError>> {
        let &[REF, number @ ..] = self.input.rest().first_chunk::<5>()? else {
            return None;
        };
        let start = *self.numbered.get(u32::from_le_bytes(number) as usize)?;
        let (&code, rest) = self.input.from(start).split_first()?;
        let text = match code & !FLAG_REF {
            SHORT_ASCII | SHORT_INTERNED_ASCII => {
                let (&len, rest) = rest.split_first()?;
                rest.get(..len.into())?
            }
            ASCII | INTERNED_ASCII | UNICODE | BYTES => {
                let (&len, rest) = rest.split_first_chunk()?;
                rest.get(..u32::from_le_bytes(len) as usize)?
            }
            _ => return None,
        };
        self.input.at += 5;
        let read_again = text.len() + OBJECT_SIZE;
        Some(self.input.expand(start, read_again).map(|()| text))
    }

    /// Takes what follows `code`, if that comes next and is not numbered.
    #[inline]
    fn plain<const N: usize>(&mut self, code: u8) -> Option<[u8; N]> {
        let (&first, rest) = self.input.rest().split_first()?;
        if first != code || self.replaying != 0 {
            return None;
        }
        let &bytes = rest.first_chunk()?;
        self.input.at += 1 + N;
        Some(bytes)
    }

    /// Reads the beginning of an object that is no reference.
    fn begin(&mut self) -> Result<Value<'a>, ReadError> {
        let start = self.input.at;
        let [code] = self.input.array()?;
        if code & FLAG_REF != 0 && self.replaying == 0 {
            self.numbered.push(start);
        }
        let value = match code & !FLAG_REF {
            NONE => Value::None,
            FALSE => Value::Int(0),
            TRUE => Value::Int(1),
            INT => Value::Int(i32::from_le_bytes(self.input.array()?).into()),
            INT64 => Value::Int(i64::from_le_bytes(self.input.array()?).into()),
            LONG => Value::Int(self.long(start)?),
            FLOAT => Value::Float(f64::from_le_bytes(self.input.array()?)),
            TEXT_FLOAT => Value::Float(self.text_float(start)?),
            BYTES => Value::String(self.sized()?),
            UNICODE => Value::String(checked(self.sized()?, start, encodes_a_str)?),
            INTERNED => {
                let text = self.sized()?;
                if self.replaying == 0 {
                    self.interned.push(text);
                }
                Value::String(text)
            }
            INTERNED_REF => {
                let number = self.u32()? as usize;
                let text = self.interned.get(number);
                let text = text.ok_or_else(|| ReadError::invalid(start, "a reference to nothing"));
                let text: &[u8] = text?;
                self.input.expand(start, text.len() + OBJECT_SIZE)?;
                Value::String(text)
            }
            ASCII | INTERNED_ASCII => {
                Value::String(checked(self.sized()?, start, <[u8]>::is_ascii)?)
            }
            SHORT_ASCII | SHORT_INTERNED_ASCII => {
                let [len] = self.input.array()?;
                let text = self.input.take(len.into())?;
                Value::String(checked(text, start, <[u8]>::is_ascii)?)
            }
            TUPLE => Value::Tuple(self.count()?),
            SHORT_TUPLE => {
                let [count] = self.input.array()?;
                Value::Tuple(self.at_least(count.into())?)
            }
            LIST => Value::List(self.count()?),
            DICT => Value::Dict,
            _ => return Err(ReadError::new(start, Reason::UnknownCode(code, ""))),
        };
        if self.replaying != 0 {
            let bytes = match value {
                Value::String(text) => text.len(),
                _ => 0,
            };
            self.input.expand(start, bytes + OBJECT_SIZE)?;
        }
        Ok(value)
    }

    fn u32(&mut self) -> Result<u32, ReadError> {
        Ok(u32::from_le_bytes(self.input.array()?))
    }

    fn sized(&mut self) -> Result<&'a [u8], ReadError> {
        let len = self.u32()?;
        self.input.take(len as usize)
    }

    fn count(&mut self) -> Result<usize, ReadError> {
        let count = self.u32()?;
        self.at_least(count as usize)
    }

    /// Refuses a count that is larger than the rest, because every object takes at least one byte.
    fn at_least(&self, count: usize) -> Result<usize, ReadError> {
        if count > self.input.rest().len() {
            return Err(self.input.truncated());
        }
        Ok(count)
    }

    fn long(&mut self, start: usize) -> Result<i128, ReadError> {
        let count = i32::from_le_bytes(self.input.array()?);
        let bytes = self
            .input
            .take((count.unsigned_abs() as usize).saturating_mul(2))?;
        let mut value: i128 = 0;
        for digit in bytes.rchunks_exact(2) {
            let digit = digit
                .iter()
                .rfold(0, |sum, &byte| sum << 8 | i128::from(byte));
            if digit > 0x7fff {
                return Err(ReadError::invalid(start, "an int with a wrong digit"));
            }
            value = value
                .checked_mul(0x8000)
                .and_then(|value| value.checked_add(digit))
                .ok_or_else(|| ReadError::invalid(start, "an int beyond 2^127"))?;
        }
        Ok(if count < 0 { -value } else { value })
    }

    fn text_float(&mut self, start: usize) -> Result<f64, ReadError> {
        let [len] = self.input.array()?;
        let text = self.input.take(len.into())?;
        std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| ReadError::invalid(start, "a float that is no number"))
    }
}

/// Size of two ints, or references, and two floats, bytes.
const FIGURES: usize = 28;

/// CPython's `MAX_MARSHAL_STACK_DEPTH` is 2000 or less.
const MAX_DEPTH: usize = 2000;

/// Factor by which references may unfold. In real files, a reference of 5 bytes may stand for the
/// name of a source file, some hundred bytes. But there is only one for each function, which takes
/// 60 bytes or more.
const EXPANSION: usize = 32;

/// Memory that an object which is read again may take, bytes.
const OBJECT_SIZE: usize = 64;

/// Returns `text`, a str that begins at `start`, if it is `valid`.
fn checked(text: &[u8], start: usize, valid: fn(&[u8]) -> bool) -> Result<&[u8], ReadError> {
    if valid(text) {
        Ok(text)
    } else {
        Err(ReadError::invalid(start, "a str that is not UTF-8"))
    }
}
