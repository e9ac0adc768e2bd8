"""What the examples' command lines share: options, results, and one sentence for bad input."""

import dataclasses
import difflib
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

import tyro

Config = TypeVar("Config")


STOPPED = 130  # the exit code after Ctrl-C


class BadInput(Exception):
    """Something the user gave cannot be used; the message says what and what to do."""


def parse(config: type[Config], program: str, arguments: Sequence[str] | None) -> Config:
    """The configuration that a command line gives; a misspelt option gets the nearest one."""
    found, unknown = tyro.cli(config, args=arguments, prog=program, return_unknown_args=True)
    if unknown:
        known = [hyphened(field.name) for field in dataclasses.fields(found)]
        remedy = nearest(unknown[0], known) or "--help lists the options."
        raise BadInput(f"every argument must be an option, got {unknown[0]!r}; {remedy}")
    return found


def given(config: object, arguments: Sequence[str] | None) -> set[str]:
    """The fields of a configuration that the command line itself names."""
    arguments = sys.argv[1:] if arguments is None else arguments
    words = {argument.partition("=")[0].replace("_", "-") for argument in arguments}
    names = (field.name for field in dataclasses.fields(config))
    return {n for n in names if words & {hyphened(n), hyphened(f"no_{n}")}}


def unread(given: set[str], why: Mapping[str, str]) -> list[str]:
    """A sentence for each given option that has no effect, since something else stands there."""
    return [f"{hyphened(n)} is not read with {why[n]}." for n in sorted(given & why.keys())]


def note(text: str) -> None:
    """Say something that the user may not expect, and go on."""
    print(f"note: {text}", file=sys.stderr)


class Ending:
    """What ends a command inside its `with`, but for its own end: one sentence, and no traceback.

    After it, `code` is the exit code: 0, 2 after bad input, or 130 after Ctrl-C, as shells have it.
    """

    def __init__(self) -> None:
        self.code = 0
        self._out, self._results = Path(), list[str]()

    def __enter__(self) -> "Ending":
        return self

    def make_folder(self, out: Path, results: Sequence[str], overwrite: bool) -> None:
        """The same as the function; of these results is told which were kept."""
        make_folder(out, results, overwrite)
        self._out, self._results = out, list(results)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, BadInput):
            self.code = 2
            print(f"error: {error}", file=sys.stderr)
        if isinstance(error, KeyboardInterrupt):
            self.code = STOPPED
            kept = [path.name for pattern in self._results for path in self._out.glob(pattern)]
            told = f"kept in {self._out}: {', '.join(kept)}" if kept else "nothing was kept"
            print(f"stopped by hand; {told}.", file=sys.stderr)
        return self.code != 0


def leave(code: int) -> NoReturn:
    """End the process with this exit code."""
    if code == STOPPED:
        # At once: XLA, when stopped while it compiles, often crashes a Python that cleans up.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def make_folder(out: Path, results: Iterable[str], overwrite: bool) -> None:
    """Make the folder `--out`; results (names or patterns) of an earlier run go only if told to.

    They go before the new run begins: half of one and half of the other would pass for one run.
    """
    earlier = [path for pattern in results for path in out.glob(pattern)]
    if earlier and not overwrite:
        free = next(p for i in range(2, sys.maxsize) if not (p := Path(f"{out}-{i}")).exists())
        rule = "a folder without results of an earlier run"
        remedy = f"choose another, such as --out {free}, or add --overwrite"
        reject("out", rule, f"{out} with {earlier[0].name}", remedy)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path in earlier:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        reject("out", "a folder to write to", out, f"choose another ({error.strerror})")


def reject(
    option: str, rule: str, value: object, remedy: str = "--help lists the defaults"
) -> None:
    """Raise the sentence that every bad option gets."""
    end = "" if remedy.endswith("?") else "."
    raise BadInput(f"{hyphened(option)} must be {rule}, got {value}; {remedy}{end}")


def hyphened(field: str) -> str:
    """The option of a field: `--batch-size` of `batch_size`."""
    return f"--{field.replace('_', '-')}"


def nearest(word: str, valid: Iterable[str]) -> str:
    """`did you mean …?`, or nothing where no valid word is near."""
    close = difflib.get_close_matches(word.partition("=")[0], list(valid), n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else ""
