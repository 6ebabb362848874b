"""Clusters of dask: every task of every worker, of killed ones too, in one profile."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import pytest

distributed = pytest.importorskip("distributed")

from edbprof_native.dask import profiled  # noqa: E402

HERE = Path(__file__).resolve().parent


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Two workers, each a process with two threads, which import this module."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("PYTHONPATH", str(HERE), prepend=os.pathsep)
    monkeypatch.syspath_prepend(str(HERE))
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=2,
        processes=True,
        dashboard_address=None,
        local_directory=str(tmp_path),
        silence_logs=50,
    ) as cluster:
        yield cluster


def leaf(number):
    return number


def inc(number):
    for _ in range(10):
        leaf(number)
    return number + 1


def total(numbers):
    return sum(numbers)


def dies_once(flag):
    for _ in range(7):
        leaf(0)
    if not os.path.exists(flag):
        with open(flag, "w", encoding="utf-8"):
            pass
        os._exit(3)
    return "survived"


def calls(recorded):
    return {function.name: function.calls for function in recorded.load().functions}


def test_tasks_are_frames_and_sums_are_exact(cluster, tmp_path):
    with distributed.Client(cluster) as client:
        with profiled(client) as recorded:
            numbers = client.map(inc, range(50), pure=False)
            assert client.submit(total, numbers).result() == 1275
        found = calls(recorded)
        assert (found["inc"], found["leaf"], found["total"]) == (50, 500, 1)
        paths = {node.path[0] for node in recorded.load().walk()}
        assert paths == {"inc (dask task)", "total (dask task)"}
        recorded.save(tmp_path / "run.prof")
        assert (tmp_path / "run.prof").read_bytes() == recorded.content
        assert client.submit(inc, 1, pure=False).result() == 2  # Nobody records that.
        with profiled(client) as again:
            assert client.submit(inc, 2, pure=False).result() == 3
        assert calls(again)["inc"] == 1
    assert not list(tmp_path.glob("edbprof-dask-*"))


def test_a_killed_worker_loses_nothing(cluster, tmp_path):
    with distributed.Client(cluster) as client:
        with profiled(client) as recorded:
            assert client.submit(dies_once, str(tmp_path / "flag")).result() == "survived"
        found = calls(recorded)
        assert (found["dies_once"], found["leaf"]) == (2, 14)
        endings = sorted(process.ending for process in recorded.load().processes)
        assert "killed" in endings


def test_nothing_is_recorded_without_tasks(cluster):
    with distributed.Client(cluster) as client:
        with profiled(client, record="json.*") as recorded:
            with pytest.raises(ValueError, match="has not ended"):
                recorded.load()
        assert recorded.content is None
        with pytest.raises(ValueError, match="no task was recorded"):
            recorded.save("never.prof")


def test_an_asynchronous_client(cluster):
    async def main():
        async with distributed.Client(cluster.scheduler_address, asynchronous=True) as client:
            async with profiled(client) as recorded:
                assert await client.submit(inc, 1, pure=False) == 2
            return calls(recorded)

    assert asyncio.run(main())["leaf"] == 10
