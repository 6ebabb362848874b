//! Files of other tools among the inputs: each is named as what it is, with a way out.

use crate::sandbox::{Sandbox, plain, recording};

/// Heads of files as the tools write them, what they are, and the advice.
const FILES: &[(&[u8], &str, &str)] = &[
    (
        b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x84\x92",
        "gzip file, as pprof's",
        "gunzip",
    ),
    (
        b"\x1f\x8b\x08\x08'6\x0bkB\xffviz.json\0",
        "gzip file",
        "gunzip",
    ),
    (
        b"\x0a\x04\x08\x01\x10\x02\x12\x1c",
        "a pprof profile",
        "go tool pprof",
    ),
    (b"PK\x03\x04\x14\0\0\0", "a ZIP archive", "unzip"),
    (b"\x28\xb5\x2f\xfd\x04\x58", "a Zstandard file", "unzstd"),
    (b"BZh91AY&SY", "a bzip2 file", "bunzip2"),
    (b"\xfd7zXZ\0\0\x04", "an xz file", "unxz"),
    (
        b"\x04\"M\x18@@\xae6\0\0\xfa\x04memray\0\r\0\0\0",
        "a memray recording",
        "memray flamegraph",
    ),
    (b"PERFILE2h\0\0\0", "a recording of perf", "perf report"),
    (b"gmon\x01\0\0\0", "a gmon.out of gprof", ""),
    (
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x04\0>\0",
        "a core dump",
        "",
    ),
    (
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0",
        "an ELF program",
        "",
    ),
    (
        b"\x80\x02cyappi\nYFuncStats\nq\0)",
        "a YSTAT pickle of yappi",
        "type='pstat'",
    ),
    (
        b"\x80\x05\x95{\0\0\0\0\0\0\0\x8c\x1bline_profiler.line_profiler\x94",
        "a pickle of line_profiler",
        "python -m line_profiler",
    ),
    (
        b"\x80\x05\x95b\0\0\0\0\0\0\0\x8c\x0btracemalloc\x94",
        "a snapshot of tracemalloc",
        "",
    ),
    (b"\x80\x04}\x94.", "a pickle", "cProfile -o"),
    (b"MOJ\0\x03", "a recording of austin", ""),
    (b"\xff\xfeh\0e\0l\0l\0o\0", "text in UTF-16", "cProfile -o"),
    (b"\xef\xbb\xbf<!DOCTYPE html>\n<html>", "an HTML page", ""),
    (b"\n  <HTML><head>", "an HTML page", ""),
    (
        b"<svg xmlns=\"http://www.w3.org/2000/svg\">",
        "an SVG picture",
        "",
    ),
    (
        b"<?xml version=\"1.0\"?><!DOCTYPE svg><svg ",
        "an SVG picture",
        "",
    ),
    (
        b"# callgrind format\nversion: 1\n",
        "a callgrind profile",
        "kcachegrind",
    ),
    (
        b"version: 1\ncreator: yappi\npid: 3\n",
        "a callgrind profile",
        "kcachegrind",
    ),
    (
        b"event: ns : Nanoseconds\nevents: ns\nfl=(1) a.py\nfn=(1) f\n3 10\n",
        "a callgrind profile",
        "kcachegrind",
    ),
    (
        b"events: Ticks\nsummary: 12\nfl=a.py\nfn=f\n3 10\n",
        "a callgrind profile",
        "kcachegrind",
    ),
    (
        b"desc: Trigger: Program termination\nevents: Ir\nfn=f\ncfn=g\ncalls=1 2\n3 10\n",
        "a callgrind profile",
        "kcachegrind",
    ),
    (
        b"version: 1\ncreator: xdebug 3.3.1 (PHP 8.2.0)\ncmd: /x.php\n",
        "a cachegrind profile of Xdebug",
        "kcachegrind",
    ),
    (
        b"desc: I1 cache: 32768 B\ncmd: /bin/true\nevents: Ir I1mr\n",
        "a cachegrind profile of Valgrind",
        "cg_annotate",
    ),
    (
        b"desc: --massif-out-file=x\ncmd: x\ntime_unit: i\n#---\nsnapshot=0\n",
        "a massif profile",
        "ms_print",
    ),
    (
        b"\tSat Nov 28 12:00 2026 Time and Allocation Profiling Report  (Final)\n",
        "a .prof report of GHC",
        "",
    ),
    (b"Flat profile:\n\nEach sample", "a table of gprof", ""),
    (b"Timer unit: 1e-09 s\n", "a table of line_profiler", ""),
    (
        b"         2 function calls in 0.000 seconds\n\n   Ordered by: cumulative time\n",
        "a printed table of pstats",
        "cProfile -o",
    ),
    (b"main (w.py:7);leaf (w.py:3) 15\n", "collapsed stacks", ""),
    (
        b"P12;T12;main;leaf 15\nP12;T12;main 3\n",
        "collapsed stacks",
        "",
    ),
    (
        b"{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",",
        "a speedscope profile",
        "speedscope.app",
    ),
    (
        b"{\"start_time\": 1.5,\"duration\": 0.6,\"sample_count\": 3,",
        "a JSON report of pyinstrument",
        "-r pstats",
    ),
    (
        b"{\"start_time\": 1.5, \"sample_count\": 3, \"start_call_stack\": []",
        "a session of pyinstrument",
        "-r pstats",
    ),
    (
        b"{\n    \"alloc_samples\": 0,\n",
        "a JSON report of Scalene",
        "",
    ),
    (
        b"{\"traceEvents\": [{\"ph\": \"M\"",
        "a JSON trace for Chrome",
        "perfetto",
    ),
    (
        b"[{\"args\":{},\"ph\":\"B\",\"pid\":3,\"ts\":4}",
        "a JSON trace for Chrome",
        "perfetto",
    ),
    (b"{\"a\": 1}", "a JSON file", ""),
    (
        b"version https://git-lfs.github.com/spec/v1\n",
        "a pointer of Git LFS",
        "git lfs pull",
    ),
    (b"#!/bin/sh\n", "text, not a profile", "cProfile -o"),
    (&[0; 300], "filled with zeros", ""),
];

#[test]
fn each_is_named_and_the_good_file_counts() {
    let mut sandbox = Sandbox::new().with("edbprof_good.prof", &recording(1, 10));
    for (number, (content, ..)) in FILES.iter().enumerate() {
        sandbox = sandbox.with(&format!("edbprof_{number}.prof"), content);
    }
    let run = sandbox.run(&[]).expect(1);
    assert_eq!(run.stderr.lines().count(), FILES.len(), "{}", run.stderr);
    for (number, (_, name, hint)) in FILES.iter().enumerate() {
        let path = format!("edbprof_{number}.prof: it is ");
        let line = run.stderr.lines().find(|line| line.contains(&path));
        let line = line.unwrap_or_else(|| panic!("{name}: {}", run.stderr));
        assert!(line.contains("can't read "), "{line}");
        assert!(line.contains(name) && line.contains(hint), "{line}");
    }
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11);
}

#[test]
fn a_profile_that_was_transferred_as_text_is_named() {
    // A file with line feeds: ten calls and line 10.
    let (ours, theirs) = (recording(1, 10), plain(0x0a0a_0a0a));
    let converted = |content: &[u8]| {
        let lines: Vec<_> = content.split(|&byte| byte == b'\n').collect();
        assert!(lines.len() > 1);
        lines.join(&b"\r\n"[..])
    };
    let cut = converted(&theirs);
    let sandbox = Sandbox::new()
        .with("edbprof_good.prof", &theirs)
        .with("edbprof_1.prof", &converted(&ours))
        .with("edbprof_2.prof", &converted(&theirs))
        .with("edbprof_3.prof", &cut[..cut.len() - 3])
        .with("edbprof_4.prof", String::from_utf8_lossy(&ours).as_bytes())
        .with("edbprof_cut.prof", &theirs[..theirs.len() - 3]);
    let run = sandbox.run(&[]).expect(1);
    let line = |name: &str| run.stderr.lines().find(|line| line.contains(name)).unwrap();
    for name in ["edbprof_1.prof", "edbprof_2.prof", "edbprof_3.prof"] {
        assert!(line(name).contains("LF to CR LF; transfer it again in binary mode"));
    }
    assert!(line("edbprof_4.prof").contains("text in UTF-8; transfer it again in binary mode"));
    assert!(line("edbprof_cut.prof").contains("the file is cut off"));
    assert_eq!(sandbox.calls("profile_analysis.prof"), 0x0a0a_0a0a);
}
