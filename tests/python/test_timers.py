"""`Profile(timer=...)`: what its readings mean, and that it can do no harm."""

from __future__ import annotations

import time

import pytest
from edbprof_native import Profile
from prof_file import saved


def callee():
    pass


def call(n):
    for _ in range(n):
        callee()


class Ticking:
    """Goes on by one at each reading."""

    def __init__(self, step=1, start=0):
        self.step = step
        self.now = start

    def __call__(self):
        self.now += self.step
        return self.now


@pytest.mark.parametrize(
    "timer, timeunit, tick",
    [
        (Ticking(), 0.0, 10**9),
        (Ticking(), 1e-3, 10**6),
        (Ticking(), 1e-9, 1),
        # Nanoseconds since 1970 need more bits than a double has.
        (Ticking(start=1_700_000_000_123_456_789), 1e-9, 1),
        (Ticking(0.5), 0.0, 5 * 10**8),
        (Ticking(0.5), 1e-3, 5 * 10**8),
        (Ticking(-1), 1e-9, 0),
    ],
    ids=["int", "ms", "ns", "ns since 1970", "float", "float with unit", "backwards"],
)
def test_timers(tmp_path, timer, timeunit, tick):
    profile = Profile(timer=timer, timeunit=timeunit)
    profile.enable()
    call(3)
    profile.disable()
    nodes = {node.names: node for node in saved(profile, tmp_path).nodes}
    # Entered, three times callee entered and left, left; and the timer is read once
    # more when callee is seen for the first time, so that naming it is its caller's time.
    assert nodes[("call",)].total == 8 * tick
    assert nodes[("call", "callee")].total == 3 * tick


def test_a_real_timer(tmp_path):
    profile = Profile(timer=time.perf_counter_ns, timeunit=1e-9)
    with profile:
        call(100)
    file = saved(profile, tmp_path)
    assert file.calls("callee") == 100
    assert file.process["clock"] == "host"
    assert 0 < file.nodes[0].total < 60 * 10**9


BAD_TIMERS = {
    "raises": "1 / 0",
    "exits": "sys.exit(9)",
    "no number": "'text'",
    "too large": "10 ** 40",
    "nan": "float('nan')",
    "infinite": "float('inf')",
}


@pytest.mark.parametrize("body", BAD_TIMERS.values(), ids=BAD_TIMERS)
def test_a_failing_timer_is_told_once_and_harms_nothing(run, body):
    told = run(
        f"""
        import sys
        from edbprof_native import Profile

        def timer():
            return {body}

        def callee(n):
            return n + 1

        profiles = [Profile(timer=timer), Profile(timer=timer)]
        for profile in profiles:
            with profile:
                try:
                    {{}}["missing"]
                except KeyError:
                    print(callee(1), callee(2))
        profiles[1].save("x.prof")
        from prof_file import ProfFile
        assert ProfFile("x.prof").calls("callee") == 2
        """,
        err=None,
    )
    assert told.out == "2 3\n" * 2
    expected = 0 if body.startswith("float") else 1
    assert told.err.count("\n") == told.err.count("timer has failed") == expected


@pytest.mark.parametrize(
    "deed",
    [
        "profile.close()",
        "profile.disable()",
        "profile.__init__()",
        "others.append(Profile()); others[-1].enable()",
    ],
)
def test_a_timer_cannot_switch_recording(run, deed):
    """It is read while events are given out: memory would be used after it is freed."""
    run(
        f"""
        from edbprof_native import Profile

        def timer():
            try:
                {deed}
            except RuntimeError as error:
                refused.append(str(error))
            return 1.0

        others, refused = [], []
        profile = Profile(timer=timer)
        profile.enable()
        def callee(): pass
        for _ in range(100): callee()
        profile.disable()
        assert set(refused) == {{"a timer can't switch recording on or off"}}
        assert len(refused) >= 200
        """
    )


def test_a_reading_that_clears_its_profile_when_it_is_made_a_number(run):
    run(
        """
        from edbprof_native import Profile

        class Reading:
            def __float__(self):
                try:
                    profile.clear()
                except RuntimeError as error:
                    refused.append(str(error))
                return 1.0

        refused = []
        profile = Profile(timer=Reading)
        profile.enable()
        def callee(): pass
        for _ in range(100): callee()
        profile.disable()
        assert set(refused) == {"a timer can't switch recording on or off"}
        """
    )


def test_cpu_clock(tmp_path):
    profile = Profile(clock="cpu")
    with profile:
        call(3)
    file = saved(profile, tmp_path)
    assert file.calls("callee") == 3
    assert file.process["clock"] == "cpu"
    assert file.nodes[0].total < 60 * 10**9
