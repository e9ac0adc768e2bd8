"""The axis of time: optimizer steps, or what a `Horizon` says they are."""

import re
from typing import NamedTuple

from .. import _checks
from .._horizon import Horizon

UNITS = ("step", "%", "epoch", "example", "token")


class Unit(NamedTuple):
    """What an axis of time counts: its label, and how many one step is."""

    label: str
    per_step: float


def unit_of(owner: str, horizon: Horizon | None, unit: str | None) -> Unit:
    """The unit asked for; None: that in which the horizon's total is written, else steps."""
    if horizon is not None and not isinstance(horizon, Horizon):
        _checks.fail(owner, "horizon", "an anneal_jax.Horizon", horizon, "build one")
    if unit is None:
        unit = "step" if horizon is None else _written(horizon)
    _checks.nearest(owner, "unit", unit, UNITS)
    if unit == "step":
        return Unit("optimizer step", 1.0)
    if horizon is None:
        rule = '"step" without a horizon'
        _checks.fail(owner, "unit", rule, unit, "pass horizon=anneal_jax.Horizon(...)")
    match unit:
        case "%":
            return Unit("% of training", 100 / horizon.total_steps)
        case "epoch":
            return Unit("epoch", float(1 / horizon.steps_per_epoch))
        case "example":
            return Unit("examples seen", float(horizon.examples(1)))
        case _:
            return Unit("tokens seen", float(horizon.tokens(1)))


def _written(horizon: Horizon) -> str:
    """The unit of a horizon's total."""
    word = re.findall(r"[a-z]*$", str(horizon.total).strip())[0]
    starts = {"ep": "epoch", "ex": "example", "sa": "example", "tok": "token"}
    return next((unit for start, unit in starts.items() if word.startswith(start)), "step")
