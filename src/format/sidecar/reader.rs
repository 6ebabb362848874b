//! Reads a sidecar, by a pickle machine that knows plain data and nothing else.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    BINBYTES, BINGET, BININT, BININT1, BININT2, BINPUT, BINSTRING, BINUNICODE, BINUNICODE8,
    EMPTY_DICT, FRAME, LONG_BINGET, LONG_BINPUT, LONG1, MARK, MEMOIZE, PROTO, SETITEM, SETITEMS,
    SHORT_BINBYTES, SHORT_BINSTRING, SHORT_BINUNICODE, STOP, TUPLE, TUPLE3,
};
use crate::format::input::Input;
use crate::format::read_error::{ReadError, Reason};
use crate::model::{DispatchCounts, Label};

/// Reads a sidecar that `pickle.dump` or [`encode`](super::encode) wrote.
///
/// # Errors
/// An opcode that is not plain data, by its name; any other shape.
pub fn decode(bytes: &[u8]) -> Result<DispatchCounts, ReadError> {
    let mut machine = Machine {
        input: Input::new(bytes, 0, EXPANSION),
        opcode_at: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
        strings: Vec::new(),
        dicts: Vec::new(),
        labels: Vec::new(),
    };
    while machine.step()? {}
    let top = machine.pop()?;
    machine.map(top, |machine, callers| {
        machine.map(callers, |machine, implementations| {
            machine.map(implementations, Machine::calls)
        })
    })
}

/// Factor by which notes may unfold. Real files take at least nine bytes for a caller, with a noted
/// dict of its own, and 24 for a function. The path of its file is stored once and may be long.
const EXPANSION: usize = 24;
/// Memory that a dict takes before it is a map.
const DICT_SIZE: usize = 80;
/// Memory that a noted value takes.
const NOTE_SIZE: usize = 32;

/// Takes two words, because a pickle has many values for its size.
#[derive(Clone, Copy)]
enum Value {
    /// Index into the strings.
    String(usize),
    Natural(u64),
    Negative(i64),
    /// Index into the labels.
    Label(usize),
    /// Index into the dicts, which can be filled after they are pushed.
    Dict(usize),
}

struct Machine<'a> {
    input: Input<'a>,
    /// Offset of the opcode that is being executed, for errors.
    opcode_at: usize,
    stack: Vec<Value>,
    marks: Vec<usize>,
    /// Noted values by their numbers, which pickles count up.
    memo: Vec<Option<Value>>,
    strings: Vec<&'a [u8]>,
    /// `None` for a dict that was converted to a map.
    dicts: Vec<Option<Vec<(Value, Value)>>>,
    labels: Vec<Arc<Label>>,
}

impl<'a> Machine<'a> {
    /// Executes one opcode. Returns false at the end.
    fn step(&mut self) -> Result<bool, ReadError> {
        self.opcode_at = self.input.at;
        let [opcode] = self.input.array()?;
        match opcode {
            PROTO => {
                self.input.take(1)?;
            }
            FRAME => {
                self.input.take(8)?;
            }
            EMPTY_DICT => {
                self.input.expand(self.opcode_at, DICT_SIZE)?;
                self.stack.push(Value::Dict(self.dicts.len()));
                self.dicts.push(Some(Vec::new()));
            }
            MARK => self.marks.push(self.stack.len()),
            SHORT_BINUNICODE | SHORT_BINBYTES | SHORT_BINSTRING => {
                let [len] = self.input.array()?;
                self.string(len.into())?;
            }
            BINUNICODE | BINBYTES | BINSTRING => {
                let len = u32::from_le_bytes(self.input.array()?);
                self.string(len.into())?;
            }
            BINUNICODE8 => {
                let len = u64::from_le_bytes(self.input.array()?);
                self.string(len)?;
            }
            BININT1 => {
                let [value] = self.input.array()?;
                self.stack.push(Value::Natural(value.into()));
            }
            BININT2 => {
                let value = u16::from_le_bytes(self.input.array()?);
                self.stack.push(Value::Natural(value.into()));
            }
            BININT => {
                let value = i32::from_le_bytes(self.input.array()?);
                self.int(value.into())?;
            }
            LONG1 => self.long()?,
            TUPLE3 => {
                let name = self.pop()?;
                let line = self.pop()?;
                let file = self.pop()?;
                self.label(file, line, name)?;
            }
            TUPLE => {
                let [file, line, name] = *self.since_mark()? else {
                    return Err(self.invalid("a tuple that is no function"));
                };
                self.label(file, line, name)?;
            }
            MEMOIZE => self.memoize(self.memo.len())?,
            BINPUT => {
                let [number] = self.input.array()?;
                self.memoize(number.into())?;
            }
            LONG_BINPUT => {
                let number = u32::from_le_bytes(self.input.array()?);
                self.memoize(number as usize)?;
            }
            BINGET => {
                let [number] = self.input.array()?;
                self.recall(number.into())?;
            }
            LONG_BINGET => {
                let number = u32::from_le_bytes(self.input.array()?);
                self.recall(number as usize)?;
            }
            SETITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.fill(&[key, value])?;
            }
            SETITEMS => {
                let items = self.since_mark()?;
                self.fill(&items)?;
            }
            STOP => return Ok(false),
            _ => {
                let reason = Reason::UnknownCode(opcode, name_of(opcode));
                return Err(ReadError::new(self.opcode_at, reason));
            }
        }
        Ok(true)
    }

    fn string(&mut self, len: u64) -> Result<(), ReadError> {
        let text = self
            .input
            .take(usize::try_from(len).unwrap_or(usize::MAX))?;
        self.stack.push(Value::String(self.strings.len()));
        self.strings.push(text);
        Ok(())
    }

    fn int(&mut self, value: i128) -> Result<(), ReadError> {
        self.stack.push(match u64::try_from(value) {
            Ok(natural) => Value::Natural(natural),
            Err(_) => Value::Negative(
                i64::try_from(value).map_err(|_| self.invalid("an int beyond 64 bits"))?,
            ),
        });
        Ok(())
    }

    fn long(&mut self) -> Result<(), ReadError> {
        let [len] = self.input.array()?;
        let bytes = self.input.take(len.into())?;
        if bytes.len() > 16 {
            return Err(self.invalid("an int beyond 64 bits"));
        }
        let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
        let start = if negative { -1 } else { 0 };
        let value = bytes
            .iter()
            .rfold(start, |sum: i128, &byte| sum << 8 | i128::from(byte));
        self.int(value)
    }

    fn label(&mut self, file: Value, line: Value, name: Value) -> Result<(), ReadError> {
        let line = match line {
            Value::Natural(line) => {
                i64::try_from(line).map_err(|_| self.invalid("a line number beyond 2^63"))?
            }
            Value::Negative(line) => line,
            _ => return Err(self.invalid("a tuple that is no function")),
        };
        let [file, name] = [file, name].map(|text| match text {
            Value::String(index) => self.strings.get(index).copied(),
            _ => None,
        });
        let (Some(file), Some(name)) = (file, name) else {
            return Err(self.invalid("a tuple that is no function"));
        };
        self.input
            .expand(self.opcode_at, file.len() + name.len() + 1)?;
        self.stack.push(Value::Label(self.labels.len()));
        self.labels.push(Arc::new(Label {
            file: file.into(),
            line,
            name: name.into(),
        }));
        Ok(())
    }

    fn memoize(&mut self, number: usize) -> Result<(), ReadError> {
        let new = number.saturating_add(1).saturating_sub(self.memo.len());
        self.input
            .expand(self.opcode_at, new.saturating_mul(NOTE_SIZE))?;
        let top = self.pop()?;
        self.stack.push(top);
        self.memo.resize(self.memo.len() + new, None);
        if let Some(note) = self.memo.get_mut(number) {
            *note = Some(top);
        }
        Ok(())
    }

    fn recall(&mut self, number: usize) -> Result<(), ReadError> {
        let noted = self.memo.get(number).copied().flatten();
        self.stack
            .push(noted.ok_or_else(|| self.invalid("a reference to nothing"))?);
        Ok(())
    }

    fn pop(&mut self) -> Result<Value, ReadError> {
        let bottom = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(value) if self.stack.len() >= bottom => Ok(value),
            _ => Err(self.invalid("a pickle that misses a value")),
        }
    }

    fn since_mark(&mut self) -> Result<Box<[Value]>, ReadError> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => Ok(self.stack.drain(mark..).collect()),
            _ => Err(self.invalid("a pickle that misses a mark")),
        }
    }

    /// Puts keys and values, in turn, into the dict on top of the stack.
    fn fill(&mut self, items: &[Value]) -> Result<(), ReadError> {
        if items.len() % 2 != 0 {
            return Err(self.invalid("a key without a value"));
        }
        let Some(&Value::Dict(dict)) = self.stack.last() else {
            return Err(self.invalid("entries of what is no dict"));
        };
        if let Some(Some(dict)) = self.dicts.get_mut(dict) {
            if dict.is_empty() {
                // Most dicts are filled at once, and small.
                dict.reserve_exact(items.len() / 2);
            }
            let keys = items.iter().copied().step_by(2);
            let values = items.iter().copied().skip(1).step_by(2);
            dict.extend(keys.zip(values));
        }
        Ok(())
    }

    /// Converts the dict `value` to a map, and its values by `convert`. `convert` limits the depth
    /// of nesting, and the size of the file the width, because a dict can be in one place only.
    fn map<T>(
        &mut self,
        value: Value,
        mut convert: impl FnMut(&mut Self, Value) -> Result<T, ReadError>,
    ) -> Result<BTreeMap<Arc<Label>, T>, ReadError> {
        let Value::Dict(dict) = value else {
            return Err(self.invalid("no dict where there should be one"));
        };
        let items = self.dicts.get_mut(dict).and_then(Option::take);
        let items = items.ok_or_else(|| self.invalid("a dict that is in two places"))?;
        let mut map = BTreeMap::new();
        for (key, value) in items {
            let label = match key {
                Value::Label(label) => self.labels.get(label).cloned(),
                _ => None,
            };
            let label = label.ok_or_else(|| self.invalid("a key that is no function"))?;
            map.insert(label, convert(self, value)?);
        }
        Ok(map)
    }

    fn calls(&mut self, value: Value) -> Result<u64, ReadError> {
        match value {
            Value::Natural(calls) => Ok(calls),
            _ => Err(self.invalid("a count that is no number")),
        }
    }

    fn invalid(&self, what: &'static str) -> ReadError {
        ReadError::invalid(self.opcode_at, what)
    }
}

/// Names, from `pickletools`, of the opcodes that a hostile or foreign pickle is
/// likely to begin with.
fn name_of(opcode: u8) -> &'static str {
    match opcode {
        b'c' => "GLOBAL",
        0x93 => "STACK_GLOBAL",
        b'R' => "REDUCE",
        b'b' => "BUILD",
        b'i' => "INST",
        b'o' => "OBJ",
        0x81 => "NEWOBJ",
        0x92 => "NEWOBJ_EX",
        b'P' | b'Q' => "PERSID",
        0x82..=0x84 => "EXT",
        b']' | b'l' => "LIST",
        b'd' => "DICT",
        b'V' => "UNICODE",
        b'I' => "INT",
        b'N' => "NONE",
        _ => "",
    }
}
