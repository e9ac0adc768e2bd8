"""What the examples' command lines share: options, and one sentence for what cannot be used."""

import dataclasses
import difflib
from collections.abc import Iterable, Sequence
from typing import TypeVar

import tyro

Config = TypeVar("Config")


class BadInput(Exception):
    """Something the user gave cannot be used; the message says what and what to do."""


def parse(config: type[Config], program: str, arguments: Sequence[str] | None) -> Config:
    """The configuration that a command line gives; a misspelt option gets the nearest one."""
    found, unknown = tyro.cli(config, args=arguments, prog=program, return_unknown_args=True)
    if unknown:
        known = [f"--{field.name}".replace("_", "-") for field in dataclasses.fields(found)]
        remedy = nearest(unknown[0], known) or "--help lists the options."
        raise BadInput(f"every argument must be an option, got {unknown[0]!r}; {remedy}")
    return found


def reject(
    option: str, rule: str, value: object, remedy: str = "--help lists the defaults"
) -> None:
    """Raise the sentence that every bad option gets."""
    end = "" if remedy.endswith("?") else "."
    raise BadInput(f"--{option.replace('_', '-')} must be {rule}, got {value}; {remedy}{end}")


def nearest(word: str, valid: Iterable[str]) -> str:
    """`did you mean …?`, or nothing where no valid word is near."""
    close = difflib.get_close_matches(word.partition("=")[0], list(valid), n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else ""
