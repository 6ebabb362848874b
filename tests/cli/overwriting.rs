//! Files that results never replace: inputs, and all that may have recordings.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use edbprof::model::ProcessIdentity;

use crate::live_file::{killed, of_process};
use crate::sandbox::{Run, Sandbox, names, plain, recording};

/// Runs the program, which must refuse to overwrite `path` and leave it as it is.
#[track_caller]
fn refuses(sandbox: &Sandbox, path: &Path, arguments: &[&str]) {
    let content = fs::read(path).unwrap();
    let files = [names(&sandbox.input("")), sandbox.written()];
    let run = sandbox.run(arguments).expect(2);
    let stderr = &run.stderr;
    assert!(stderr.contains("would overwrite "), "{stderr}");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert_eq!(run.stdout, "");
    assert_eq!(fs::read(path).unwrap(), content);
    assert_eq!([names(&sandbox.input("")), sandbox.written()], files);
}

#[test]
fn an_input_is_never_written_over() {
    let content = recording(1, 10);
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &content)
        .with("edbprof_2.prof", &plain(7));
    symlink(sandbox.input("edbprof_1.prof"), sandbox.work("link.prof")).unwrap();
    let input = sandbox.input("edbprof_1.prof");
    let input = input.to_str().unwrap();
    let plain_input = sandbox.input("edbprof_2");
    for arguments in [
        &["--out", input][..],
        &["--out", plain_input.to_str().unwrap()],
        &[
            "--out",
            &input.replace("prof", "svg").replace("edbsvg", "edbprof"),
            input,
        ],
        &["--out=link", "link.prof"],
        &["--out=link.svg", "--format=prof", input, "link.prof"],
    ] {
        let run = sandbox.run(arguments).expect(2);
        assert!(
            run.stderr.contains("would overwrite the input"),
            "{}",
            run.stderr
        );
        assert_eq!(run.stdout, "");
    }
    assert_eq!(std::fs::read(input).unwrap(), content);
    assert_eq!(sandbox.written(), ["link.prof"]);
    assert_eq!(
        names(&sandbox.input("")),
        ["edbprof_1.prof", "edbprof_2.prof"]
    );
}

#[test]
fn nor_by_the_summary_which_is_no_input_of_the_next_run() {
    let content = recording(1, 10);
    let sandbox = Sandbox::new().with("edbprof_1.prof", &content);
    let input = sandbox.input("edbprof_1.prof");
    let run = sandbox
        .run(&[&format!("--summary-json={}", input.to_str().unwrap())])
        .expect(2);
    assert!(
        run.stderr.contains("would overwrite the input"),
        "{}",
        run.stderr
    );
    // A link to an input is replaced, not followed.
    symlink(&input, sandbox.work("link")).unwrap();
    sandbox.run(&["--summary-json=link"]).expect(0);
    assert_eq!(std::fs::read(&input).unwrap(), content);
    let summary = format!(
        "--summary-json={}",
        sandbox.input("summary.json").to_str().unwrap()
    );
    for _ in 0..2 {
        let run = sandbox.run_among_inputs(&["--suffix=", &summary]).expect(0);
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn a_sidecar_that_is_read_is_never_written_over() {
    let sandbox = Sandbox::new().with("x.prof", &plain(7));
    let sidecar = edbprof::format::sidecar::encode(&Default::default());
    let sandbox = sandbox.with("x.prof.singledispatch", &sidecar);
    let (input, out) = (
        sandbox.input("x.prof"),
        sandbox.input("x.prof.singledispatch"),
    );
    sandbox
        .run(&[input.to_str().unwrap(), "--out", out.to_str().unwrap()])
        .expect(2);
    assert_eq!(std::fs::read(out).unwrap(), sidecar);
}

#[test]
fn no_spelling_of_an_input_is_written_over() {
    let sandbox = Sandbox::new()
        .with("a.prof", &recording(1, 10))
        .with("b.prof", &plain(7));
    symlink(sandbox.input(""), sandbox.work("there")).unwrap();
    symlink(sandbox.input("a.prof"), sandbox.work("link.prof")).unwrap();
    symlink("link.prof", sandbox.work("link2.prof")).unwrap();
    fs::hard_link(sandbox.input("b.prof"), sandbox.input("hard.prof")).unwrap();
    let (a, b) = (sandbox.input("a.prof"), sandbox.input("b.prof"));
    for name in [
        "a.prof",
        "link.prof",
        "link2.prof",
        "there/a.prof",
        "../in/../in//a.prof",
    ] {
        for out in [
            a.to_str().unwrap(),
            "there/a.svg",
            "there/./a",
            "../work/there/a.prof",
        ] {
            refuses(&sandbox, &a, &[&named(&sandbox, name), "--out", out]);
        }
        let output = ["export", "--format=json", "-o", "there/a.prof"];
        refuses(
            &sandbox,
            &a,
            &[&output[..], &[&named(&sandbox, name)]].concat(),
        );
        let summary = format!("--summary-json={}", a.display());
        refuses(&sandbox, &a, &[&summary, &named(&sandbox, name)]);
    }
    let hard = sandbox.input("hard.prof");
    refuses(
        &sandbox,
        &b,
        &[b.to_str().unwrap(), "--out", hard.to_str().unwrap()],
    );
}

/// `name` as the program finds it from its working directory.
fn named(sandbox: &Sandbox, name: &str) -> String {
    match sandbox.work(name).exists() {
        true => name.to_owned(),
        false => sandbox.input(name).to_str().unwrap().to_owned(),
    }
}

#[test]
fn a_recording_with_the_name_of_a_result_is_kept() {
    let result = "profile_analysis.prof";
    // Copies of it are among the inputs, but the one that counts may have less.
    for content in [recording(1, 10), plain(7), b"{broken\0".to_vec()] {
        let sandbox = Sandbox::new()
            .with("1.prof", &content)
            .with("2.prof", &recording(2, 20))
            .with(result, &content);
        let directory = sandbox.input("");
        let path = sandbox.input(result);
        let out = ["--prefix=", "--quiet", directory.to_str().unwrap()];
        let content = fs::read(&path).unwrap();
        let out = [&out[..], &["--out", directory.to_str().unwrap()]].concat();
        let run = sandbox.run(&out).expect(2);
        assert!(
            run.stderr.contains("would overwrite the input"),
            "{}",
            run.stderr
        );
        assert_eq!(fs::read(&path).unwrap(), content);
        assert_eq!(names(&directory), ["1.prof", "2.prof", result]);
    }
}

#[test]
fn other_formats_do_not_replace_what_was_found_either() {
    let sandbox = Sandbox::new()
        .with("1.prof", &recording(1, 10))
        .with("2.pstats", &plain(7))
        .with("3.svg", &recording(3, 30))
        .with("4.json", b"{cut\0off")
        .with("5.prof", b"\tTime and Allocation Profiling Report\n")
        .with("6.prof.live", &killed(6, 60));
    for name in ["2.pstats", "3.svg", "4.json", "5.prof", "6.prof.live"] {
        let path = sandbox.input(name);
        let directory = sandbox.input("");
        let before = fs::read(&path).unwrap();
        let all = ["--prefix=", "--suffix=", directory.to_str().unwrap()];
        let path_text = path.to_str().unwrap();
        let summary = format!("--summary-json={path_text}");
        for arguments in [
            &["export", "--format=folded", "-o", path_text][..],
            &[&summary],
        ] {
            let run = sandbox.run(&[arguments, &all].concat()).expect(2);
            assert!(run.stderr.contains("would overwrite "), "{}", run.stderr);
            assert_eq!(fs::read(&path).unwrap(), before);
        }
    }
    assert_eq!(sandbox.written(), [""; 0]);
}

#[test]
fn a_result_is_made_again_from_its_inputs_and_itself() {
    let sandbox = Sandbox::new()
        .with("1.prof", &recording(1, 10))
        .with("2.prof", &plain(7));
    let path = |name: &str| sandbox.input(name).to_str().unwrap().to_owned();
    let all = path("all.prof");
    let arguments = [&path("1.prof"), &path("2.prof"), "--out", &all];
    sandbox.run(&arguments).expect(0);
    let first = fs::read(&all).unwrap();
    // Like `*.prof` in a shell.
    let again = [&[all.as_str()], &arguments[..]].concat();
    sandbox.run(&again).expect(0);
    assert_eq!(fs::read(&all).unwrap(), first);
    // Of the result alone, and without one of its inputs, nothing is made.
    refuses(&sandbox, all.as_ref(), &[&all, "--out", &all]);
    refuses(
        &sandbox,
        all.as_ref(),
        &[&all, &path("1.prof"), "--out", &all],
    );
}

#[test]
fn a_live_file_and_what_becomes_of_it_are_kept() {
    let own = ProcessIdentity::own();
    let sandbox = Sandbox::new()
        .with("x.prof", &recording(1, 10))
        .with("x.prof.live", &killed(1, 500))
        .with("run.prof.live", &of_process(killed(2, 20), &own));
    let path = |name: &str| sandbox.input(name).to_str().unwrap().to_owned();
    let (finished, live) = (path("x.prof"), path("x.prof.live"));
    refuses(&sandbox, finished.as_ref(), &[&live, "--out", &finished]);
    // The process of the file may live: what is not an input is kept, too.
    let export = ["export", "--format=json", "-o", &live];
    refuses(
        &sandbox,
        live.as_ref(),
        &[&export[..], &[&finished]].concat(),
    );
    let summary = format!("--summary-json={live}");
    refuses(&sandbox, live.as_ref(), &[&summary, &finished]);
    let running = path("run.prof.live");
    let run = sandbox
        .run(&[&running, "--out", &path("run.prof")])
        .expect(2);
    assert!(
        run.stderr.contains("which its process may still save"),
        "{}",
        run.stderr
    );
    assert!(!sandbox.input("run.prof").exists());
    // A link is replaced and its file stays.
    symlink(&live, sandbox.work("link")).unwrap();
    sandbox
        .run(&["export", "--format=json", "-olink", &finished])
        .expect(0);
    assert_eq!(fs::read(&live).unwrap(), killed(1, 500));
}

#[test]
#[cfg(target_os = "linux")]
fn a_live_file_of_a_process_that_is_gone_may_be_saved_under_its_name() {
    let mut own = ProcessIdentity::own();
    own.start += 1;
    let sandbox = Sandbox::new().with("x.prof.live", &of_process(killed(1, 500), &own));
    let path = |name: &str| sandbox.input(name).to_str().unwrap().to_owned();
    for _ in 0..2 {
        sandbox
            .run(&[&path("x.prof.live"), "--out", &path("x.prof")])
            .expect(0);
    }
    fs::copy(path("x.prof"), sandbox.work("x.prof")).unwrap();
    assert_eq!(sandbox.calls("x.prof"), 500);
}

#[test]
#[cfg(target_os = "linux")]
fn stdout_is_no_input() {
    let sandbox = Sandbox::new().with("x.prof", &recording(1, 10));
    let input = sandbox.input("x.prof");
    for output in [&[][..], &["-o", "/dev/stdout"], &["-o", "/proc/self/fd/1"]] {
        let stdout = fs::OpenOptions::new().append(true).open(&input).unwrap();
        let mut command = sandbox.command();
        command.args(["export", "--format=folded"]).args(output);
        command.arg(&input).stdout(stdout).stderr(Stdio::piped());
        let run = Run::from(command.output().unwrap()).expect(2);
        assert!(
            run.stderr.contains("would overwrite the input"),
            "{}",
            run.stderr
        );
        assert_eq!(fs::read(&input).unwrap(), recording(1, 10));
    }
    // A new file in the directory that is read is none either.
    let mut command = sandbox.command();
    let stdout = fs::File::create(sandbox.input("out.folded")).unwrap();
    command
        .args(["export", "--format=folded", "--prefix=", "--suffix="])
        .arg(sandbox.input(""));
    let run = Run::from(command.stdout(stdout).output().unwrap()).expect(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_run_does_not_write_over_what_it_records() {
    let sandbox = Sandbox::new();
    let keep = sandbox.work("keep");
    fs::create_dir(&keep).unwrap();
    // The program makes a recording of its own.
    fs::write(sandbox.input("recording"), recording(1, 10)).unwrap();
    let made = keep.join("edbprof_1.prof");
    let script = format!(
        "cp {} {}",
        sandbox.input("recording").display(),
        made.display()
    );
    let keep = format!("--keep={}", keep.display());
    let out = format!("--out={}", made.display());
    let run = sandbox
        .run(&["run", &keep, &out, "--", "sh", "-c", &script])
        .expect(4);
    assert!(
        run.stderr.contains("would overwrite the input"),
        "{}",
        run.stderr
    );
    assert_eq!(fs::read(made).unwrap(), recording(1, 10));
}
