//! Recognises files of other tools by their first bytes. For a file that can't be read, a message
//! names its kind and the command that helps.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::extent::profile_goes_on;
use super::prof;

/// File of another tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Description with its article.
    pub name: &'static str,
    /// Advice to the user; empty if there is none.
    pub hint: &'static str,
}

/// Beginning of a file, texts that the file has close to its beginning, a description, and advice.
type Kind = (
    &'static [u8],
    &'static [&'static str],
    &'static str,
    &'static str,
);

/// Number of bytes to recognise a file by.
const HEAD: usize = 4096;

const SAVE_WITH_CPROFILE: &str = "cProfile saves profiles with python -m cProfile -o FILE";

/// Files that are no text. Here and below, the first kind that fits counts.
const BINARY: &[Kind] = &[
    (
        b"\x1f\x8b",
        &[],
        "a gzip file, as pprof's profiles and many traces are",
        "if it holds a .prof file, unpack it with gunzip",
    ),
    (b"PK\x03\x04", &[], "a ZIP archive", "unpack it with unzip"),
    (b"PK\x05\x06", &[], "an empty ZIP archive", ""),
    (
        b"\x28\xb5\x2f\xfd",
        &[],
        "a Zstandard file",
        "unpack it with unzstd",
    ),
    (b"BZh", &[], "a bzip2 file", "unpack it with bunzip2"),
    (b"\xfd7zXZ\0", &[], "an xz file", "unpack it with unxz"),
    (
        b"7z\xbc\xaf\x27\x1c",
        &[],
        "a 7-Zip archive",
        "unpack it with 7z x",
    ),
    (
        b"\x04\x22\x4d\x18",
        &["memray\0"],
        "a memray recording",
        MEMRAY,
    ),
    (b"memray\0", &[], "a memray recording", MEMRAY),
    (
        b"\x04\x22\x4d\x18",
        &[],
        "an LZ4 file",
        "unpack it with unlz4",
    ),
    (b"", &["\0ustar"], "a tar archive", "unpack it with tar -xf"),
    (CORE_64, &[], "a core dump", ""),
    (CORE_32, &[], "a core dump", ""),
    (b"\x7fELF", &[], "an ELF program or library", ""),
    (
        b"PERFILE2",
        &[],
        "a recording of perf",
        "perf report shows it",
    ),
    (
        b"2ELIFREP",
        &[],
        "a recording of perf",
        "perf report shows it",
    ),
    (b"gmon\x01", &[], "a gmon.out of gprof", "gprof shows it"),
    (b"gmon\0", &[], "a gmon.out of gprof", "gprof shows it"),
    (
        b"\x80",
        &["yappi"],
        "a YSTAT pickle of yappi",
        "yappi saves what edbprof reads with save(FILE, type='pstat')",
    ),
    (
        b"\x80",
        &["line_profiler"],
        "a pickle of line_profiler",
        "python -m line_profiler shows it",
    ),
    (b"\x80", &["tracemalloc"], "a snapshot of tracemalloc", ""),
    (b"\x80\x02", &[], PICKLE, SAVE_WITH_CPROFILE),
    (b"\x80\x03", &[], PICKLE, SAVE_WITH_CPROFILE),
    (b"\x80\x04", &[], PICKLE, SAVE_WITH_CPROFILE),
    (b"\x80\x05", &[], PICKLE, SAVE_WITH_CPROFILE),
    (b"MOJ", &[], "a recording of austin in its MOJO format", ""),
    (b"FLR\0", &[], "a recording of Java Flight Recorder", ""),
    (b"JAVA PROFILE", &[], "a heap dump of Java", ""),
    (b"hdrb", &[], "an eventlog of GHC", ""),
    (
        b"go 1.",
        &[" trace\0"],
        "an execution trace of Go",
        "go tool trace shows it",
    ),
    (b"SQLite format 3\0", &[], "a database of SQLite", ""),
    (b"\x89PNG\r\n", &[], "a PNG picture", ""),
    (b"%PDF-", &[], "a PDF document", ""),
    (b"\xff\xfe", &[], UTF_16, SAVE_WITH_CPROFILE),
    (b"\xfe\xff", &[], UTF_16, SAVE_WITH_CPROFILE),
    // The first field of the Protocol Buffer: a message with the fields 1 and 2, below 128.
    (
        b"\x0a\x04\x08",
        &["\x10"],
        "a pprof profile",
        "go tool pprof shows it",
    ),
];

const MEMRAY: &str = "memray flamegraph draws it";
const UTF_16: &str = "text in UTF-16, as PowerShell's > writes it, not a profile";
const PICKLE: &str = "a pickle, not a profile";
const CORE_64: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x04\0";
const CORE_32: &[u8] = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x04\0";

/// Files that are text, in lower case and without white space before.
const TEXTS: &[Kind] = &[
    (b"<!doctype html", &[], "an HTML page", ""),
    (b"<html", &[], "an HTML page", ""),
    (b"<svg", &[], "an SVG picture", DRAWN),
    (b"<", &["<svg"], "an SVG picture", DRAWN),
    (b"<?xml", &[], "an XML document", ""),
    (b"# callgrind format", &[], CALLGRIND, KCACHEGRIND),
    (
        b"version:",
        &["creator: xdebug"],
        "a cachegrind profile of Xdebug",
        KCACHEGRIND,
    ),
    (b"version:", &["creator:"], CALLGRIND, KCACHEGRIND),
    // Converters begin with any of the header's lines.
    (b"creator:", &["events:"], CALLGRIND, KCACHEGRIND),
    (b"version:", &["events:"], CALLGRIND, KCACHEGRIND),
    (b"positions:", &["events:"], CALLGRIND, KCACHEGRIND),
    (b"event:", &["events:"], CALLGRIND, KCACHEGRIND),
    (b"events:", &["fn="], CALLGRIND, KCACHEGRIND),
    (b"cmd:", &["events:", "calls="], CALLGRIND, KCACHEGRIND),
    (b"desc:", &["events:", "calls="], CALLGRIND, KCACHEGRIND),
    (
        b"desc:",
        &["snapshot="],
        "a massif profile of Valgrind",
        "ms_print shows it",
    ),
    (b"desc:", &["events:"], CACHEGRIND, CG_ANNOTATE),
    (b"cmd:", &["events:"], CACHEGRIND, CG_ANNOTATE),
    (
        b"",
        &["time and allocation profiling report"],
        "a .prof report of GHC",
        "",
    ),
    (b"job \"", &[], "a heap profile of GHC", "hp2ps draws it"),
    (b"flat profile:", &[], "a table of gprof", ""),
    (b"timer unit:", &[], "a table of line_profiler", ""),
    (
        b"",
        &["/_//_/// /_\\"],
        "a report of pyinstrument as text",
        PYINSTRUMENT,
    ),
    (
        b"",
        &["function calls", "ordered by:"],
        TABLE,
        SAVE_WITH_CPROFILE,
    ),
    (
        b"",
        &["function calls", "random listing order"],
        TABLE,
        SAVE_WITH_CPROFILE,
    ),
    (
        b"heap profile:",
        &[],
        "a heap profile of pprof",
        "go tool pprof shows it",
    ),
    (
        b"# austin",
        &[],
        "the stacks of austin",
        "austin2speedscope converts them",
    ),
    (
        b"version https://git-lfs",
        &[],
        "a pointer of Git LFS",
        "git lfs pull fetches its file",
    ),
    (
        b"{",
        &["speedscope.app/file-format"],
        "a speedscope profile",
        SPEEDSCOPE,
    ),
    (
        b"{",
        &["\"start_call_stack\"", "\"sample_count\""],
        "a session of pyinstrument",
        PYINSTRUMENT,
    ),
    (
        b"{",
        &["\"sample_count\"", "\"start_time\""],
        "a JSON report of pyinstrument",
        PYINSTRUMENT,
    ),
    (
        b"{",
        &["\"alloc_samples\""],
        "a JSON report of Scalene",
        "scalene view shows it",
    ),
    (b"{", &["\"traceevents\""], CHROME_TRACE, PERFETTO),
    (b"[", &["\"ph\"", "\"pid\""], CHROME_TRACE, PERFETTO),
    (b"{", &["\"nodes\"", "\"callframe\""], "a profile of V8", ""),
    (
        b"{",
        &["\"meta\"", "\"preprocessedprofileversion\""],
        "a profile of Firefox",
        "",
    ),
    (
        b"{",
        &["\"dhatfileversion\""],
        "a DHAT profile of Valgrind",
        "",
    ),
    (
        b"{",
        &["\"edbprof_json\""],
        "a JSON report of edbprof",
        DRAWN,
    ),
    (b"{", &["\""], "a JSON file, not a profile", ""),
    (b"[{", &["\""], "a JSON file, not a profile", ""),
];

const DRAWN: &str = "give the file that it was made from";
const KCACHEGRIND: &str = "kcachegrind shows it";
const CALLGRIND: &str = "a callgrind profile";
const CACHEGRIND: &str = "a cachegrind profile of Valgrind";
const CG_ANNOTATE: &str = "cg_annotate shows it";
const PYINSTRUMENT: &str = "pyinstrument saves what edbprof reads with -r pstats -o FILE";
const TABLE: &str = "a printed table of pstats, not the profile itself";
const SPEEDSCOPE: &str = "https://www.speedscope.app shows it";
const CHROME_TRACE: &str = "a JSON trace for Chrome, as VizTracer and py-spy write";
const STACKS: &str = "a file of collapsed stacks, as py-spy and austin write";
const PERFETTO: &str = "https://ui.perfetto.dev shows it";

/// Recognises `bytes`, the beginning of a file that is no readable profile. Returns `None` for an
/// unknown kind.
pub fn recognise(bytes: &[u8]) -> Option<Foreign> {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let foreign = |name, hint| Some(Foreign { name, hint });
    if !head.is_empty() && head.iter().all(|&byte| byte == 0) {
        return foreign("filled with zeros, not a profile", "");
    }
    if let Some(name) = damage(bytes) {
        return foreign(name, "transfer it again in binary mode");
    }
    if let Some(found) = find(BINARY, head) {
        return Some(found);
    }
    if !is_text(bytes) {
        return None;
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = text.trim_ascii_start().to_ascii_lowercase();
    find(TEXTS, &text).or_else(|| match is_stacks(head) {
        true => foreign(STACKS, "flamegraph.pl draws it"),
        false => foreign("text, not a profile", SAVE_WITH_CPROFILE),
    })
}

fn find(kinds: &[Kind], head: &[u8]) -> Option<Foreign> {
    let has = |text: &str| head.windows(text.len()).any(|part| part == text.as_bytes());
    let fits =
        |(start, texts, ..): &&Kind| head.starts_with(start) && texts.iter().all(|text| has(text));
    let &(_, _, name, hint) = kinds.iter().find(fits)?;
    Some(Foreign { name, hint })
}

/// Returns true if `bytes` begin like a text in UTF-8 does.
pub fn is_text(bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let is_utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        // A character may be cut at the end.
        Err(error) => error.error_len().is_none(),
    };
    let is_control = |byte: &u8| byte.is_ascii_control() && !b"\t\n\x0c\r\x1b".contains(byte);
    !head.is_empty() && is_utf8 && !head.iter().any(is_control)
}

/// Returns the damage by a conversion of text, if `bytes` begin like a dictionary of pstats.
fn damage(bytes: &[u8]) -> Option<&'static str> {
    const REPLACED: &[u8] = "\u{fffd}".as_bytes();
    let [b'{' | 0xfb | 0xef, ..] = bytes else {
        return None;
    };
    if is_text(bytes) {
        return None;
    }
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    if head.windows(REPLACED.len()).any(|part| part == REPLACED) {
        return Some("a profile damaged by a conversion to text in UTF-8");
    }
    let line_ends = bytes.iter().filter(|&&byte| byte == b'\n').count();
    let converted = bytes.windows(2).filter(|pair| pair == b"\r\n").count();
    if converted == 0 || converted != line_ends {
        return None;
    }
    let mut undone = Vec::with_capacity(bytes.len() - converted);
    let mut rest = bytes.iter().peekable();
    while let Some(&byte) = rest.next() {
        if byte != b'\r' || rest.peek() != Some(&&b'\n') {
            undone.push(byte);
        }
    }
    let reads = prof::read(&undone).is_ok() || profile_goes_on(&undone);
    reads.then_some("a profile damaged by a conversion of its line ends, LF to CR LF")
}

/// Returns true if each whole line of `head` ends with a number, and the stack before it has
/// frames or is alone.
fn is_stacks(head: &[u8]) -> bool {
    let is_stack = |line: &[u8]| {
        let digits = line
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let stack = line.get(..line.len() - digits).unwrap_or_default();
        digits > 0 && stack.len() > 1 && stack.ends_with(b" ")
    };
    let whole = head
        .iter()
        .rposition(|&byte| byte == b'\n')
        .unwrap_or_default();
    let lines = head.get(..whole).unwrap_or_default();
    !lines.is_empty() && lines.contains(&b';') && lines.split(|&byte| byte == b'\n').all(is_stack)
}
