//! Functions: code objects, builtins and native spans.

use super::Label;

/// Kind of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum FunctionKind {
    /// A Python code object.
    Python = 0,
    /// A function of the interpreter or of an extension, written in C.
    Builtin = 1,
    /// A span that native code entered by itself.
    Native = 2,
}

/// Flag of [`Function::flags`]: a wrapper that `functools.singledispatch` or
/// `singledispatchmethod` made; calls pass through it to an implementation.
pub const GENERIC_WRAPPER: u32 = 1;
/// Flag of [`Function::flags`]: the `dispatch` function beside such a wrapper.
pub const GENERIC_DISPATCH: u32 = 2;
/// Flag of [`Function::flags`], in recorders' files alone: the first recorded call was made by
/// loading an attribute, without a call instruction.
pub const PROPERTY: u32 = 32;
/// Bits of [`Function::flags`], in recorders' files alone: the function's
/// [slowness](Function::slowness).
pub const SLOWNESS: u32 = 0xFF00;
/// Lowest bit of [`SLOWNESS`].
pub const SLOWNESS_STEP: u32 = 0x100;
/// Number of steps of a slowness of 1.
pub const SLOWNESS_ONE: u32 = 64;

/// One code object, builtin or native span.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// Its kind.
    pub kind: FunctionKind,
    /// [`GENERIC_WRAPPER`] and the like; unknown bits are kept.
    pub flags: u32,
    /// Its pstats label.
    pub label: Label,
    /// `co_qualname` where the interpreter has it, else empty.
    pub qualified_name: Box<[u8]>,
    /// The module it was defined in where known, else empty.
    pub module: Box<[u8]>,
    /// Label of the generic function that a [`GENERIC_WRAPPER`] wraps, if `patch_functools()` has
    /// named it.
    pub generic: Option<Label>,
}

impl Function {
    /// Makes a function of which only the pstats label is known, which has the file `~` for those
    /// written in C.
    pub(crate) fn of_label(label: Label) -> Function {
        Function {
            kind: match &*label.file {
                b"~" => FunctionKind::Builtin,
                _ => FunctionKind::Python,
            },
            label,
            ..Function::stand_in("")
        }
    }

    /// Returns true if the function's slowness is known.
    pub(crate) fn has_slowness(&self) -> bool {
        self.flags & SLOWNESS != 0
    }

    /// Returns how much more than others the function's instructions are slowed by an interpreter
    /// that slows them while it is recorded; 1 if unknown.
    pub(crate) fn slowness(&self) -> f64 {
        match (self.flags & SLOWNESS) / SLOWNESS_STEP {
            0 => 1.0,
            steps => f64::from(steps) / f64::from(SLOWNESS_ONE),
        }
    }

    /// Makes a native function without file and line, called `name`, for a place in a table of
    /// functions where there is none.
    pub(crate) fn stand_in(name: &str) -> Function {
        Function {
            kind: FunctionKind::Native,
            flags: 0,
            label: Label {
                file: (*b"~").into(),
                line: 0,
                name: name.as_bytes().into(),
            },
            qualified_name: Box::default(),
            module: Box::default(),
            generic: None,
        }
    }
}
