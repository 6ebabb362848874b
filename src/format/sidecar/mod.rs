//! The `.singledispatch` sidecar: which caller reached which implementation
//! through which generic function, how often.
//!
//! A pickle of `{generic: {caller: {implementation: count}}}`, each function a
//! triple `(file, line, name)`, as `edb.tools.profiling` writes it. The
//! opcodes that occur, arguments little-endian (source: Python's
//! `Lib/pickletools.py`):
//!
//! | byte | opcode | argument | effect |
//! |---|---|---|---|
//! | `80` | PROTO | u8 | none |
//! | `95` | FRAME | u64 | none |
//! | `}` | EMPTY_DICT | | push a dict |
//! | `(` | MARK | | push a mark |
//! | `X` | BINUNICODE | u32 length, bytes | push a str |
//! | `8c` | SHORT_BINUNICODE | u8 length, bytes | push a str |
//! | `B` | BINBYTES | u32 length, bytes | push a bytes object, for names that are no str |
//! | `K` `M` `J` | BININT1, BININT2, BININT | u8, u16, i32 | push an int |
//! | `8a` | LONG1 | u8 length, two's complement | push an int |
//! | `87` | TUPLE3 | | three values become a tuple |
//! | `94` | MEMOIZE | | note the top value |
//! | `h` `j` | BINGET, LONG_BINGET | u8, u32 | push a noted value |
//! | `s` `u` | SETITEM, SETITEMS | | put a pair, or all pairs since the mark, into the dict below |
//! | `.` | STOP | | the value is complete |

mod writer;

use std::collections::BTreeMap;

use super::trees::Label;

pub use writer::encode;

/// `{generic: {caller: {implementation: calls}}}`.
pub type Sidecar = BTreeMap<Label, BTreeMap<Label, BTreeMap<Label, u64>>>;

const PROTO: u8 = 0x80;
const EMPTY_DICT: u8 = b'}';
const MARK: u8 = b'(';
const BINUNICODE: u8 = b'X';
const SHORT_BINUNICODE: u8 = 0x8c;
const BINBYTES: u8 = b'B';
const BININT: u8 = b'J';
const LONG1: u8 = 0x8a;
const TUPLE3: u8 = 0x87;
const MEMOIZE: u8 = 0x94;
const LONG_BINGET: u8 = b'j';
const SETITEMS: u8 = b'u';
const STOP: u8 = b'.';
