//! Compiles a host against the shared library of this build, and runs it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A host's source, and the language and standard it is written in.
pub(crate) struct Source {
    pub(crate) file: &'static str,
    pub(crate) cpp: bool,
    /// Directory of the header.
    pub(crate) include: &'static str,
}

impl Source {
    /// Compiles it into `directory`. `None`, said loudly, without a compiler.
    fn compile(&self, directory: &Path) -> Option<PathBuf> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = target();
        let compiler = cc::Build::new()
            .cpp(self.cpp)
            .target(&target)
            .host(&target)
            .opt_level(0)
            .cargo_metadata(false)
            .try_get_compiler()
            .ok()
            .filter(|tool| tool.to_command().arg("--version").output().is_ok());
        let Some(compiler) = compiler else {
            let language = if self.cpp { "C++" } else { "C" };
            let forbidden = std::env::var_os("EDBPROF_NO_SKIP").is_some_and(|value| value == "1");
            assert!(!forbidden, "there is no {language} compiler");
            // Not by eprint, which the test harness keeps to itself.
            let skipped = format!("SKIPPED: {}: there is no {language} compiler\n", self.file);
            std::io::stderr().write_all(skipped.as_bytes()).unwrap();
            return None;
        };
        let libraries = libraries();
        let program = directory.join("host");
        let output = Command::new(compiler.path())
            .arg(match (self.cpp, self.file) {
                (true, "scopes.cpp") => "-std=c++17",
                (true, _) => "-std=c++11",
                (false, _) => "-std=c11",
            })
            .args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-pthread"])
            .arg("-I")
            .arg(root.join(self.include))
            .arg(root.join("tests/c").join(self.file))
            .arg("-o")
            .arg(&program)
            .arg("-L")
            .arg(libraries)
            .arg("-ledbprof")
            .arg(format!("-Wl,-rpath,{}", libraries.display()))
            .args(
                std::env::var("EDBPROF_HOST_FLAGS")
                    .iter()
                    .flat_map(|flags| flags.split(' ')),
            )
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{} does not compile:\n{}",
            self.file,
            String::from_utf8_lossy(&output.stderr)
        );
        Some(program)
    }

    /// Compiles and runs it with a new directory for its files. Returns its process
    /// id; nothing, said loudly, without a compiler.
    pub(crate) fn run(&self) -> Option<(tempfile::TempDir, u32)> {
        let build = tempfile::tempdir().unwrap();
        let program = self.compile(build.path())?;
        let files = tempfile::tempdir().unwrap();
        let mut command = if std::env::var_os("EDBPROF_VALGRIND").is_some_and(|value| value == "1")
        {
            let mut valgrind = Command::new("valgrind");
            valgrind
                .args(["--quiet", "--error-exitcode=99", "--leak-check=full"])
                // A child forked by a thread still has that thread's block of glibc,
                // to which it holds only inner pointers: possibly lost.
                .args([
                    "--show-leak-kinds=definite",
                    "--errors-for-leak-kinds=definite",
                ])
                .arg(&program);
            valgrind
        } else {
            Command::new(&program)
        };
        let child = command
            .arg(files.path())
            // Cargo's own names target/debug before deps: a library that an earlier
            // `cargo build` has left there.
            .env_remove("LD_LIBRARY_PATH")
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}: {}\n{}",
            self.file,
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Some((files, pid))
    }
}

/// The directory of the shared library, which is built once, as hosts get it: without features.
fn libraries() -> &'static Path {
    static LIBRARIES: OnceLock<PathBuf> = OnceLock::new();
    LIBRARIES.get_or_init(|| {
        let output = Command::new(env!("CARGO"))
            .args(["rustc", "--locked", "--lib", "--crate-type=cdylib"])
            .args(["--no-default-features", "--message-format=json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let made = said.lines().find_map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            let is_library = event["target"]["crate_types"] == serde_json::json!(["cdylib"]);
            let file = event["filenames"][0].as_str().filter(|_| is_library)?;
            Some(Path::new(file).parent().unwrap().to_owned())
        });
        made.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    })
}

/// The triple that this test is compiled for, which Cargo tells build scripts only.
fn target() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap().to_owned()
}
