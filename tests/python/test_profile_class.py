"""`Profile`: switching, saving, closing, many at once, timers and bad arguments."""

from __future__ import annotations

import errno
import gc
import os
import sys
import threading
import time
import weakref

import pytest
from edbprof_native import Profile
from prof_file import ProfFile, saved

HOOKS = ["setprofile", "monitoring"] if sys.version_info >= (3, 12) else ["setprofile"]


def callee():
    pass


def call(n):
    for _ in range(n):
        callee()


def test_enable_and_disable(tmp_path):
    profile = Profile()
    call(1)
    for n in (2, 3):
        profile.enable()
        call(n)
        profile.disable()
        call(10)
    assert saved(profile, tmp_path).paths() == {("call",): 2, ("call", "callee"): 5}


def test_made_anew_it_records_no_longer(tmp_path):
    profile = Profile(hook="setprofile")
    profile.enable()
    call(1)
    profile.__init__()
    assert sys.getprofile() is None
    with profile:
        call(2)
    assert saved(profile, tmp_path).paths() == {("call",): 1, ("call", "callee"): 2}


def test_context_manager_nests(tmp_path):
    profile = Profile()
    with profile as entered:
        assert entered is profile
        call(1)
        with profile:
            call(1)
        call(1)
    call(9)
    assert saved(profile, tmp_path).calls("callee") == 3


def test_disable_undoes_every_enable(tmp_path):
    profile = Profile()
    profile.enable()
    profile.enable()
    profile.disable()
    call(1)
    profile.disable()
    assert saved(profile, tmp_path).calls("callee") == 0


def test_context_manager_ends_with_an_exception(tmp_path):
    profile = Profile()
    with pytest.raises(KeyError):
        with profile:
            call(1)
            raise KeyError
    call(9)
    assert saved(profile, tmp_path).calls("callee") == 1


def test_saves_to_exactly_that_path(tmp_path):
    profile = Profile()
    with profile:
        call(1)
    for name in ("no suffix", "x.prof", "ü.bin"):
        profile.save(tmp_path / name)
        assert ProfFile(tmp_path / name).calls("callee") == 1
    os.chdir(tmp_path)
    profile.save("relative")
    profile.save(b"as bytes")
    assert sorted(os.listdir(tmp_path)) == sorted(
        ["no suffix", "x.prof", "ü.bin", "relative", "as bytes"]
    )


def test_saving_twice_replaces_the_file(tmp_path):
    profile = Profile()
    for n in (1, 2):
        with profile:
            call(1)
        assert saved(profile, tmp_path).calls("callee") == n
    assert os.listdir(tmp_path) == ["saved.prof"]


def test_saving_while_recording_counts_open_calls(tmp_path):
    profile = Profile()

    def program():
        callee()
        return saved(profile, tmp_path)

    with profile:
        file = program()
    assert file.calls("program") == 1
    (program_node,) = (node for node in file.nodes if node.names == ("program",))
    (callee_node,) = (node for node in file.nodes if node.names == ("program", "callee"))
    assert program_node.total > callee_node.total


def test_nothing_recorded_is_saved_as_nothing(tmp_path):
    file = saved(Profile(), tmp_path)
    assert file.rows == {}
    assert file.nodes == []


def test_saving_where_nothing_can_be_saved(tmp_path):
    profile = Profile()
    with profile:
        call(1)
    missing = tmp_path / "missing" / "x.prof"
    with pytest.raises(FileNotFoundError) as raised:
        profile.save(missing)
    assert (raised.value.errno, raised.value.filename) == (errno.ENOENT, str(missing))
    with pytest.raises(OSError):
        profile.save(tmp_path)
    with pytest.raises(TypeError):
        profile.save(5)
    with pytest.raises(ValueError):
        profile.save("nul\0inside")
    assert os.listdir(tmp_path) == []
    assert saved(profile, tmp_path).calls("callee") == 1


def test_closed(tmp_path):
    profile = Profile()
    profile.enable()
    call(1)
    profile.close()
    profile.close()
    profile.disable()
    with pytest.raises(ValueError, match="closed"):
        profile.enable()
    with pytest.raises(ValueError, match="closed"):
        profile.save(tmp_path / "x.prof")
    with pytest.raises(ValueError, match="closed"):
        with profile:
            pass
    call(1)
    assert os.listdir(tmp_path) == []


def test_close_is_refused_while_another_thread_records(tmp_path):
    profile = Profile()
    enabled, may_end = threading.Event(), threading.Event()

    def thread():
        with profile:
            enabled.set()
            may_end.wait()

    other = threading.Thread(target=thread)
    other.start()
    enabled.wait()
    try:
        with pytest.raises(RuntimeError, match="another thread"):
            profile.close()
    finally:
        may_end.set()
        other.join()
    profile.close()


def test_a_thread_that_ends_while_recording_is_over(tmp_path):
    profile = Profile()
    for _ in range(3):
        thread = threading.Thread(target=lambda: profile.enable() or call(1))
        thread.start()
        thread.join()
    assert saved(profile, tmp_path).calls("callee") == 3
    profile.close()


def test_several_at_once_each_have_all(tmp_path):
    profiles = [Profile() for _ in range(20)]
    for n, profile in enumerate(profiles):
        profile.enable()
        call(n)
    for profile in profiles:
        profile.disable()
        call(1)
    for n, profile in enumerate(profiles):
        # Enabled before the calls of its own and all later ones, off before n calls.
        assert saved(profile, tmp_path).calls("callee") == sum(range(n, 20)) + n


def test_overlapping_not_nested(tmp_path):
    first, second = Profile(), Profile()
    first.enable()
    call(1)
    second.enable()
    call(2)
    first.disable()
    call(4)
    second.disable()
    assert saved(first, tmp_path).calls("callee") == 3
    assert saved(second, tmp_path).calls("callee") == 6


def test_in_two_threads_at_once(tmp_path):
    profile = Profile()
    together = threading.Barrier(2)

    def thread(n):
        with profile:
            together.wait()
            call(n)
            together.wait()

    threads = [threading.Thread(target=thread, args=(n,), name=f"t{n}") for n in (1000, 2000)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    file = saved(profile, tmp_path)
    assert [thread.name for thread in file.threads if thread.nodes] == ["t1000", "t2000"]
    for thread in file.threads:
        counted = sum(node.calls for node in thread.nodes if node.name == "callee")
        assert f"t{counted}" == thread.name


def descriptors():
    return set(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else set()


def test_hundreds_in_one_process(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    open_before = descriptors()
    profiles = []
    for _ in range(400):
        profile = Profile()
        with profile:
            call(1)
        profiles.append(profile)
    assert len(descriptors()) <= len(open_before)
    assert os.listdir(tmp_path) == []
    assert all(saved(profile, tmp_path).calls("callee") == 1 for profile in profiles[::50])
    for profile in profiles[:200]:
        profile.close()
    del profiles, profile
    gc.collect()
    assert os.listdir(tmp_path) == ["saved.prof"]


def test_collected_when_dropped():
    profile = Profile()
    with profile:
        call(1)
    dropped = weakref.ref(profile._recorder)
    del profile
    assert dropped() is None


def test_collected_with_a_cycle_through_its_timer():
    class Clock:
        def __call__(self):
            return 1.0

    clock = Clock()
    clock.profile = Profile(timer=clock)
    with clock.profile:
        call(1)
    dropped = weakref.ref(clock)
    del clock
    gc.collect()
    assert dropped() is None


def test_dropped_while_enabled(run):
    run(
        """
        import sys
        from edbprof_native import Profile

        Profile().enable()
        sorted([2, 1], key=lambda x: x)
        with Profile() as other:
            len("x")
        other.save("x.prof")
        from prof_file import ProfFile
        assert ProfFile("x.prof").paths() == {("<built-in method builtins.len>",): 1}
        """
    )


def drop_while_enabled(hook, live_dir):
    profile = Profile(hook=hook, live_dir=live_dir)
    profile.enable()
    profile.enable()
    callee()
    assert len(os.listdir(live_dir)) == 1
    return weakref.ref(profile._recorder)


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("around", [False, True])
def test_dropped_while_enabled_it_ends(hook, around, tmp_path):
    heard = []
    if around:
        sys.setprofile(lambda frame, event, argument: heard.append(event))
    before = sys.getprofile()
    with Profile(hook=hook) as other:
        for _ in range(20):
            dropped = drop_while_enabled(hook, tmp_path)
            assert dropped() is None
            assert os.listdir(tmp_path) == []
    after = sys.getprofile()
    sys.setprofile(None)
    assert after is before
    assert (len(heard) > 20) == around
    assert saved(other, tmp_path).calls("callee") == 20


@pytest.mark.parametrize("hook", HOOKS)
def test_dropped_while_enabled_with_a_cycle(hook):
    profile = Profile(hook=hook)
    profile.itself = profile
    profile.enable()
    dropped = weakref.ref(profile._recorder)
    del profile
    gc.collect()
    assert dropped() is None


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("others", [False, True])
def test_dropped_by_another_thread(hook, others, tmp_path):
    """It ends where it records, at the next call there."""
    enabled, let_go = threading.Event(), threading.Event()
    kept = Profile(hook=hook)
    profiles = [Profile(hook=hook, live_dir=tmp_path)]
    dropped = weakref.ref(profiles[0]._recorder)
    after = []

    def other():
        if others:
            kept.enable()
        profiles[0].enable()
        callee()
        enabled.set()
        let_go.wait()
        callee()
        after.append(dropped())
        kept.disable()

    thread = threading.Thread(target=other)
    thread.start()
    enabled.wait()
    profiles.clear()
    let_go.set()
    thread.join()
    assert after == [None]
    assert os.listdir(tmp_path) == []
    if others:
        assert saved(kept, tmp_path).calls("callee") == 2


@pytest.mark.parametrize("hook", HOOKS)
def test_dropped_in_its_own_timer(hook, tmp_path):
    """Where nothing may be switched: it ends at the next event."""
    profiles = []
    drop = False

    def timer():
        if drop:
            profiles.clear()
        return 1

    profiles.append(Profile(timer, hook=hook, live_dir=tmp_path))
    dropped = weakref.ref(profiles[0]._recorder)
    profiles[0].enable()
    drop = True
    callee()
    call(2)
    assert dropped() is None
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("hook", HOOKS)
def test_dropped_by_a_finalizer_within_an_event(hook):
    """Describing a function that is new may collect garbage."""
    thresholds = gc.get_threshold()
    for _ in range(20):
        profile = Profile(hook=hook)
        profile.itself = profile
        functions = [eval("lambda: [[]]") for _ in range(50)]
        gc.set_threshold(1)
        profile.enable()
        del profile
        for function in functions:
            function()
        gc.set_threshold(*thresholds)


def test_bad_arguments():
    with pytest.raises(ValueError, match="hook"):
        Profile(hook="telepathy")
    with pytest.raises(ValueError, match="clock"):
        Profile(clock="sundial")
    with pytest.raises(ValueError, match="clock"):
        Profile(timer=time.time, clock="sundial")
    with pytest.raises(TypeError, match="timer"):
        Profile(timer=5)
    with pytest.raises(TypeError):
        Profile(timeunit="fast")
    with pytest.raises(TypeError):
        Profile(lambda: 1, 1.0, True, True, "auto")
    Profile(None, 0.0, True, True, hook="setprofile", clock="wall").close()
