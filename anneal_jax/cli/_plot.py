"""`anneal plot`: schedules as a picture in a file."""

from pathlib import Path
from typing import Annotated

import typer

from . import _options as options
from ._report import command, emit

_FORMATS = (".png", ".svg", ".pdf", ".jpg", ".webp")


@command
def plot(
    specs: options.Specs,
    output: Annotated[Path, typer.Option("--output", "-o", help="A .png, .svg or .pdf file.")],
    total: options.Total = None,
    examples: options.Examples = None,
    batch: options.Batch = None,
    tokens_per_example: options.Tokens = None,
    log: Annotated[bool, typer.Option("--log", help="A logarithmic axis of values.")] = False,
    as_json: options.Json = False,
) -> None:
    """Draw schedules into a file, by matplotlib; no display is needed.

    anneal plot 'warmup_cosine(3e-4, 100, 2000)' 'trapezoid(3e-4, 100, 400, 2000)' -o plans.png
    """
    from .._checks import nearest
    from ..pictures import plot as drawn
    from ._spec import read_spec

    nearest("plot", "the end of --output", output.suffix.lower(), _FORMATS)
    try:
        from matplotlib.figure import Figure  # no pyplot: it would look for a display
    except ImportError:
        raise ValueError("plot needs matplotlib: pip install 'anneal_jax[plot]'.") from None
    horizon = options.horizon_of(total, examples, batch, tokens_per_example)
    schedules = {spec: read_spec(spec, horizon) for spec in specs}
    figure = Figure(figsize=(8, 4.5))
    named = {spec.replace("$", r"\$"): schedule for spec, schedule in schedules.items()}
    axes = drawn(named, figure.subplots(), horizon=horizon, log=log)
    if len(named) == 1:
        axes.set_title(next(iter(named)), fontsize="small", wrap=True)
    figure.savefig(output, dpi=150, bbox_inches="tight")
    data = {"file": str(output), "schedules": list(schedules)}
    emit(data, as_json, lambda console: console.print(f"wrote {output}", soft_wrap=True))
