"""`profile.aggregate()`: from a program's processes to the merged result, by the program."""

from __future__ import annotations

import os
import pstats

import pytest
from edbprof_native import profile
from prof_file import ProfFile, files, total_calls


def callee():
    pass


def call(n):
    for _ in range(n):
        callee()


@pytest.fixture
def out(tmp_path):
    path = tmp_path / "out"
    path.mkdir()
    return path


@pytest.fixture
def inputs(tmp_path):
    path = tmp_path / "inputs"
    path.mkdir()
    return path


def test_nothing_to_aggregate(inputs, out, capfd):
    assert profile(dir=inputs).aggregate(out, quiet=True) == (0, 0)
    assert os.listdir(out) == []
    assert capfd.readouterr().out == ""


def test_what_this_process_recorded_is_saved_and_counted(inputs, out):
    decorate = profile(dir=inputs, save_every_n_calls=0)
    decorate(call)(3)
    assert decorate.aggregate(out, quiet=True) == (1, 0)
    merged = ProfFile(out / "profile_analysis.prof")
    assert merged.paths() == {("call",): 1, ("call", "callee"): 3}
    assert "callee" in (out / "profile_analysis.pstats").read_text()
    assert (out / "profile_analysis.svg").read_text().count("<svg") >= 1
    # Again: results are no inputs, and nothing counts twice.
    decorate(call)(4)
    assert decorate.aggregate(out, quiet=True) == (1, 0)
    assert ProfFile(out / "profile_analysis.prof").calls("callee") == 7


def test_workers_add_up(run, inputs, out, monkeypatch):
    monkeypatch.setenv("JOBS_DIRECTORY", str(inputs))
    run(
        """
        import multiprocessing
        from programs import jobs

        if __name__ == "__main__":
            pool = multiprocessing.get_context("fork").Pool(3)
            pool.map(jobs.job, range(20), chunksize=1)
            pool.close()
            pool.join()
            jobs.job(5)
        """
    )
    recordings = len(files(inputs))
    assert total_calls(inputs, "step") == sum(range(20)) + 5
    assert profile(dir=inputs).aggregate(out, quiet=True) == (recordings, 0)
    merged = ProfFile(out / "profile_analysis.prof")
    assert merged.paths()["job", "step"] == sum(range(20)) + 5
    assert merged.calls("job") == 21
    assert len(merged.exact["recordings"]) == recordings
    stats = pstats.Stats(str(out / "profile_analysis.prof"))
    assert stats.total_calls == sum(pstats.Stats(str(path)).total_calls for path in files(inputs))


def test_only_its_own_prefix_and_suffix(inputs, out):
    for arguments in ({"prefix": "one_"}, {"prefix": "two_"}, {"suffix": ".other"}):
        profile(dir=inputs, **arguments)(call)(1)
    decorate = profile(dir=inputs, prefix="two_")
    assert decorate.aggregate(out / "result.pstats", quiet=True) == (1, 0)
    assert sorted(os.listdir(out)) == ["result.prof", "result.pstats", "result.svg"]
    assert ProfFile(out / "result.prof").calls("callee") == 1


def test_broken_files_are_counted_as_failed(inputs, out, capfd):
    decorate = profile(dir=inputs)
    decorate(call)(1)
    (inputs / "edbprof_broken.prof").write_bytes(b"no profile")
    assert decorate.aggregate(out) == (1, 1)
    told = capfd.readouterr()
    assert "edbprof_broken.prof" in told.out + told.err


def test_table_is_pstats_own(inputs, out):
    decorate = profile(dir=inputs)
    decorate(call)(2)
    decorate.aggregate(out, sort_by="name", quiet=True)
    with open(out / "expected", "w") as stream:
        stats = pstats.Stats(str(out / "profile_analysis.prof"), stream=stream)
        stats.sort_stats("name").print_stats()

    def body(path):
        return [
            line for line in path.read_text().splitlines() if "(callee)" in line or "(call)" in line
        ]

    assert body(out / "profile_analysis.pstats") == body(out / "expected") != []


def test_quiet(inputs, out, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")  # Paths of temporary directories are long.
    decorate = profile(dir=inputs)
    decorate(call)(1)
    decorate.aggregate(out, quiet=True)
    assert tuple(capfd.readouterr()) == ("", "")
    decorate.aggregate(out)
    assert "profile_analysis.prof" in capfd.readouterr().out


def test_arguments_that_make_no_sense(inputs, out):
    decorate = profile(dir=inputs)
    decorate(call)(1)
    for arguments in ({"sort_by": "beauty"}, {"width": -5}, {"threshold": 7.0}, {"threshold": "x"}):
        with pytest.raises(ValueError):
            decorate.aggregate(out, quiet=True, **arguments)
    assert os.listdir(out) == []


def test_result_that_cannot_be_written(inputs, out):
    decorate = profile(dir=inputs)
    decorate(call)(1)
    (out / "x.svg").mkdir()
    with pytest.raises(OSError, match="x.svg"):
        decorate.aggregate(out / "x.prof", quiet=True)


def test_directories_that_are_missing(tmp_path, inputs, out):
    decorate = profile(dir=inputs)
    decorate(call)(1)
    with pytest.raises((OSError, ValueError), match="not_there"):
        decorate.aggregate(out / "not_there" / "x.prof", quiet=True)
    with pytest.raises((OSError, ValueError), match="not_there"):
        profile(dir=tmp_path / "not_there").aggregate(out, quiet=True)


def test_program_is_missing(inputs, out, monkeypatch):
    from edbprof_native import _program

    decorate = profile(dir=inputs)
    decorate(call)(1)
    monkeypatch.setattr(_program, "_NAME", "edbprof-that-is-not-there")
    with pytest.raises(OSError, match="reinstall"):
        decorate.aggregate(out, quiet=True)


def test_while_recording(inputs, out):
    """What was recorded until then is in the result, from the live file of this process."""
    decorate = profile(dir=inputs, save_every_n_calls=0)

    @decorate
    def outer():
        callee()
        return decorate.aggregate(out, quiet=True)

    assert outer() == (1, 0)
    paths = ProfFile(out / "profile_analysis.prof").paths()
    assert paths["outer",] == paths["outer", "callee"] == 1


def test_singledispatch_is_told(inputs, out):
    import functools

    from edbprof_native import tracing_singledispatch

    tracing_singledispatch.patch_functools()
    try:

        @functools.singledispatch
        def generic(value):
            pass

        decorate = profile(dir=inputs)
        decorate(lambda: generic(1))()
        assert decorate.aggregate(out, quiet=True) == (1, 0)
    finally:
        tracing_singledispatch.unpatch_functools()
    assert (out / "profile_analysis.singledispatch").stat().st_size > 20
