"""Build edbprof: one wheel with the Python package and the program `edbprof`.

Cargo builds three things. The recorder, without any of the program's dependencies,
becomes a static library that is linked into the C extension
`edbprof_native._native`; the same with what reads profiles goes into
`edbprof_native._profiles`; the program is copied into the wheel's scripts.
`edbprof_native._annotations` has no Rust in it.
Everything else is plain setuptools. What the package is called and which Pythons
it runs on stands in pyproject.toml, the version in Cargo.toml.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import CompileError, PlatformError

# Not the standard library's (gone in 3.12): importing setuptools put its own copy here.
from distutils.command.build_scripts import build_scripts  # isort: skip
from distutils.command.install_data import install_data  # isort: skip

ROOT = Path(__file__).resolve().parent
os.chdir(ROOT)  # setuptools wants every source path relative to this file.

CARGO_TOML = Path("Cargo.toml").read_text(encoding="utf-8")
PROGRAM = "edbprof"
# The extension modules, and the features of the library in each.
RECORDER = "edbprof_native._native"
PROFILES = "edbprof_native._profiles"
FEATURES = {RECORDER: (), PROFILES: ("--features=profiles",)}
# The library that NVTX and ITT load; C alone, and a module too.
ANNOTATIONS = "edbprof_native._annotations"
ENTRY_POINTS = {ANNOTATIONS: ("InitializeInjectionNvtx2", "__itt_api_init")}


def cargo_toml(key: str) -> str:
    """A string of Cargo.toml's [package] table (tomllib needs Python 3.11)."""
    match = re.search(rf'^{key} = "(.+)"$', CARGO_TOML, re.MULTILINE)
    if match is None:
        raise PlatformError(f"Cargo.toml has no line '{key} = \"...\"'")
    return match[1]


class Artifact(NamedTuple):
    """What one call of cargo made."""

    path: Path
    native_libs: list[str]


def check_platform() -> None:
    """Refuse early, and in words, what would fail late in a C compiler's."""
    running = f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})"
    if platform.python_implementation() != "CPython":
        raise PlatformError(
            f"edbprof hooks into CPython's own evaluation loop, this is {running}: "
            "install it with a CPython of 3.9 or newer"
        )
    if not (sys.platform.startswith("linux") or sys.platform == "darwin"):
        raise PlatformError(f"edbprof runs on Linux and macOS, this is {sys.platform}")
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.exists():
        raise PlatformError(
            f"{header} is missing: install the development files of {running} "
            f"(Debian, Ubuntu: apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-dev)"
        )


def check_rust() -> str:
    """The path of a cargo that is new enough."""
    cargo = shutil.which("cargo")
    if cargo is None:
        raise PlatformError(
            "edbprof is built from Rust: install it from https://rustup.rs "
            "(installed already? open a new shell, so that cargo is on PATH)"
        )
    needed = cargo_toml("rust-version")
    said = subprocess.run([cargo, "--version"], check=False, stdout=subprocess.PIPE, text=True)
    found = re.search(r"\d+\.\d+(\.\d+)?", said.stdout)
    if found is None or version_key(found[0]) < version_key(needed):
        raise PlatformError(
            f"edbprof needs Rust {needed} or newer, {cargo} says '{said.stdout.strip()}': "
            "update it with 'rustup update stable', or install it from https://rustup.rs"
        )
    return cargo


def version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def cargo_build(command: str, *options: str, after: tuple[str, ...] = ()) -> Artifact:
    """Run cargo; the artifact is what it says it made last, wherever its target directory is."""
    # '--locked' builds what was tested, or says that Cargo.lock is out of date.
    line = [check_rust(), command, "--locked", "--message-format=json", *options]
    if after:
        line += ["--", *after]
    print("running", " ".join(line), file=sys.stderr, flush=True)
    made: list[Path] = []
    native_libs: list[str] = []
    with subprocess.Popen(line, stdout=subprocess.PIPE, encoding="utf-8") as cargo:
        assert cargo.stdout is not None
        for event in map(json.loads, cargo.stdout):
            if event["reason"] == "compiler-artifact" and event["target"]["name"] == PROGRAM:
                made = [Path(name) for name in event["filenames"]]
            elif event["reason"] == "compiler-message":
                _, is_libs, libs = event["message"]["message"].partition("native-static-libs: ")
                if is_libs:
                    native_libs = libs.split()
                elif event["message"]["level"] != "note":
                    print(event["message"]["rendered"], file=sys.stderr, end="")
    if cargo.returncode != 0 or len(made) != 1:
        raise CompileError(
            f"'{' '.join(line)}' failed in {ROOT} with exit code {cargo.returncode}; "
            "cargo's own message stands above (with pip, add -v to see it)"
        )
    return Artifact(made[0], native_libs)


def start_file() -> str:
    """The file by which `site.py` calls us at each start of Python.

    From 3.18 on it ignores `import` lines of .pth files. From 3.15 on it knows .start files, which
    take milliseconds at each start.
    """
    wants_start = sys.version_info >= (3, 18) or os.environ.get("EDBPROF_START_FILE") == "1"
    return "edbprof_native.start" if wants_start else "edbprof_native.pth"


class BuildPackage(build_py):
    """Copy the Python files into an empty place: one deleted since would live on in the wheel."""

    def run(self) -> None:
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        if not self.editable_mode:
            # Beside the package, where site.py looks; setuptools knows no way to say so.
            self.copy_file(f"cpython_ext/python/{start_file()}", self.build_lib)
            # Beside the modules, whose documentation names it.
            package = Path(self.build_lib, "edbprof_native")
            self.copy_file("src/report/edbprof.schema.json", str(package))


class BuildExtension(build_ext):
    """Compile the C files as setuptools does and link a static library in."""

    def run(self) -> None:
        check_platform()
        super().run()

    def build_extension(self, ext: Extension) -> None:
        ext.extra_link_args = self.export_only(ext)
        if ext.name in FEATURES:
            # The crate type is asked for here, not in Cargo.toml: next to an rlib it
            # would be built without link-time optimisation.
            library = cargo_build(
                "rustc",
                "--release",
                "--lib",
                "--crate-type=staticlib",
                "--no-default-features",
                *FEATURES[ext.name],
                after=("--print=native-static-libs",),
            )
            ext.extra_objects = [str(library.path)]
            ext.extra_link_args += library.native_libs
            self.force = True  # setuptools can't see that cargo has made a new library.
        elif sys.platform != "darwin":
            # Python's functions are looked up when they are called: programs without Python
            # load the library, too.
            ext.extra_link_args += ["-Wl,-z,lazy", "-pthread", "-ldl"]
        super().build_extension(ext)

    def export_only(self, ext: Extension) -> list[str]:
        """Linker options that keep every symbol private but the entry points.

        So two libraries with a Rust runtime, or two copies of this one, never see each other's.
        """
        symbols = ["PyInit_" + ext.name.rpartition(".")[2], *ENTRY_POINTS.get(ext.name, ())]
        if sys.platform == "darwin":
            exported = [f"-Wl,-exported_symbol,_{symbol}" for symbol in symbols]
            return [*exported, "-Wl,-dead_strip"]
        script = Path(self.build_temp, f"{symbols[0]}.map")
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"{{ global: {'; '.join(symbols)}; local: *; }};\n", encoding="ascii")
        return [f"-Wl,--version-script={script}", "-Wl,--gc-sections"]


class BuildProgram(build_scripts):
    """Put the program among the scripts. setuptools' own command reads a script as text."""

    def run(self) -> None:
        program = cargo_build("build", "--profile=program", f"--bin={PROGRAM}")
        self.mkpath(self.build_dir)
        self.copy_file(str(program.path), str(Path(self.build_dir, PROGRAM)))

    def get_source_files(self) -> list[str]:
        return []  # Its sources are the crate's; MANIFEST.in names them.


# Places where shells find completions, below an environment's or a system's prefix.
COMPLETIONS = {
    "bash": "share/bash-completion/completions/edbprof",
    "zsh": "share/zsh/site-functions/_edbprof",
    "fish": "share/fish/vendor_completions.d/edbprof.fish",
}
MAN = "share/man/man1"


class InstallData(install_data):
    """Add what the program itself tells shells and `man`: completions and manual pages."""

    def run(self) -> None:
        program = Path(self.get_finalized_command("build_scripts").build_dir, PROGRAM).resolve()
        made = BUILD.resolve()
        (made / MAN).mkdir(parents=True, exist_ok=True)
        subprocess.run([program, "man", made / MAN], check=True)
        for shell, place in COMPLETIONS.items():
            script = subprocess.run(
                [program, "completions", shell], check=True, stdout=subprocess.PIPE
            )
            (made / place).parent.mkdir(parents=True, exist_ok=True)
            (made / place).write_bytes(script.stdout)
        self.data_files = [(MAN, sorted(str(page) for page in (made / MAN).glob("*.1")))]
        self.data_files += [(str(Path(p).parent), [str(made / p)]) for p in COMPLETIONS.values()]
        super().run()


# One build directory for each interpreter: builds side by side don't meet. (setuptools'
# own names keep versions apart, but not the wheel's staging directory and the egg-info.)
THREADS = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
BUILD = Path("build", f"{sys.implementation.cache_tag}{THREADS}-{sysconfig.get_platform()}")
BUILD.mkdir(parents=True, exist_ok=True)


def extension(name: str, directory: Path) -> Extension:
    return Extension(
        name,
        sources=sorted(str(path) for path in directory.glob("*.c")),
        include_dirs=["include", "cpython_ext"],
        extra_compile_args=["-std=c11", "-O3", "-fvisibility=hidden", "-Wall", "-Wextra"],
    )


setup(
    version=cargo_toml("version"),
    # The headers live where a C program looks for them and are shipped inside the
    # package, where edbprof_native.get_include() finds them for other extensions.
    packages=[*find_packages("cpython_ext/python"), "edbprof_native.include"],
    py_modules=["edbprof", "edbprof_native_start", "edbprof_pytest"],
    package_dir={"": "cpython_ext/python", "edbprof_native.include": "include"},
    package_data={
        "edbprof_native": ["py.typed", "*.pyi"],
        "edbprof_native.include": ["*.h", "*.hpp", "*.pxd"],
    },
    include_package_data=False,
    ext_modules=[
        extension(RECORDER, Path("cpython_ext")),
        extension(PROFILES, Path("cpython_ext/profiles")),
        extension(ANNOTATIONS, Path("cpython_ext/annotations")),
    ],
    data_files=[(MAN, [])],  # Without one here setuptools would not ask for data.
    scripts=[PROGRAM],  # Without a name here setuptools would not ask for the program.
    cmdclass={
        "build_py": BuildPackage,
        "build_ext": BuildExtension,
        "build_scripts": BuildProgram,
        "install_data": InstallData,
    },
    options={
        "build": {"build_base": str(BUILD)},
        "bdist_wheel": {"bdist_dir": str(BUILD / "wheel")},
        "egg_info": {"egg_base": str(BUILD)},
    },
)
