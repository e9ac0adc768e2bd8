"""torch's one cycle, whose phases meet between steps."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ... import _checks
from ..._numerics import Number
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._span import Span
from ...schedules.recipes import one_cycle, one_cycle_momentum
from .._common import cycles
from ._cycles import cycles_momentum
from ._decays import strategy


class _Plan(NamedTuple):
    """What the rate and the momentum of one cycle share."""

    total_steps: int
    pct_start: float
    three_phase: bool
    strategy: str

    def ends(self) -> list[float]:
        """The last moment of each phase, in torch's arithmetic."""
        up, last = float(self.pct_start * self.total_steps) - 1, self.total_steps - 1
        middle = [float(2 * self.pct_start * self.total_steps) - 2] if self.three_phase else []
        return [up, *middle, last]


def OneCycleLR(
    max_lr: Number,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    cycle_momentum: bool = True,
    base_momentum: Number = 0.85,
    max_momentum: Number = 0.95,
    div_factor: Number = 25.0,
    final_div_factor: Number = 1e4,
    three_phase: bool = False,
    *,
    exact: bool = True,
) -> Schedule:
    """Up to `max_lr`, down to `max_lr / div_factor / final_div_factor`.

    With `exact`, phases end at `pct_start * total_steps - 1` and `total_steps - 1` as in torch,
    also where these are no whole steps and so the peak is not reached. Step `total_steps`, the
    last that torch allows, rebounds; afterwards the value of step `total_steps - 1` holds.
    Without `exact` it is `anneal_jax.one_cycle`: the peak at the nearest whole step, the end at
    `total_steps`.

    Args:
      max_lr: the peak.
      total_steps: length; or give `epochs` and `steps_per_epoch`.
      epochs: used without `total_steps`.
      steps_per_epoch: used without `total_steps`.
      pct_start: part of the steps spent going up; a float from 0 to 1.
      anneal_strategy: "cos" or "linear".
      cycle_momentum: of the twin, `OneCycleLRMomentum`; not read here, nor the next two.
      base_momentum: of the twin.
      max_momentum: of the twin.
      div_factor: peak over start.
      final_div_factor: start over end.
      three_phase: whether to go down to the start first, in as many steps as up.
      exact: whether to keep torch's quirks.

    Raises:
      ValueError: for what torch rejects, and with `exact` where `pct_start * total_steps` is 1:
        torch divides by zero there.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.OneCycleLR(1.0, total_steps=10, div_factor=4.0)([0, 1, 2, 9]).round(3))
        [0.25  0.625 1.    0.   ]
    """
    del cycle_momentum, base_momentum, max_momentum
    total = _total(total_steps, epochs, steps_per_epoch)
    plan = _checked(_Plan(total, pct_start, three_phase, anneal_strategy), exact)
    for name, value in (("div_factor", div_factor), ("final_div_factor", final_div_factor)):
        _checks.number("OneCycleLR", name, value, above=0)
    _checks.number("OneCycleLR", "max_lr", max_lr, least=0)
    if not exact:
        shape = strategy("OneCycleLR", anneal_strategy)
        factors = div_factor, final_div_factor
        return one_cycle(max_lr, total, pct_start, *factors, three_phase, shape)
    start = max_lr / div_factor
    middle = [start] if three_phase else []
    return phases(plan.ends(), [start, max_lr, *middle, start / final_div_factor], anneal_strategy)


def OneCycleLRMomentum(
    max_lr: Number,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    cycle_momentum: bool = True,
    base_momentum: Number = 0.85,
    max_momentum: Number = 0.95,
    div_factor: Number = 25.0,
    final_div_factor: Number = 1e4,
    three_phase: bool = False,
    *,
    exact: bool = True,
) -> Schedule:
    """The momentum (or b1) that torch's `OneCycleLR` sets: low where the rate is high.

    Takes all arguments of `OneCycleLR`, so that both can be given the same.

    Raises:
      ValueError: as `OneCycleLR`, and if `cycle_momentum` is False.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.OneCycleLRMomentum(1.0, total_steps=10)([0, 2, 9]))
        [0.95 0.85 0.95]
    """
    del max_lr, div_factor, final_div_factor
    cycles_momentum("OneCycleLRMomentum", cycle_momentum)
    total = _total(total_steps, epochs, steps_per_epoch)
    plan = _checked(_Plan(total, pct_start, three_phase, anneal_strategy), exact)
    if not exact:
        shape = strategy("OneCycleLR", anneal_strategy)
        return one_cycle_momentum(base_momentum, max_momentum, total, pct_start, three_phase, shape)
    values = [max_momentum, base_momentum, *[max_momentum] * (len(plan.ends()) - 1)]
    return phases(plan.ends(), values, anneal_strategy)


def phases(ends: Sequence[float], values: Sequence[Number], anneal_strategy: str) -> Schedule:
    """Phases between moments, and then torch's last step.

    Args:
      ends: the last moment of each phase; the last is `total_steps - 1`.
      values: one more than there are phases.
      anneal_strategy: "cos" or "linear".
    """
    shape = strategy("OneCycleLR", anneal_strategy)
    last = int(ends[-1])
    parts, starts, begin, first = [], [], 0.0, 0
    for index, end in enumerate(ends):
        final = index == len(ends) - 1
        until = last + 1 if final else min(math.floor(end) + 1, last + 1)
        if until > first:  # a phase that no step is in leaves nothing but its end
            segment = shape(values[index], values[index + 1], 1)
            parts.append(Span(segment, begin, end) if end > begin else Constant(values[index + 1]))
            starts.append(first)
            first = until
        begin = end
    whole = cycles(parts, starts, restarts=False)
    held = _value_at(last, ends, values, anneal_strategy)
    rebound = _value_at(last + 1, ends, values, anneal_strategy)
    after = [Constant(held if rebound is None else rebound, 1), Constant(held)]
    return join([whole, *after], [last + 1, last + 2])


def _value_at(
    step: int, ends: Sequence[float], values: Sequence[Number], anneal_strategy: str
) -> Number | None:
    """What torch computes at one step; None where it divides by zero."""
    index = next((i for i, end in enumerate(ends[:-1]) if step <= end), len(ends) - 1)
    begin = ends[index - 1] if index else 0.0
    if ends[index] == begin:
        return None
    fraction = (step - begin) / (ends[index] - begin)
    if anneal_strategy == "cos":
        fraction = (1 - math.cos(math.pi * fraction)) / 2
    return values[index] + (values[index + 1] - values[index]) * fraction


def _total(total_steps: Any, epochs: Any, steps_per_epoch: Any) -> int:
    if total_steps is not None:
        _checks.steps("OneCycleLR", "total_steps", total_steps, least=1)
        return total_steps
    if epochs is None or steps_per_epoch is None:
        remedy = "or give epochs and steps_per_epoch"
        _checks.fail("OneCycleLR", "total_steps", "given", None, remedy)
    _checks.steps("OneCycleLR", "epochs", epochs, least=1)
    _checks.steps("OneCycleLR", "steps_per_epoch", steps_per_epoch, least=1)
    return epochs * steps_per_epoch


def _checked(plan: _Plan, exact: bool) -> _Plan:
    if not isinstance(plan.pct_start, float):
        remedy = "torch takes floats only"
        _checks.fail("OneCycleLR", "pct_start", "a float from 0 to 1", plan.pct_start, remedy)
    _checks.number("OneCycleLR", "pct_start", plan.pct_start, least=0, most=1)
    _checks.flag("OneCycleLR", "three_phase", plan.three_phase)
    strategy("OneCycleLR", plan.strategy)
    if exact and plan.ends()[0] == 0:
        rule = f"something else than 1 / total_steps (total_steps={plan.total_steps})"
        remedy = "torch divides by zero there; pass exact=False"
        _checks.fail("OneCycleLR", "pct_start", rule, plan.pct_start, remedy)
    return plan
