"""Profiles as data: `load`, `merge` and what they return.

This module and the extension module that it uses are imported at the first use, because no recorded
process needs them.
"""

import os
from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Tuple,
    Union,
)

from . import _profiles
from ._profiles import ProfileError as ProfileError

if TYPE_CHECKING:
    import pstats

    import networkx  # type: ignore[import-not-found,import-untyped,unused-ignore]
    import pandas  # type: ignore[import-not-found,import-untyped,unused-ignore]
    import polars  # type: ignore[import-not-found,unused-ignore]

# The path of a file, or its content.
Source = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview]

# The numbers of `include/edbprof_profiles.h`.
_NODES = {
    "parent": 0,
    "function": 1,
    "calls": 2,
    "resumes": 3,
    "total_ns": 4,
    "self_ns": 5,
    "blocked_ns": 6,
    "gil_ns": 7,
    "preempted_ns": 8,
    "awaiting_ns": 9,
    "estimated": 10,
}
_CHILDREN, _CHILDREN_END = 11, 12
_FUNCTIONS = range(100, 115)
_PROCESSES = range(200, 208)
_THREADS = range(300, 304)
_CHANGES = range(400, 414)
_KINDS = ("python", "c", "native", "group")
_ENDINGS = ("running", "finished", "killed")
_NO_NODE = 0xFFFF_FFFF
_BY = {None: 0, "process": 1, "thread": 2}
_COMPENSATE = 4


class Waiting(NamedTuple):
    """Parts of a self time in which the thread was on no processor, in nanoseconds."""

    blocked_ns: int
    gil_ns: int
    preempted_ns: int


class Function(NamedTuple):
    """A function, and its figures as pstats counts them.

    Functions of one file, line and name are one, as in pstats.
    """

    id: str
    """16 hexadecimal digits that name the function in all reports of all runs."""
    name: str
    """The name as recorded and as pstats has it."""
    qualified_name: str
    """The name as reports show it, such as `JSONEncoder.encode` or `builtins.len`."""
    module: str
    """Empty if unknown."""
    file: str
    """`~` for what is not written in Python."""
    line: int
    kind: str
    """`python`, `c`, `native` (a span of native code), or `group`: a process, a thread or
    overflow calls, of which only nodes have figures."""
    calls: int
    primitive_calls: int
    """Calls made while no other call of the same function was open."""
    self_ns: int
    """Time without callees."""
    total_ns: int
    """Time of the primitive calls, with callees."""
    waiting: Waiting


class Process(NamedTuple):
    """A process that was recorded."""

    pid: int
    parent_pid: int
    argv: Tuple[str, ...]
    host: str
    """For example `CPython 3.11.7`."""
    start_unix_ns: int
    duration_ns: int
    processor_ns: int
    """Processor time of the whole process; 0 if unknown."""
    ending: str
    """`running` when it was saved, `finished` or `killed`."""


class Thread(NamedTuple):
    """A thread that was recorded, or several that had one name, one after the other."""

    name: str
    """In a merged file, one name for several threads, with `#` for digits."""
    process: Optional[Process]
    """None in a merged file, which does not keep it."""
    threads: int
    """0 if unknown."""
    total_ns: int
    """Time of the outermost calls."""


class Change(NamedTuple):
    """A function in two profiles, as `edbprof diff` compares them."""

    id: str
    name: str
    qualified_name: str
    module: str
    file: str
    line: int
    calls_before: int
    calls_after: int
    self_before_ns: int
    self_after_ns: int
    total_before_ns: int
    total_after_ns: int
    change_by_calls_ns: int
    """Part of the change of self time that comes from more or fewer calls."""
    change_by_time_ns: int
    """Part that comes from longer or shorter calls."""


class Node:
    """One call path: a function below its caller. Nodes of one profile can be compared."""

    __slots__ = ("_data", "index")

    def __init__(self, data: "ProfileData", index: int) -> None:
        self._data = data
        self.index = index
        """Position in the columns of the profile."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Node):
            return NotImplemented
        return self.index == other.index and self._data is other._data

    def __hash__(self) -> int:
        return hash((id(self._data), self.index))

    def __repr__(self) -> str:
        return f"<Node {self.function.qualified_name}: {self.calls} calls, {self.total_ns} ns>"

    @property
    def function(self) -> Function:
        return self._data._listed()[self._data.column("function")[self.index]]

    @property
    def parent(self) -> "Optional[Node]":
        """The node of the caller, or None."""
        parent = self._data.column("parent")[self.index]
        return None if parent == _NO_NODE else Node(self._data, parent)

    @property
    def children(self) -> "List[Node]":
        """The nodes of the callees."""
        return [Node(self._data, child) for child in self._data._children(self.index)]

    @property
    def path(self) -> Tuple[str, ...]:
        """Qualified names from the outermost call to this one."""
        names = []
        node: Optional[Node] = self
        while node is not None:
            names.append(node.function.qualified_name)
            node = node.parent
        return tuple(reversed(names))

    @property
    def calls(self) -> int:
        return self._data.column("calls")[self.index]

    @property
    def resumes(self) -> int:
        """Number of times that a generator or coroutine continued."""
        return self._data.column("resumes")[self.index]

    @property
    def self_ns(self) -> int:
        return self._data.column("self_ns")[self.index]

    @property
    def total_ns(self) -> int:
        return self._data.column("total_ns")[self.index]

    @property
    def awaiting_ns(self) -> int:
        """Time in which coroutines were suspended, which is no part of `total_ns`."""
        return self._data.column("awaiting_ns")[self.index]

    @property
    def waiting(self) -> Waiting:
        data = self._data
        columns = (data.column(part)[self.index] for part in Waiting._fields)
        return Waiting(*columns)

    @property
    def is_estimated(self) -> bool:
        """True if the node's place is an estimate, because there was no call tree."""
        return bool(self._data.column("estimated")[self.index])

    def subtree(self) -> "Iterator[Node]":
        """Yield this node and all nodes below it, depth first."""
        return self._data._walk([self.index])


class ProfileData:
    """A profile as data, made by `load`.

    Times are whole nanoseconds. Each value is computed at its first use, then kept.
    """

    def __init__(self, data: _profiles.Data) -> None:
        self._data = data
        self._columns: Dict[str, memoryview] = {}
        self._all_functions: Optional[List[Function]] = None
        self._order: Optional[Tuple[memoryview, memoryview]] = None

    def __repr__(self) -> str:
        nodes, processes = len(self), len(self.processes)
        node_word = "node" if nodes == 1 else "nodes"
        process_word = "process" if processes == 1 else "processes"
        return f"<ProfileData: {nodes} {node_word}, {processes} {process_word}>"

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.column("parent"))

    @property
    def functions(self) -> List[Function]:
        """The functions that were called, in the order of pstats' rows."""
        called = self._data.column(114)
        return [function for function, is_called in zip(self._listed(), called) if is_called]

    @property
    def processes(self) -> List[Process]:
        """The processes that were recorded, in the order of their starts."""
        columns = [self._data.column(id) for id in _PROCESSES]
        return [
            Process(
                pid, parent, tuple(argv.split("\0")[:-1]), host, start, duration, processor,
                _ENDINGS[ending],
            )
            for pid, parent, argv, host, start, duration, processor, ending in zip(*columns)
        ]  # fmt: skip

    @property
    def threads(self) -> List[Thread]:
        """The threads that were recorded; in merged files, one entry for each name of threads."""
        processes = self.processes
        return [
            Thread(name, None if of == _NO_NODE else processes[of], threads, total_ns)
            for name, of, threads, total_ns in zip(*(self._data.column(id) for id in _THREADS))
        ]

    def column(self, name: str) -> memoryview:
        """Return a column of the nodes, without a copy.

        Callers come before their callees. `numpy.asarray(column)` makes no copy, either.

        Args:
            name: `parent` (4,294,967,295 for none), `function` (an index that `Node.function`
                resolves), `calls`, `resumes`, `total_ns`, `self_ns`, `blocked_ns`, `gil_ns`,
                `preempted_ns`, `awaiting_ns` or `estimated`.

        Raises:
            KeyError: There is no such column.
        """
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = self._data.column(_NODES[name])
        return column

    def walk(self) -> Iterator[Node]:
        """Yield all nodes, depth first: each before its callees."""
        roots = [at for at, parent in enumerate(self.column("parent")) if parent == _NO_NODE]
        return self._walk(roots)

    def find(self, pattern: str) -> List[Function]:
        """Return the functions that a pattern matches, as `edbprof --include` does.

        Examples are `"json.*"`, `"encoder.py:encode"` and `"JSONEncoder.*"`. Leading packages and
        directories may be left out; `*` and `?` match as in a shell.
        """
        matches = zip(self._listed(), self._data.find(pattern), self._data.column(114))
        return [function for function, is_match, is_called in matches if is_match and is_called]

    def subtree(self, pattern: "Union[str, Function]") -> "ProfileData":
        """Return the calls of the functions that a pattern matches, with all calls inside.

        The outermost of these calls are the roots of the new profile. Their callers are left out,
        and so is everything that has no call tree. The profile is empty if nothing matches.
        """
        if isinstance(pattern, Function):
            name = pattern.name if pattern.file == "~" else f"({pattern.name})"
            pattern = name if pattern.file == "~" else f"{pattern.file}:{pattern.line}{name}"
        subtree = self._data.subtree(pattern)
        return ProfileData(_profiles.load((), 0) if subtree is None else subtree)

    def diff(self, other: "ProfileData", *, as_recorded: bool = False) -> List[Change]:
        """Return the functions that differ in `other`, with the largest change first.

        Functions are matched as by `edbprof diff`: by module and qualified name, whatever their
        lines.

        Args:
            other: The later profile.
            as_recorded: If true, times include the cost of recording.
        """
        changes = self._data.diff(other._data, as_recorded)
        names, qualified, modules, files, lines, ids, *means = (
            changes.column(id) for id in _CHANGES
        )
        return [
            Change(f"{id:016x}", *texts, line, *(round(figure) for figure in figures))
            for id, line, texts, figures in zip(
                ids, lines, zip(names, qualified, modules, files), zip(*means)
            )
        ]

    def _repr_html_(self) -> str:
        """Return the page of `edbprof view`, for notebooks."""
        from . import _page

        return _page.html(self._data.encode())

    def _repr_markdown_(self) -> str:
        """Return the functions with the largest self times as a table, for notebooks."""
        from . import _page

        return _page.markdown(self._data.encode())

    def to_bytes(self) -> bytes:
        """Return the content of a `.prof` file, which `load`, `merge` and pstats read."""
        return self._data.encode()

    def to_pstats(self) -> "pstats.Stats":
        """Return the functions and their callers as `pstats.Stats`."""
        import pstats

        rows: Any = _Rows(self._rows())  # Stats takes any object with create_stats().
        return pstats.Stats(rows)

    def to_pandas(self, table: str = "nodes") -> "pandas.DataFrame":
        """Return a data frame of pandas, of the `nodes` or the `functions`."""
        import pandas

        return pandas.DataFrame(self._table(table))

    def to_polars(self, table: str = "nodes") -> "polars.DataFrame":
        """Return a data frame of polars, of the `nodes` or the `functions`."""
        import polars

        columns = self._table(table).items()
        return polars.DataFrame({name: list(column) for name, column in columns})

    def to_networkx(self) -> "networkx.DiGraph":
        """Return a graph of networkx, with functions by their ids and edges from callers to
        callees.

        Functions have the attributes of `Function`. An edge has `calls`, `primitive_calls`,
        `self_ns` and `total_ns` of the callee under that caller.
        """
        import networkx

        graph = networkx.DiGraph()
        ids = {}
        for function in self._listed():
            if function.kind != "group":
                ids[function.file, function.line, function.name] = function.id
                graph.add_node(function.id, **function._asdict())
        for callee, (*_, callers) in self._rows().items():
            for caller, (calls, primitive_calls, self_time, total) in callers.items():
                graph.add_edge(
                    ids[caller],
                    ids[callee],
                    calls=calls,
                    primitive_calls=primitive_calls,
                    self_ns=round(self_time * 1e9),
                    total_ns=round(total * 1e9),
                )
        return graph

    def _rows(self) -> "_Stats":
        import marshal

        rows: _Stats = marshal.loads(self._data.encode())
        return rows

    def _table(self, table: str) -> "Dict[str, Iterable[object]]":
        if table == "functions":
            rows = [(*of[:-1], *of.waiting) for of in self.functions]
            names = (*Function._fields[:-1], *Waiting._fields)
            return dict(zip(names, zip(*rows) if rows else [()] * len(names)))
        if table != "nodes":
            raise ValueError(f"no table is called {table!r}: 'nodes' or 'functions'")
        functions = self._listed()
        of_nodes = self.column("function")
        columns: Dict[str, Iterable[object]] = {
            "parent": [-1 if node == _NO_NODE else node for node in self.column("parent")]
        }
        for field in ("id", "name", "qualified_name", "module", "file", "line", "kind"):
            values = [getattr(function, field) for function in functions]
            columns[field] = [values[of] for of in of_nodes]
        for name in _NODES:
            if name not in ("parent", "function"):
                columns[name] = self.column(name)
        return columns

    def _listed(self) -> List[Function]:
        """Return all functions, groups and callers without a call included."""
        if self._all_functions is None:
            columns = [self._data.column(id) for id in _FUNCTIONS]
            self._all_functions = [
                Function(
                    f"{id:016x}", name, qualified, module, file, line, _KINDS[kind],
                    calls, primitive, own, total, Waiting(*waits),
                )
                for name, qualified, module, file, line, id, kind, calls, primitive, own, total,
                *waits, _ in zip(*columns)
            ]  # fmt: skip
        return self._all_functions

    def _children(self, node: int) -> memoryview:
        if self._order is None:
            self._order = self._data.column(_CHILDREN), self._data.column(_CHILDREN_END)
        by_parent, ends = self._order
        return by_parent[ends[node - 1] if node > 0 else 0 : ends[node]]

    def _walk(self, roots: List[int]) -> Iterator[Node]:
        waiting = roots[::-1]
        while waiting:
            node = waiting.pop()
            yield Node(self, node)
            waiting.extend(reversed(self._children(node)))


_Label = Tuple[str, int, str]
_Callers = Dict[_Label, Tuple[int, int, float, float]]
_Stats = Dict[_Label, Tuple[int, int, float, float, _Callers]]


class _Rows:
    """Object that `pstats.Stats` accepts."""

    def __init__(self, stats: _Stats) -> None:
        self.stats = stats

    def create_stats(self) -> None:
        """Do nothing, because `stats` is set already."""


def _sources(sources: "Iterable[Source]") -> "Tuple[Tuple[Optional[bytes], Optional[bytes]], ...]":
    def one(source: Source) -> "Tuple[Optional[bytes], Optional[bytes]]":
        if isinstance(source, (bytes, bytearray, memoryview)):
            return None, bytes(source)
        return os.fsencode(source), None

    return tuple(one(source) for source in sources)


def load(*sources: Source, by: Optional[str] = None, compensate: bool = False) -> ProfileData:
    """Read profiles as data.

        data = edbprof_native.load("run.prof")
        for function in data.find("json.*"):
            print(function.qualified_name, function.calls, function.self_ns)

    `.prof` files, live files of running or killed processes, and files of cProfile can be read. No
    code of a file runs. Other threads run meanwhile.

    Args:
        sources: Paths, or the content of files as bytes. Several are merged, and every recording
            counts once.
        by: "process" or "thread" keeps these apart, each below a node of its own.
        compensate: If true, the costs of recording are subtracted from the times.

    Raises:
        OSError: A file can't be read.
        ProfileError: A file is no profile, is damaged, or can't be merged with the others. It is a
            ValueError whose message has the reason.

    A `.prof` file is two objects of `marshal`, one after the other:

        with open("run.prof", "rb") as file:
            rows, exact = marshal.load(file), marshal.load(file)

    1. The dictionary of pstats: from (file, line, name) to (primitive calls, calls, self time,
       inclusive time, callers), with times in seconds.
    2. A dict with the call trees. `magic` is 'edbprof', `version` is 2. Lists of dicts follow:
       `recordings`, random ids of 16 bytes each; `processes`; `functions`, each of which is
       (kind, flags, file, line, name, qualified name, module, generic function); and `threads`. A
       thread has `name`, `process`, and its nodes as columns, which are bytes of little-endian
       integers: `parent` (uint32, the caller's node, 2^32 - 1 for none), `function` (uint32, an
       index of `functions`), `calls`, `resumes` and `total` (uint64, nanoseconds with callees).
       Readers skip unknown keys. docs/guide/data.md has more.

    `edbprof export --format=json` and the option `--json` of the commands print JSON. Its schema is
    the file `edbprof.schema.json` beside this module.
    """
    if by not in _BY:
        raise ValueError(f"by is None, 'process' or 'thread', not {by!r}")
    flags = _BY[by] | (_COMPENSATE if compensate else 0)
    return ProfileData(_profiles.load(_sources(sources), flags))


def merge(paths_or_bytes: "Iterable[Source]") -> bytes:
    """Merge profiles into the content of one `.prof` file.

        merged = edbprof_native.merge(glob.glob("runs/*.prof"))

    Other threads run meanwhile.

    Args:
        paths_or_bytes: Paths, or the content of files as bytes. Every recording counts once, so
            results may be merged again, in any order and in stages.

    Raises:
        OSError: A file can't be read.
        ProfileError: See `load`.
    """
    if isinstance(paths_or_bytes, (str, bytes, os.PathLike)):
        raise TypeError("merge() takes several profiles: a list of paths or bytes")
    return _profiles.merge(_sources(paths_or_bytes))
