//! docs/c-reference.md is up to date: the same page is made from the headers.

use std::fmt::Write;
use std::fs;
use std::path::Path;

const PAGE: &str = "docs/c-reference.md";
const BEGINNING: &str = "\
# Reference of the C interface

Made from the headers in `include/` by `EDBPROF_BLESS=1 cargo test --test it header`; do not edit.
[embedding.md](embedding.md) has examples.
";

/// A declaration with the comment before it.
enum Item {
    Function {
        name: String,
        code: String,
    },
    /// Members, each with its comment.
    Type {
        name: String,
        members: Vec<Member>,
    },
    Constant {
        name: String,
        value: String,
    },
}

struct Member {
    /// Declarations that share the comment.
    code: Vec<String>,
    comment: String,
}

/// The text of a comment that begins in the first line, and the number of its lines.
fn comment(lines: &[&str]) -> (String, usize) {
    let end = lines.iter().position(|line| line.contains("*/")).unwrap();
    let text = lines[..=end].iter().map(|line| {
        let line = line
            .trim()
            .trim_start_matches("/**")
            .trim_start_matches("/*");
        let line = line.trim_end_matches("*/").trim_end();
        line.strip_prefix("* ")
            .or_else(|| line.strip_prefix('*'))
            .unwrap_or(line)
    });
    let text: Vec<_> = text.collect();
    (text.join("\n").trim().to_owned(), end + 1)
}

/// The members of a struct or enum, whose body begins in the first line.
fn members(lines: &[&str]) -> (Vec<Member>, usize) {
    let (mut members, mut at) = (Vec::new(), 0);
    while !lines[at].starts_with('}') {
        let line = lines[at].trim();
        if line.starts_with("/*") {
            let (text, len) = comment(&lines[at..]);
            at += len;
            members.push(Member {
                code: Vec::new(),
                comment: text,
            });
            continue;
        }
        let member = members.last_mut().filter(|_| line.ends_with([',', ';']));
        if let Some(member) = member {
            let code = line.trim_end_matches([',', ';']).to_owned();
            member.code.push(code);
        }
        at += 1;
    }
    (members, at + 1)
}

fn last_word(code: &str) -> String {
    let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.rfind(|word| !word.is_empty()).unwrap().to_owned()
}

/// The declaration that begins in the first line, and the number of its lines.
fn item(lines: &[&str]) -> (Item, usize) {
    let first = lines[0];
    if first.starts_with("#ifndef ") {
        let (item, len) = item(&lines[1..]);
        return (item, len + 1);
    }
    if first.starts_with("#define ") {
        let len = 1 + lines.iter().position(|line| !line.ends_with('\\')).unwrap();
        let code = lines[..len].join(" ").replace('\\', " ");
        let mut words = code.split_whitespace().skip(1);
        let name = words.next().unwrap().to_owned();
        let value = words.collect::<Vec<_>>().join(" ");
        return (Item::Constant { name, value }, len);
    }
    if first.starts_with("static inline ") {
        let len = lines.iter().position(|line| *line == "{").unwrap();
        let words: Vec<_> = lines[..len].iter().map(|line| line.trim()).collect();
        let code = words.join(" ").replace("static inline ", "") + ";";
        let name = last_word(code.split_once('(').unwrap().0);
        return (Item::Function { name, code }, len);
    }
    if first.starts_with("enum ") || first.starts_with("typedef struct") && first.ends_with('{') {
        let name = last_word(first.trim_end_matches('{'));
        let (members, len) = members(lines);
        return (Item::Type { name, members }, len);
    }
    let len = 1 + lines.iter().position(|line| line.ends_with(';')).unwrap();
    let code = lines[..len].join("\n");
    let item = match code.split_once('(') {
        Some((before, _)) => Item::Function {
            name: last_word(before),
            code,
        },
        None => Item::Type {
            name: last_word(&code),
            members: Vec::new(),
        },
    };
    (item, len)
}

/// A comment as Markdown.
fn markdown(text: &str) -> String {
    text.replace("# Safety", "Safety:\n")
}

/// A comment as a cell of a table.
fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

/// Comments that begin with `mark` are documentation.
fn write_page(page: &mut String, header: &str, mark: &str, text: &str) {
    let lines: Vec<_> = text.lines().collect();
    let (introduction, mut at) = comment(&lines);
    write!(page, "\n# `{header}`\n\n{introduction}\n").unwrap();
    let (mut constants, mut types, mut functions) = (String::new(), String::new(), String::new());
    while at < lines.len() {
        if !lines[at].starts_with(mark) {
            at += 1;
            continue;
        }
        let (text, len) = comment(&lines[at..]);
        at += len;
        let (item, len) = item(&lines[at..]);
        at += len;
        match item {
            Item::Constant { name, value } => {
                writeln!(constants, "| `{name}` | {value} | {} |", cell(&text)).unwrap();
            }
            Item::Type { name, members } => {
                write!(types, "\n### `{name}`\n\n{}\n", markdown(&text)).unwrap();
                if !members.is_empty() {
                    types.push_str("\n| member | meaning |\n|---|---|\n");
                }
                for member in members {
                    let code: Vec<_> = member.code.iter().map(|each| format!("`{each}`")).collect();
                    let (code, comment) = (code.join("<br>"), cell(&member.comment));
                    writeln!(types, "| {code} | {comment} |").unwrap();
                }
            }
            Item::Function { name, code } => {
                let text = markdown(&text);
                write!(functions, "\n### `{name}`\n\n```c\n{code}\n```\n\n{text}\n").unwrap();
            }
        }
    }
    write!(page, "\n## Functions\n{functions}\n## Types\n{types}").unwrap();
    if !constants.is_empty() {
        let head = "| constant | value | meaning |\n|---|---|---|";
        write!(page, "\n## Constants\n\n{head}\n{constants}").unwrap();
    }
}

#[test]
fn the_committed_page_is_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut page = BEGINNING.to_owned();
    for (header, mark) in [
        ("edbprof.h", "/**"),
        ("edbprof_profiles.h", "/**"),
        ("edbprof_python.h", "/*"),
    ] {
        let text = fs::read_to_string(root.join("include").join(header)).unwrap();
        write_page(&mut page, header, mark, &text);
    }
    if std::env::var_os("EDBPROF_BLESS").is_some() {
        fs::write(root.join(PAGE), &page).unwrap();
    }
    let committed = fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    assert!(
        committed == page,
        "{PAGE} is stale: run `EDBPROF_BLESS=1 cargo test --test it header`, twice after a change \
         of src/capi"
    );
}
