"""The recorder that a Python process makes for `edbprof run`, from a text of settings.

Its lines are `name=value`, the directory last.
"""

import os
import sys

from . import _native

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing import Dict, List, Optional

VARIABLE = "EDBPROF_RUN"


def _settings(text: str) -> "Dict[str, str]":
    names = ("threads", "builtins", "waiting", "children", "clock", "hook", "directory")
    lines, _, directory = text.partition("\ndirectory=")
    found = dict(line.partition("=")[::2] for line in lines.split("\n"))
    if directory:
        found["directory"] = directory
    if not found.keys() >= set(names):
        raise ValueError(f"{VARIABLE} is not what 'edbprof run' has set")
    return found


def _patterns(settings: "Dict[str, str]", name: str) -> "List[str]":
    return settings[name].split("\t") if name in settings else []


def _inject(settings: "Dict[str, str]") -> None:
    """Make libraries of annotations report their ranges, which are missing if that fails."""
    for library in settings.get("annotations", "").split():
        try:
            from ._injection import inject

            inject(library)
        except (ImportError, OSError) as error:
            if sys.stderr is not None:
                print(f"edbprof: ranges of {library} are not recorded: {error}", file=sys.stderr)


def recorder(text: str) -> "Optional[_native.Recorder]":
    """Return the main thread's recorder, by the run's settings; None if only a door is opened."""
    settings = _settings(text)
    if not _native.is_main_interpreter():
        return _recorder_beside(settings)
    with_children = settings["children"] == "1"
    if not with_children:
        os.environ.pop(VARIABLE, None)
    if settings.get("start") == "off":
        from . import _door

        _door.listen()
        return None
    from . import _process

    made = _new_recorder(settings)
    if not with_children and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=made.stop)
    if with_children:
        _native.note_starts(settings["directory"])
    _inject(settings)
    _process.stopped_at_end.append(made)
    if "run" in settings:
        _process.runs[settings["directory"]] = int(settings["run"])
    _process.exception_directory = settings["directory"]
    return made


def _recorder_beside(settings: "Dict[str, str]") -> "Optional[_native.Recorder]":
    """Return the recorder of an interpreter beside the main one, which does the rest for both."""
    if settings.get("start") == "off":
        return None
    if sys.version_info >= (3, 12):
        # Each piece of code that such an interpreter runs gets a thread of its own, which has no
        # profile function.
        settings["hook"] = "auto"
    from . import _process

    made = _new_recorder(settings)
    _process.stopped_at_end.append(made)
    if "run" in settings:
        _process.runs[settings["directory"]] = int(settings["run"])
    return made


def attached_recorder(text: str) -> "_native.Recorder":
    """Return a recorder of all threads, by the settings of `edbprof attach`."""
    return _new_recorder(_settings(text))


def _new_recorder(settings: "Dict[str, str]") -> "_native.Recorder":
    from . import _choice, _process

    choice = _choice.options(_patterns(settings, "record"), _patterns(settings, "no_record"))
    return _process.new_recorder(
        settings["directory"],
        "edbprof_",
        ".prof",
        threads=settings["threads"] == "1",
        builtins=settings["builtins"] == "1",
        waiting=settings["waiting"] == "1",
        clock=settings["clock"],
        hook=settings["hook"],
        timeline_bytes=int(settings.get("timeline", 0)),
        timeline_first=settings.get("timeline_keep") == "first",
        timeline_disk_floor=int(settings.get("timeline_floor", 0)),
        timeline_memory_floor=int(settings.get("timeline_memory_floor", 0)),
        record_types=settings.get("record_types") == "1" and settings["hook"] != "setprofile",
        quiet_without_directory=True,
        **choice,
    )
