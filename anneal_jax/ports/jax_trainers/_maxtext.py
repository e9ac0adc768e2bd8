"""MaxText: cosine or WSD, with phases that reach their ends at their last step."""

from typing import Any

from ... import _checks
from ..._numerics import Number
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear
from ...schedules._waves import CosineWave
from .._common import reject
from ._durations import part


def maxtext(
    learning_rate: Number,
    steps: int,
    learning_rate_schedule_steps: int = -1,
    warmup_steps_fraction: float = 0.1,
    learning_rate_final_fraction: Number = 0.1,
    lr_schedule_type: str = "cosine",
    wsd_decay_steps_fraction: float = 0.1,
    wsd_decay_style: str = "linear",
    *,
    exact: bool = True,
) -> Schedule:
    """`create_learning_rate_schedule` of MaxText, version of 2026.

    Linear warmup from 0, then a cosine, or constant and a decay; then 0 where `steps` are more.
    A phase of `n` steps reaches its end in its step `n - 1`, not in the one after.

    Args:
      learning_rate: the peak.
      steps: of the training.
      learning_rate_schedule_steps: of the schedule; -1: `steps`. The rate is 0 after them.
      warmup_steps_fraction: of the schedule, cut to whole steps.
      learning_rate_final_fraction: the floor as a part of the peak (in older versions
        `cosine_learning_rate_final_fraction`).
      lr_schedule_type: "cosine" or "wsd".
      wsd_decay_steps_fraction: of the schedule, cut to whole steps.
      wsd_decay_style: "linear" or "cosine".
      exact: whether a cosine rises again after its end, where no zeros follow; a warmup and a
        linear decay of one step stay at 0 and at the peak; and `100 * 0.29` steps are 28.
        Without it the last value holds, phases of one step reach their ends, and it is 29.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import jax_trainers
        >>> schedule = jax_trainers.maxtext(1.0, steps=12, learning_rate_schedule_steps=10)
        >>> print([f"{x:.2f}" for x in schedule([0, 1, 5, 9, 10])])
        ['0.00', '1.00', '0.55', '0.10', '0.00']
    """
    owner = "maxtext"
    _checks.nearest(owner, "lr_schedule_type", lr_schedule_type, ("cosine", "wsd"))
    _checks.nearest(owner, "wsd_decay_style", wsd_decay_style, ("linear", "cosine"))
    _checks.number(owner, "learning_rate", learning_rate, least=0)
    _checks.number(owner, "learning_rate_final_fraction", learning_rate_final_fraction, least=0)
    fractions = {"warmup": warmup_steps_fraction, "wsd_decay": wsd_decay_steps_fraction}
    for name, fraction in fractions.items():
        _checks.number(owner, f"{name}_steps_fraction", fraction, least=0, most=1)
    steps, total = _checks.whole(steps), _checks.whole(learning_rate_schedule_steps)
    _checks.steps(owner, "steps", steps, least=1)
    total = steps if isinstance(total, int) and total == -1 else total
    _checks.steps(owner, "learning_rate_schedule_steps", total, least=1)
    if lr_schedule_type == "wsd" and sum(fractions.values()) > 1:
        reject(owner, "warmup_steps_fraction + wsd_decay_steps_fraction must not exceed 1.")
    warmup, decay = (part(total, fraction, exact) for fraction in fractions.values())
    floor = learning_rate * learning_rate_final_fraction
    parts: list[tuple[int, Schedule]] = []
    if warmup > 0:
        parts.append((0, _line(0.0, learning_rate, warmup, exact)))
    if lr_schedule_type == "cosine":
        decay, wsd_decay_style = total - warmup, "cosine"
    elif total > warmup + decay:
        parts.append((warmup, Constant(learning_rate, total - warmup - decay)))
    if decay > 0:
        shape: Any = _cosine if wsd_decay_style == "cosine" else _line
        parts.append((total - decay, shape(learning_rate, floor, decay, exact)))
    if steps > total:
        parts.append((total, Constant(0.0, 0)))
    return join([piece for _, piece in parts], [start for start, _ in parts[1:]])


def _line(init_value: Number, end_value: Number, steps: int, exact: bool) -> Schedule:
    if exact and steps == 1:  # Optax: a line of no length stays where it begins
        return Constant(init_value, 1)
    return Linear(init_value, end_value, steps - 1)


def _cosine(init_value: Number, end_value: Number, steps: int, exact: bool) -> Schedule:
    if exact and steps > 1:
        return CosineWave(init_value, end_value, steps - 1)
    return Cosine(init_value, end_value, steps - 1)
