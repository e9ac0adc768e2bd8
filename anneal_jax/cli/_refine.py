"""`anneal refine`: a schedule from the gradient norms of the last run."""

from pathlib import Path
from typing import Annotated

import typer

from . import _options as options
from ._report import command, emit


@command
def refine(
    log: Annotated[Path, typer.Argument(metavar="LOG", show_default=False)],
    norm: Annotated[str, typer.Option(help="l2 (SGD) or l1 (Adam).")] = "l2",
    peak: Annotated[float, typer.Option(help="The largest rate.")] = 1.0,
    smoothing: Annotated[float, typer.Option(help="Share of the norms that a median takes.")] = 0.1,
    column: Annotated[str, typer.Option(help="Name of the gradients' norm.")] = "grad_norm",
    output: options.Output = None,
    as_json: options.Json = False,
) -> None:
    """Make the next run's schedule from the gradient norms in the last one's log.

    anneal refine trainer_state.json --norm l1 --peak 3e-4 -o plan.json
    """
    from ..laws import read_log
    from ..schedules import to_config
    from ..theory import refine as refined
    from ._show import described, printed

    norms = read_log(log, loss=column)  # (positive numbers by step, as losses are)
    gaps = {int(gap) for gap in norms.steps[1:] - norms.steps[:-1]}
    if len(gaps) != 1:
        said = f"after {min(gaps)} to {max(gaps)} steps"
        raise ValueError(f"refine: {column} must be logged at even distances, got it {said}.")
    every = gaps.pop()
    schedule = refined(norms.losses, norm, smoothing, peak_value=peak, every=every)
    config = to_config(schedule)
    if output is not None:
        options.write_config(output, config)
    data = {"norms": len(norms.losses), "every": every, "config": config}
    data["file"] = None if output is None else str(output)
    emit(data, as_json, lambda console: printed(console, schedule, described(schedule)))
