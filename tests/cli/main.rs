//! The program `edbprof` from outside: what it reads, writes, says and returns.

#![cfg(feature = "cli")]

mod compensation;
mod formats;
mod inputs;
mod live;
mod outputs;
mod ownership;
mod sandbox;
mod show;
mod talk;
