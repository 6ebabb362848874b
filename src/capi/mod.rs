//! The C ABI: the only way into the recorder, for the CPython extension and for every other
//! host.
//!
//! `include/edbprof.h` is generated from this module, and `include/edbprof_profiles.h` from
//! `profiles`, which is in a library of its own. The header's introduction, in
//! `cbindgen.toml`, is the contract that all functions share. Types carry their C names.
//!
//! Nothing unwinds into the host, because every function runs under [`entry::guard`]. The
//! exceptions are the steps of most events: `Thread::enter_guessed` and `Thread::leave_top`, with a
//! timeline `Thread::enter_noted` and `Thread::leave_noted`, and the count of a class call. They
//! touch only nodes that exist and words that have room, so they can't panic. An event that needs
//! more (a new node, a block, a lock, a file) continues in a function of its own, under `guard`.

#![allow(
    non_camel_case_types,
    reason = "types carry the names that C sees, so the header needs no renaming"
)]

mod calibration;
mod choice;
mod coroutine;
mod counts;
mod encode;
mod entry;
mod environment;
mod event;
mod fiber;
mod function;
mod host_struct;
mod mark;
/// cbindgen:ignore
#[cfg(feature = "profiles")]
pub mod profiles;
mod recording;
mod save;
mod span;
mod status;
mod text;
mod timeline;

#[cfg(test)]
mod tests;

pub use calibration::*;
pub use choice::*;
pub use coroutine::*;
pub use counts::*;
pub use encode::*;
pub use environment::*;
pub use event::*;
pub use fiber::*;
pub use function::*;
pub use mark::*;
pub use recording::*;
pub use save::*;
pub use span::*;
pub use status::*;
pub use text::*;
pub use timeline::*;

/// Major version of this ABI. It grows when a host that was compiled with an earlier header
/// can no longer use the library.
pub const EDBPROF_ABI_MAJOR: u32 = 3;
/// Minor version of this ABI. It grows when functions, constants or fields are added, and
/// starts again at 0 with each major version.
pub const EDBPROF_ABI_MINOR: u32 = 1;
/// Version of this ABI in one number: the major version in the upper 16 bits, the minor one
/// in the lower 16.
pub const EDBPROF_ABI_VERSION: u32 = EDBPROF_ABI_MAJOR << 16 | EDBPROF_ABI_MINOR;

/// Returns the `EDBPROF_ABI_VERSION` of the library. A host calls no other function unless
/// `EDBPROF_ABI_IS_COMPATIBLE(edbprof_abi_version())`. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn edbprof_abi_version() -> u32 {
    EDBPROF_ABI_VERSION
}

/// Returns the version of the project for people to read, such as "0.1.0". The string lives
/// as long as the program. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn edbprof_version() -> edbprof_str {
    edbprof_str::from(env!("CARGO_PKG_VERSION").as_bytes())
}
