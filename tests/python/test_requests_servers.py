"""Requests of real servers under load: each recorded one has exactly its own calls."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
from edbprof_native import load

TOKEN = "a-token-of-this-test+/="
IN_QUERY = "edbprof=a-token-of-this-test%2B/="

APPLICATIONS = """
import asyncio, sys, time
from edbprof_native import asgi, wsgi

OPTIONS = dict(token_from="TOKEN_OF_TEST", store="store", path="/always/*")

def work(n):
    return n and work(n - 1)

def n_of(path):
    return int(path.rpartition("/")[2])

def of_wsgi(environ, start_response):
    n = n_of(environ["PATH_INFO"])
    work(n)
    time.sleep(0.002)
    start_response("200 OK", [("Content-Type", "text/plain")])
    for _ in range(2):
        work(n)
        time.sleep(0.002)
        yield b"part"

async def of_asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    n = n_of(scope["path"])
    work(n)
    await asyncio.sleep(0.002)
    await asyncio.gather(inner(n), inner(n))
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"text/plain"), (b"content-length", b"8")]})
    await send({"type": "http.response.body", "body": b"partpart"})

async def inner(n):
    await asyncio.sleep(0.001)
    work(n)

of_wsgi = wsgi.Middleware(of_wsgi, **OPTIONS)
of_asgi = asgi.Middleware(of_asgi, **OPTIONS)
"""

SERVERS = {
    "gunicorn-gthread": [
        "gunicorn", "-k", "gthread", "--threads", "4", "-w", "2", "--access-logfile", "-",
        "--bind", "unix:socket", "apps:of_wsgi",
    ],
    "gunicorn-gevent": [
        "gunicorn", "-k", "gevent", "-w", "2", "--access-logfile", "-",
        "--bind", "unix:socket", "apps:of_wsgi",
    ],
    "uvicorn": ["uvicorn", "--workers", "2", "--uds", "socket", "apps:of_asgi"],
    "hypercorn": [
        "hypercorn", "-w", "2", "--access-logfile", "-", "--bind", "unix:socket", "apps:of_asgi",
    ],
}  # fmt: skip


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.host)


def get(path, query="", **headers):
    connection = Connection("socket")
    try:
        connection.request("GET", f"{path}?{query}" if query else path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.fixture
def serve(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN_OF_TEST", TOKEN)
    (tmp_path / "apps.py").write_text(APPLICATIONS)
    started = []

    def serve(name):
        module, *arguments = SERVERS[name]
        pytest.importorskip(module)
        if "gevent" in arguments:
            pytest.importorskip("gevent")
        log = open("log", "w")
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": ""},
            )
        )
        log.close()
        while started[0].poll() is None:
            try:
                if get("/ready/0")[0] == 200:
                    return
            except OSError:
                pass
        pytest.fail((tmp_path / "log").read_text())

    def stop():
        started[0].send_signal(signal.SIGTERM)
        started[0].wait()

    serve.stop = stop
    yield serve
    for process in started:
        if process.poll() is None:
            stop()


def load_it(failed):
    """Eight clients at once, each with requests by token, by path and by no rule."""

    def client(number):
        try:
            for round in range(6):
                n = 10 * number + round
                kinds = {
                    f"/token/{n}": {"X-Edbprof-Token": TOKEN},
                    f"/query/{n}": {},
                    f"/always/{n}": {},
                    f"/never/{n}": {"X-Edbprof-Token": "wrong"},
                }
                for path, headers in kinds.items():
                    query = f"a=1&{IN_QUERY}" if path.startswith("/query") else "a=1"
                    status, answered, body = get(path, query, **headers)
                    assert (status, body) == (200, b"partpart")
                    allowed = path.startswith(("/token", "/query"))
                    assert ("edbprof" in answered.get("Server-Timing", "")) == allowed
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("name", SERVERS)
def test_each_request_on_its_own(serve, tmp_path, name):
    serve(name)
    failed = []
    load_it(failed)
    assert not failed, (failed[:3], (tmp_path / "log").read_text()[-3000:])
    # Either worker shows what the other has recorded.
    for _ in range(6):
        assert b"/always/75" in get("/edbprof/", **{"X-Edbprof-Token": TOKEN})[2]
    serve.stop()
    recorded = {}
    for file in (tmp_path / "store").glob("*.json"):
        about = json.loads(file.read_text())
        kind, n = about["path"][1:].split("/")
        data = load(file.with_suffix(".prof"))
        assert sum(each.calls for each in data.find("apps.work")) == 3 * (int(n) + 1), about
        assert about["status"] == 200
        recorded[kind] = recorded.get(kind, 0) + 1
    assert recorded == {"token": 48, "query": 48, "always": 48}
    log = (tmp_path / "log").read_text()
    assert "/query/71" in log and "a-token" not in log, log[-3000:]
