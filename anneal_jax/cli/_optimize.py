"""`anneal optimize`: the schedule with which a law predicts the lowest loss."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import _options as options
from ._report import command, emit, facts

if TYPE_CHECKING:
    from rich.console import Console


@command
def optimize(
    fit: options.Fit,
    peak: options.Peak,
    total: options.Length,
    warmup: options.Warmup = "0",
    output: options.Output = None,
    constraint: Annotated[str, typer.Option(help="non_increasing or free.")] = "non_increasing",
    knots: Annotated[int, typer.Option(help="Knots after the warmup.")] = 64,
    as_json: options.Json = False,
) -> None:
    """Find the schedule for which a law predicts the lowest final loss.

    anneal optimize fit.json --peak 3e-4 --total 20000 --warmup 5% -o plan.json
    """
    from ..laws import optimize_schedule
    from ..schedules import to_config
    from ._show import described, printed

    horizon = options.horizon_of(total, None, None, None)
    steps = horizon.total_steps if horizon else 0
    begin = options.steps_of(horizon, warmup)
    law = options.loaded_fit(fit)
    found = optimize_schedule(law, peak, steps, begin, constraint=constraint, knots=knots)
    config = to_config(found.schedule)
    if output is not None:
        options.write_config(output, config)
    losses = {"loss": found.loss, "cosine": found.cosine, "wsd": found.wsd}
    data: dict[str, Any] = losses | {
        "better": found.better,
        "file": None if output is None else str(output),
        "config": config,
    }

    def show(console: "Console") -> None:
        printed(console, found.schedule, described(found.schedule))
        told = {name: f"{loss:.4f}" for name, loss in losses.items()}
        facts(console, told | {"better": found.better, "saved as": data["file"]})

    emit(data, as_json, show)
