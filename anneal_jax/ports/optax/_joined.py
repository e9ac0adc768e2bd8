"""Schedules in turn: warmups, restarts, and any others."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import as_schedule
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Linear
from .. import _arguments, _terms
from ._parts import cosine, transition
from ._transitions import exponential


def warmup_constant_schedule(
    init_value: RealScalarLike,
    peak_value: RealScalarLike,
    warmup_steps: RealScalarLike,
    *,
    exact: bool = True,
) -> Schedule:
    """Linear warmup, then constant; core `warmup_constant`.

    Args:
      init_value: first value of the warmup, of either sign.
      peak_value: constant after the warmup, of either sign.
      warmup_steps: length of the warmup, at least 0.
      exact: whether, as in Optax, no warmup means `init_value` for ever. False: the peak.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.warmup_constant_schedule(0.0, 1.0, 2)([0, 1, 2, 9]))
        [0.  0.5 1.  1. ]
    """
    owner = "warmup_constant_schedule"
    _checks.flag(owner, "exact", exact)
    _checks.number(owner, "warmup_steps", warmup_steps, least=0)
    if not exact and _arguments.is_zero(warmup_steps):
        init_value = peak_value
    return transition(owner, Linear, init_value, peak_value, warmup_steps, name="warmup_steps")


def warmup_cosine_decay_schedule(
    init_value: RealScalarLike,
    peak_value: RealScalarLike,
    warmup_steps: RealScalarLike,
    decay_steps: RealScalarLike,
    end_value: RealScalarLike = 0.0,
    exponent: RealScalarLike = 1.0,
    *,
    exact: bool = True,
) -> Schedule:
    """Linear warmup, then cosine annealing; core `warmup_cosine`.

    Args:
      init_value: first value of the warmup; of either sign, like the next one and `end_value`.
      peak_value: value at step `warmup_steps`.
      warmup_steps: length of the warmup; whole, at least 0.
      decay_steps: length of the whole, warmup included; above `warmup_steps`.
      end_value: value from step `decay_steps` on.
      exponent: power of the cosine's weight, at least 0.
      exact: whether, as in Optax, a peak of 0 makes the end 0 whatever `end_value` is.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.warmup_cosine_decay_schedule(0.0, 1.0, 2, 6)([0, 1, 2, 4, 6]).round(3))
        [0.  0.5 1.  0.5 0. ]
    """
    owner = "warmup_cosine_decay_schedule"
    _checks.flag(owner, "exact", exact)
    peak_value = _arguments.number(owner, "peak_value", peak_value)
    end_value = _arguments.number(owner, "end_value", end_value)
    if exact and _arguments.is_zero(peak_value):
        end_value = 0.0
    total = _arguments.duration(owner, "decay_steps", decay_steps)
    warmup = _arguments.steps(owner, "warmup_steps", warmup_steps)
    if _checks.known(total, warmup) and total <= warmup:
        remedy = "it is the total, warmup included"
        _checks.fail(owner, "decay_steps", f"above warmup_steps={warmup}", total, remedy)
    decay = cosine(owner, peak_value, end_value, total - warmup, exponent)
    return _warmed(owner, init_value, peak_value, warmup, decay)


def warmup_exponential_decay_schedule(
    init_value: RealScalarLike,
    peak_value: RealScalarLike,
    warmup_steps: RealScalarLike,
    transition_steps: RealScalarLike,
    decay_rate: RealScalarLike,
    transition_begin: RealScalarLike = 0,
    staircase: bool = False,
    end_value: RealScalarLike | None = None,
) -> Schedule:
    """Linear warmup, then `exponential_decay`, whose arguments count from its end.

    Args:
      init_value: first value of the warmup; of either sign, like the next one.
      peak_value: value at step `warmup_steps`.
      warmup_steps: length of the warmup; whole, at least 0.
      transition_steps: as in `exponential_decay`.
      decay_rate: as in `exponential_decay`.
      transition_begin: as in `exponential_decay`.
      staircase: as in `exponential_decay`.
      end_value: as in `exponential_decay`.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.warmup_exponential_decay_schedule(0.0, 1.0, 2, 2, 0.25)([0, 1, 2, 3, 4]))
        [0.   0.5  1.   0.5  0.25]
    """
    owner = "warmup_exponential_decay_schedule"
    peak_value = _arguments.number(owner, "peak_value", peak_value)
    rest = transition_begin, staircase, end_value
    decay = exponential(owner, peak_value, transition_steps, decay_rate, *rest)
    warmup = _arguments.steps(owner, "warmup_steps", warmup_steps)
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
        _checked_names(kwargs)
    if not given:
        _checks.fail("sgdr_schedule", "cosine_kwargs", "at least one dict", given, "list cycles")
    parts = [warmup_cosine_decay_schedule(**kwargs) for kwargs in given]
    lengths = (
        _arguments.steps("sgdr_schedule", "decay_steps", k["decay_steps"]) for k in given[:-1]
    )
    return join(parts, list(accumulate(lengths)), restarts=True)


def _checked_names(kwargs: Mapping[Any, Any]) -> None:
    """That a cycle names all that it must, and nothing else."""
    known = inspect.signature(warmup_cosine_decay_schedule).parameters
    for name in kwargs:
        _checks.nearest("sgdr_schedule", "an argument of a cycle", name, known)
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in kwargs:
            remedy = "name it in each cycle"
            _checks.fail("sgdr_schedule", name, "given in each cycle", dict(kwargs), remedy)


def join_schedules(
    schedules: Sequence[Schedule | Callable[[Any], Any]], boundaries: Sequence[IntScalarLike]
) -> Schedule:
    """Schedules in turn, each from its own step 0; core `join`.

    Args:
      schedules: ours or any others; functions are called with a scalar step.
      boundaries: the steps at which the second, third, ... begin; whole, non-decreasing. More of
        them do nothing, as in Optax, so that a loop may append one with each schedule.

    Example:
        >>> from anneal_jax.ports import optax
        >>> constant = optax.constant_schedule
        >>> print(optax.join_schedules([constant(1.0), lambda step: 0.5], [2])([0, 1, 2]))
        [1.  1.  0.5]
    """
    owner = "join_schedules"
    schedules = _checks.items(owner, "schedules", schedules, "schedules")
    if not schedules:
        _checks.fail(owner, "schedules", "at least one", schedules, "list them in their order")
    boundaries = _checks.items(owner, "boundaries", boundaries, "steps")[: len(schedules) - 1]
    if len(boundaries) < len(schedules) - 1:
        rule = f"one fewer than the {len(schedules)} schedules, or more"
        _checks.fail(
            owner, "boundaries", rule, boundaries, "give the step each later one begins at"
        )
    for schedule in schedules:
        if not callable(schedule):
            _arguments.number(owner, "a schedule that is no function", schedule)
    boundaries = [_arguments.steps(owner, "boundaries", boundary) for boundary in boundaries]
    return join([as_schedule(schedule) for schedule in schedules], boundaries)


def _warmed(
    owner: str,
    init_value: RealScalarLike,
    peak_value: RealScalarLike,
    warmup_steps: IntScalarLike,
    decay: Schedule,
) -> Schedule:
    init_value = _arguments.number(owner, "init_value", init_value)
    warmup = _terms.transition(Linear, init_value, peak_value, warmup_steps)
    return join([warmup, decay], [warmup_steps])
