"""What `pip install` puts where: the program, the package, the headers, the wheel's tag."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import edbprof_native
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sysconfig.get_path("scripts"), "edbprof")


def output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def crate_version() -> str:
    cargo_toml = (CHECKOUT / "Cargo.toml").read_text(encoding="utf-8")
    match = re.search(r'^version = "(.+)"$', cargo_toml, re.MULTILINE)
    assert match is not None
    return match[1]


def test_the_installed_package_is_tested_not_the_checkout():
    assert CHECKOUT / "cpython_ext" not in Path(edbprof_native.__file__).resolve().parents


def test_the_program_lies_beside_the_interpreter():
    assert os.access(PROGRAM, os.X_OK)


def test_version_is_the_crates_everywhere():
    assert importlib.metadata.version("edbprof") == crate_version()
    assert edbprof_native.__version__ == crate_version()
    assert output(PROGRAM, "-V").split() == ["edbprof", crate_version()]
    program, *versions = output(PROGRAM, "--version").splitlines()
    assert program == f"edbprof {crate_version()}"
    abi = edbprof_native._native.abi_version
    assert versions[-1] == f"ABI {abi >> 16}.{abi & 0xFFFF}"


def test_python_m_takes_the_same_command_line():
    as_module = [sys.executable, "-m", "edbprof_native"]
    assert output(*as_module, "--help") == output(PROGRAM, "--help")
    assert output(*as_module, "--version") == output(PROGRAM, "--version")


def test_python_m_finds_the_program_without_path():
    environment = {name: value for name, value in os.environ.items() if name != "PATH"}
    command = [sys.executable, "-m", "edbprof_native", "--version"]
    subprocess.run(command, check=True, env=environment)


def test_python_m_passes_the_exit_code_on(tmp_path: Path):
    nothing_there = ["--prefix", "no_such_", tmp_path]
    for command in ([PROGRAM], [sys.executable, "-m", "edbprof_native"]):
        assert subprocess.run([*command, *nothing_there], check=False).returncode == 3


@pytest.mark.parametrize("name", ["edbprof.h", "edbprof_python.h", "edbprof.hpp", "edbprof.pxd"])
def test_headers_are_shipped_for_other_extensions(name: str):
    shipped = Path(edbprof_native.get_include(), name)
    assert shipped.read_bytes() == (CHECKOUT / "include" / name).read_bytes()


def test_types_are_shipped():
    assert Path(edbprof_native.__file__).with_name("py.typed").exists()


def test_the_wheel_is_for_this_python_alone():
    wheel = importlib.metadata.distribution("edbprof").read_text("WHEEL")
    assert wheel is not None
    this = f"cp{sys.version_info.major}{sys.version_info.minor}"
    tags = re.findall("^Tag: (.+)$", wheel, re.MULTILINE)
    assert tags[0].startswith(f"{this}-{this}{sys.abiflags}-")
    assert "Root-Is-Purelib: false" in wheel


@pytest.mark.parametrize(
    ("name", "entry_points"),
    [
        ("_native", ["PyInit__native"]),
        ("_profiles", ["PyInit__profiles"]),
        ("_annotations", ["InitializeInjectionNvtx2", "PyInit__annotations", "itt_api_init"]),
    ],
)
def test_extensions_export_their_entry_points_alone(name: str, entry_points: list):
    """A second Rust runtime or another edbprof in the process must not see our symbols."""
    extension = importlib.import_module(f"edbprof_native.{name}").__file__
    if sys.platform == "darwin":
        listing = output("nm", "-gUj", extension)
    else:
        listing = output("nm", "--dynamic", "--defined-only", "--format=just-symbols", extension)
    assert sorted(symbol.lstrip("_") for symbol in listing.split()) == entry_points
