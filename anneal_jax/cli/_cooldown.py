"""`anneal cooldown`: how long a warmup-stable-decay run should cool down."""

from typing import TYPE_CHECKING

from . import _options as options
from ._report import command, emit, table

if TYPE_CHECKING:
    from rich.console import Console


@command
def cooldown(
    fit: options.Fit,
    peak: options.Peak,
    total: options.Length,
    warmup: options.Warmup = "0",
    as_json: options.Json = False,
) -> None:
    """Find the length of the cooldown with which a warmup-stable-decay run ends lowest.

    anneal cooldown fit.json --peak 3e-4 --total 20000 --warmup 5%
    """
    from ..laws import best_cooldown
    from ..schedules import to_config
    from ._expression import expression

    horizon = options.horizon_of(total, None, None, None)
    steps = horizon.total_steps if horizon else 0
    found = best_cooldown(options.loaded_fit(fit), peak, steps, options.steps_of(horizon, warmup))
    data = {
        "share": found.share,
        "steps": round(found.share * steps),
        "loss": found.loss,
        "losses": {f"{share:g}": loss for share, loss in found.losses.items()},
        "config": to_config(found.schedule),
    }

    def show(console: "Console") -> None:
        rows = [[f"{share:.0%}", loss] for share, loss in found.losses.items()]
        table(console, ["cooldown", "loss"], rows)
        console.print(f"lowest: {found.share:.0%}, a loss of {found.loss:.4f}")
        console.print(expression(found.schedule), soft_wrap=True)

    emit(data, as_json, show)
