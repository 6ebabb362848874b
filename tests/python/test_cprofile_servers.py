"""Servers that profile requests with cProfile, several at once, with ours in its place."""

from __future__ import annotations

import pytest

COMMON = """
import sys, threading
import edbprof_native
edbprof_native.install()
barrier = threading.Barrier(4)

def work(n):
    return sum(abs(i) for i in range(n))

def at_once(request):
    failed = []
    def thread(n):
        try:
            request(n)
        except BaseException as error:
            barrier.abort()
            failed.append(repr(error))
    threads = [threading.Thread(target=thread, args=(n,)) for n in (5, 15, 25, 35)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failed, failed
"""

FLASK = """
import pathlib, pstats
from flask import Flask
from werkzeug.middleware.profiler import ProfilerMiddleware

app = Flask(__name__)

@app.route("/<int:n>")
def view(n):
    barrier.wait()
    return str(work(n))

pathlib.Path("profiles").mkdir()
app.wsgi_app = ProfilerMiddleware(app.wsgi_app, stream=None, profile_dir="profiles")

def request(n):
    assert app.test_client().get(f"/{n}").text == str(work(n))

at_once(request)
files = list(pathlib.Path("profiles").iterdir())
assert len(files) == 4
for file in files:
    n = int(file.name.split(".")[1])
    stats = pstats.Stats(str(file)).stats
    assert stats["~", 0, "<built-in method builtins.abs>"][:2] == (n, n)
    assert [row[1] for label, row in stats.items() if label[2] == "work"] == [1]
"""

DJANGO = """
import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import include, path

NAME = {name!r}
settings.configure(
    DEBUG=True,
    SECRET_KEY="x",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="__main__",
    STATIC_URL="/static/",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth",
                    "django.contrib.sessions", "django.contrib.staticfiles", NAME],
    MIDDLEWARE=[{middleware!r}, "django.contrib.sessions.middleware.SessionMiddleware"],
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite",
                           "OPTIONS": {{"timeout": 60}}}}}},
    TEMPLATES=[{{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
                "OPTIONS": {{"context_processors":
                            ["django.template.context_processors.request"]}}}}],
    INTERNAL_IPS=["127.0.0.1"],
    DEBUG_TOOLBAR_PANELS=["debug_toolbar.panels.profiling.ProfilingPanel"],
    DEBUG_TOOLBAR_CONFIG={{"SHOW_TOOLBAR_CALLBACK": "__main__.show", "DISABLE_PANELS": set()}},
    SILKY_PYTHON_PROFILER=True,
    SILKY_PYTHON_PROFILER_BINARY=True,
    SILKY_PYTHON_PROFILER_RESULT_PATH=".",
)
django.setup()

def show(request):
    return True

def view(request, n):
    barrier.wait()
    return HttpResponse(f"<html><body>{{work(n * 1000)}}</body></html>")

urlpatterns = [path("<int:n>", view), path("tool/", include({urls}))]

from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
"""

SILK = """
import pstats
from silk.models import Request

def request(n):
    assert Client().get(f"/{n}").status_code == 200

at_once(request)
assert Request.objects.count() == 4
for each in Request.objects.all():
    assert "(work)" in each.pyprofile
    n = int(each.path[1:]) * 1000
    rows = pstats.Stats(each.prof_file.path).stats
    assert rows["~", 0, "<built-in method builtins.abs>"][1] >= n
"""

TOOLBAR = """
import re

def request(n):
    page = Client().get(f"/{n}").content.decode()
    made = re.search('data-(store|request)-id="([^"]+)"', page)
    found = Client().get("/tool/render_panel/", {
        made[1] + "_id": made[2], "panel_id": "ProfilingPanel"
    })
    assert found.status_code == 200 and b"view" in found.content

# The first request imports for so long that the panel leaves out what is shorter.
barrier = threading.Barrier(1)
Client().get("/1")
barrier = threading.Barrier(4)
at_once(request)
"""


def test_werkzeug_and_flask(run):
    pytest.importorskip("flask")
    run(COMMON + FLASK, err=None)


def test_django_silk(run):
    pytest.importorskip("silk")
    middleware = "silk.middleware.SilkyMiddleware"
    urls = '"silk.urls", namespace="silk"'
    run(COMMON + DJANGO.format(name="silk", middleware=middleware, urls=urls) + SILK, err=None)


def test_django_debug_toolbar(run):
    pytest.importorskip("debug_toolbar")
    name, urls = "debug_toolbar", '"debug_toolbar.urls"'
    middleware = f"{name}.middleware.DebugToolbarMiddleware"
    run(COMMON + DJANGO.format(name=name, middleware=middleware, urls=urls) + TOOLBAR, err=None)
