//! Reads and writes Python's `marshal` format, as far as profiles need it.
//!
//! An object is one type byte and the content that it announces, little-endian. The bit 0x80
//! (`FLAG_REF`) in the type byte gives the object the next number in a table; `r` followed by a
//! number means that object again. Numbers are assigned in the order in which the flagged type
//! bytes appear, to containers before their contents.
//!
//! | byte | meaning | follows |
//! |---|---|---|
//! | `N` `T` `F` | None, True, False | |
//! | `i` | int | i32 |
//! | `I` | int, before 3.4 | i64 |
//! | `l` | int | i32 count of digits, its sign the number's; u16 digits of 15 bits |
//! | `f` | float as text, before 2.5 or by wish | u8 length, ASCII |
//! | `g` | float | f64 |
//! | `s` | bytes | u32 length, bytes |
//! | `u` | str | u32 length, UTF-8 with surrogates let through |
//! | `t` | interned str; Python 2 numbers them for `R` | as `u` |
//! | `a` `A` | ASCII str, interned ASCII str | u32 length, bytes |
//! | `z` `Z` | the same, short | u8 length, bytes |
//! | `(` `[` | tuple, list | u32 count, objects |
//! | `)` | short tuple | u8 count, objects |
//! | `{` | dict | key, value, key, value ... `0` |
//! | `r` | object of that number again | u32 |
//! | `R` | interned str of that number again, Python 2 | u32 |
//!
//! Source: CPython's `Python/marshal.c`, versions 0 to 6 of the format (by default 2.5
//! to 3.3 write version 2, 3.4 to 3.13 version 4, 3.14 version 5, 3.15 version 6; what 5
//! and 6 add, slices and frozendicts, is in no profile).

mod reader;
mod writer;

pub use reader::{Reader, Value};
pub use writer::{Ref, Writer};

pub(super) const FLAG_REF: u8 = 0x80;
pub(super) const NONE: u8 = b'N';
pub(super) const TRUE: u8 = b'T';
pub(super) const FALSE: u8 = b'F';
pub(super) const INT: u8 = b'i';
pub(super) const INT64: u8 = b'I';
pub(super) const LONG: u8 = b'l';
pub(super) const TEXT_FLOAT: u8 = b'f';
pub(super) const FLOAT: u8 = b'g';
pub(super) const BYTES: u8 = b's';
pub(super) const UNICODE: u8 = b'u';
pub(super) const INTERNED: u8 = b't';
pub(super) const ASCII: u8 = b'a';
pub(super) const INTERNED_ASCII: u8 = b'A';
pub(super) const SHORT_ASCII: u8 = b'z';
pub(super) const SHORT_INTERNED_ASCII: u8 = b'Z';
pub(super) const TUPLE: u8 = b'(';
pub(super) const SHORT_TUPLE: u8 = b')';
pub(super) const LIST: u8 = b'[';
pub(super) const DICT: u8 = b'{';
pub(super) const END_OF_DICT: u8 = b'0';
pub(super) const REF: u8 = b'r';
pub(super) const INTERNED_REF: u8 = b'R';
