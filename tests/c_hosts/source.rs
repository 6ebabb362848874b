//! Compiles a host against the shared library of this build, and runs it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A host's source, and what it is compiled with.
pub(crate) struct Source {
    /// Below the checkout; C++ if it ends in `.cpp`.
    pub(crate) path: &'static str,
    pub(crate) standard: &'static str,
    /// Directory of the header.
    pub(crate) include: &'static str,
    /// Package of pkg-config that it needs, too.
    pub(crate) package: Option<&'static str>,
}

impl Source {
    pub(crate) const fn new(path: &'static str, standard: &'static str) -> Source {
        Source {
            path,
            standard,
            include: "include",
            package: None,
        }
    }

    fn is_cpp(&self) -> bool {
        self.path.ends_with(".cpp")
    }

    /// Compiler options for the package. `None`, said loudly, without it.
    fn package_options(&self) -> Option<Vec<String>> {
        let Some(package) = self.package else {
            return Some(Vec::new());
        };
        let found = Command::new("pkg-config")
            .args(["--cflags", "--libs", package])
            .output();
        match found {
            Ok(output) if output.status.success() => {
                let options = String::from_utf8(output.stdout).unwrap();
                Some(options.split_whitespace().map(str::to_owned).collect())
            }
            _ => {
                self.skip(&format!("the package {package} is missing"));
                None
            }
        }
    }

    /// Says loudly that the host is not tested.
    fn skip(&self, why: &str) {
        let forbidden = std::env::var_os("EDBPROF_NO_SKIP").is_some_and(|value| value == "1");
        assert!(!forbidden, "{}: {why}", self.path);
        let text = format!("{}: {why} (run 'make ci-tools')\n", self.path);
        // Not by eprint, which the test harness keeps to itself.
        let mut stderr = std::io::stderr();
        stderr
            .write_all(format!("SKIPPED: {text}").as_bytes())
            .unwrap();
        if let Some(log) = std::env::var_os("EDBPROF_SKIP_LOG") {
            let log = std::fs::OpenOptions::new().append(true).open(log);
            log.unwrap().write_all(text.as_bytes()).unwrap();
        }
    }

    /// Compiles it into `directory`. `None`, said loudly, without a compiler.
    fn compile(&self, directory: &Path) -> Option<PathBuf> {
        let root = root();
        let compiler = compiler(self.is_cpp());
        let Some(compiler) = compiler else {
            self.skip("there is no compiler for it");
            return None;
        };
        let package = self.package_options()?;
        let libraries = libraries();
        let program = directory.join("host");
        let output = Command::new(compiler.path())
            .arg(format!("-std={}", self.standard))
            .args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-pthread"])
            .arg("-I")
            .arg(root.join(self.include))
            .arg(root.join(self.path))
            .arg("-o")
            .arg(&program)
            .arg("-L")
            .arg(libraries)
            .arg("-ledbprof")
            .arg(format!("-Wl,-rpath,{}", libraries.display()))
            .args(package)
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
            self.path,
            String::from_utf8_lossy(&output.stderr)
        );
        Some(program)
    }

    /// Compiles and runs it with a new directory for its files. Returns its process
    /// id; nothing, said loudly, without a compiler.
    pub(crate) fn run(&self) -> Option<(tempfile::TempDir, u32)> {
        self.run_with(|directory| vec![directory.to_owned()])
    }

    /// The same with the arguments that are made of the directory.
    pub(crate) fn run_with(
        &self,
        arguments: impl Fn(&Path) -> Vec<PathBuf>,
    ) -> Option<(tempfile::TempDir, u32)> {
        let build = tempfile::tempdir().unwrap();
        let program = self.compile(build.path())?;
        let files = tempfile::tempdir().unwrap();
        let mut command = if std::env::var_os("EDBPROF_VALGRIND").is_some_and(|value| value == "1")
        {
            let mut valgrind = Command::new("valgrind");
            valgrind
                .args(["--quiet", "--error-exitcode=99", "--leak-check=full"])
                .arg(format!(
                    "--suppressions={}",
                    root().join("tests/valgrind.supp").display()
                ))
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
            .args(arguments(files.path()))
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
            self.path,
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Some((files, pid))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The compiler of C or C++, if there is one.
pub(crate) fn compiler(cpp: bool) -> Option<cc::Tool> {
    let target = target();
    cc::Build::new()
        .cpp(cpp)
        .target(&target)
        .host(&target)
        .opt_level(0)
        .cargo_metadata(false)
        .try_get_compiler()
        .ok()
        .filter(|tool| tool.to_command().arg("--version").output().is_ok())
}

/// The directory of the shared library, which is built once, as hosts get it: without features.
fn libraries() -> &'static Path {
    static LIBRARIES: OnceLock<PathBuf> = OnceLock::new();
    LIBRARIES.get_or_init(|| {
        let output = Command::new(env!("CARGO"))
            .args(["rustc", "--locked", "--lib", "--crate-type=cdylib"])
            .args(["--no-default-features", "--message-format=json"])
            .current_dir(root())
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
