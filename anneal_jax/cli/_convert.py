"""`anneal convert`: what another program's file says, as a schedule of this library."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import _options as options
from ._formats import looks_like
from ._readers import FORMATS, Call, Settings, call_of
from ._report import command, emit

if TYPE_CHECKING:
    from rich.console import Console

    from ..schedules import Schedule

_PAGES = "https://github.com/anneal-jax/anneal_jax/tree/main/docs/coming_from_"
_SAME = 2e-6  # relative to the peak


@command
def convert(
    file: Annotated[str, typer.Argument(metavar="FILE", show_default=False)],
    from_: Annotated[
        str, typer.Option("--from", help=f"The program: auto, {', '.join(FORMATS)}.")
    ] = "auto",
    total: options.Total = None,
    examples: options.Examples = None,
    batch: options.Batch = None,
    tokens_per_example: options.Tokens = None,
    steps_per_epoch: Annotated[int | None, typer.Option(help="timm: steps in an epoch.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="The optimizer's rate, if the file has none.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="torch: the scheduler's class, and those inside it."),
    ] = None,
    group: Annotated[int, typer.Option(help="torch: which group of parameters.")] = 0,
    intended: Annotated[
        bool, typer.Option("--intended", help="What was meant, without the program's quirks.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Convert another program's settings: the Python line, the config, the quirks, the curve.

    anneal convert training_args.json --total 10000

    anneal convert args.yaml --from timm --steps-per-epoch 1251
    """
    horizon = options.horizon_of(total, examples, batch, tokens_per_example)
    given = Settings(horizon, steps_per_epoch, learning_rate, tuple(kind or ()), group)
    data = _loaded(file)
    format_ = _format(file, data, from_)
    call, mode, schedule = converted(format_, file, data, given, intended)
    report = _report(call, schedule, horizon.total_steps if horizon else None, mode)
    emit(report, as_json, lambda console: _printed(console, schedule, report))


def _loaded(file: str) -> Any:
    from ._spec import data_of, text_of

    if file == "-":
        return data_of("standard input", sys.stdin.read())
    if file.lower().endswith((".pt", ".pth", ".ckpt", ".bin")):
        return _checkpoint(Path(file))
    text = text_of(Path(file))
    if file.lower().endswith((".csv", ".tsv", ".jsonl")):
        raise ValueError(f"{file}: this is a log, and no settings; anneal read FILE shows it.")
    return data_of(file, text)


def _checkpoint(path: Path) -> Any:
    """What torch saved, without running any code in it."""
    import pickle

    if not path.is_file():
        raise ValueError(f"{path}: there is no such file.")
    try:
        import torch  # pyright: ignore[reportMissingImports]  (an optional package)
    except ImportError:
        remedy = "pip install torch, or save scheduler.state_dict() as JSON"
        raise ValueError(f"{path}: torch must be installed to read it; {remedy}.") from None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError):
        reason = "it is no checkpoint, or holds objects whose loading may run code"
        raise ValueError(f"{path}: {reason}; save scheduler.state_dict() alone.") from None


def _format(file: str, data: Any, wanted: str) -> str:
    from .. import _checks

    _checks.nearest("convert", "--from", wanted, ("auto", *FORMATS))
    if wanted != "auto":
        return wanted
    if file.lower().endswith((".pt", ".pth", ".ckpt", ".bin")):
        return "torch"
    found = looks_like(data)
    if found == "anneal":
        raise ValueError(f"{file}: this is a config already; anneal show FILE shows it.")
    if found == "log":
        raise ValueError(f"{file}: this is a log, and no settings; anneal read FILE shows it.")
    if found not in FORMATS:
        names = ", ".join(FORMATS)
        raise ValueError(f"{file}: it looks like no program's settings; say --from ({names}).")
    return found


def converted(
    format_: str, file: str, data: Any, given: Settings, intended: bool = False
) -> tuple[Call, dict[str, bool], "Schedule"]:
    """The call that reads a file, its mode, and the schedule.

    What Python itself refuses of the parts of a foreign file is a sentence, too.
    """
    try:
        call = call_of(format_, file, data, given)
        mode = {"exact": False} if intended and call.has_modes else {}
        return call, mode, call.schedule(**mode)
    except (LookupError, AttributeError, TypeError, ArithmeticError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise ValueError(f"{file}: it is not as {format_} writes it ({said:.200}).") from None


def _report(
    call: Call, schedule: "Schedule", steps: int | None, mode: dict[str, bool]
) -> dict[str, Any]:
    from ._show import described

    data = described(schedule, steps)
    return {
        "python": call.code(**mode),
        "quirks": _quirks(call, schedule, data["steps"]) if call.has_modes and not mode else [],
        "quirks_page": f"{_PAGES}{call.port}.md#quirks",
        "ignored": list(call.ignored),
    } | data


def _quirks(call: Call, schedule: "Schedule", steps: int) -> list[str]:
    """Where the program does otherwise than was meant: found by asking for both.

    What each quirk is stands in docs/coming_from_*.md alone.
    """
    import numpy as np

    from ..schedules._curve import ALL, asked

    try:
        meant = call.schedule(exact=False)
    except ValueError as error:
        return [f"without the quirks it would be refused: {error}"]
    found = []
    for words, begin, end in (("in", 0, steps), ("after", steps, 2 * steps)):
        count = min(end - begin, ALL)
        at = np.unique(np.linspace(begin, end, count + 1)[1 if begin else 0 :].astype(np.int64))
        one, two = asked(schedule, at), asked(meant, at)
        gap = np.abs(one - two)
        if (gap > _SAME * np.abs(one).max(initial=1e-30)).any():
            k = int(np.argmax(gap))
            values = f"{one[k]:.4g} where {two[k]:.4g} was meant"
            found.append(f"{words} training: at step {at[k]} it is {values} (exact=False)")
    return found


def _printed(console: "Console", schedule: "Schedule", report: dict[str, Any]) -> None:
    import json

    from ._show import printed

    console.print(report["python"], soft_wrap=True)
    console.print(json.dumps(report["config"]), soft_wrap=True)
    for quirk in report["quirks"]:
        console.print(f"quirk: {quirk}", soft_wrap=True)
    if report["quirks"]:
        console.print(f"quirks: {report['quirks_page']}", soft_wrap=True)
    if report["ignored"]:
        console.print(f"not read: {', '.join(report['ignored'])}", soft_wrap=True)
    printed(console, schedule, report)
