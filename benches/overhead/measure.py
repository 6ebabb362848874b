"""Measuring: everything in one process, the tools by turns, medians."""

from __future__ import annotations

import random
from statistics import geometric_mean, median
from typing import Any, Callable

from tools import TOOLS, empty_hooks
from workloads import WORKLOADS

# Nanoseconds since some moment.
Clock = Callable[[], int]

# One tool on one workload: "slowdown", "ns_per_event", "of_cprofile".
Cost = dict[str, float]

# Workloads with fewer events than that are measured more often, for the same price.
SHORT = 200_000


def count_events(function: Callable[[], Any]) -> int:
    """Calls, resumes and returns, as a profile function sees them."""
    empty_hooks.count(True)
    function()
    return empty_hooks.count(False)


def time_recorded(tool: Any, function: Callable[[], Any], clock: Clock) -> int:
    tool.start()
    function()  # Trees and instrumented code are ready, as in a long program.
    begin = clock()
    function()
    took = clock() - begin
    tool.stop()
    return took


def measure(name: str, chosen: list[str], rounds: int, clock: Clock) -> tuple[int, dict[str, Cost]]:
    """How many events the workload has and what each of the tools costs on it."""
    function = WORKLOADS[name]()
    function()
    events = count_events(function)
    if events < SHORT:
        rounds *= 4
    tools = {tool: TOOLS[tool]() for tool in chosen}
    times: dict[str, list[int]] = {tool: [] for tool in chosen}
    order = random.Random(0)
    for _ in range(rounds):
        # In an order that changes, so that nobody always comes after the same one.
        for tool in order.sample(chosen, len(chosen)):
            times[tool].append(time_recorded(tools[tool], function, clock))
    for tool in tools.values():
        tool.close()
    return events, {tool: cost(times, tool, events) for tool in chosen if tool != "none"}


def cost(times: dict[str, list[int]], tool: str, events: int) -> Cost:
    """Medians over the rounds, in each of which all tools had their turn."""
    rounds = list(zip(times[tool], times["none"], times["cProfile"]))
    return {
        "slowdown": median(mine / plain for mine, plain, _ in rounds),
        "ns_per_event": median((mine - plain) / events for mine, plain, _ in rounds),
        "of_cprofile": median((mine - plain) / (theirs - plain) for mine, plain, theirs in rounds),
    }


def mean_of_cprofile(costs: dict[str, dict[str, Cost]], tool: str) -> float:
    """The geometric mean over workloads; what can't be measured counts as a thousandth."""
    return geometric_mean(
        max(of_workload[tool]["of_cprofile"], 1e-3) for of_workload in costs.values()
    )
