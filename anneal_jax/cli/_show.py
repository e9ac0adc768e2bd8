"""`anneal show`: one schedule, its curve, phases and key figures."""

from typing import TYPE_CHECKING, Any

from . import _options as options
from ._report import command, emit, facts, table

if TYPE_CHECKING:
    from rich.console import Console

    from ..schedules import Schedule

_COLUMNS = 200  # of the curve


@command
def show(
    spec: options.Spec,
    total: options.Total = None,
    examples: options.Examples = None,
    batch: options.Batch = None,
    tokens_per_example: options.Tokens = None,
    as_json: options.Json = False,
) -> None:
    """Show a schedule: its curve, its phases, its key figures.

    anneal show 'warmup_cosine(3e-4, 100, 2000)'

    anneal show plan.toml --total 3ep --examples 50000 --batch 256
    """
    from ._spec import read_spec

    horizon = options.horizon_of(total, examples, batch, tokens_per_example)
    schedule = read_spec(spec, horizon)
    steps = None if horizon is None else horizon.total_steps
    data = described(schedule, steps)
    told = "" if horizon is None else horizon.misfit(schedule)
    if told:
        data["note"] = told
    emit(data, as_json, lambda console: printed(console, schedule, data))


def described(schedule: "Schedule", steps: int | None = None) -> dict[str, Any]:
    """The key figures of a schedule, and its definition."""
    from ..schedules import summary

    found = summary(schedule, steps)
    figures = found._asdict()
    figures["phases"] = [phase._asdict() for phase in found.phases]
    return figures | {"config": _config(schedule)}


def printed(console: "Console", schedule: "Schedule", data: dict[str, Any]) -> None:
    """The curve, a table of the phases, the key figures."""
    from ..schedules._curve import sampled
    from ._curve import draw

    draw(console, *sampled(schedule, data["steps"], columns=_COLUMNS))
    names = ["phase", "from step", "steps", "from", "to", "of steps", "of area"]
    rows = [
        [
            phase["kind"],
            phase["begin"],
            phase["steps"],
            phase["init_value"],
            phase["end_value"],
            f"{phase['share']:.1%}",
            f"{phase['area_share']:.1%}",
        ]
        for phase in data["phases"]
    ]
    table(console, names, rows)
    peak = f"{data['peak_value']:.4g} at step {data['peak_step']}"
    end = f"{data['end_value']:.4g} at step {data['steps']}"
    length = "no end" if data["length"] is None else f"{data['length']} steps"
    pairs = {"length": length, "peak": peak, "end": end, "mean": data["mean_value"]}
    pairs |= {"area": data["area"], "cycles": data["cycles"]}
    facts(console, pairs)
    if "note" in data:
        console.print(f"note: {data['note']}", soft_wrap=True)


def _config(schedule: "Schedule") -> dict[str, Any] | None:
    from ..schedules import to_config

    try:
        return to_config(schedule)
    except ValueError:  # it holds a function
        return None
