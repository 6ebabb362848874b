//! The table equals what Python's pstats printed for the same profiles
//! (`tests/golden/make_pstats_text.py` asked it).

use std::path::Path;

use edbprof::format::prof::{PlainInputs, ProfFile, read};
use edbprof::report::pstats_text::print_stats;

#[track_caller]
fn compare(name: &str) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pstats_text");
    let profile = std::fs::read(golden.join(format!("{name}.marshal"))).unwrap();
    let Ok(ProfFile::Plain(PlainInputs { rows, .. })) = read(&profile) else {
        panic!("{name} can't be read")
    };
    let expected = std::fs::read_to_string(golden.join(format!("{name}.txt"))).unwrap();
    let mut orders = 0;
    for section in expected.split("=== ").skip(1) {
        let (order, text) = section.split_once('\n').unwrap();
        let mut printed = Vec::new();
        print_stats(&mut printed, &rows, &order.parse().unwrap()).unwrap();
        let printed = String::from_utf8(printed).unwrap();
        assert!(
            printed == text,
            "{name} by '{order}':\n{printed}\nPython:\n{text}"
        );
        orders += 1;
    }
    assert!(orders > 10);
}

#[test]
fn no_functions() {
    compare("empty");
}

#[test]
fn one_function() {
    compare("one");
}

#[test]
fn every_sort_key_and_ties() {
    compare("realistic");
}

#[test]
fn huge_counts_and_infinite_and_negative_times() {
    compare("extreme");
}

#[test]
fn times_that_are_no_number() {
    compare("not_a_number");
}
