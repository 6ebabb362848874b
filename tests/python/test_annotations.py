"""`edbprof run --nvtx` and `--itt`: annotations that programs have already become spans."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from edbprof_native import _annotations
from running import edbprof_run, write  # noqa: F401

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="for Linux only")

TOOLS = Path(__file__).with_name("annotation_tools")
HEADERS = Path(__file__).resolve().parents[2] / "cpython_ext" / "annotations"
BOTH = ("--nvtx", "--itt", "--no-builtins")

NVTX = """
    import nvtx

    def work():
        pass

    @nvtx.annotate("decorated", domain="a domain")
    def decorated():
        work()

    def main():
        for _ in range(3):
            with nvtx.annotate("block", domain="a domain"):
                work()
        decorated()
        nvtx.push_range("pushed")
        nvtx.push_range("inner")
        work()
        nvtx.pop_range()
        nvtx.pop_range()
        started = nvtx.start_range("started")
        work()
        nvtx.end_range(started)
        nvtx.mark("marked")
        work()

    main()
"""

ITT = """
    import ittapi

    def work():
        pass

    @ittapi.task("decorated")
    def decorated():
        work()

    def main():
        for _ in range(3):
            with ittapi.task("block", domain="a domain"):
                work()
        decorated()
        with ittapi.task("overlapped", overlapped=True):
            work()
        event = ittapi.event("event")
        event.begin()
        work()
        event.end()
        work()

    main()
"""

PYTORCH = """
    import torch

    nvtx, itt = torch.cuda.nvtx, torch.profiler.itt

    def work():
        pass

    def main():
        nvtx.range_push("pushed")
        with nvtx.range("block"):
            work()
        nvtx.mark("marked")
        nvtx.range_pop()
        itt.range_push("task")
        work()
        itt.mark("marked")
        itt.range_pop()
        with torch.autograd.profiler.emit_itt():
            torch.ones(2).sum()

    main()
"""


def spans(file):
    """Calls of each span, and its domain."""
    found = {}
    for thread in file.threads:
        for node in thread.nodes:
            name, domain = node.name, node.label[0]
            if domain and not domain.endswith(".py") and domain[0] not in "<~":
                found[name, domain] = found.get((name, domain), 0) + node.calls
    return found


def around_work(file):
    """The innermost span around each call of work(), and the calls."""
    found = {}
    for thread in file.threads:
        for node in thread.nodes:
            if node.name == "work" and node.calls:
                above = [label[2] for label in node.path if not label[0].endswith(".py")]
                above = [name for name in above if name[0] != "<"]
                innermost = above[-1] if above else None
                found[innermost] = found.get(innermost, 0) + node.calls
    return found


def succeeded(done):
    assert done.returncode == 0, done.stderr
    return done


def test_ranges_of_nvtx(edbprof_run, tmp_path):  # noqa: F811
    pytest.importorskip("nvtx")
    program = write(tmp_path / "program.py", NVTX)
    succeeded(edbprof_run(str(program), options=BOTH))
    file = edbprof_run.results()
    assert spans(file) == {
        ("block", "a domain"): 3,
        ("decorated", "a domain"): 1,
        ("pushed", "NVTX"): 1,
        ("inner", "NVTX"): 1,
        ("started", "NVTX"): 1,
        ("marked", "NVTX"): 1,
    }
    assert around_work(file) == {"block": 3, "decorated": 1, "inner": 1, "started": 1, None: 1}


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="needs PyTorch")
def test_ranges_of_pytorch(edbprof_run, tmp_path):  # noqa: F811
    program = write(tmp_path / "program.py", PYTORCH)
    succeeded(edbprof_run(str(program), options=BOTH))
    file = edbprof_run.results()
    found = {
        label: calls for label, calls in spans(file).items() if label[1] in ("NVTX", "PyTorch")
    }
    operators = {label for label in found if label[0].startswith("aten::")}
    assert ("aten::sum", "PyTorch") in operators
    assert {label: found[label] for label in found.keys() - operators} == {
        ("pushed", "NVTX"): 1,
        ("block", "NVTX"): 1,
        ("marked", "NVTX"): 1,
        ("task", "PyTorch"): 1,
        ("marked", "PyTorch"): 1,
    }
    assert around_work(file) == {"block": 1, "task": 1}


def test_tasks_of_itt(edbprof_run, tmp_path):  # noqa: F811
    pytest.importorskip("ittapi")
    program = write(tmp_path / "program.py", ITT)
    succeeded(edbprof_run(str(program), options=BOTH))
    file = edbprof_run.results()
    assert spans(file) == {
        ("block", "a domain"): 3,
        ("decorated", "ittapi"): 1,
        ("overlapped", "ittapi"): 1,
        ("event", "ITT"): 1,
    }
    assert around_work(file) == {"block": 3, "decorated": 1, "overlapped": 1, "event": 1, None: 1}


#: A copy of ITT as libraries carry it: the table of its functions, each with its own stand-in.
COPY_OF_ITT = """
    import ctypes, sys
    from edbprof_native import _annotations

    class Function(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char_p), ("pointer", ctypes.POINTER(ctypes.c_void_p)),
                    ("initial", ctypes.c_void_p), ("absent", ctypes.c_void_p),
                    ("group", ctypes.c_int)]

    class Global(ctypes.Structure):
        _fields_ = [("magic", ctypes.c_ubyte * 8), ("version", ctypes.c_ulong * 3),
                    ("counters", ctypes.c_long * 3), ("mutex", ctypes.c_byte * MUTEX),
                    ("library", ctypes.c_void_p), ("handler", ctypes.c_void_p),
                    ("path", ctypes.c_void_p), ("functions", ctypes.POINTER(Function))]

    names = [b"__itt_api_version", b"__itt_task_begin", b"__itt_heap_allocate_begin"]
    pointers = [ctypes.c_void_p(1) for _ in names]
    functions = (Function * 4)(*[
        Function(name, ctypes.pointer(pointer), 1, 2, 0) for name, pointer in zip(names, pointers)
    ])
    copy = Global(functions=functions)
    ctypes.CDLL(_annotations.__file__).__itt_api_init(ctypes.byref(copy), 0)
    version = ctypes.CFUNCTYPE(ctypes.c_char_p)(pointers[0].value)()
    print(version.decode(), pointers[1].value > 2, pointers[2].value)
""".replace("MUTEX", str(40 if sys.maxsize > 1 << 32 else 24))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="has the size of a mutex")
def test_a_program_learns_that_somebody_collects(edbprof_run, tmp_path):  # noqa: F811
    # OpenCV asks for the version, and annotates only if there is one.
    program = write(tmp_path / "program.py", COPY_OF_ITT)
    done = edbprof_run(str(program), options=BOTH)
    succeeded(done)
    assert done.stdout == "edbprof True 2\n"


def test_without_the_options(edbprof_run, tmp_path):  # noqa: F811
    pytest.importorskip("nvtx")
    program = write(tmp_path / "program.py", NVTX)
    succeeded(edbprof_run(str(program), options=["--no-builtins"]))
    assert spans(edbprof_run.results()) == {}


def test_threads_have_stacks_of_their_own(edbprof_run, tmp_path):  # noqa: F811
    pytest.importorskip("nvtx")
    program = write(
        tmp_path / "program.py",
        """
        import threading, nvtx

        def work():
            pass

        def in_thread(begun, go_on):
            nvtx.push_range("of the thread")
            begun.set()
            go_on.wait()
            work()
            nvtx.pop_range()

        def main():
            begun, go_on = threading.Event(), threading.Event()
            thread = threading.Thread(target=in_thread, args=(begun, go_on))
            thread.start()
            begun.wait()
            with nvtx.annotate("of main"):
                go_on.set()
                thread.join()
                work()
            started = nvtx.start_range("ends elsewhere")
            thread = threading.Thread(target=nvtx.end_range, args=(started,))
            thread.start()
            thread.join()
            nvtx.mark("later")
            work()

        main()
        """,
    )
    succeeded(edbprof_run(str(program), options=BOTH))
    assert around_work(edbprof_run.results()) == {"of the thread": 1, "of main": 1, None: 1}


def test_names_are_bounded(edbprof_run, tmp_path):  # noqa: F811
    pytest.importorskip("nvtx")
    program = write(
        tmp_path / "program.py",
        """
        import nvtx

        domain = nvtx.get_domain("a domain")
        for number in range(11_000):
            nvtx.push_range(f"number {number}")
            nvtx.pop_range()
        """,
    )
    succeeded(edbprof_run(str(program), options=BOTH))
    found = spans(edbprof_run.results())
    assert sum(found.values()) == 11_000
    assert 9_990 <= len(found) <= 10_001
    assert found["<other ranges>", "NVTX"] == 11_000 - (len(found) - 1)


def compiled(directory, name, *options):
    made = directory / name
    command = ["cc", "-fPIC", f"-I{HEADERS}", str(TOOLS / f"{name.rpartition('.')[0]}.c")]
    subprocess.run([*command, *options, "-o", str(made)], check=True)
    return str(made)


CHAINED = [
    ("nvtx", NVTX, "NVTX_INJECTION64_PATH", "4 pushes, 4 pops\n"),
    ("itt", ITT, "INTEL_LIBITTNOTIFY64", "4 begun, 4 ended\n"),
]


@pytest.mark.parametrize(("name", "program", "variable", "said"), CHAINED)
def test_another_tool_gets_each_call(edbprof_run, tmp_path, name, program, variable, said):  # noqa: F811
    pytest.importorskip({"itt": "ittapi"}.get(name, name))
    tool = compiled(tmp_path, f"{name}_tool.so", "-shared")
    out = tmp_path / "said"
    path = write(tmp_path / "program.py", program)
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"import os\nprint(os.environ[{variable!r}], 'EDBPROF_NEXT' in str(os.environ))")
    environment = {**os.environ, variable: tool, "TOOL_OUT": str(out)}
    done = succeeded(edbprof_run(str(path), options=BOTH, env=environment))
    assert done.stdout == f"{tool} False\n"
    assert out.read_text(encoding="utf-8") == said
    found = around_work(edbprof_run.results())
    assert (found["block"], found["decorated"]) == (3, 1)


def test_children_find_the_variable_as_it_was(edbprof_run, tmp_path):  # noqa: F811
    """Children inherit edbprof's variable, even where the program has changed its own."""
    pytest.importorskip("nvtx")
    program = write(
        tmp_path / "program.py",
        """
        import os, subprocess, sys
        if len(sys.argv) == 1:
            subprocess.run([sys.executable, __file__, "child"], check=True)
        else:
            import nvtx
            with nvtx.annotate("of the child"):
                pass
        print([name for name in os.environ if "NVTX" in name], flush=True)
        """,
    )
    done = succeeded(edbprof_run(str(program), options=BOTH))
    assert done.stdout == "[]\n[]\n"
    assert spans(edbprof_run.results()) == {("of the child", "NVTX"): 1}


def test_a_program_without_python(tmp_path):
    """Nothing is recorded, and the tool that was named before gets the calls."""
    host = compiled(tmp_path, "without_python.", "-ldl")
    tool = compiled(tmp_path, "nvtx_tool.so", "-shared")

    def said(**environment):
        command = [host, _annotations.__file__]
        return subprocess.check_output(command, env={**os.environ, **environment}, encoding="utf-8")

    assert said() == "0 0\n"
    assert said(EDBPROF_NEXT_NVTX=tool) == "1 1\n"
    # A library that names itself does not call itself.
    assert said(EDBPROF_NEXT_NVTX=_annotations.__file__) == "0 0\n"
