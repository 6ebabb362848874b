"""Greenlets: what decorated calls record of them, and the program around."""

from __future__ import annotations

import asyncio
import gc
import os
import threading

import greenlet
import pytest
from edbprof_native import Profile, profile
from prof_file import ProfFile, all_files, only_file, saved
from turns import callee, calls_under, in_turns, run_all, to_parent


def test_a_decorated_call_records_its_greenlet_alone(tmp_path):
    decorate = profile(dir=tmp_path)

    @decorate
    def decorated(turns):
        for _ in range(turns):
            callee()
            to_parent()

    def other():
        for _ in range(7):
            callee()
            to_parent()

    run_all(lambda: decorated(2), other, lambda: decorated(4))
    for _ in range(3):
        callee()
    decorate.save()
    file = only_file(tmp_path)
    assert file.paths()[("decorated",)] == 2
    assert file.paths()[("decorated", "callee")] == 6
    assert file.calls("callee") == 6


def test_what_a_decorated_call_begins_belongs_to_it_as_long_as_it_lasts(tmp_path):
    decorate = profile(dir=tmp_path)

    @decorate
    def decorated(*begun):
        callee()
        for one in begun:
            one.switch()

    one = greenlet.greenlet(in_turns("one", 4))
    decorated(one, one)
    callee()
    one.switch()
    # Another call: it was not begun in that one.
    decorated(one)
    assert one.dead is False
    decorate.save()
    assert calls_under(only_file(tmp_path), "decorated") == {"decorated": 2, "one": 2}


def test_a_greenlet_that_goes_on_in_another_step_of_a_coroutine(tmp_path):
    """What SQLAlchemy does for synchronous code: its awaits are its parent's."""

    def synchronous():
        for _ in range(3):
            callee()
            to_parent(asyncio.sleep(0))

    async def spawn(function):
        one = greenlet.greenlet(function)
        awaitable = one.switch()
        while not one.dead:
            awaitable = one.switch(await awaitable)

    decorate = profile(dir=tmp_path)

    @decorate
    async def decorated():
        await spawn(synchronous)

    async def other():
        for _ in range(10):
            callee()
            await asyncio.sleep(0)

    async def all_of_them():
        await asyncio.gather(decorated(), other(), decorated())

    asyncio.run(all_of_them())
    decorate.save()
    file = only_file(tmp_path)
    assert calls_under(file, "decorated") == {"synchronous": 6}
    assert file.calls("callee") == 6


def test_a_call_that_is_suspended_for_long(tmp_path):
    """Events may go off and on meanwhile; frames that are on no stack would miss that."""
    decorate = profile(dir=tmp_path)

    def suspended(switch):
        if switch:
            to_parent()

    @decorate
    def decorated():
        suspended(True)
        callee()

    @decorate
    def short():
        pass

    one = greenlet.greenlet(decorated)
    one.switch()
    for _ in range(40_000):
        suspended(False)
    short()
    one.switch()
    decorate.save()
    assert calls_under(only_file(tmp_path), "decorated") == {"decorated": 1}


def test_calls_that_end_while_others_are_suspended_are_saved(tmp_path):
    decorate = profile(dir=tmp_path)

    @decorate
    def decorated():
        to_parent()

    run_all(decorated, decorated)
    (path,) = tmp_path.glob("*.prof")
    assert ProfFile(path).calls("decorated") >= 1


def test_other_threads_have_their_own(tmp_path):
    recorded = Profile(threads=True)

    def work():
        run_all(in_turns("a", 3), in_turns("b", 4))

    recorded.enable()
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    run_all(in_turns("a", 5))
    for thread in threads:
        thread.join()
    recorded.disable()
    file = saved(recorded, tmp_path)
    counted = [
        sorted((node.parent.name, node.calls) for node in thread.nodes if node.name == "callee")
        for thread in file.threads
    ]
    assert sorted(counted) == [[("a", 3), ("b", 4)]] * 3 + [[("a", 5)]]


def test_the_programs_own_trace_function_goes_on(run):
    done = run(
        """
        import greenlet
        from edbprof_native import Profile

        def body():
            greenlet.getcurrent().parent.switch()

        seen = []
        greenlet.settrace(lambda event, args: seen.append(event))
        with Profile():
            one = greenlet.greenlet(body)
            one.switch()
            one.switch()
        print(seen)
        """
    )
    assert done.out.strip() == str(["switch"] * 4)


def test_the_program_sees_its_own_trace_function(run):
    done = run(
        """
        import greenlet
        from edbprof_native import Profile

        def body():
            while True:
                greenlet.getcurrent().parent.switch()

        def trace(event, args):
            seen.append(event)

        def take_turns():
            one.switch()
            return len(seen)

        seen = []
        one = greenlet.greenlet(body)
        for _ in range(2):
            with Profile():
                print(take_turns(), greenlet.gettrace(), greenlet.settrace(None))
                print(greenlet.settrace(trace), greenlet.gettrace() is trace, take_turns())
                print(greenlet.settrace(trace) is trace, take_turns())
            print(greenlet.gettrace() is trace, take_turns())
            print(greenlet.settrace(None) is trace, greenlet.gettrace(), take_turns())
            seen.clear()
        try:
            greenlet.settrace()
        except TypeError as error:
            print(error)
        """
    )
    once = ["0 None None", "None True 2", "True 4", "True 6", "True None 6"]
    assert done.out.splitlines()[:-1] == once * 2
    assert "settrace() takes exactly" in done.out or "function" in done.out


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_goes_on_with_any_of_them(tmp_path, run):
    done = run(
        """
        import os, sys
        import greenlet
        from edbprof_native import profile

        def callee():
            pass

        def body():
            callee()
            greenlet.getcurrent().parent.switch()
            callee()

        decorate = profile(dir=sys.argv[1])

        @decorate
        def program():
            one = greenlet.greenlet(body)
            one.switch()
            child = os.fork()
            callee()
            one.switch()
            callee()
            if child:
                assert os.waitpid(child, 0)[1] == 0
            return child

        child = program()
        decorate.save()
        if not child:
            os._exit(0)
        """,
        tmp_path,
    )
    assert done.out == ""
    child, parent = sorted(all_files(tmp_path), key=lambda file: file.calls("callee"))
    assert calls_under(parent, "program") == {"program": 2, "body": 2}
    # The child does not know what was open in the greenlet.
    assert child.calls("callee") == 3
    assert child.paths()[("<forked>", "program", "callee")] == 2


def test_threads_that_were_there_before_the_program_uses_greenlets(tmp_path, run):
    done = run(
        """
        import pathlib, queue, sys, threading
        from edbprof_native import Profile
        from prof_file import saved

        def job():
            from turns import in_turns, run_all
            run_all(in_turns("a", 3), in_turns("b", 3))

        def work(jobs, done):
            while job := jobs.get():
                job()
                done.put(None)

        recorded = Profile(threads=True)
        recorded.enable()
        queues = [queue.Queue(), queue.Queue()]
        done = queue.Queue()
        threads = [threading.Thread(target=work, args=(jobs, done)) for jobs in queues]
        for thread in threads:
            thread.start()
        for what in (print, job):
            for jobs in queues:
                jobs.put(what)
                done.get()
        for jobs, thread in zip(queues, threads):
            jobs.put(None)
            thread.join()
        recorded.disable()
        for thread in saved(recorded, pathlib.Path(sys.argv[1])).threads:
            print(sorted((n.parent.name, n.calls) for n in thread.nodes if n.name == "callee"))
        """,
        tmp_path,
    )
    assert done.out.split("\n")[2:] == ["[]", *["[('a', 3), ('b', 3)]"] * 2, ""]


def test_a_trace_function_that_raises(tmp_path):
    raises = iter([False, True])

    def trace(event, arguments):
        if next(raises, False):
            raise ValueError(event)

    def program():
        run_all(in_turns("first", 1))
        one, other = (greenlet.greenlet(in_turns(name, 3)) for name in ("one", "other"))
        for _ in range(4):
            one.switch()
            other.switch()

    before = greenlet.settrace(trace)
    recorded = Profile()
    recorded.enable()
    try:
        with pytest.raises(ValueError, match="switch"):
            run_all(in_turns("first", 1))
        program()
    finally:
        recorded.disable()
        greenlet.settrace(before)
    found = calls_under(saved(recorded, tmp_path), "program")
    assert found == {"first": 1, "one": 3, "other": 3}


def test_attributes_that_the_program_has_overridden_are_not_asked(run):
    done = run(
        """
        import greenlet
        from edbprof_native import Profile

        class Own(greenlet.greenlet):
            @property
            def dead(self):
                print("dead")
                return True

            @property
            def parent(self):
                raise SystemExit("parent")

        def body():
            main.switch()

        main = greenlet.getcurrent()
        with Profile():
            one = Own(body)
            one.switch()
            one.switch()
        """
    )
    assert done.out == ""


def test_suspended_greenlets_keep_no_profile(tmp_path):
    suspended = []
    for _ in range(3):
        with Profile(live_dir=tmp_path) as recorded:
            suspended.append(greenlet.greenlet(in_turns("waits", 2)))
            suspended[-1].switch()
        recorded.close()
        del recorded
    gc.collect()
    assert list(tmp_path.iterdir()) == []
    for one in suspended:
        one.switch()


def test_a_recorder_that_is_closed_while_its_call_is_suspended(run):
    done = run(
        """
        import sys
        import greenlet
        from edbprof_native import _native

        closed, other = (_native.Recorder(live_dir="") for _ in range(2))
        main = greenlet.getcurrent()
        real = sys.stderr

        class Stderr:
            def write(self, text):
                if greenlet.getcurrent() is not main:
                    main.switch("from stderr")

            def flush(self):
                pass

        def body():
            main.switch("from the call")

        other.enable()
        one = greenlet.greenlet(_native.Decorated(body, closed))
        print(one.switch())
        closed.close()
        sys.stderr = Stderr()
        while not one.dead:
            one.switch()
        sys.stderr = real
        print("end")
        """,
        err=None,
    )
    assert done.out == "from the call\nend\n"


def test_functions_that_are_new_when_the_interpreter_is_nearly_gone(run):
    run(
        """
        import sys
        from edbprof_native import _native

        class Late:
            def __del__(self):
                def new():
                    pass
                new()

        class Early:
            def __del__(self, modules=sys.modules, Late=Late):
                modules["late"] = Late()

        early = Early()
        recorder = _native.Recorder(live_dir="")
        recorder.enable()
        """
    )
