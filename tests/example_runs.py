"""What the tests of the examples share: small runs, and refusals."""

import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from types import ModuleType
from typing import Any, NamedTuple

import pytest


def command(**options: object) -> list[str]:
    """The command line with these options; none shows a progress bar that has one."""
    shown = [name for name in ("progress",) if options.pop(name, True) is False]
    given = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    return [*given, *(f"--no-{name}" for name in shown)]


class Finished(NamedTuple):
    """A run: what it printed, and the arguments and result of each call that was looked at."""

    printed: str
    calls: dict[str, tuple[tuple[Any, ...], Any]]


def finish(example: ModuleType, arguments: list[str], *looked_at: str) -> Finished:
    """Run an example's `main`, looking at these functions of its module."""
    calls: dict[str, tuple[tuple[Any, ...], Any]] = {}

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any) -> Any:
            calls[name] = given, function(*given)
            return calls[name][1]

        return noted

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        for name in looked_at:
            patch.setattr(example, name, noting(name, getattr(example, name)))
        assert example.main(arguments) == 0
    return Finished(printed.getvalue(), calls)


def refusal(
    main: Callable[[Sequence[str]], int], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> str:
    """What a command line prints for bad options: it must be one sentence, and exit with 2."""
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1
    return printed
