//! The live file: what it holds of a process that was killed at any moment, of one
//! that goes on, and when a file is broken.

#![cfg(target_os = "linux")]

mod clocks;
mod counters;
mod exits;
mod failures;
mod forked;
mod growing;
mod hostile;
mod killed;
mod lifetime;
mod memory;
mod model;
mod overflow;
mod recorder;
mod refused;
mod timeline;

/// Runs the ignored test `name` in a process of its own.
fn in_a_process_of_its_own(name: &str) {
    in_a_process_of_its_own_with(&[], name);
}

/// The same with these variables in its environment.
fn in_a_process_of_its_own_with(variables: &[(&str, &str)], name: &str) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .envs(variables.iter().copied())
        .args(["--exact", "--ignored", "--test-threads=1", name])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{text}", output.status);
    assert!(text.contains("1 passed"), "{text}");
}
