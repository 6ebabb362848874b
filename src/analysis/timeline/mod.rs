//! What a call history tells: single calls, in their order.
//!
//! [`replay`] turns the events of a thread into calls that begin and end. All that shows a
//! timeline is a visitor of it.

pub mod replay;
