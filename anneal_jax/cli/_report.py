"""How commands speak: tables or one JSON object on stdout, notes and errors on stderr.

Exit codes: 0; 1 for what the library refuses, a file that cannot be read; 2 for a command line
that cannot be understood, a SPEC too.
"""

import functools
import json
import math
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from ._grammar import SpecError

if TYPE_CHECKING:
    from rich.console import Console

F = TypeVar("F", bound=Callable[..., None])
_DIGITS = 4


def emit(data: Mapping[str, Any], as_json: bool, show: Callable[["Console"], None]) -> None:
    """Print the data as JSON, or what `show` prints of them."""
    if as_json:
        print(json.dumps(plain(data), indent=1, ensure_ascii=False))
    else:
        show(console())


def console() -> "Console":
    """A terminal of its own width and colours, or none (NO_COLOR, TERM=dumb, a pipe)."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise

    return Piped(highlight=False, emoji=False, markup=False)


def table(console: "Console", columns: list[str], rows: list[list[Any]]) -> None:
    """Rows under their columns; each row as lines of its own where the terminal is too narrow."""
    from rich import box
    from rich.table import Table

    ascii_only = not (console.encoding or "").lower().startswith("utf")
    made = Table(
        box=box.ASCII if ascii_only else box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for index, column in enumerate(columns):
        made.add_column(column, justify="right" if index else "left", overflow="fold")
    for row in rows:
        made.add_row(*map(text, row))
    room = console.options.update(max_width=10_000)
    if console.measure(made, options=room).maximum <= console.width or len(columns) <= 2:
        console.print(made)
        return
    for row in rows:
        facts(console, {name or "of": value for name, value in zip(columns, row, strict=True)})
        console.print()


def facts(console: "Console", pairs: Mapping[str, Any]) -> None:
    """Names and values, one pair a line."""
    wide = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        console.print(f"{name:<{wide}}  {text(value)}", soft_wrap=True)


def text(value: Any) -> str:
    """A value in a table."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)


def plain(value: Any) -> Any:
    """What JSON has: numbers of NumPy as Python's, those that are not finite as null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def command(function: F) -> F:
    """A command whose errors are one sentence, and whose warnings are notes on stderr."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = lambda message, *_, **__: say(f"note: {message}")
            try:
                function(*args, **kwargs)
                sys.stdout.flush()
            except SpecError as error:
                width = shutil.get_terminal_size().columns
                say(f"SPEC: {error}", *error.lines(width))
                raise typer.Exit(2) from None
            except BrokenPipeError:  # the reader has seen enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            except KeyboardInterrupt:
                say("stopped.")
                raise typer.Exit(130) from None
            except (ValueError, TypeError, OSError, OverflowError, ImportError) as error:
                say(" ".join(str(error).split()))
                raise typer.Exit(1) from None

    return run  # type: ignore[return-value]


def say(*lines: str) -> None:
    """Lines on stderr, in plain text."""
    for line in lines:
        print(line, file=sys.stderr)
