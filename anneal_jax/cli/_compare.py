"""`anneal compare`: schedules side by side."""

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _options as options
from ._report import command, emit, table

if TYPE_CHECKING:
    from rich.console import Console

_ROWS = 11  # of values
_SAME = 2e-6  # relative to the peaks: two values of float32 that were meant to be one
_MOST = 8  # crossings that are told of a pair


@command
def compare(
    specs: options.Specs,
    total: options.Total = None,
    examples: options.Examples = None,
    batch: options.Batch = None,
    tokens_per_example: options.Tokens = None,
    as_json: options.Json = False,
) -> None:
    """Compare schedules: values side by side, areas, peaks, where they cross.

    anneal compare 'warmup_cosine(3e-4, 100, 2000)' 'warmup_linear(3e-4, 100, 2000)'
    """
    from ._spec import read_spec

    horizon = options.horizon_of(total, examples, batch, tokens_per_example)
    schedules = [read_spec(spec, horizon) for spec in specs]
    data = compared(specs, schedules, None if horizon is None else horizon.total_steps)
    emit(data, as_json, lambda console: _printed(console, data))


def compared(names: list[str], schedules: list[Any], steps: int | None) -> dict[str, Any]:
    """Key figures of each, values of all at the same steps, and crossings of each pair.

    Args:
      names: what each is called.
      schedules: the schedules.
      steps: number of steps to look at; None: those of the longest.
    """
    from ..schedules import summary
    from ..schedules._curve import ALL, asked

    found = [summary(schedule, steps) for schedule in schedules]
    end = max(one.steps for one in found)
    found = [
        one if one.steps == end else summary(schedule, end)
        for schedule, one in zip(schedules, found, strict=True)
    ]
    at = np.arange(end + 1) if end < ALL else np.unique(np.linspace(0, end, ALL).astype(np.int64))
    values = [asked(schedule, at) for schedule in schedules]
    rows = np.unique(np.linspace(0, end, _ROWS).round().astype(np.int64))
    places = np.searchsorted(at, rows).clip(max=len(at) - 1)
    keys = ("length", "peak_value", "peak_step", "end_value", "mean_value", "area", "cycles")
    return {
        "steps": end,
        "exact": len(at) == end + 1,  # else crossings are found to within a step of the grid
        "schedules": [
            {"spec": name} | {key: getattr(one, key) for key in keys}
            for name, one in zip(names, found, strict=True)
        ],
        "values": {
            "step": at[places].tolist(),
            "value": [value[places].tolist() for value in values],
        },
        "crossings": [
            {"first": i, "second": j} | crossings(at, values[i], values[j])
            for i, j in itertools.combinations(range(len(values)), 2)
        ],
    }


def crossings(at: np.ndarray, one: np.ndarray, two: np.ndarray) -> dict[str, Any]:
    """The steps at which another of two curves becomes the higher one."""
    difference = one - two
    scale = max(np.abs(one).max(), np.abs(two).max())
    apart = np.flatnonzero(np.abs(difference) > _SAME * scale)
    signs = np.sign(difference[apart])
    turned = apart[1:][signs[1:] != signs[:-1]]
    ahead = None if not len(apart) else "first" if signs[0] > 0 else "second"
    return {"higher_first": ahead, "count": len(turned), "steps": at[turned[:_MOST]].tolist()}


def _printed(console: "Console", data: dict[str, Any]) -> None:
    letters = [_letter(k) for k in range(len(data["schedules"]))]
    for letter, one in zip(letters, data["schedules"], strict=True):
        console.print(f"{letter}  {one['spec']}", soft_wrap=True)
    figures = {
        "length": "length",
        "peak_value": "peak",
        "peak_step": "at step",
        "end_value": "end",
        "mean_value": "mean",
        "area": "area",
        "cycles": "cycles",
    }
    rows = [[words, *(s[key] for s in data["schedules"])] for key, words in figures.items()]
    table(console, ["", *letters], rows)
    values = data["values"]
    rows = [[t, *(v[k] for v in values["value"])] for k, t in enumerate(values["step"])]
    table(console, ["step", *letters], rows)
    for pair in data["crossings"]:
        sentence = _sentence(letters[pair["first"]], letters[pair["second"]], pair, data["exact"])
        console.print(sentence, soft_wrap=True)


def _sentence(one: str, two: str, pair: dict[str, Any], exact: bool) -> str:
    if pair["higher_first"] is None:
        return f"{one} and {two} are the same at every step."
    high, low = (one, two) if pair["higher_first"] == "first" else (two, one)
    if not pair["count"]:
        return f"{high} is never below {low}."
    about = "" if exact else "about "
    steps = ", ".join(map(str, pair["steps"])) + ", ..." * (pair["count"] > len(pair["steps"]))
    return f"{high} is above {low} first; they cross at {about}step {steps}."


def _letter(index: int) -> str:
    return chr(ord("A") + index) if index < 26 else f"S{index}"
