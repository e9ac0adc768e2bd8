"""`anneal read`: what a log holds, and what is odd in it."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import _options as options
from ._report import command, emit, facts

if TYPE_CHECKING:
    from rich.console import Console

    from ..laws import Log

Log_ = Annotated[Path, typer.Argument(metavar="LOG", show_default=False)]
Column = Annotated[str | None, typer.Option(help="The column's name, if it is not found.")]


@command
def read(
    log: Log_,
    step: Column = None,
    rate: Column = None,
    loss: Column = None,
    eval_loss: Column = None,
    as_json: options.Json = False,
) -> None:
    """Read a run's log: its columns, lengths, rates and losses, and what is odd.

    anneal read trainer_state.json

    anneal read metrics.csv --loss train/loss
    """
    from ..laws import read_log

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # its notes are told below
        names = {"step": step, "learning_rate": rate, "loss": loss, "eval_loss": eval_loss}
        found = read_log(log, **names)
    data = _described(log, found)
    emit(data, as_json, lambda console: _printed(console, found, data))


def _described(path: Path, log: "Log") -> dict[str, Any]:
    evaluated = len(log.eval_steps)
    return {
        "file": str(path),
        "columns": dict(log.columns),
        "losses": len(log.steps),
        "first_step": int(log.steps[0]),
        "last_step": int(log.steps[-1]),
        "first_loss": float(log.losses[0]),
        "last_loss": float(log.losses[-1]),
        "lowest_loss": float(log.losses.min()),
        "first_rate": float(log.rates[0]),
        "peak_rate": float(log.rates.max()),
        "peak_step": int(log.rates.argmax()),
        "last_rate": float(log.rates[-1]),
        "eval_losses": evaluated,
        "last_eval_loss": float(log.eval_losses[-1]) if evaluated else None,
        "notes": list(log.notes),
    }


def _printed(console: "Console", log: "Log", data: dict[str, Any]) -> None:
    import numpy as np

    from ._curve import draw

    at = np.unique(np.linspace(0, len(log.rates) - 1, 400).astype(int))
    console.print("the rates:")
    draw(console, at, log.rates[at])
    columns = ", ".join(f"{what} is {name!r}" for what, name in data["columns"].items())
    pairs = {name.replace("_", " "): value for name, value in data.items() if name != "notes"}
    facts(console, pairs | {"columns": columns})
    for note in data["notes"]:
        console.print(f"odd: {note}", soft_wrap=True)
    if not data["notes"]:
        console.print("nothing is odd.")
