"""Schedules in turn: warmups, restarts, and any others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from ... import _checks
from ..._numerics import Number
from ...schedules._constant import as_schedule
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Linear
from .._arguments import given_number, given_steps, whole_steps
from .._common import between
from ._parts import cosine, transition
from ._transitions import constant_schedule, exponential_decay


def warmup_constant_schedule(
    init_value: Number, peak_value: Number, warmup_steps: Number, *, exact: bool = True
) -> Schedule:
    """Linear warmup, then constant; core `warmup_constant`.

    Args:
      init_value: where the warmup starts; of either sign.
      peak_value: the constant; of either sign.
      warmup_steps: at least 0.
      exact: whether, as in Optax, no warmup means `init_value` for ever. False: the peak.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.warmup_constant_schedule(0.0, 1.0, 2)([0, 1, 2, 9]))
        [0.  0.5 1.  1. ]
    """
    owner = "warmup_constant_schedule"
    _checks.number(owner, "warmup_steps", warmup_steps, least=0)
    if not exact and _checks.known(warmup_steps) and warmup_steps == 0:
        return constant_schedule(peak_value)
    return transition(owner, Linear, init_value, peak_value, warmup_steps)


def warmup_cosine_decay_schedule(
    init_value: Number,
    peak_value: Number,
    warmup_steps: Number,
    decay_steps: Number,
    end_value: Number = 0.0,
    exponent: Number = 1.0,
    *,
    exact: bool = True,
) -> Schedule:
    """Linear warmup, then cosine annealing; core `warmup_cosine`.

    Args:
      init_value: where the warmup starts; this and the next two of either sign.
      peak_value: at step `warmup_steps`.
      warmup_steps: whole, at least 0.
      decay_steps: the total, warmup included; above `warmup_steps`.
      end_value: from step `decay_steps` on.
      exponent: of the cosine's weight; at least 0.
      exact: whether, as in Optax, a peak of 0 makes the end 0 whatever `end_value` is.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.warmup_cosine_decay_schedule(0.0, 1.0, 2, 6)([0, 1, 2, 4, 6]).round(3))
        [0.  0.5 1.  0.5 0. ]
    """
    owner = "warmup_cosine_decay_schedule"
    peak_value = given_number(owner, "peak_value", peak_value)
    end_value = given_number(owner, "end_value", end_value)
    if exact and _checks.known(peak_value) and peak_value == 0:
        end_value = 0.0
    total = given_steps(owner, "decay_steps", decay_steps)
    warmup = whole_steps(owner, "warmup_steps", warmup_steps)
    if _checks.known(total, warmup) and total <= warmup:
        remedy = "it is the total, warmup included"
        _checks.fail(owner, "decay_steps", f"above warmup_steps={warmup}", total, remedy)
    decay = cosine(owner, peak_value, end_value, total - warmup, exponent)
    return _warmed(owner, init_value, peak_value, warmup, decay)


def warmup_exponential_decay_schedule(
    init_value: Number,
    peak_value: Number,
    warmup_steps: Number,
    transition_steps: Number,
    decay_rate: Number,
    transition_begin: Number = 0,
    staircase: bool = False,
    end_value: Number | None = None,
) -> Schedule:
    """Linear warmup, then `exponential_decay`, whose arguments count from its end.

    Args:
      init_value: where the warmup starts; this and the next of either sign.
      peak_value: at step `warmup_steps`.
      warmup_steps: whole, at least 0.
      transition_steps: and all others: as in `exponential_decay`.
      decay_rate: the same.
      transition_begin: the same.
      staircase: the same.
      end_value: the same.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.warmup_exponential_decay_schedule(0.0, 1.0, 2, 2, 0.25)([0, 1, 2, 3, 4]))
        [0.   0.5  1.   0.5  0.25]
    """
    owner = "warmup_exponential_decay_schedule"
    peak_value = given_number(owner, "peak_value", peak_value)
    rest = transition_begin, staircase, end_value
    decay = exponential_decay(peak_value, transition_steps, decay_rate, *rest)
    warmup = whole_steps(owner, "warmup_steps", warmup_steps)
    return _warmed(owner, init_value, peak_value, warmup, decay)


def sgdr_schedule(cosine_kwargs: Iterable[Mapping[str, Any]]) -> Schedule:
    """Cycles of `warmup_cosine_decay_schedule`, each from its own arguments.

    Its program does not grow with their number. Where the cycles are alike or grow by a
    factor, core `cosine_restarts` says so in one line. Past the end the last value holds.

    Args:
      cosine_kwargs: one dict for each cycle; `decay_steps` are whole here.

    Example:
        >>> from anneal_jax.ports import optax
        >>> cycle = dict(init_value=0.0, peak_value=1.0, warmup_steps=1, decay_steps=3)
        >>> print(optax.sgdr_schedule([cycle, cycle])([0, 1, 2, 3, 4]).round(3))
        [0.  1.  0.5 0.  1. ]
    """
    given = _checks.items("sgdr_schedule", "cosine_kwargs", cosine_kwargs, "dicts")
    for kwargs in given:
        if not isinstance(kwargs, Mapping):
            _checks.fail("sgdr_schedule", "cosine_kwargs", "a list of dicts", kwargs, "list cycles")
    if not given:
        _checks.fail("sgdr_schedule", "cosine_kwargs", "at least one dict", given, "list cycles")
    parts = [warmup_cosine_decay_schedule(**kwargs) for kwargs in given]
    lengths = (whole_steps("sgdr_schedule", "decay_steps", k["decay_steps"]) for k in given[:-1])
    return join(parts, list(accumulate(lengths)), restarts=True)


def join_schedules(
    schedules: Sequence[Schedule | Callable[[Any], Any]], boundaries: Sequence[Number]
) -> Schedule:
    """Schedules in turn, each from its own step 0; core `join`.

    Args:
      schedules: ours or any others; functions are called with a scalar step.
      boundaries: the steps at which the second, third, ... begin; whole, non-decreasing.

    Example:
        >>> from anneal_jax.ports import optax
        >>> constant = optax.constant_schedule
        >>> print(optax.join_schedules([constant(1.0), lambda step: 0.5], [2])([0, 1, 2]))
        [1.  1.  0.5]
    """
    schedules = _checks.items("join_schedules", "schedules", schedules, "schedules")
    return join([as_schedule(schedule) for schedule in schedules], boundaries)


def _warmed(
    owner: str, init_value: Number, peak_value: Number, warmup_steps: Number, decay: Schedule
) -> Schedule:
    init_value = given_number(owner, "init_value", init_value)
    warmup = between(lambda a, b: Linear(a, b, warmup_steps), init_value, peak_value)
    return join([warmup, decay], [warmup_steps])
