"""The straight, constant, polynomial and three-phase schedules of transformers."""

from typing import Any

import jax.numpy as jnp

from ... import _checks
from ..._numerics import on_host
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._open_ended import InverseSqrt
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear, OneMinusSqrt, Polynomial
from .. import _arguments
from ._warmup import left, read, run, warmed, wave, whole

_SHAPES = {"linear": Linear, "cosine": Cosine, "1-sqrt": OneMinusSqrt}


def get_constant_schedule(base_lr: RealScalarLike) -> Schedule:
    """The same rate for ever.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> print(transformers.get_constant_schedule(0.5)(3))
        0.5
    """
    return Constant(*read("get_constant_schedule", base_lr))


def get_constant_schedule_with_warmup(
    base_lr: RealScalarLike, num_warmup_steps: IntScalarLike
) -> Schedule:
    """Linear warmup from 0, then the same rate for ever.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> print(transformers.get_constant_schedule_with_warmup(1.0, 2)([0, 1, 2, 9]))
        [0.  0.5 1.  1. ]
    """
    owner = "get_constant_schedule_with_warmup"
    rate, warmup = read(owner, base_lr, num_warmup_steps=num_warmup_steps)
    return warmed(rate, warmup, Constant(rate))


def get_linear_schedule_with_warmup(
    base_lr: RealScalarLike, num_warmup_steps: IntScalarLike, num_training_steps: IntScalarLike
) -> Schedule:
    """Linear warmup from 0, then straight down to 0 at `num_training_steps`, which holds.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> print(transformers.get_linear_schedule_with_warmup(1.0, 2, 6)([0, 2, 4, 6]))
        [0.  1.  0.5 0. ]
    """
    owner = "get_linear_schedule_with_warmup"
    rate, warmup, total = run(owner, base_lr, num_warmup_steps, num_training_steps)
    return warmed(rate, warmup, Linear(rate, 0.0, left(warmup, total, 0)))


def get_polynomial_decay_schedule_with_warmup(
    base_lr: RealScalarLike,
    num_warmup_steps: IntScalarLike,
    num_training_steps: IntScalarLike,
    lr_end: RealScalarLike = 1e-7,
    power: RealScalarLike = 1.0,
    *,
    default_lr: RealScalarLike | None = None,
    exact: bool = True,
) -> Schedule:
    """Linear warmup from 0, then a polynomial down to a floor, which holds.

    Args:
      base_lr: rate of the parameter group.
      num_warmup_steps: length of the warmup, in whole steps.
      num_training_steps: length of the training, warmup included.
      lr_end: floor of a group whose rate is `default_lr`; for others in proportion.
      power: exponent of the remaining fraction, from 0 up.
      default_lr: default rate of the optimizer, above `lr_end`; None: `base_lr`.
      exact: whether `num_warmup_steps == num_training_steps` is rejected, since transformers
        divides by zero there; without it the floor follows the warmup.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import transformers as hf
        >>> build = hf.get_polynomial_decay_schedule_with_warmup
        >>> print(build(1.0, 2, 6, lr_end=0.2, power=2.0)([0, 2, 4, 6, 9]).round(3))
        [0.  1.  0.4 0.2 0.2]
    """
    owner = "get_polynomial_decay_schedule_with_warmup"
    rate, warmup, total = run(owner, base_lr, num_warmup_steps, num_training_steps)
    default = rate if default_lr is None else default_lr
    default = _arguments.number(owner, "default_lr (or base_lr)", default, above=0)
    end, exponent = _arguments.numbers(owner, lr_end=lr_end, power=power)
    if on_host(end, default) and end >= default:
        remedy = "it is where the decay ends"
        _checks.fail(owner, "lr_end", f"below the rate, {default}", end, remedy)
    if exact and on_host(warmup, total) and warmup == total:
        rule = f"other than num_training_steps, {total}"
        remedy = "transformers divides by their difference; pass exact=False, or shorten it"
        _checks.fail(owner, "num_warmup_steps", rule, warmup, remedy)
    floor, steps = rate * (end / default), left(warmup, total, 0)
    flat = _arguments.is_zero(exponent)
    if flat and on_host(steps) and steps > 0:  # 0 ** 0 is 1: up to the end itself
        return join([warmed(rate, warmup, Constant(rate)), Constant(floor, 0)], [total + 1])
    return warmed(rate, warmup, Polynomial(rate, floor, steps, power=1.0 if flat else exponent))


def get_inverse_sqrt_schedule(
    base_lr: RealScalarLike,
    num_warmup_steps: IntScalarLike,
    timescale: RealScalarLike | None = None,
) -> Schedule:
    """Linear warmup from 0, then `sqrt(timescale / (t - num_warmup_steps + timescale))`, for ever.

    Args:
      base_lr: rate of the parameter group.
      num_warmup_steps: length of the warmup, in whole steps.
      timescale: steps in which the rate falls to `1 / sqrt(2)` of itself, above 0; None:
        `num_warmup_steps`, or 10,000 where there is no warmup.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> print(transformers.get_inverse_sqrt_schedule(1.0, 4)([0, 2, 4, 16]))
        [0.  0.5 1.  0.5]
    """
    owner = "get_inverse_sqrt_schedule"
    rate, warmup = read(owner, base_lr, num_warmup_steps=num_warmup_steps)
    if timescale is None:
        known = on_host(warmup)
        timescale = warmup or 10_000 if known else jnp.where(warmup == 0, 10_000, warmup)
    scale = _arguments.number(owner, "timescale", timescale, above=0)
    return warmed(rate, warmup, InverseSqrt(rate, scale))


def get_wsd_schedule(
    base_lr: RealScalarLike,
    num_warmup_steps: IntScalarLike,
    num_decay_steps: IntScalarLike,
    num_training_steps: IntScalarLike | None = None,
    num_stable_steps: IntScalarLike | None = None,
    warmup_type: str = "linear",
    decay_type: str = "cosine",
    min_lr_ratio: RealScalarLike = 0,
    num_cycles: RealScalarLike = 0.5,
    *,
    exact: bool = True,
) -> Schedule:
    """Warmup from the floor, constant, and a decay to the floor, which holds.

    Args:
      base_lr: rate of the parameter group.
      num_warmup_steps: length of the warmup, in whole steps.
      num_decay_steps: length of the decay, in whole steps.
      num_training_steps: length of the whole; not read where `num_stable_steps` is given.
      num_stable_steps: length of the constant phase; None: what the others leave.
      warmup_type: shape of the warmup, "linear", "cosine" or "1-sqrt".
      decay_type: shape of the decay, one of these too.
      min_lr_ratio: floor as a part of `base_lr`.
      num_cycles: number of waves of a cosine decay; the rate drops at its end, but for odd halves.
      exact: whether phases longer than `num_training_steps` together are taken as they are
        there: the decay begins, part of the way down, where the warmup ends. Without it they
        are rejected.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> wsd = transformers.get_wsd_schedule(1.0, 2, 4, 10)
        >>> print(wsd([0, 1, 2, 6, 8, 10]).round(3))
        [0.  0.5 1.  1.  0.5 0. ]
    """
    owner = "get_wsd_schedule"
    counts = {"num_warmup_steps": num_warmup_steps, "num_decay_steps": num_decay_steps}
    rate, warmup, decay = read(owner, base_lr, **counts)
    floor = rate * _arguments.number(owner, "min_lr_ratio", min_lr_ratio, least=0)
    for name, kind in (("warmup_type", warmup_type), ("decay_type", decay_type)):
        _checks.nearest(owner, name, kind, _SHAPES)
    stable = _stable(owner, warmup, decay, num_training_steps, num_stable_steps, exact)
    rise = Linear(floor, rate, warmup)
    if warmup_type == "cosine":
        rise = Cosine(floor, rate, warmup)
    elif warmup_type == "1-sqrt":
        rise = OneMinusSqrt(rate, floor, warmup).reverse()
    fall: Schedule = _SHAPES[decay_type](rate, floor, decay)
    if decay_type == "cosine" and not (on_host(num_cycles) and num_cycles == 0.5):
        waves = wave(owner, rate, floor, left(0, decay), num_cycles, True)
        fall = join([waves, Constant(floor, 0)], [decay])
    if on_host(stable) and stable < 0:
        return join([rise, fall.shift(stable)], [warmup])
    return join([rise, Constant(rate, stable), fall])


def _stable(
    owner: str,
    warmup: Any,
    decay: Any,
    num_training_steps: IntScalarLike | None,
    num_stable_steps: IntScalarLike | None,
    exact: bool,
) -> Any:
    if num_stable_steps is not None:
        if num_training_steps is not None:  # not read, but nonsense is told
            whole(owner, num_training_steps=num_training_steps)
        (stable,) = whole(owner, num_stable_steps=num_stable_steps)
        return stable
    rule, remedy = "given, or num_stable_steps", "one of them says how long it is constant"
    _arguments.required(owner, "num_training_steps", num_training_steps, remedy, rule)
    (total,) = whole(owner, num_training_steps=num_training_steps)
    stable = total - warmup - decay
    if not exact and on_host(stable) and stable < 0:
        rule, remedy = f"at least warmup + decay = {warmup + decay}", "raise it or shorten a phase"
        _checks.fail(owner, "num_training_steps", rule, total, remedy)
    return stable
