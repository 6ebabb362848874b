//! Analysis of call histories: single calls, in their order.
//!
//! [`replay`] turns the events of a thread into calls that begin and end. All code that shows a
//! timeline is a visitor of it. [`axis`] puts all processes of a run on one axis of time.
//! [`window`] makes call trees of a part of it. [`calls`] finds the single calls of a function and
//! their [`durations`], and [`call_tree`] what one of them did. [`slices`] has the calls of a part
//! of the axis in the order of time, and [`lanes`] all of a thread in ticks. [`fit`] finds how long
//! calls must be for a file of a certain size. [`missing`] names the parts of a run that its
//! history lacks.

pub mod axis;
pub mod call_tree;
pub mod calls;
mod chunks;
pub mod durations;
pub mod fit;
mod found;
mod kept;
pub mod lanes;
pub mod missing;
pub mod replay;
mod search;
pub mod single;
pub mod slices;
mod steps;
pub mod window;
