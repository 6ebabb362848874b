//! The components of the C extension use each other in one direction only, and their names can
//! be searched for.

use std::{collections::BTreeMap, fs, path::Path};

/// Each component may include those before it, so there is no cycle of headers either. A file
/// includes the header of everything that it uses, itself or in its own header; all use compat.
const ORDER: &str = "compat guard interpreter arrays warn slowness names native_kind held native choice generics spawned recorder active unnoticed os_threads thread_state switches thread_handles hook thread thread_calls \
    arrivals timer events tool_ids monitoring_gate callbacks monitoring chosen profile_slot setprofile calibrate greenlets \
    new_threads attached recorder_new recorder_type steps stand_in decorated give_span span_methods span_type spanned marks capsule left_doors door module";

fn rank(component: &str) -> Option<usize> {
    ORDER.split_whitespace().position(|each| each == component)
}

/// File name -> text.
type Sources = BTreeMap<String, String>;

fn component(file: &str) -> &str {
    file.split('.').next().unwrap()
}

/// The components that a file includes.
fn includes(text: &str) -> Vec<&str> {
    let names = text
        .lines()
        .filter_map(|line| line.strip_prefix("#include \""));
    names
        .map(component)
        .filter(|name| !name.starts_with("edbprof"))
        .collect()
}

/// C code without comments, literals and directives.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let behind = |end: &str| {
            rest[2..]
                .find(end)
                .map_or(rest.len(), |at| 2 + at + end.len())
        };
        let length = match first {
            '/' if rest.starts_with("/*") => behind("*/"),
            '#' => rest.replace("\\\n", "\\ ").find('\n').unwrap_or(rest.len()),
            '"' | '\'' => {
                let mut escaped = false;
                let end = rest[1..].find(|c| {
                    let ends = c == first && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                });
                end.map_or(rest.len(), |at| at + 2)
            }
            _ => {
                code.push(first);
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    code
}

/// Declarations and definitions outside of braces, without what stands in braces.
fn top_level(code: &str) -> Vec<String> {
    let (mut items, mut item, mut depth) = (Vec::new(), String::new(), 0);
    for c in code.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if depth == 0 => item.push(c),
            _ => {}
        }
        let ends_function = c == '}' && item.contains('(') && !item.contains('=');
        if depth == 0 && (c == ';' || ends_function) {
            items.push(std::mem::take(&mut item).trim().to_string());
        }
    }
    items
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The functions and variables that an item declares: (name, whether a function).
fn declared(item: &str) -> Vec<(&str, bool)> {
    let head = item.split(['=', '[', ';']).next().unwrap();
    if ["typedef", "enum"]
        .iter()
        .any(|word| item.starts_with(word))
    {
        return Vec::new();
    }
    fn last(text: &str) -> &str {
        text.trim_end().rsplit(|c| !is_word(c)).next().unwrap()
    }
    match head.split_once('(') {
        // A macro that defines a function.
        Some((before, inside)) if last(before).chars().all(|c| c.is_uppercase()) => {
            vec![(inside.split(|c| !is_word(c)).next().unwrap(), true)]
        }
        Some((before, _)) => vec![(last(before), true)],
        None => head.split(',').map(|part| (last(part), false)).collect(),
    }
}

/// Returns true if the code uses a name that is no member of a struct.
fn uses(code: &str, name: &str, is_function: bool) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let (before, behind) = (&code[..at], &code[at + name.len()..]);
        !before.ends_with(|c| is_word(c) || c == '.' || c == '>')
            && !behind.starts_with(is_word)
            && (!is_function || behind.trim_start().starts_with('('))
    })
}

fn problems(sources: &Sources) -> Vec<String> {
    let mut problems = Vec::new();
    let mut owners = BTreeMap::<String, &str>::new();
    for (file, text) in sources {
        let own = component(file);
        let included = includes(text);
        for name in &included {
            let is_own = *name == own && file.ends_with(".c");
            if !is_own && (rank(name).is_none() || rank(name) >= rank(own)) {
                problems.push(format!("{file} must not include {name}.h"));
            }
        }
        let code = code(text);
        let own_header = sources.get(&format!("{own}.h")).map_or("", String::as_str);
        let known = [included.clone(), includes(own_header), vec!["compat"]].concat();
        for (header, text) in sources.iter().filter(|(name, _)| name.ends_with(".h")) {
            let theirs = component(header);
            if theirs == own {
                if file != header && included.first() != Some(&own) {
                    problems.push(format!("{file} must include {header} first"));
                }
                continue;
            }
            for item in top_level(&self::code(text)) {
                for (name, is_function) in declared(&item) {
                    if uses(&code, name, is_function) && !known.contains(&theirs) {
                        problems.push(format!("{file} uses {name} without {header}"));
                    }
                }
            }
        }
        for item in top_level(&code)
            .iter()
            .filter(|item| item.starts_with("static"))
        {
            for (name, _) in declared(item) {
                let owner = owners.entry(name.to_string()).or_insert(file);
                if *owner != file {
                    problems.push(format!("{owner} and {file} both have a static {name}"));
                }
            }
        }
    }
    problems
}

#[test]
fn components_use_lower_ones_and_static_names_are_unique() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("cpython_ext");
    let mut sources = Sources::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "c" || extension == "h")
        {
            let name = path.file_name().unwrap().to_str().unwrap();
            sources.insert(name.to_string(), fs::read_to_string(&path).unwrap());
        }
    }
    assert_eq!(problems(&sources), [] as [String; 0]);
    for file in sources.keys() {
        assert!(
            rank(component(file)).is_some(),
            "{file} has no place in the order"
        );
    }
}

#[test]
fn a_wrong_use_is_found() {
    let cases: [(&[(&str, &str)], &str); 6] = [
        (
            &[("warn.c", "#include \"thread.h\"\n")],
            "warn.c must not include thread.h",
        ),
        (
            &[("warn.h", "#include \"warn.h\"\n")],
            "warn.h must not include warn.h",
        ),
        (
            &[("warn.c", "#include \"other.h\"\n")],
            "warn.c must not include other.h",
        ),
        (
            &[("warn.h", ""), ("warn.c", "/* none */")],
            "warn.c must include warn.h first",
        ),
        (
            &[
                ("warn.h", "int warn(\n    void);"),
                ("hook.c", "int f(void) { return warn (); }"),
            ],
            "hook.c uses warn without warn.h",
        ),
        (
            &[
                ("hook.c", "static int a, b;"),
                ("warn.c", "static struct { int x; } *b = {\"(\"};"),
            ],
            "hook.c and warn.c both have a static b",
        ),
    ];
    for (files, problem) in cases {
        let texts = files
            .iter()
            .map(|(name, text)| (name.to_string(), text.to_string()));
        assert_eq!(problems(&texts.collect()), [problem]);
    }
    let fine = [
        ("warn.h", "int warn(void);\n#define A(x) \\\n    warn(x)\n"),
        (
            "warn.c",
            "#include \"warn.h\"\n\nstatic int f(void) { return '\"'; }\n",
        ),
        (
            "hook.c",
            "/* warn() */ static int g(void) { return a.warn(\"warn()\"); }\n",
        ),
    ];
    let fine = fine.map(|(name, text)| (name.to_string(), text.to_string()));
    assert_eq!(problems(&fine.into()), [] as [String; 0]);
}
