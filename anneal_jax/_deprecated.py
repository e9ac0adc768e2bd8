"""Calls as they were written before: they still work for one minor version, with a warning.

A name that changed, and arguments that were once given by position, are translated here, so that
the functions themselves know one form only.
"""

import functools
import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import equinox as eqx

P = ParamSpec("P")
R = TypeVar("R")
# Equinox calls methods for us, so its lines are no more the caller's than ours.
_PASSED = tuple(str(Path(path).parent) for path in (__file__, eqx.__file__))


def warn(old: str, new: str) -> None:
    """Say what to write instead, at the caller's line: the first one that is not ours."""
    frame, depth = inspect.currentframe(), 1
    while frame and frame.f_code.co_filename.startswith(_PASSED):
        frame, depth = frame.f_back, depth + 1
    text = f"{old} is deprecated and leaves in the next minor version; write {new}."
    warnings.warn(text, DeprecationWarning, stacklevel=depth)


def renamed(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Accept each keyword `old` (of `old="new"`) of a function for its `new` one."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            given: dict[str, Any] = kwargs
            for old in names.keys() & given.keys():
                new = names[old]
                if new in given:
                    both = f"{function.__name__}: {old} is the former name of {new}"
                    raise TypeError(f"{both}, got both; pass {new} alone.")
                warn(f"{function.__name__}({old}=...)", f"{new}=...")
                given[new] = given.pop(old)
            return function(*args, **given)

        return call

    return decorate


def keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Accept the keyword-only arguments of a function by position, in their order."""
    parameters = inspect.signature(function).parameters.values()
    ahead = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
    names = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        more: Any = args[ahead:]
        if not 0 < len(more) <= len(names):
            return function(*args, **kwargs)
        taken = dict(zip(names, more, strict=False))
        shown = ", ".join(f"{name}=..." for name in taken)
        warn(f"{function.__name__}: {', '.join(taken)} by position", shown)
        every: Any = function
        return every(*args[:ahead], **taken, **kwargs)

    return call
