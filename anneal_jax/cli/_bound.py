"""`anneal bound`: what theory says that the last iterate of SGD misses."""

from typing import Annotated, Any

import typer

from . import _options as options
from ._report import command, emit, table


@command
def bound(
    specs: options.Specs,
    total: options.Total = None,
    examples: options.Examples = None,
    batch: options.Batch = None,
    tokens_per_example: options.Tokens = None,
    grad_norm: Annotated[float, typer.Option(help="A bound on the gradients' norm.")] = 1.0,
    distance: Annotated[float, typer.Option(help="From the start to the minimum.")] = 1.0,
    as_json: options.Json = False,
) -> None:
    """Bound what SGD's last iterate misses, and the best factor to all rates.

    anneal bound 'warmup_cosine(0.1, 100, 2000)' 'warmup_linear(0.1, 100, 2000)'
    """
    from ..theory import last_iterate_bound
    from ._spec import read_spec

    horizon = options.horizon_of(total, examples, batch, tokens_per_example)
    rows: list[dict[str, Any]] = []
    for spec in specs:
        schedule = read_spec(spec, horizon)
        steps = None if horizon is None else horizon.total_steps
        found = last_iterate_bound(schedule, grad_norm, distance, steps=steps)
        one = {"bound": found.curve[-1], "scale": found.scale, "tuned": found.tuned}
        rows.append({"spec": spec} | {name: float(value) for name, value in one.items()})
    names = ["schedule", "bound", "best factor", "bound with it"]
    emit(
        {"schedules": rows},
        as_json,
        lambda console: table(console, names, [[*row.values()] for row in rows]),
    )
