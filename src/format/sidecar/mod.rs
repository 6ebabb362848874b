//! The `.singledispatch` sidecar: how often each caller reached each implementation through each
//! generic function.
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
//! | `X` `8c` `8d` | BINUNICODE, SHORT_BINUNICODE, BINUNICODE8 | u32, u8, u64 length, bytes | push a str |
//! | `B` `C` | BINBYTES, SHORT_BINBYTES | u32, u8 length, bytes | push bytes: names that are no str |
//! | `T` `U` | BINSTRING, SHORT_BINSTRING | u32, u8 length, bytes | push a str of Python 2 |
//! | `K` `M` `J` | BININT1, BININT2, BININT | u8, u16, i32 | push an int |
//! | `8a` | LONG1 | u8 length, two's complement | push an int |
//! | `87` | TUPLE3 | | three values become a tuple |
//! | `t` | TUPLE | | the values since the mark become a tuple |
//! | `94` | MEMOIZE | | note the top value under the next number |
//! | `q` `r` | BINPUT, LONG_BINPUT | u8, u32 | note the top value under that number |
//! | `h` `j` | BINGET, LONG_BINGET | u8, u32 | push a noted value |
//! | `s` `u` | SETITEM, SETITEMS | | put a pair, or all pairs since the mark, into the dict below |
//! | `.` | STOP | | the value is complete |
//!
//! These are all that `pickle.dump` of such a value makes in protocols 2 to 5. Any other opcode is
//! an error, so nothing in a sidecar is ever executed.

mod reader;
mod writer;

pub use reader::decode;
pub use writer::encode;

const PROTO: u8 = 0x80;
const FRAME: u8 = 0x95;
const EMPTY_DICT: u8 = b'}';
const MARK: u8 = b'(';
const BINUNICODE: u8 = b'X';
const SHORT_BINUNICODE: u8 = 0x8c;
const BINUNICODE8: u8 = 0x8d;
const BINBYTES: u8 = b'B';
const SHORT_BINBYTES: u8 = b'C';
const BINSTRING: u8 = b'T';
const SHORT_BINSTRING: u8 = b'U';
const BININT: u8 = b'J';
const BININT1: u8 = b'K';
const BININT2: u8 = b'M';
const LONG1: u8 = 0x8a;
const TUPLE: u8 = b't';
const TUPLE3: u8 = 0x87;
const MEMOIZE: u8 = 0x94;
const BINPUT: u8 = b'q';
const LONG_BINPUT: u8 = b'r';
const BINGET: u8 = b'h';
const LONG_BINGET: u8 = b'j';
const SETITEM: u8 = b's';
const SETITEMS: u8 = b'u';
const STOP: u8 = b'.';
