"""Requests of Django: the middleware, sync and async, and the panel of the debug toolbar."""

from __future__ import annotations

import pytest

pytest.importorskip("django")

SETTINGS = """
import asyncio, json, os, pathlib, re, sys, threading
import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import include, path
from edbprof_native import load

TOKEN = os.environ["TOKEN_OF_TEST"] = "a-token-of-this-test+/="
apps = {apps!r}
settings.configure(
    DEBUG=True,
    SECRET_KEY="x",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="__main__",
    STATIC_URL="/static/",
    INSTALLED_APPS=["django.contrib.staticfiles", *apps],
    MIDDLEWARE={middleware!r},
    TEMPLATES=[{{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}}],
    EDBPROF={options!r},
    DEBUG_TOOLBAR_PANELS=["edbprof_native.django.Panel"],
    DEBUG_TOOLBAR_CONFIG={{"SHOW_TOOLBAR_CALLBACK": "__main__.show", "DISABLE_PANELS": set()}},
)
django.setup()

def show(request):
    return True

def work(n):
    return n and work(n - 1)

barrier = threading.Barrier(1)

def view(request, n):
    barrier.wait()
    work(n)
    return HttpResponse(f"<html><body>{{request.get_full_path()}}"
                        f"{{'X-Edbprof-Token' in request.headers}}</body></html>")

async def later(request, n):
    for _ in range(3):
        work(n)
        await asyncio.sleep(0)
    return HttpResponse("later")

urlpatterns = [path("view/<int:n>", view), path("later/<int:n>", later)]
if apps:
    urlpatterns.append(path("tool/", include("debug_toolbar.urls")))

from django.test import AsyncClient, Client

def profs():
    return sorted(pathlib.Path("store").glob("*.prof"))

def calls(prof):
    return sum(each.calls for each in load(prof).find("work"))
"""

OURS = ["edbprof_native.django.Middleware"]
BOTH = {"token_from": "TOKEN_OF_TEST", "store": "store", "path": "*/[2468]"}


def program(text, middleware=OURS, options=BOTH, apps=()):
    return SETTINGS.format(middleware=middleware, options=options, apps=list(apps)) + text


def test_threads(run):
    run(
        program("""
barrier = threading.Barrier(6)
threads = [threading.Thread(target=Client().get, args=(f"/view/{n}",)) for n in range(3, 9)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert sorted(map(calls, profs())) == [5, 7, 9], [*map(calls, profs())]
""")
    )


def test_the_token_and_the_pages(run):
    run(
        program("""
client = Client()
answer = client.get("/view/1?a=1&edbprof=a-token-of-this-test%2B/=")
assert answer.content == b"<html><body>/view/1?a=1False</body></html>", answer.content
page = re.fullmatch('edbprof;desc="(.*)"', answer.headers["Server-Timing"])[1]
header = {"HTTP_X_EDBPROF_TOKEN": TOKEN}
assert b"False" in client.get("/view/1", **header).content
assert b"True" in client.get("/view/1", HTTP_X_EDBPROF_TOKEN="wrong").content
answer = client.get(page, **header)
assert answer.status_code == 200 and b"<title>edbprof" in answer.content
assert client.get(page).status_code == 404
answer = client.get("/edbprof/?edbprof=a-token-of-this-test%2B/=")
assert answer.status_code == 303 and answer.headers["Location"] == "/edbprof/"
assert client.get("/edbprof/").status_code == 200
assert "Server-Timing" not in client.get("/view/2").headers
assert len(profs()) == 3
"""),
        err=None,
    )


def test_asynchronous_requests(run):
    run(
        program("""
async def main():
    client = AsyncClient()
    paths = [f"/{kind}/{n}" for kind in ("view", "later") for n in range(1, 5)]
    await asyncio.gather(*map(client.get, paths))
    answer = await client.get("/view/6?edbprof=a-token-of-this-test%2B/=")
    page = re.fullmatch('edbprof;desc="(.*)"', answer.headers["Server-Timing"])[1]
    answer = await client.get(page + "?edbprof=a-token-of-this-test%2B/=")
    assert answer.status_code == 303
    assert b"<title>edbprof" in (await client.get(page)).content

asyncio.run(main())
assert sorted(map(calls, profs())) == [3, 5, 7, 9, 15], [*map(calls, profs())]
"""),
        err=None,
    )


def test_without_a_rule_django_leaves_it_out(run):
    run(
        program(
            """
client = Client()
assert client.get("/view/2").status_code == 200
assert client.handler._middleware_chain.__class__.__module__ != "edbprof_native.django"
assert not pathlib.Path("store").exists()
""",
            options={"store": "store"},
        ),
        err=None,
    )


def test_the_panel_of_the_toolbar(run):
    pytest.importorskip("debug_toolbar")
    run(
        program(
            """
client = Client()
page = client.get("/view/4").content.decode()
made = re.search('data-(store|request)-id="([^"]+)"', page)
found = client.get("/tool/render_panel/", {made[1] + "_id": made[2], "panel_id": "Panel"})
content = json.loads(found.content)["content"]
assert 'sandbox="allow-scripts"' in content and "&lt;title" not in content, content[:1000]
assert "<title>edbprof: 1 process" in content
""",
            middleware=["debug_toolbar.middleware.DebugToolbarMiddleware"],
            apps=["debug_toolbar"],
        ),
        err=None,
    )
