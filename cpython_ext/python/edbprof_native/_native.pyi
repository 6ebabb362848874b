import os
from types import CodeType
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

version: str
abi_version: int
api: object

class Recorder:
    save_every: int
    builtins: bool
    threads: bool
    @property
    def path(self) -> Optional[str]: ...
    def __init__(
        self,
        *,
        directory: str = ...,
        prefix: str = ...,
        suffix: str = ...,
        clock: str = ...,
        timer: Optional[Callable[[], float]] = ...,
        timeunit: float = ...,
        builtins: bool = ...,
        save_every: int = ...,
        hook: str = ...,
        live_dir: Union[str, "os.PathLike[str]"] = ...,
        threads: bool = ...,
        max_nodes: int = ...,
    ) -> None: ...
    def enable(self) -> None: ...
    def disable(self) -> bool: ...
    def stop(self) -> int: ...
    def save(
        self,
        path: Union[str, "os.PathLike[str]"] = ...,
        *,
        final: bool = ...,
        last: bool = ...,
    ) -> bool: ...
    def encode(self) -> bytes: ...
    def codes(self) -> List[CodeType]: ...
    def close(self) -> None: ...

class Decorated:
    def __init__(self, function: Callable[..., Any], recorder: Recorder, /) -> None: ...
    def __call__(self, *arguments: Any, **keywords: Any) -> Any: ...

class Steps:
    iterator: Any
    def wrap(self, awaitable: Any, /) -> Steps: ...

def register_generic(
    code: CodeType, flags: int, generic: Optional[Tuple[str, int, str]], /
) -> None: ...
def set_patched(patched: bool, /) -> None: ...
def process_ends(last: bool, /) -> None: ...
def set_package(directory: str, drivers: Tuple[Callable[..., Any], ...], /) -> None: ...
def set_calibration_loops(no_calls: Any, plain: Any, recorded: Any, /) -> None: ...
def _monitoring(*, cycles: int = ...) -> Optional[Dict[str, Any]]: ...
