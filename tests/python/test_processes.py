"""Processes: each has a file of its own, nothing is counted twice, nothing is lost."""

from __future__ import annotations

import multiprocessing
import re
import sys
import textwrap

import pytest
from edbprof_native import profile
from prof_file import ProfFile, all_files, files, find, total_calls

METHODS = multiprocessing.get_all_start_methods()
pytestmark = pytest.mark.skipif("fork" not in METHODS, reason="POSIX only")


@pytest.fixture
def jobs(run, tmp_path, monkeypatch):
    """Runs a main module that has `jobs` at hand; gives the directory of the files."""
    directory = tmp_path / "profiles"
    directory.mkdir()
    monkeypatch.setenv("JOBS_DIRECTORY", str(directory))

    def play(source):
        body = textwrap.indent(textwrap.dedent(source), "    ")
        run(
            "import multiprocessing, os, sys\n"
            "from programs import jobs\n"
            "if __name__ == '__main__':\n" + body,
            # Python warns of fork beside threads, which is of no interest here.
            options=["-W", "ignore"],
        )
        return directory

    return play


#: Name of the node that a forked child's calls stand below.
CHILD = "<forked>"


def path_of(file):
    """The calls in which the process was forked, without their qualification."""
    texts = [kind[1] for kind in file.exact.get("kinds", ()) if kind and kind[0] == "forked"]
    names = [re.sub(r".*[. ](\w+)>?$", r"\1", name) for text in texts for name in text.split(" > ")]
    return names


def pids(directory):
    return [file.process["pid"] for file in all_files(directory)]


@pytest.mark.parametrize("method", METHODS)
def test_pool_closed_cleanly(jobs, method):
    """'save_every' is off: the workers write when multiprocessing ends them."""
    directory = jobs(
        f"""
        context = multiprocessing.get_context({method!r})
        pool = context.Pool(3)
        workers = set(pool.map(jobs.job, range(20), chunksize=1))
        pool.close()
        pool.join()
        found = {{int(name.split("_")[1]) for name in os.listdir(jobs.DIRECTORY)}}
        assert found == workers, (found, workers)
        """
    )
    assert total_calls(directory, "job") == 20
    assert total_calls(directory, "step") == sum(range(20))
    assert len(set(pids(directory))) == len(files(directory))
    assert all(file.process["ending"] == 1 for file in all_files(directory))


@pytest.mark.parametrize("method", METHODS)
def test_processes(jobs, method):
    directory = jobs(
        f"""
        context = multiprocessing.get_context({method!r})
        jobs.job(5)
        processes = [context.Process(target=jobs.job, args=(n,)) for n in (1, 2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            assert process.exitcode == 0
        jobs.job(7)
        """
    )
    steps = sorted(file.calls("step") for file in all_files(directory))
    assert steps == [1, 2, 12]


@pytest.mark.parametrize("method", METHODS)
def test_executor(jobs, method):
    directory = jobs(
        f"""
        from concurrent.futures import ProcessPoolExecutor
        context = multiprocessing.get_context({method!r})
        with ProcessPoolExecutor(2, mp_context=context) as executor:
            assert list(executor.map(jobs.Worker().method, range(10))) == list(range(10))
        """
    )
    assert total_calls(directory, "method") == total_calls(directory, "step") == 10
    assert len(set(pids(directory))) == len(files(directory)) <= 2


@pytest.mark.parametrize("method", METHODS)
def test_imported_in_the_worker(run, tmp_path, monkeypatch, method):
    """A worker that gets to know the profiler in the middle of its work writes its file."""
    monkeypatch.setenv("JOBS_DIRECTORY", str(tmp_path))
    run(
        f"""
        import multiprocessing
        from programs import lazy_job

        if __name__ == "__main__":
            process = multiprocessing.get_context({method!r}).Process(target=lazy_job.main)
            process.start()
            process.join()
            assert process.exitcode == 0
        """
    )
    assert total_calls(tmp_path, "lazy") == 1


def test_os_fork(jobs):
    directory = jobs(
        """
        jobs.job(3)
        child = os.fork()
        jobs.job(4 if child else 5)
        if child:
            assert os.waitpid(child, 0)[1] == 0
        """
    )
    parent, child = sorted(all_files(directory), key=lambda file: -file.calls("job"))
    assert (parent.calls("job"), parent.calls("step")) == (2, 7)
    assert (child.calls("job"), child.calls("step")) == (1, 5)
    assert child.process["parent_pid"] == parent.process["pid"]
    assert child.exact["recordings"] != parent.exact["recordings"]


def test_a_child_never_touches_its_parents_file(jobs):
    """Children of the original tool wrote over it."""
    directory = jobs(
        """
        from edbprof_native import profile
        saver = profile(dir=jobs.DIRECTORY)
        jobs.job(3)
        saver.save()
        def listed(suffix):
            return [name for name in os.listdir(jobs.DIRECTORY) if name.endswith(suffix)]
        def content():
            paths = [os.path.join(jobs.DIRECTORY, each) for each in (name, name + ".live")]
            return [(open(path, "rb").read(), os.stat(path).st_ino) for path in paths]
        (name,) = listed(".prof")
        before = content()
        child = os.fork()
        if not child:
            saver.save()  # nothing of the child's own yet
            assert listed("") == [name, name + ".live"] or listed("") == [name + ".live", name]
            jobs.job(1)
            saver.save()
            assert len(listed(".prof")) == len(listed(".live")) == 2
            sys.exit()
        assert os.waitpid(child, 0)[1] == 0
        assert content() == before
        """
    )
    assert sorted(file.calls("step") for file in all_files(directory)) == [1, 3]


def test_a_child_that_records_nothing_leaves_no_file(jobs):
    directory = jobs(
        """
        jobs.job(3)
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        """
    )
    assert len(files(directory)) == 1


def test_grandchildren(jobs):
    directory = jobs(
        """
        for n in range(1, 4):
            jobs.job(n)
            child = os.fork()
            if child:
                assert os.waitpid(child, 0)[1] == 0
                break
        """
    )
    assert sorted(file.calls("step") for file in all_files(directory)) == [1, 2, 3]


def test_fork_inside_of_a_recorded_call(jobs):
    """The child goes on in the open calls; what was before is the parent's."""
    directory = jobs(
        """
        from edbprof_native import profile

        def fork():
            child = os.fork()
            jobs.step()
            return child

        @profile(dir=jobs.DIRECTORY, save_every_n_calls=0)
        def outer():
            jobs.step()
            child = fork()
            jobs.step()
            return child

        child = outer()
        if child:
            assert os.waitpid(child, 0)[1] == 0
        """
    )
    # Below fork() itself stand the standard library's own handlers.
    fork = "<built-in method posix.fork>"
    parent, child = sorted(all_files(directory), key=lambda file: -file.calls("outer"))
    assert parent.paths()["outer", "fork", fork] == 1
    assert {path: calls for path, calls in parent.paths().items() if fork not in path} == {
        ("outer",): 1,
        ("outer", "step"): 2,
        ("outer", "fork"): 1,
        ("outer", "fork", "step"): 1,
    }
    assert {path: calls for path, calls in child.paths().items() if fork not in path} == {
        (CHILD, "outer", "step"): 1,
        (CHILD, "fork", "step"): 1,
    }
    for name in ("outer", "fork", fork):
        assert find(child, CHILD, name).calls == 0
        assert find(child, CHILD, name).total > 0
    assert child.rows[find(child, CHILD, "outer").label][:2] == (0, 0)
    assert path_of(child) == ["outer", "fork", "fork"]


def test_calls_that_a_child_does_not_come_back_to_are_not_in_it(jobs):
    directory = jobs(
        """
        from edbprof_native import profile

        def fork(then):
            child = os.fork()
            if not child:
                then()
                profile(dir=jobs.DIRECTORY).save()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0

        def grandchild():
            jobs.step()

        def child():
            fork(grandchild)

        def steps():
            yield fork(child)

        @profile(dir=jobs.DIRECTORY, save_every_n_calls=0)
        def outer():
            list(steps())

        outer()
        """
    )
    parent, child, grandchild = sorted(all_files(directory), key=lambda file: len(path_of(file)))
    assert parent.calls("outer") == parent.calls("steps") == 1
    assert path_of(child) == ["outer", "steps", "fork", "fork"]
    assert path_of(grandchild) == ["outer", "steps", "fork", "child", "fork", "fork"]
    for file in (child, grandchild):
        assert not {"outer", "steps"} & {node.name for node in file.nodes}
    assert child.calls("child") == grandchild.calls("grandchild") == 1
    assert "child" not in {node.name for node in grandchild.nodes}


def test_the_time_of_workers_is_not_their_pools(jobs, tmp_path):
    directory = jobs(
        """
        from edbprof_native import profile

        @profile(dir=jobs.DIRECTORY, save_every_n_calls=0)
        def outer():
            pool = multiprocessing.get_context("fork").Pool(2)
            pool.map(jobs.job, [3] * 6, chunksize=1)
            pool.close()
            pool.join()

        outer()
        """
    )
    (parent,) = (file for file in all_files(directory) if file.calls("outer"))
    profile(dir=directory).aggregate(tmp_path, quiet=True)
    merged = ProfFile(tmp_path / "profile_analysis.prof")
    for name in ("Pool", "_repopulate_pool", "start"):
        labels = [
            label for label in parent.rows if label[2] == name and "multiprocessing" in label[0]
        ]
        for label in labels:
            assert merged.rows[label][3] == pytest.approx(parent.rows[label][3], rel=1e-9)
        assert labels
    own = sum(row[2] for file in all_files(directory) for row in file.rows.values())
    assert sum(row[2] for row in merged.rows.values()) == pytest.approx(own, rel=1e-9)
    roots = [node for node in merged.nodes if not node.parent]
    assert sum(node.total for node in roots) == pytest.approx(own * 1e9, rel=1e-9)
    (child,) = (node for node in roots if node.name == CHILD)
    workers = [
        node for file in all_files(directory) for node in file.nodes if node.names == (CHILD,)
    ]
    assert child.total == sum(node.total for node in workers) > 0
    assert len(workers) == 2


def test_pool_started_inside_of_a_recorded_call(jobs):
    directory = jobs(
        """
        from edbprof_native import profile

        @profile(dir=jobs.DIRECTORY, save_every_n_calls=0)
        def outer():
            pool = multiprocessing.get_context("fork").Pool(2)
            pool.map(jobs.job, [3] * 6, chunksize=1)
            pool.close()
            pool.join()

        outer()
        """
    )
    assert total_calls(directory, "outer") == 1
    assert total_calls(directory, "job") == 6
    assert total_calls(directory, "step") == 18


def test_fork_from_another_thread(jobs):
    directory = jobs(
        """
        import threading

        def thread():
            jobs.job(2)
            child = os.fork()
            jobs.job(3)
            if not child:
                from edbprof_native import profile
                profile(dir=jobs.DIRECTORY).save()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0

        jobs.job(10)
        forking = threading.Thread(target=thread)
        forking.start()
        forking.join()
        """
    )
    assert sorted(file.calls("step") for file in all_files(directory)) == [3, 15]


def test_fork_while_another_thread_records(jobs):
    """That thread is not in the child, nor are its open calls."""
    directory = jobs(
        """
        import threading
        from edbprof_native import profile
        inside, may_end = threading.Event(), threading.Event()

        @profile(dir=jobs.DIRECTORY, save_every_n_calls=0)
        def waiting():
            inside.set()
            may_end.wait()

        other = threading.Thread(target=waiting)
        other.start()
        inside.wait()
        child = os.fork()
        jobs.job(4)
        if child:
            assert os.waitpid(child, 0)[1] == 0
            may_end.set()
            other.join()
        """
    )
    parent, child = sorted(all_files(directory), key=lambda file: -file.calls("waiting"))
    assert (parent.calls("waiting"), parent.calls("step")) == (1, 4)
    assert child.paths() == {
        ("job",): 1,
        ("job", "step"): 4,
        ("job", "<built-in method posix.getpid>"): 1,
    }


def test_exec_in_a_child_leaves_nothing(jobs):
    directory = jobs(
        """
        import subprocess
        jobs.job(1)
        for _ in range(3):
            subprocess.run([sys.executable, "-c", "pass"], check=True)
            subprocess.run([sys.executable, "-c", "pass"], check=True, preexec_fn=lambda: None)
        """
    )
    assert len(files(directory)) == 1


def test_hundred_workers_in_a_row(jobs):
    directory = jobs(
        """
        pool = multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1)
        workers = pool.map(jobs.job, [1] * 100, chunksize=1)
        pool.close()
        pool.join()
        assert len(set(workers)) == 100
        """
    )
    assert len(files(directory)) == 100
    assert total_calls(directory, "step") == 100


def test_file_of_a_worker_says_who_it_was(jobs):
    directory = jobs(
        """
        process = multiprocessing.get_context("fork").Process(target=jobs.job, args=(1,))
        process.start()
        process.join()
        print(os.getpid(), process.pid)
        """
    )
    (path,) = files(directory)
    process = ProfFile(path).process
    assert path.name.split("_")[1] == str(process["pid"])
    assert process["hook"] in ("setprofile", "monitoring")
    assert process["host"] == "CPython " + ".".join(map(str, sys.version_info[:3]))
