//! The call tree of programs that libraries run: their own functions are always in it.

use edbprof::analysis::display_tree::DisplayTree;
use edbprof::analysis::merge::{Merger, Profile};
use edbprof::format::prof::{PlainInputs, ProfFile};
use edbprof::model::{Function, FunctionKind, NO_PARENT, Process, Rows, Trees, Waiting};
use edbprof::report::View;
use edbprof::report::tree::{TreeOptions, tree};

use crate::build;

const SITE: &str = "/v/lib/python3.11/site-packages";
const STD: &str = "/usr/lib/python3.11";
const FROZEN: &str = "<frozen importlib._bootstrap>";

/// Shows `nodes` of a process with the command line `argv` in `lines` lines.
fn show(argv: &[&str], nodes: &[(u32, String, u64)], lines: usize) -> String {
    let nodes: Vec<_> = nodes.iter().map(|(p, f, t)| (*p, f.as_str(), *t)).collect();
    let options = TreeOptions {
        lines: Some(lines),
        threshold: 0.02,
        ..TreeOptions::default()
    };
    show_tree(argv, build::display_tree(&nodes), &options)
}

fn show_tree(argv: &[&str], frames: DisplayTree, options: &TreeOptions) -> String {
    let profile = started(argv);
    tree(&View::with(&profile, &Rows::default(), frames), options)
}

fn started(argv: &[&str]) -> Profile {
    let mut merger = Merger::new();
    let trees = Trees {
        recordings: vec![[1; 16]],
        processes: vec![Process {
            argv: argv.iter().map(|word| word.as_bytes().into()).collect(),
            ..Process::default()
        }],
        ..Trees::default()
    };
    merger.add("a.prof", ProfFile::Exact(trees, PlainInputs::default()));
    merger.finish().profile
}

fn run_tests() -> Vec<(u32, String, u64)> {
    vec![
        (NO_PARENT, "/v/bin/pytest <module>".into(), 10_000),
        (0, format!("{SITE}/_pytest/config.py main"), 10_000),
        (1, format!("{SITE}/pluggy/_caller.py __call__"), 9_900),
        (2, format!("{SITE}/_pytest/runner.py run"), 300),
        (3, "/home/me/tests/test_a.py test_one".into(), 250),
        (4, "/home/me/shop/price.py total".into(), 200),
        (2, format!("{SITE}/_pytest/tmpdir.py cleanup"), 9_000),
        (6, format!("{STD}/shutil.py rmtree"), 8_900),
        (7, "~ <built-in method posix.unlink>".into(), 8_000),
    ]
}

#[test]
fn functions_under_test_are_shown_however_much_else_is_done() {
    let argv = ["/v/bin/python3", "/v/bin/pytest", "tests"];
    for lines in [6, 8, 12, 24] {
        let text = show(&argv, &run_tests(), lines);
        for name in ["test_one", "total", "posix.unlink"] {
            assert!(text.contains(name), "{lines}: {text}");
        }
        let shown = text.lines().filter(|line| line.contains('%')).count();
        assert!(shown <= lines + 1, "{lines}: {text}");
    }
}

#[test]
fn a_package_that_a_script_or_minus_m_starts_is_the_program() {
    let nodes = |start: &str| {
        vec![
            (NO_PARENT, start.to_owned(), 10_000),
            (0, format!("{SITE}/pylint/__init__.py run"), 10_000),
            (1, format!("{SITE}/pylint/lint.py check"), 9_900),
            (2, format!("{SITE}/astroid/parse.py parse"), 5_000),
            (3, format!("{SITE}/astroid/parse.py inner"), 50),
            (2, format!("{SITE}/pylint/lint.py walk"), 100),
        ]
    };
    let script = nodes("/v/bin/pylint <module>");
    let module = nodes("<frozen runpy> _run_code");
    let by_script = show(&["python3", "/v/bin/pylint", "x"], &script, 24);
    let by_module = show(&["python3", "-m", "pylint", "x"], &module, 24);
    for text in [by_script, by_module] {
        for name in ["run", "check", "parse", "walk"] {
            assert!(text.contains(&format!("{name}  ")), "{name}: {text}");
        }
    }
}

#[test]
fn an_import_is_one_frame() {
    let import = |parent| (parent, format!("{FROZEN} _find_and_load"), 0);
    let mut nodes = vec![
        (NO_PARENT, "/home/me/a.py <module>".to_owned(), 10_000),
        import(0),
        (1, "~ <built-in method builtins.exec>".to_owned(), 8_000),
        (2, format!("{SITE}/pandas/__init__.py <module>"), 8_000),
        import(3),
        (4, format!("{SITE}/numpy/__init__.py <module>"), 5_000),
        (0, "/home/me/a.py work".to_owned(), 1_000),
        import(6),
        (7, "/home/me/shop/__init__.py <module>".to_owned(), 400),
        (8, "/home/me/shop/__init__.py setup".to_owned(), 300),
    ];
    nodes[1].2 = 8_200;
    nodes[4].2 = 5_100;
    nodes[7].2 = 450;
    let text = show(&["python3", "a.py"], &nodes, 24);
    assert_eq!(
        text,
        "    total    share     self  calls
  10.0 µs  100.0 %   800 ns      1  <module>  a.py:3
  8.20 µs   82.0 %  8.20 µs      1  ├─ import pandas  pandas/__init__.py:3
  1.00 µs   10.0 %   550 ns      1  └─ work  a.py:3
   450 ns    4.5 %               1     └─ import shop  shop/__init__.py:3
   300 ns    3.0 %   300 ns      1        └─ setup  shop/__init__.py:3
"
    );
}

#[test]
fn one_more_function_does_not_hide_the_others() {
    let mut nodes = vec![
        (NO_PARENT, "/home/me/a.py <module>".to_owned(), 10_000),
        (0, format!("{STD}/json/__init__.py loads"), 6_000),
        (1, format!("{STD}/json/decoder.py decode"), 5_900),
        (2, format!("{STD}/json/decoder.py raw_decode"), 5_800),
        (0, format!("{STD}/json/__init__.py dumps"), 3_000),
        (4, format!("{STD}/json/encoder.py encode"), 2_900),
    ];
    let without = show(&["python3", "a.py"], &nodes, 24);
    nodes.push((0, "/home/me/a.py <lambda>".to_owned(), 1));
    let with = show(&["python3", "a.py"], &nodes, 24);
    assert_eq!(with.lines().count(), without.lines().count() + 1, "{with}");
}

#[test]
fn code_of_minus_c_and_notebooks_is_the_program() {
    let nodes = |file: &str| {
        vec![
            (NO_PARENT, format!("{file} <module>"), 10_000),
            (0, format!("{SITE}/click/core.py main"), 9_900),
            (1, format!("{SITE}/click/core.py invoke"), 9_800),
            (0, format!("{file} work"), 50),
            (1, "<string> __init__".to_owned(), 20),
        ]
    };
    let code = show(&["python3", "-c", "..."], &nodes("<string>"), 24);
    assert!(
        code.contains("work  ") && !code.contains("__init__"),
        "{code}"
    );
    let cell = show(&["python3"], &nodes("<ipython-input-1-ab>"), 24);
    assert!(cell.contains("work  "), "{cell}");
}

#[test]
fn files_beside_the_script_are_the_program_wherever_it_lies() {
    let nodes = [
        (
            NO_PARENT,
            "/home/me/python3.11/a.py <module>".to_owned(),
            10_000,
        ),
        (0, format!("{STD}/json/__init__.py loads"), 9_000),
        (1, "/home/me/python3.11/b.py hook".to_owned(), 10),
    ];
    let argv = ["python3", "/home/me/python3.11/a.py"];
    assert!(show(&argv, &nodes, 24).contains("hook  "));
}

#[test]
fn a_function_that_calls_itself_is_one_frame() {
    let mut nodes = vec![(NO_PARENT, "/home/me/a.py <module>".to_owned(), 10_000)];
    for depth in 0..50 {
        nodes.push((
            depth,
            "/home/me/a.py fib".to_owned(),
            9_000 - u64::from(depth),
        ));
    }
    let text = show(&["python3", "a.py"], &nodes, 24);
    assert_eq!(text.matches("fib").count(), 1, "{text}");
    assert!(text.contains("  9.00 µs   90.0 %  9.00 µs"), "{text}");
}

#[test]
fn templates_of_installed_packages_are_not_the_program() {
    let nodes = [
        (
            NO_PARENT,
            "/v/bin/jupyter-nbconvert <module>".to_owned(),
            10_000,
        ),
        (0, format!("{SITE}/nbconvert/app.py main"), 9_900),
        (1, "/v/share/jupyter/base.html.j2 root".to_owned(), 20),
        (1, "/tmp/ipykernel_7/1.py work".to_owned(), 10),
    ];
    let text = show(&["/v/bin/python", "/v/bin/jupyter-nbconvert"], &nodes, 24);
    assert!(text.contains("work  ") && !text.contains("j2"), "{text}");
}

#[test]
fn a_thread_of_a_library_that_waits_is_not_in_the_way() {
    let mut nodes = run_tests();
    let first = nodes.len() as u32;
    nodes.push((
        NO_PARENT,
        format!("{SITE}/execnet/gateway_base.py _perform_spawn"),
        40_000,
    ));
    nodes.push((
        first,
        "~ <method 'read' of '_io.BufferedReader' objects>".into(),
        39_000,
    ));
    let argv = ["/v/bin/python", "/v/bin/pytest"];
    let shown = |waited: u64| {
        let nodes: Vec<_> = nodes.iter().map(|(p, f, t)| (*p, f.as_str(), *t)).collect();
        let mut frames = build::display_tree(&nodes);
        let waiting = Waiting {
            blocked: waited,
            ..Waiting::default()
        };
        frames.waits.add(first + 1, &waiting);
        let options = TreeOptions {
            lines: Some(8),
            threshold: 0.02,
            ..TreeOptions::default()
        };
        show_tree(&argv, frames, &options)
    };
    let thread_is_first = |shown: &str| shown.find("_perform_spawn") < shown.find("bin/pytest");
    assert!(thread_is_first(&shown(0)), "{}", shown(0));
    let waits = shown(39_000);
    assert!(!thread_is_first(&waits), "{waits}");
    assert!(waits.contains("test_one"), "{waits}");
    assert!(
        waits.contains("_io.BufferedReader.read  waiting"),
        "{waits}"
    );
}

#[test]
fn code_that_a_package_runs_comes_before_the_package() {
    let mut nodes = vec![
        (NO_PARENT, "/v/bin/nose2 <module>".to_owned(), 10_000),
        (0, format!("{SITE}/nose2/main.py discover"), 9_000),
        (1, format!("{SITE}/nose2/main.py parse"), 5_000),
        (2, format!("{SITE}/nose2/loader.py load"), 4_500),
        (3, format!("{SITE}/nose2/loader.py names"), 2_000),
        (3, format!("{SITE}/nose2/loader.py modules"), 1_500),
        (1, format!("{SITE}/nose2/main.py create"), 1_500),
        (1, format!("{SITE}/nose2/runner.py run"), 900),
        (7, "/home/me/unit/test_u.py test_total".to_owned(), 800),
        (8, "/home/me/shop/pricing.py primes".to_owned(), 790),
    ];
    for number in 0..10 {
        nodes.push((6, format!("{SITE}/nose2/plugin.py plugin{number}"), 140));
    }
    let text = show(&["python3", "/v/bin/nose2"], &nodes, 8);
    for name in ["test_total", "primes", "discover"] {
        assert!(text.contains(name), "{name}: {text}");
    }
}

#[test]
fn work_of_children_comes_before_libraries_on_the_heaviest_way() {
    let pool = format!("{STD}/multiprocessing/pool.py");
    let forked = format!("{STD}/multiprocessing/popen_fork.py _launch");
    let nodes = [
        (NO_PARENT, "/app/pool.py <module>".to_owned(), 1_000),
        (0, "/app/pool.py main".to_owned(), 800),
        (1, format!("{STD}/multiprocessing/context.py Pool"), 600),
        (2, format!("{pool} <module>"), 180),
        (2, format!("{pool} start"), 400),
        (1, format!("{pool} map"), 190),
        (NO_PARENT, "~ forked in main > Pool > start".to_owned(), 770),
        (6, forked.clone(), 765),
        (7, format!("{pool} worker"), 760),
        (8, "/app/pool.py job".to_owned(), 316),
        (9, "/app/shop.py total".to_owned(), 315),
        (10, "/app/shop.py primes".to_owned(), 314),
        (8, "~ <built-in method posix.read>".to_owned(), 350),
    ];
    let nodes: Vec<_> = nodes.iter().map(|(p, f, t)| (*p, f.as_str(), *t)).collect();
    let mut frames = build::display_tree(&nodes);
    let is_fork = |function: &&mut Function| function.label.name.starts_with(b"forked");
    let mut functions = frames.functions.iter_mut();
    functions.find(is_fork).unwrap().kind = FunctionKind::Native;
    let options = TreeOptions {
        lines: Some(8),
        threshold: 0.02,
        ..TreeOptions::default()
    };
    let text = show_tree(&["python3", "/app/pool.py"], frames, &options);
    for name in ["main", "job", "primes"] {
        assert!(text.contains(name), "{name}: {text}");
    }
}

#[test]
fn the_start_of_the_interpreter_is_not_in_the_way_of_a_short_program() {
    for site in ["<frozen site>", "/usr/lib/python3.10/site.py"] {
        let nodes = [
            (NO_PARENT, format!("{site} addsitepackages"), 900),
            (0, format!("{site} addpackage"), 880),
            (NO_PARENT, "/app/short.py <module>".to_owned(), 100),
            (2, "/app/short.py f".to_owned(), 50),
        ];
        let text = show(&["python3", "/app/short.py"], &nodes, 3);
        assert!(!text.contains("addsitepackages"), "{text}");
        assert!(text.contains("… 2 frames of site"), "{text}");
        for name in ["<module>", "f  short.py"] {
            assert!(text.contains(name), "{name}: {text}");
        }
    }
}

#[test]
fn what_starts_a_module_takes_no_line() {
    let nodes = [
        (
            NO_PARENT,
            "<frozen runpy> _run_module_as_main".to_owned(),
            1_000,
        ),
        (0, "<frozen runpy> _run_code".to_owned(), 990),
        (1, "/home/me/app/__main__.py <module>".to_owned(), 980),
        (2, "/home/me/app/core.py main".to_owned(), 970),
        (3, "/home/me/app/core.py step".to_owned(), 500),
    ];
    let text = show(&["python3", "-m", "app"], &nodes, 8);
    assert!(!text.contains("_run_module_as_main"), "{text}");
    for name in ["<module>", "main", "step"] {
        assert!(text.contains(name), "{name}: {text}");
    }

    // Where it is machinery too, the way down ends in what is loaded first.
    let nodes = [
        (
            NO_PARENT,
            "<frozen runpy> _run_module_as_main".to_owned(),
            1_000,
        ),
        (0, "<frozen runpy> _get_module_details".to_owned(), 700),
        (1, format!("{FROZEN} _find_and_load"), 690),
        (2, format!("{STD}/unittest/__init__.py <module>"), 680),
        (0, format!("{STD}/unittest/main.py main"), 290),
        (4, "/home/me/test_a.py test_one".to_owned(), 280),
    ];
    let text = show(&["python3", "-m", "unittest"], &nodes, 8);
    assert!(!text.contains("_run_module_as_main"), "{text}");
    for name in ["frames of runpy", "import unittest", "test_one"] {
        assert!(text.contains(name), "{name}: {text}");
    }
}

#[test]
fn a_compiled_program_is_known_by_the_name_of_its_launcher() {
    let nodes = [
        (NO_PARENT, "/v/bin/isort <module>".to_owned(), 10_000),
        (0, format!("{FROZEN} _find_and_load"), 9_500),
        (0, "~ <built-in method isort.main.main>".to_owned(), 90),
        (2, "~ <built-in method posix.lstat>".to_owned(), 50),
    ];
    let text = show(&["/v/bin/python", "/v/bin/isort", "x"], &nodes, 8);
    assert!(text.contains("isort.main.main"), "{text}");
}

#[test]
fn the_handlers_of_an_idle_server_are_shown() {
    let mut nodes = vec![
        (
            NO_PARENT,
            "/v/bin/uvicorn <module>".to_owned(),
            1_000_000_000,
        ),
        (0, format!("{STD}/selectors.py select"), 999_000_000),
        (
            1,
            "~ <method 'poll' of 'select.epoll' objects>".to_owned(),
            998_000_000,
        ),
        (0, format!("{STD}/asyncio/events.py _run"), 900_000),
    ];
    nodes.push((3, "/app/web.py index".to_owned(), 400_000));
    nodes.push((3, "/app/web.py sync".to_owned(), 200_000));
    nodes.push((3, "/app/web.py other".to_owned(), 100_000));
    let text = show(&["/v/bin/python", "/v/bin/uvicorn", "web:app"], &nodes, 10);
    for name in ["index", "sync", "other"] {
        assert!(text.contains(&format!("{name}  web.py")), "{text}");
    }
}

#[test]
fn a_start_that_works_more_than_the_program_is_not_shown() {
    let nodes = [
        (NO_PARENT, "<frozen site> execsitecustomize", 900),
        (NO_PARENT, "/app/nap.py <module>", 1_000_000),
        (1, "/app/nap.py nap", 999_900),
        (2, "~ <built-in method time.sleep>", 999_800),
    ];
    let mut frames = build::display_tree(&nodes);
    let waiting = Waiting {
        blocked: 999_800,
        ..Waiting::default()
    };
    frames.waits.add(3, &waiting);
    let options = TreeOptions {
        lines: Some(8),
        threshold: 0.02,
        ..TreeOptions::default()
    };
    let text = show_tree(&["/v/bin/python", "nap.py"], frames, &options);
    assert!(!text.contains("execsitecustomize"), "{text}");
    assert!(text.contains("nap  nap.py"), "{text}");
}

#[test]
fn functions_that_stand_between_others_come_last() {
    let index = |callees: &[&str]| {
        let mut nodes = vec![
            (NO_PARENT, "/v/bin/gunicorn <module>".into(), 10_000),
            (0, format!("{SITE}/gunicorn/app.py run"), 10_000),
            (1, "~ <built-in method select.select>".into(), 9_000),
            (1, format!("{SITE}/flask/app.py dispatch"), 900),
            (3, "/home/me/app.py index".into(), 800),
        ];
        for (number, callee) in (4..).zip(callees) {
            nodes.push((number, format!("/home/me/{callee}"), 790));
        }
        show(&["/v/bin/python3", "/v/bin/gunicorn"], &nodes, 6)
    };
    let text = index(&["p.py total", "p.py each", "p.py discount", "p.py primes"]);
    for name in ["index", "primes", "2 frames"] {
        assert!(text.contains(name), "{name}: {text}");
    }
    // With room for all, nothing is hidden.
    let text = index(&["p.py total", "p.py primes"]);
    for name in ["index", "total", "primes"] {
        assert!(text.contains(name), "{name}: {text}");
    }
}
