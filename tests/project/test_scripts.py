"""The scripts around the project: releases, and where `make pythons` gets Debian from."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
# Lock files that name the crate.
LOCKS = ("Cargo.lock", "fuzz/Cargo.lock", "examples/rust_host/Cargo.lock")


def run(*line, cwd=ROOT, expected=0, **environment):
    done = subprocess.run(
        [str(word) for word in line],
        cwd=cwd,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == expected, done.stdout
    return done.stdout


@pytest.fixture
def checkout(tmp_path):
    """Return a repository of what a release needs, as it is here, with one commit on main."""
    for name in ("Cargo.toml", "CHANGELOG.md", "scripts/release", *LOCKS):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(ROOT / name, tmp_path / name)
    changelog = tmp_path / "CHANGELOG.md"
    head, _, rest = changelog.read_text().partition("## Unreleased\n")
    changelog.write_text(f"{head}## Unreleased\n\n- A test.\n{rest}")
    run("git", "init", "--quiet", "--initial-branch=main", cwd=tmp_path)
    run("git", "config", "user.name", "test", cwd=tmp_path)
    run("git", "config", "user.email", "test@localhost", cwd=tmp_path)
    run("git", "add", "--all", cwd=tmp_path)
    run("git", "commit", "--quiet", "--message=All", cwd=tmp_path)
    return tmp_path


@pytest.fixture
def sources(tmp_path):
    """Return a repository of all sources: this one, or one of them where they came without."""
    if (ROOT / ".git").exists():
        return ROOT
    ignored = shutil.ignore_patterns("target", "build", ".venv*", "__pycache__")
    copy = shutil.copytree(ROOT, tmp_path / "sources", ignore=ignored)
    run("git", "init", "--quiet", cwd=copy)
    run("git", "add", "--all", cwd=copy)
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    run("git", *identity, "commit", "--quiet", "--message=All", cwd=copy)
    return copy


def release(checkout, *words, expected=0):
    return run("scripts/release", *words, cwd=checkout, expected=expected)


def test_release_sets_every_version_and_tags(checkout):
    release(checkout, "7.8.9")
    for name in LOCKS:
        assert 'name = "edbprof"\nversion = "7.8.9"\n' in (checkout / name).read_text()
    assert '\nversion = "7.8.9"\n' in (checkout / "Cargo.toml").read_text()
    assert re.search(
        r"## Unreleased\n\n## 7\.8\.9 - \d{4}-\d\d-\d\d\n\n- A test\.\n",
        (checkout / "CHANGELOG.md").read_text(),
    )
    assert run("git", "tag", "--points-at=HEAD", cwd=checkout) == "v7.8.9\n"
    assert run("git", "status", "--porcelain", cwd=checkout) == ""
    release(checkout, "--check", "7.8.9")
    assert "- A test.\n" in release(checkout, "--notes", "7.8.9")


@pytest.mark.parametrize(
    "version, message",
    [
        ("0.0.1", "0.0.1 is older than"),
        ("1.2", "three numbers"),
        ("1.2.3-rc1", "three numbers"),
        ("v1.2.3", "usage"),
    ],
)
def test_release_refuses_versions(checkout, version, message):
    assert message in release(checkout, version, expected=1)
    assert run("git", "tag", cwd=checkout) == ""


def test_release_refuses_a_dirty_checkout(checkout):
    (checkout / "new").touch()
    assert "commit or remove" in release(checkout, "7.8.9", expected=1)


def test_release_refuses_other_branches(checkout):
    run("git", "switch", "--quiet", "--create=other", cwd=checkout)
    assert "on main" in release(checkout, "7.8.9", expected=1)


def test_release_refuses_an_empty_changelog(checkout):
    release(checkout, "7.8.9")
    assert "says nothing" in release(checkout, "7.8.10", expected=1)


@pytest.mark.parametrize("name", ["Cargo.toml", "CHANGELOG.md", *LOCKS])
def test_check_finds_a_file_with_another_version(checkout, name):
    release(checkout, "7.8.9")
    path = checkout / name
    path.write_text(path.read_text().replace("7.8.9", "7.8.8"))
    assert name in release(checkout, "--check", "7.8.9", expected=1)


def test_dry_run_builds_and_changes_nothing(sources):
    def state():
        questions = (("status", "--porcelain"), ("tag",), ("rev-parse", "HEAD"))
        return [run("git", *question, cwd=sources) for question in questions]

    before = state()
    said = run("scripts/release", "--dry-run", "7.8.9", cwd=sources)
    assert "tag: v7.8.9" in said
    assert "target/package/edbprof-7.8.9.crate\n" in said
    assert "dist/edbprof-7.8.9.tar.gz\n" in said
    assert state() == before


def test_pythons_come_from_the_mirror_that_is_named():
    url = "http://mirror.example/debian"
    assert run("bash", "tests/pythons.sh", "--mirror", DEBIAN_MIRROR=url) == f"{url}\n"


def test_pythons_come_from_the_mirror_that_apt_uses(tmp_path):
    apt = tmp_path / "apt-get"
    lines = ("Ubuntu|http://u/", "Debian|http://d/debian-security/", "Debian|http://d/debian/")
    apt.write_text("#!/bin/sh\ncat <<.\n" + "\n".join(lines) + "\n.\n")
    apt.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    said = run("bash", "tests/pythons.sh", "--mirror", DEBIAN_MIRROR="", PATH=path)
    assert said == "http://d/debian/\n"


def test_no_script_names_a_mirror():
    named = re.compile(r"https?://[\w.-]*(debian|ubuntu)[\w.-]*")
    scripts = [ROOT / "Makefile", *ROOT.glob("scripts/*"), *ROOT.glob("tests/**/*.sh")]
    for path in scripts:
        assert not named.search(path.read_text(encoding="utf-8")), path
