//! The name of a function as `pstats` shows it.

/// The name that pstats knows a function by, and the key of its rows.
///
/// File and name are bytes: UTF-8 with lone surrogates kept as in Python's `surrogatepass`, so
/// every Python string remains unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// `co_filename`, or `~` for builtins.
    pub file: Box<[u8]>,
    /// `co_firstlineno`, or 0 for builtins.
    pub line: i64,
    /// `co_name`, or `<built-in method builtins.len>` and the like.
    pub name: Box<[u8]>,
}

/// Position of a [`Label`] in the table that interned it.
pub type LabelId = u32;
