"""The magics `%edbprof` and `%%edbprof` of IPython.

Imported only by `%load_ext edbprof_native`, so IPython is loaded already.
"""

import ast
import re
import sys

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display

from ._profile import Profile

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Dict, List, Optional, Tuple

#: The variable that keeps the latest profile, also that of a cell that has raised.
LATEST = "_edbprof"

# The value may be in quotes, as for a shell.
_OPTION = re.compile(
    r"(?P<flag>--threads)(?!\S)|(?P<name>-o|--record|--no-record)(\s+|=)"
    r"""(?P<value>'[^']*'|"[^"]*"|\S+)(?!\S)"""
)


@magics_class
class EdbprofMagics(Magics):
    @line_cell_magic
    def edbprof(self, line: str, cell: "Optional[str]" = None) -> "Profile":
        """Record a statement or a cell, and show its profile.

            %edbprof [OPTIONS] STATEMENT
            %%edbprof [OPTIONS]

        -o FILE              write the recording to this `.prof` file, too
        --record=PATTERN     record these functions alone; `mine` is the program's own
        --no-record=PATTERN  leave these functions out
        --threads            record threads that the code starts, too

        The value of a last expression is displayed, as without `%%edbprof`. The result is the
        profile. The variable `_edbprof` keeps it until the next one.
        """
        options, statement = _options(line)
        if cell is None and not statement:
            raise UsageError("%edbprof needs a statement; %%edbprof records a cell")
        if cell is not None and statement:
            raise UsageError(f"%%edbprof takes no statement in its first line: {statement}")
        profile = Profile(
            live_dir="",
            threads="--threads" in options,
            record=options.get("--record", ()),
            no_record=options.get("--no-record", ()),
        )
        code = self._compile(statement if cell is None else cell)
        self.shell.user_ns[LATEST] = profile
        value = self._run(profile, *code)
        for path in options.get("-o", ()):
            profile.save(path)
            print(f"wrote {path}")
        if value is not None:
            display(value)
        return profile

    def _compile(self, source: str) -> "Tuple[CodeType, Optional[CodeType]]":
        """Return the code of the cell, and of a last expression if its value is shown."""
        shell = self.shell
        source = shell.transform_cell(source)
        tree = shell.transform_ast(shell.compile.ast_parse(source))
        name = shell.compile.cache(source, shell.execution_count)
        last = None
        body: "List[Any]" = tree.body
        is_shown = not _ends_with_semicolon(source)
        if body and isinstance(body[-1], ast.Expr) and is_shown:
            last = ast.Expression(body.pop().value)
        try:
            return (
                shell.compile(tree, name, "exec"),
                None if last is None else shell.compile(last, name, "eval"),
            )
        except SyntaxError as error:
            if "'await' outside function" in str(error.msg):
                raise UsageError(
                    "%%edbprof cannot await: write `with edbprof_native.Profile() as recorded:` "
                    "around the code, and `recorded` at the end of the cell"
                ) from None
            raise

    def _run(self, profile: Profile, code: "CodeType", last: "Optional[CodeType]") -> "Any":
        names: "Dict[str, Any]" = self.shell.user_ns
        try:
            with profile:
                exec(code, names)
                return None if last is None else eval(last, names)
        except SystemExit as ended:
            print(f"edbprof: the code has ended by SystemExit({ended.code!r})", file=sys.stderr)
        return None


def _options(line: str) -> "Tuple[Dict[str, List[str]], str]":
    """Return the options at the beginning of a line, and the statement behind them as written."""
    options: "Dict[str, List[str]]" = {}
    rest = line.strip()
    while True:
        match = _OPTION.match(rest)
        if match is None:
            return options, rest
        name, value = match["flag"] or match["name"], match["value"] or ""
        options.setdefault(name, []).append(value.strip("'\""))
        rest = rest[match.end() :].lstrip()


def _ends_with_semicolon(source: str) -> bool:
    import tokenize

    lines = iter(source.splitlines(keepends=True))
    layout = (tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER, tokenize.DEDENT)
    last = ""
    for token in tokenize.generate_tokens(lambda: next(lines, "")):
        if token.type not in layout:
            last = token.string
    return last == ";"


def load_ipython_extension(shell: "Any") -> None:
    """Called by `%load_ext edbprof_native`."""
    shell.register_magics(EdbprofMagics)


def unload_ipython_extension(shell: "Any") -> None:
    """Called by `%unload_ext edbprof_native`."""
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("edbprof", None)
