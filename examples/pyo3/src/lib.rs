//! A module of PyO3 with two spans, threads that have them, too, marks, and spans of `tracing`:
//!
//! ```text
//! cargo build --release && cp target/release/libsolver.so solver.so && edbprof run ../use_solver.py
//! ```

use std::thread;

use edbprof_span::{async_span, counter, mark, span};
use pyo3::prelude::*;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

fn step(value: u32) -> u32 {
    span!("step");
    value.wrapping_mul(1664525).wrapping_add(1013904223)
}

fn solve_steps(steps: u32) -> u32 {
    span!("solve");
    (0..steps).fold(1, |value, _| step(value))
}

/// Solves in that many steps.
#[pyfunction]
fn solve(py: Python<'_>, steps: u32) -> u32 {
    py.detach(|| solve_steps(steps))
}

/// Each thread has a call tree of its own, wherever threads are recorded.
#[pyfunction]
fn solve_in_threads(py: Python<'_>, steps: u32, count: usize) -> PyResult<()> {
    py.detach(|| {
        thread::scope(|scope| {
            for number in 0..count {
                thread::Builder::new()
                    .name(format!("solver-{number}"))
                    .spawn_scoped(scope, move || solve_steps(steps))?;
            }
            Ok(())
        })
    })
}

/// Solves with marks, which are on the timeline only.
#[pyfunction]
fn solve_marked(py: Python<'_>, steps: u32) -> u32 {
    mark!("begun");
    // The span ends where it is dropped, in any thread.
    let _request = async_span!("request");
    let value = solve(py, steps);
    counter!("value", value.into());
    value
}

#[tracing::instrument]
fn traced_step(value: u32) -> u32 {
    value.wrapping_mul(1664525).wrapping_add(1013904223)
}

/// Solves with spans of `tracing`, which edbprof's layer records.
#[pyfunction]
#[tracing::instrument]
fn solve_traced(steps: u32) -> u32 {
    (0..steps).fold(1, |value, _| traced_step(value))
}

#[pymodule]
fn solver(module: &Bound<'_, PyModule>) -> PyResult<()> {
    edbprof_span::init();
    // Another subscriber of the process may have been first.
    let _ = tracing_subscriber::registry()
        .with(edbprof_span::Layer::default())
        .try_init();
    module.add_function(wrap_pyfunction!(solve, module)?)?;
    module.add_function(wrap_pyfunction!(solve_in_threads, module)?)?;
    module.add_function(wrap_pyfunction!(solve_marked, module)?)?;
    module.add_function(wrap_pyfunction!(solve_traced, module)?)
}
