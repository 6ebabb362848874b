"""The middleware for ASGI: requests of one loop, with their tasks and worker threads."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import warnings

import pytest
from edbprof_native import load
from edbprof_native.asgi import Middleware

TOKEN = "a-token-of-this-test+/="


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN_OF_TEST", TOKEN)
    return tmp_path / "store"


def work(n):
    return n and work(n - 1)


async def application(scope, receive, send):
    """Calls work(n) before and after each of three suspensions."""
    n = int(scope["path"].rpartition("/")[2] or 0)
    for _ in range(3):
        work(n)
        await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"b")]})
    await send({"type": "http.response.body", "body": repr(scope).encode()})


async def get(app, path, query=b"", headers=(), method="GET", **more):
    sent = []

    async def send(message):
        sent.append(message)

    received = []

    async def receive():
        if received:
            await asyncio.sleep(3600)
        received.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": list(headers),
        **more,
    }
    await app(scope, receive, send)
    status = sent[0]["status"]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return status, dict(sent[0].get("headers", ())), body, scope


def profs(store):
    return sorted(store.glob("*.prof")) if store.exists() else []


def calls(prof, name="work"):
    return sum(function.calls for function in load(prof).find(f"test_requests_asgi.{name}"))


def test_requests_of_one_loop_are_apart(store):
    app = Middleware(application, store=str(store), path=[f"/{n}" for n in range(0, 20, 2)])

    async def all_at_once():
        await asyncio.gather(*(get(app, f"/{n}") for n in range(20)))

    asyncio.run(all_at_once())
    assert sorted(map(calls, profs(store))) == [3 * (n + 1) for n in range(0, 20, 2)]


def test_the_token_is_taken_and_named_pages_are_shown(store):
    app = Middleware(application, store=str(store), token_from="TOKEN_OF_TEST")
    header = (b"x-edbprof-token", TOKEN.encode())
    referer = (b"referer", b"http://h/?edbprof=a-token-of-this-test%2B/=")
    query = b"a=1&edbprof=a-token-of-this-test%2B/="

    async def ask():
        _, headers, body, scope = await get(app, "/3", query, [header, referer, (b"c", b"d")])
        assert b"a-token" not in body and headers[b"x-a"] == b"b"
        # Servers log the scope afterwards.
        assert scope["query_string"] == b"a=1"
        assert scope["headers"] == [(b"referer", b"http://h/"), (b"c", b"d")]
        # A browser that was there sends that address with its next requests.
        _, headers_of_next, _, scope = await get(app, "/3", headers=[referer])
        assert scope["headers"] == [(b"referer", b"http://h/")]
        assert b"server-timing" not in headers_of_next
        wrong = (b"x-edbprof-token", b"wrong")
        assert (await get(app, "/3", headers=[referer, wrong]))[3]["headers"][1] == wrong
        page = headers[b"server-timing"].decode().partition('"')[2][:-1]
        status, headers, body, _ = await get(app, page, headers=[header])
        assert status == 200 and b"work" in body and headers[b"cache-control"] == b"no-store"
        status, headers, _, _ = await get(app, "/edbprof/", query)
        assert status == 303
        cookie = headers[b"set-cookie"].partition(b";")[0]
        assert (await get(app, "/edbprof/", headers=[(b"cookie", cookie)]))[0] == 200
        status, headers, body, _ = await get(app, "/edbprof/3", headers=[(b"cookie", b"edbprof=1")])
        assert status == 200 and b"server-timing" not in headers and b"'path'" in body
        rooted = await get(app, "/root/edbprof/", headers=[header], root_path="/root")
        assert rooted[0] == 200 and b"Recorded requests" in rooted[2]

    asyncio.run(ask())
    assert len(profs(store)) == 1


def test_nothing_else_is_touched(store, monkeypatch):
    seen = []

    async def app(scope, receive, send):
        seen.append((scope, receive, send))

    for middleware in (
        Middleware(app, store=str(store)),
        Middleware(app, store=str(store), path="/other"),
        Middleware(app, store=str(store), token_from="TOKEN_OF_TEST"),
    ):
        for kind in ("http", "lifespan", "websocket"):
            scope = {"type": kind, "path": "/", "headers": [], "query_string": b""}
            asyncio.run(middleware(scope, "receive", "send"))
            assert seen.pop() == (scope, "receive", "send")


def leaf_of_task():
    pass


def test_tasks_and_worker_threads_are_recorded(store):
    others = []

    async def child():
        for _ in range(2):
            leaf_of_task()
            await asyncio.sleep(0)

    def in_thread(n):
        assert threading.current_thread() is not threading.main_thread()
        work(n)
        return variable.get()

    variable = contextvars.ContextVar("variable", default=0)

    async def app(scope, receive, send):
        n = int(scope["path"][1:])
        variable.set(n)
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(child(), name=f"name-{n}")
        assert task.get_name() == f"name-{n}" and "child" in repr(task)
        copied = contextvars.copy_context()
        assert await loop.run_in_executor(None, copied.run, in_thread, n) == n
        await asyncio.gather(task, child())
        if n % 2:
            others.append(asyncio.create_task(never_ending()))
        await application(scope, receive, send)

    async def never_ending():
        while True:
            leaf_of_task()
            await asyncio.sleep(0)

    async def serve():
        loop = asyncio.get_running_loop()
        app_of_test = Middleware(app, store=str(store), path=["/1", "/2"])
        await asyncio.gather(*(get(app_of_test, f"/{n}") for n in (1, 2, 3, 4)))
        assert loop.get_task_factory() is None and "run_in_executor" not in vars(loop)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run(serve())
    found = {calls(prof): prof for prof in profs(store)}
    assert sorted(found) == [4 * 2, 4 * 3]
    assert calls(found[12], "leaf_of_task") == 4
    # The task that outlived its request was recorded as long as that.
    assert calls(found[8], "leaf_of_task") > 4


def test_a_task_that_outlives_its_request_is_left_alone(store, capfd):
    begun = []

    async def outlive():
        begun.append(work(3))

    async def application(scope, receive, send):
        begun.append(asyncio.ensure_future(outlive()))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def main():
        await get(Middleware(application, store=str(store), every=1), "/")
        await begun[0]

    asyncio.run(main())
    assert begun[1:] == [0]
    assert "edbprof" not in capfd.readouterr().err


def test_a_factory_of_the_program_is_kept(store):
    made = []

    def factory(loop, coroutine, **options):
        made.append(coroutine.__name__)
        return asyncio.Task(coroutine, loop=loop, **options)

    async def child():
        leaf_of_task()

    async def app(scope, receive, send):
        await asyncio.create_task(child())
        await application(scope, receive, send)

    async def serve():
        asyncio.get_running_loop().set_task_factory(factory)
        await get(Middleware(app, store=str(store), every=1), "/1")
        assert made == ["child"]
        assert asyncio.get_running_loop().get_task_factory() is factory

    asyncio.run(serve())
    assert [calls(prof, "leaf_of_task") for prof in profs(store)] == [1]


def test_cancelled_requests_and_tasks_end_as_without_us(store):
    async def child():
        await asyncio.sleep(3600)

    async def app(scope, receive, send):
        task = asyncio.create_task(child())
        task.cancel()  # Before its first step.
        with pytest.raises(asyncio.CancelledError):
            await task
        work(2)
        await asyncio.sleep(3600)

    async def serve():
        request = asyncio.create_task(get(Middleware(app, store=str(store), every=1), "/1"))
        for _ in range(5):
            await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(serve())
        gc.collect()
    assert [calls(prof) for prof in profs(store)] == [3]


def test_starlette(store):
    starlette = pytest.importorskip("starlette.applications")
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.responses import PlainTextResponse, StreamingResponse
    from starlette.routing import Route

    def in_thread(request):
        work(request.path_params["n"])
        return PlainTextResponse("thread")

    async def streamed(request):
        async def parts():
            for _ in range(3):
                work(request.path_params["n"])
                yield "part"
                await asyncio.sleep(0)

        return StreamingResponse(parts())

    app = starlette.Starlette(
        routes=[Route("/thread/{n:int}", in_thread), Route("/stream/{n:int}", streamed)]
    )

    class Around(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            return await call_next(request)

    app.add_middleware(Around)
    middleware = Middleware(app, store=str(store), path="/*/[2468]")

    async def serve():
        paths = [f"/{kind}/{n}" for kind in ("thread", "stream") for n in range(1, 9)]
        answers = await asyncio.gather(*(get(middleware, path) for path in paths))
        assert [answer[2] for answer in answers] == [b"thread"] * 8 + [b"partpartpart"] * 8

    asyncio.run(serve())
    ns = (2, 4, 6, 8)
    assert sorted(map(calls, profs(store))) == sorted(
        [n + 1 for n in ns] + [3 * (n + 1) for n in ns]
    )


@pytest.mark.parametrize("backend", ["trio", "uvloop"])
def test_other_loops(store, backend):
    module = pytest.importorskip(backend)

    async def app(scope, receive, send):
        sleep = module.sleep if backend == "trio" else asyncio.sleep
        for _ in range(3):
            work(int(scope["path"][1:]))
            await sleep(0)
        await send({"type": "http.response.start", "status": 204})

    middleware = Middleware(app, store=str(store), path=["/1", "/2"])

    async def with_trio():
        async with module.open_nursery() as nursery:
            for n in (1, 2, 3):
                nursery.start_soon(get, middleware, f"/{n}")

    async def with_asyncio():
        await asyncio.gather(*(get(middleware, f"/{n}") for n in (1, 2, 3)))

    if backend == "trio":
        module.run(with_trio)
    else:
        loop = module.new_event_loop()
        loop.run_until_complete(with_asyncio())
        loop.close()
    assert sorted(map(calls, profs(store))) == [6, 9]
