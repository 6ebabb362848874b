"""Measures the cost of a request in a middleware that records it, or does not.

    .venv-3.13/bin/python benches/requests.py

Processor time of a request of an application that answers at once, the least of 7 rounds. Values
are microseconds.
"""

import asyncio
import os
import tempfile
import time

from edbprof_native import asgi, wsgi

ROUNDS = 7
OFF, RECORDED = 20_000, 500

os.environ["EDBPROF_TOKEN"] = "x" * 32
STORE = os.path.join(tempfile.mkdtemp(), "store")
RULES = {
    "without middleware": (None, OFF),
    "no rule": ({}, OFF),
    "token, request without": ({"token_from": "EDBPROF_TOKEN"}, OFF),
    "path, another": ({"path": "/other/*"}, OFF),
    "every 1,000th, others": ({"every": 10**9}, OFF),
    "recorded, stored": ({"every": 1}, RECORDED),
    "recorded, dropped as fast": ({"slower_than": 3600}, RECORDED),
}
HEADERS = [(f"x-header-{n}".encode(), b"value") for n in range(10)]


def of_wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b"content"]


async def of_asgi(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"content"})


def start_response(status, headers):
    pass


async def send(message):
    pass


def wsgi_requests(app, number):
    for _ in range(number):
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": "a=1"}
        app(environ, start_response)


def asgi_requests(app, number):
    async def requests():
        for _ in range(number):
            scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"a=1"}
            scope["headers"] = HEADERS
            await app(scope, None, send)

    asyncio.run(requests())


def least(requests, app, number):
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        requests(app, number)
        times.append((time.process_time() - began) / number)
    return min(times) * 1e6


def main():
    print(f"{'':28}{'WSGI':>10}{'ASGI':>10}")
    for name, (options, number) in RULES.items():
        kinds = ((wsgi_requests, of_wsgi, wsgi), (asgi_requests, of_asgi, asgi))
        figures = []
        for requests, app, module in kinds:
            if options is not None:
                app = module.Middleware(app, store=STORE, **options)
            figures.append(least(requests, app, number))
        print(f"{name:28}{figures[0]:10.2f}{figures[1]:10.2f}")


if __name__ == "__main__":
    main()
