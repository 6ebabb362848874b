"""Middlewares that record requests: rules, tokens, pages, the store; WSGI, in this process."""

from __future__ import annotations

import os
import re
import stat
import threading
from wsgiref.util import FileWrapper, setup_testing_defaults

import pytest
from edbprof_native import load
from edbprof_native._web.rules import Token
from edbprof_native._web.store import About, Store, new_id
from edbprof_native.wsgi import Middleware

TOKEN = "a-token-of-this-test+/="
IN_QUERY = "edbprof=a-token-of-this-test%2B/="


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN_OF_TEST", TOKEN)
    return tmp_path / "store"


def work(n):
    return n and work(n - 1)


def is_text(item):
    return isinstance(item[1], str)


def application(environ, start_response):
    """Calls work() in the application, in its body and at the end, n + 1 times each."""
    n = int(environ["PATH_INFO"].rpartition("/")[2] or 0)
    start_response("200 OK", [("X-Seen", repr(sorted(filter(is_text, environ.items()))))])
    work(n)
    return Body(n)


class Body:
    def __init__(self, n):
        self.n = n
        self.parts = iter([b"two ", b"parts"])

    def __iter__(self):
        return self

    def __next__(self):
        part = next(self.parts)
        work(self.n)
        return part

    def close(self):
        work(self.n)


def get(app, path, query="", method="GET", **variables):
    """The status, the headers and the body of an answer."""
    environ = {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": method, **variables}
    setup_testing_defaults(environ)
    started = []
    body = app(environ, lambda status, headers, error=None: started.append((status, headers)))
    content = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    [(status, headers)] = started
    return int(status.split()[0]), dict(headers), content


def calls(prof):
    """Calls of work() in a recording."""
    return sum(function.calls for function in load(prof).find("test_requests.work"))


def profs(store):
    return sorted(store.glob("*.prof")) if store.exists() else []


def test_nothing_is_recorded_without_a_rule(store, monkeypatch):
    monkeypatch.delenv("TOKEN_OF_TEST")
    app = Middleware(application, store=str(store), token_from="TOKEN_OF_TEST")
    status, headers, content = get(app, "/5", IN_QUERY, HTTP_X_EDBPROF_TOKEN=TOKEN)
    assert (status, content) == (200, b"two parts")
    assert "edbprof=" in headers["X-Seen"] and "HTTP_X_EDBPROF_TOKEN" in headers["X-Seen"]
    assert "Server-Timing" not in headers
    assert not store.exists()


def test_the_whole_request_is_recorded(store):
    app = Middleware(application, store=str(store), token_from="TOKEN_OF_TEST")
    _, headers, content = get(app, "/5", HTTP_X_EDBPROF_TOKEN=TOKEN)
    assert content == b"two parts"
    [prof] = profs(store)
    # In the call, in two parts and in close().
    assert calls(prof) == 4 * 6
    names = {function.qualified_name for function in load(prof).functions}
    assert not [name for name in names if "Recording" in name or "split" in name], names
    id = re.fullmatch(r'edbprof;desc="/edbprof/([0-9a-f]{32})"', headers["Server-Timing"])
    assert prof.name == f"edbprof_{id[1]}.prof"


def test_generators_lists_and_files_are_bodies(store, tmp_path):
    (tmp_path / "file").write_bytes(b"content")

    def generator(environ, start_response):
        start_response("200 OK", [])
        work(1)
        yield b"content"
        work(2)

    def lists(environ, start_response):
        start_response("200 OK", [])
        work(4)
        return [b"content"]

    def files(environ, start_response):
        start_response("200 OK", [])
        work(4)
        return FileWrapper(open(tmp_path / "file", "rb"))

    for number, app in enumerate((generator, lists, files), 1):
        app = Middleware(app, store=str(store), every=1)
        assert get(app, "/", **{"wsgi.file_wrapper": FileWrapper})[2] == b"content"
        assert len(profs(store)) == number
    assert [calls(prof) for prof in profs(store)] == [5] * 3


def test_a_request_that_fails_is_recorded_and_fails(store):
    def fails(environ, start_response):
        work(1)
        raise LookupError("of the program")

    with pytest.raises(LookupError, match="of the program"):
        get(Middleware(fails, store=str(store), every=1), "/")
    assert [calls(prof) for prof in profs(store)] == [2]
    assert Store(str(store), 1 << 20).list()[0][1].status == 0


@pytest.mark.parametrize("given", ["", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\xe9"])
def test_others_get_the_programs_own_answer(store, given):
    app = Middleware(application, store=str(store), token_from="TOKEN_OF_TEST")
    for path in ("/3", "/edbprof/", "/edbprof/" + "0" * 32):
        path = path if path == "/3" else path + "/3"
        for variables in ({"HTTP_X_EDBPROF_TOKEN": given}, {"HTTP_COOKIE": f"edbprof={given}"}):
            plain = get(application, path, f"a=1&edbprof={given}", **variables)
            assert get(app, path, f"a=1&edbprof={given}", **variables) == plain
    assert not store.exists()


def test_the_program_never_sees_the_token(store):
    app = Middleware(application, store=str(store), token_from="TOKEN_OF_TEST")
    _, headers, _ = get(
        app,
        "/3",
        f"a=1&{IN_QUERY}&b=2",
        RAW_URI=f"/3?a=1&{IN_QUERY}&b=2",
        REQUEST_URI=f"/3?{IN_QUERY}",
        HTTP_REFERER=f"http://host/2?{IN_QUERY}",
        HTTP_X_EDBPROF_TOKEN=TOKEN,
    )
    seen = headers["X-Seen"]
    assert "a-token" not in seen
    for text in ("'a=1&b=2'", "'/3?a=1&b=2'", "'/3'", "'http://host/2'"):
        assert text in seen
    # A browser that was there sends the address of that page with its next requests.
    _, headers, _ = get(app, "/3", HTTP_REFERER=f"http://host/2?{IN_QUERY}")
    assert "a-token" not in headers["X-Seen"] and "Server-Timing" not in headers
    assert len(profs(store)) == 1
    for file in store.iterdir():
        assert b"a-token" not in file.read_bytes() and "token" not in file.name


def test_every_path_and_slower_than(store):
    def count(path="/api/1", times=6, **rules):
        before = len(profs(store))
        app = Middleware(application, store=str(store), **rules)
        headers = [get(app, path)[1] for _ in range(times)]
        assert not any("Server-Timing" in each for each in headers)
        return len(profs(store)) - before

    assert count(every=1) == 6
    assert count(every=3) == 2
    for path, number in (("/api/*", 6), (["/x", "/api/1"], 6), ("/api", 0), ("/*/2", 0)):
        before = len(profs(store))
        app = Middleware(application, store=str(store), path=path)
        for _ in range(6):
            get(app, "/api/1")
        assert len(profs(store)) - before == number
    assert count(slower_than=0.0) == 6
    assert count(slower_than=3600) == 0
    assert count(every=2, slower_than=0.0) == 3


def test_the_token_chooses_whatever_the_other_rules_say(store):
    app = Middleware(application, store=str(store), token_from="TOKEN_OF_TEST", slower_than=3600)
    get(app, "/1")
    assert not profs(store)
    assert "Server-Timing" in get(app, "/1", HTTP_X_EDBPROF_TOKEN=TOKEN)[1]
    assert len(profs(store)) == 1


def test_requests_in_other_threads_are_apart(store):
    barrier = threading.Barrier(6)

    def app(environ, start_response):
        barrier.wait()
        answer = application(environ, start_response)
        barrier.wait()
        return answer

    middleware = Middleware(app, store=str(store), path=["/2", "/4", "/8"])
    threads = [threading.Thread(target=get, args=(middleware, f"/{n}")) for n in (1, 2, 3, 4, 7, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(calls, profs(store))) == [4 * 3, 4 * 5, 4 * 9]


def test_pages(store):
    app = Middleware(application, store=str(store), token_from="TOKEN_OF_TEST")
    _, headers, _ = get(app, "/a<b>/7", HTTP_X_EDBPROF_TOKEN=TOKEN, SCRIPT_NAME="/root")
    page = re.search('desc="/root(/edbprof/.*)"', headers["Server-Timing"])[1]
    token = {"HTTP_X_EDBPROF_TOKEN": TOKEN}
    status, headers, content = get(app, page, **token)
    assert status == 200 and b"work" in content
    assert headers["Content-Security-Policy"].startswith("sandbox allow-scripts;")
    assert headers["Cache-Control"] == "no-store"
    status, headers, content = get(app, "/edbprof/", **token)
    assert status == 200 and page.rpartition("/")[2].encode() in content
    assert b"GET /root/a&lt;b&gt;/7" in content
    assert get(app, page, method="HEAD", **token)[2] == b""
    # A token in the query becomes a cookie, so that the address and links are without it.
    status, headers, _ = get(app, page, IN_QUERY, SCRIPT_NAME="/root")
    assert (status, headers["Location"]) == (303, "/root" + page)
    cookie, *attributes = headers["Set-Cookie"].split("; ")
    assert attributes == ["HttpOnly", "SameSite=Strict", "Path=/root/edbprof/"]
    assert "a-token" not in str(headers)
    assert (
        get(app, page, HTTP_COOKIE=f"a=b; {cookie}; c=d")[0:3:2] == get(app, page, **token)[0:3:2]
    )
    for other in (cookie[:-1], cookie + "0", "edbprof=9" + cookie[8:], "edbprof="):
        assert get(app, page + "/1", HTTP_COOKIE=other)[2] == b"two parts"
    # The cookie records nothing.
    assert len(profs(store)) == 1
    https = {"wsgi.url_scheme": "https"}
    assert "; Secure" in get(app, "/edbprof/", IN_QUERY, **https)[1]["Set-Cookie"]
    # Others than these are the program's.
    for path, method in (("/edbprof/1", "GET"), ("/edbprof/../1", "GET"), (page + "/1", "POST")):
        assert get(app, path, method=method, **token)[2] == b"two parts"
    assert get(app, "/edbprof/%0d%0aX:1/1", IN_QUERY)[2] == b"two parts"


def about(number):
    return About(number, "GET", f"/{number}", 200, 0.25)


def test_the_store_is_private_and_bounded(store):
    other = store / "edbprof_notes.prof"
    kept = Store(str(store), 10_000)
    ids = [new_id() for _ in range(20)]
    for number, id in enumerate(ids):
        assert kept.put(id, bytes([number]) * 2000, about(number))
        if number == 0:
            other.write_bytes(b"x" * 50_000)
        files = [file for file in store.iterdir() if file != other and "bytes" not in file.name]
        assert sum(file.stat().st_size for file in files) <= 10_000
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    assert {stat.S_IMODE(f.stat().st_mode) for f in store.iterdir() if f != other} == {0o600}
    (store / f"edbprof_{new_id()}.json").write_text("[1, 2")
    (store / f"edbprof_{new_id()}.json").write_text('{"other": 1}')
    left = [id for id, _ in kept.list()]
    assert left == ids[::-1][: len(left)] and len(left) >= 3
    assert kept.get(left[0]) == bytes([19]) * 2000
    assert kept.get(ids[0]) is None
    assert not kept.put(new_id(), b"x" * 10_001, about(0))
    assert other.exists()
    # A killed process leaves a part, and a note may be lost.
    (store / f"edbprof_{new_id()}.part").write_bytes(b"x" * 9_000)
    (store / "edbprof_bytes").write_text("rubbish")
    os.utime(store / next(f.name for f in store.glob("*.part")), (1, 1))
    assert kept.put(new_id(), b"x" * 5000, about(99))
    assert not list(store.glob("*.part"))


def test_two_processes_share_a_store(store, run):
    run(
        """
        import os, sys
        from edbprof_native._web.store import About, Store, new_id
        children = []
        for _ in range(4):
            pid = os.fork()
            if not pid:
                store = Store(sys.argv[1], 30_000)
                for n in range(100):
                    assert store.put(new_id(), bytes(1000), About(n, "GET", "/", 200, 0.1))
                os._exit(0)
            children.append(pid)
        assert not any(os.waitpid(pid, 0)[1] for pid in children)
        """,
        store,
    )
    sizes = [f.stat().st_size for f in store.iterdir() if f.suffix in (".prof", ".json")]
    assert 20_000 < sum(sizes) <= 30_000


def test_a_store_that_others_can_read_is_refused_once(store, capfd):
    store.mkdir(0o755)
    store.chmod(0o755)
    app = Middleware(application, store=str(store), every=1)
    for _ in range(3):
        assert get(app, "/1")[2] == b"two parts"
    told = capfd.readouterr().err
    assert told.count("edbprof: cannot keep the recording of a request:") == 1
    assert "0700" in told and not list(store.iterdir())


def test_a_link_is_no_store(store, tmp_path, capfd):
    (tmp_path / "elsewhere").mkdir(0o700)
    store.symlink_to(tmp_path / "elsewhere")
    assert get(Middleware(application, store=str(store), every=1), "/1")[0] == 200
    assert "cannot keep" in capfd.readouterr().err
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_recording_that_is_damaged_is_told_on_its_page(store):
    app = Middleware(application, store=str(store), token_from="TOKEN_OF_TEST")
    get(app, "/1", HTTP_X_EDBPROF_TOKEN=TOKEN)
    [prof] = profs(store)
    prof.write_bytes(prof.read_bytes()[:-99])
    page = "/edbprof/" + prof.stem.partition("_")[2]
    status, _, content = get(app, page, HTTP_X_EDBPROF_TOKEN=TOKEN)
    assert status == 500 and b"The page cannot be made" in content


def test_paths_are_text(store):
    app = Middleware(application, store=str(store), path="/žluté/*")
    get(app, "/žluté/3".encode().decode("latin-1"))
    [(_, kept)] = Store(str(store), 1 << 20).list()
    assert kept.path == "/žluté/3"


def test_settings_that_make_no_sense(store, monkeypatch):
    for wrong in ({"every": -1}, {"slower_than": -1}, {"pages": "x"}, {"max_bytes": 0}):
        with pytest.raises(ValueError):
            Middleware(application, **wrong)
    with pytest.raises(TypeError):
        Middleware(application, evening=1)
    monkeypatch.setenv("TOKEN_OF_TEST", "short")
    with pytest.raises(ValueError, match="TOKEN_OF_TEST has fewer than 16 characters") as error:
        Middleware(application, token_from="TOKEN_OF_TEST")
    assert "short" not in str(error.value)


def test_an_unset_token_is_nobodys(monkeypatch):
    monkeypatch.delenv("TOKEN_OF_TEST", raising=False)
    token = Token("TOKEN_OF_TEST")
    assert not token.is_set and not token.is_in("")
    assert not token.has_session("edbprof=" + token.new_session())
    monkeypatch.setenv("TOKEN_OF_TEST", TOKEN)
    token = Token("TOKEN_OF_TEST")
    assert token.is_in(TOKEN) and TOKEN not in repr(vars(token))
    session = token.new_session()
    assert token.has_session(f"edbprof={session}")
    monkeypatch.setattr("time.time", lambda: int(session.split(".")[0]) + 1)
    assert not token.has_session(f"edbprof={session}")
