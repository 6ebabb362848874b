//! A host's description of a function.

use std::mem::offset_of;

use super::edbprof_str;
use super::host_struct::HostStruct;
use crate::model::{
    Function, FunctionKind, GENERIC_DISPATCH, GENERIC_WRAPPER, Label, PROPERTY, SLOWNESS,
    SLOWNESS_ONE, SLOWNESS_STEP,
};
use crate::recorder::FunctionEntry;

/// `edbprof_function.kind`: a Python code object.
pub const EDBPROF_PYTHON: u32 = 0;
/// `edbprof_function.kind`: a function of the interpreter or an extension.
pub const EDBPROF_BUILTIN: u32 = 1;
/// `edbprof_function.kind`: native code that enters and leaves by itself.
pub const EDBPROF_NATIVE: u32 = 2;

/// `edbprof_function.flags`: a wrapper made by `functools.singledispatch` or
/// `functools.singledispatchmethod`.
pub const EDBPROF_GENERIC_WRAPPER: u32 = 1;
/// `edbprof_function.flags`: the `dispatch` function beside such a wrapper.
pub const EDBPROF_GENERIC_DISPATCH: u32 = 2;
/// `edbprof_function.flags`: called by loading an attribute, like a property, so its calls
/// cost less than others.
pub const EDBPROF_PROPERTY: u32 = 32;
/// `edbprof_function.flags`: bits for the function's slowness, in steps of `EDBPROF_SLOWNESS_STEP`.
/// An interpreter may run all instructions more slowly while it is recorded. The slowness says how
/// much more this function is slowed than others; `EDBPROF_SLOWNESS_ONE` steps are a slowness of 1.
/// 0 means unknown, which counts as 1. See `edbprof_calibration.slowed_ppm`.
pub const EDBPROF_SLOWNESS: u32 = 0xFF00;
/// One step of `EDBPROF_SLOWNESS`.
pub const EDBPROF_SLOWNESS_STEP: u32 = 0x100;
/// Number of steps of a slowness of 1.
pub const EDBPROF_SLOWNESS_ONE: u32 = 64;
/// `edbprof_function.flags`: part of the profiler. Files omit it: its time, and the calls
/// that it makes, count as those of its caller.
pub const EDBPROF_HIDDEN: u32 = 0x8000_0000;

/// The flags that a host may set.
const FLAGS: u32 = EDBPROF_GENERIC_WRAPPER
    | EDBPROF_GENERIC_DISPATCH
    | EDBPROF_PROPERTY
    | EDBPROF_SLOWNESS
    | EDBPROF_HIDDEN;

const _: () = assert!(EDBPROF_GENERIC_WRAPPER == GENERIC_WRAPPER);
const _: () = assert!(EDBPROF_GENERIC_DISPATCH == GENERIC_DISPATCH);
const _: () = assert!(EDBPROF_PROPERTY == PROPERTY);
const _: () = assert!(EDBPROF_SLOWNESS == SLOWNESS);
const _: () = assert!(EDBPROF_SLOWNESS_STEP == SLOWNESS_STEP);
const _: () = assert!(EDBPROF_SLOWNESS_ONE == SLOWNESS_ONE);

/// Description of a function, for people to read. Fields that are zero are unknown.
///
/// A native span is a constant of this type with static storage, made by `EDBPROF_SPAN`.
/// Its address is its key.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct edbprof_function {
    /// `sizeof(edbprof_function)`.
    pub struct_size: usize,
    /// `EDBPROF_PYTHON`, `EDBPROF_BUILTIN` or `EDBPROF_NATIVE`.
    pub kind: u32,
    /// Any of `EDBPROF_GENERIC_WRAPPER`, `EDBPROF_GENERIC_DISPATCH`, `EDBPROF_PROPERTY`,
    /// `EDBPROF_HIDDEN` and a slowness, or 0.
    pub flags: u32,
    /// File that defines it; pstats writes `~` for builtins.
    pub file: edbprof_str,
    /// First line, or 0.
    pub line: i64,
    /// Name.
    pub name: edbprof_str,
    /// Name with the names of the classes and functions around it.
    pub qualified_name: edbprof_str,
    /// Module.
    pub module: edbprof_str,
    /// Name of the generic function, for an `EDBPROF_GENERIC_WRAPPER` that serves that
    /// function alone; otherwise empty.
    pub generic_name: edbprof_str,
    /// File of the generic function.
    pub generic_file: edbprof_str,
    /// First line of the generic function.
    pub generic_line: i64,
}

// SAFETY: the strings that it points to are constant for as long as it is in use. It is `Sync` so
// that a span can be in static storage.
unsafe impl Sync for edbprof_function {}

// SAFETY: `repr(C)` with the size first; zeros are numbers, and strings without bytes.
unsafe impl HostStruct for edbprof_function {
    const MIN_SIZE: usize = offset_of!(edbprof_function, generic_line) + size_of::<i64>();
}

impl edbprof_function {
    /// Copies it for the function table.
    ///
    /// # Errors
    /// The reason to refuse it; none if there is no memory.
    ///
    /// # Safety
    /// * Each string's `len` bytes can be read at its `data`.
    pub(super) unsafe fn entry(&self) -> Result<FunctionEntry, Option<&'static str>> {
        let function = self;
        let kind = match function.kind {
            EDBPROF_PYTHON => FunctionKind::Python,
            EDBPROF_BUILTIN => FunctionKind::Builtin,
            EDBPROF_NATIVE => FunctionKind::Native,
            _ => return Err(Some("the function's kind is unknown")),
        };
        // The other bits mark nodes without a function, and are the library's own.
        if function.flags & !FLAGS != 0 {
            return Err(Some("a flag of the function is unknown"));
        }
        // A program that has run out of memory may continue, so a failed allocation must not end it
        // here.
        let copy = |text: &edbprof_str| -> Result<Box<[u8]>, Option<&'static str>> {
            // SAFETY: a string of `self`, so its bytes can be read.
            let bytes = unsafe { text.bytes() };
            let mut copied = Vec::new();
            copied.try_reserve_exact(bytes.len()).map_err(|_| None)?;
            copied.extend_from_slice(bytes);
            Ok(copied.into_boxed_slice())
        };
        let generic = Label {
            file: copy(&function.generic_file)?,
            line: function.generic_line,
            name: copy(&function.generic_name)?,
        };
        Ok(FunctionEntry {
            hidden: function.flags & EDBPROF_HIDDEN != 0,
            function: Function {
                kind,
                flags: function.flags & !EDBPROF_HIDDEN,
                label: Label {
                    file: copy(&function.file)?,
                    line: function.line,
                    name: copy(&function.name)?,
                },
                qualified_name: copy(&function.qualified_name)?,
                module: copy(&function.module)?,
                generic: (!generic.name.is_empty()).then_some(generic),
            },
        })
    }
}
