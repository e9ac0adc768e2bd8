"""`anneal predict`: the final losses that a fit predicts of schedules."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import _options as options
from ._report import command, emit, table

if TYPE_CHECKING:
    from rich.console import Console


@command
def predict(
    fit: options.Fit,
    specs: options.Specs,
    total: options.Total = None,
    examples: options.Examples = None,
    batch: options.Batch = None,
    tokens_per_example: options.Tokens = None,
    probability: Annotated[float, typer.Option(help="Of the intervals.")] = 0.8,
    as_json: options.Json = False,
) -> None:
    """Predict the final losses of schedules, the lowest first.

    anneal predict fit.json 'warmup_cosine(3e-4, 100, 2000)' 'trapezoid(3e-4, 100, 400, 2000)'
    """
    from ..laws import compare
    from ._spec import read_spec

    horizon = options.horizon_of(total, examples, batch, tokens_per_example)
    schedules = {spec: read_spec(spec, horizon) for spec in specs}
    steps = None if horizon is None else horizon.total_steps
    found = compare(options.loaded_fit(fit), schedules, steps, probability=probability)
    rows: list[dict[str, Any]] = [
        {"spec": name, "loss": float(loss), "low": float(low), "high": float(high)}
        | {"beats_first": float(better[0]) if k else None}
        for k, (name, loss, low, high, better) in enumerate(zip(*found, strict=True))
    ]
    data = {"probability": probability, "schedules": rows}
    emit(data, as_json, lambda console: _ranked(console, rows, probability))


def _ranked(console: "Console", rows: list[dict[str, Any]], probability: float) -> None:
    names = ["schedule", "loss", f"{probability:.0%} from", "to", "beats the first"]
    table(
        console,
        names,
        [
            [
                row["spec"],
                *(f"{row[key]:.4f}" for key in ("loss", "low", "high")),
                None if row["beats_first"] is None else f"{row['beats_first']:.0%}",
            ]
            for row in rows
        ],
    )
