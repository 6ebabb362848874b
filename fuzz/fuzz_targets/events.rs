#![no_main]

#[path = "../events.rs"]
mod events;
#[path = "../naive.rs"]
mod naive;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| events::events(bytes));
