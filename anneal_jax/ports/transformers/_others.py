"""The straight, constant, polynomial and three-phase schedules of transformers."""

import jax.numpy as jnp

from ... import _checks
from ..._numerics import Number, is_concrete
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._open_ended import InverseSqrt
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear, OneMinusSqrt, Polynomial
from ._warmup import check, left, warmed, wave

_SHAPES = {"linear": Linear, "cosine": Cosine, "1-sqrt": OneMinusSqrt}


def get_constant_schedule(base_lr: Number) -> Schedule:
    """The same rate for ever.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> print(transformers.get_constant_schedule(0.5)(3))
        0.5
    """
    check("get_constant_schedule", base_lr)
    return Constant(base_lr)


def get_constant_schedule_with_warmup(base_lr: Number, num_warmup_steps: Number) -> Schedule:
    """Linear warmup from 0, then the same rate for ever.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> print(transformers.get_constant_schedule_with_warmup(1.0, 2)([0, 1, 2, 9]))
        [0.  0.5 1.  1. ]
    """
    owner = "get_constant_schedule_with_warmup"
    (warmup,) = check(owner, base_lr, num_warmup_steps=num_warmup_steps)
    return warmed(base_lr, warmup, Constant(base_lr))


def get_linear_schedule_with_warmup(
    base_lr: Number, num_warmup_steps: Number, num_training_steps: Number
) -> Schedule:
    """Linear warmup from 0, then straight down to 0 at `num_training_steps`, which holds.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> print(transformers.get_linear_schedule_with_warmup(1.0, 2, 6)([0, 2, 4, 6]))
        [0.  1.  0.5 0. ]
    """
    owner = "get_linear_schedule_with_warmup"
    counts = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    warmup, total = check(owner, base_lr, **counts)
    return warmed(base_lr, warmup, Linear(base_lr, 0.0, left(warmup, total, 0)))


def get_polynomial_decay_schedule_with_warmup(
    base_lr: Number,
    num_warmup_steps: Number,
    num_training_steps: Number,
    lr_end: Number = 1e-7,
    power: Number = 1.0,
    *,
    default_lr: Number | None = None,
    exact: bool = True,
) -> Schedule:
    """Linear warmup from 0, then a polynomial down to a floor, which holds.

    Args:
      base_lr: the rate of the parameter group.
      num_warmup_steps: whole steps.
      num_training_steps: the warmup included.
      lr_end: the floor, for a group whose rate is `default_lr`; for others in proportion.
      power: from 0 up.
      default_lr: the optimizer's default rate, above `lr_end`; None: `base_lr`.
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
    counts = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    warmup, total = check(owner, base_lr, **counts)
    default_lr = base_lr if default_lr is None else default_lr
    _checks.number(owner, "default_lr (or base_lr)", default_lr, above=0)
    _checks.number(owner, "lr_end", lr_end, least=0)
    _checks.number(owner, "power", power, least=0)
    if is_concrete(lr_end, default_lr) and lr_end >= default_lr:
        remedy = "it is where the decay ends"
        _checks.fail(owner, "lr_end", f"below the rate, {default_lr}", lr_end, remedy)
    if exact and is_concrete(warmup, total) and warmup == total:
        rule = f"other than num_training_steps, {total}"
        remedy = "transformers divides by their difference; pass exact=False, or shorten it"
        _checks.fail(owner, "num_warmup_steps", rule, warmup, remedy)
    floor, steps = base_lr * (lr_end / default_lr), left(warmup, total, 0)
    if is_concrete(power, steps) and power == 0 and steps > 0:  # 0 ** 0 is 1: up to the end itself
        return join([warmed(base_lr, warmup, Constant(base_lr)), Constant(floor, 0)], [total + 1])
    power = 1.0 if is_concrete(power) and power == 0 else power
    return warmed(base_lr, warmup, Polynomial(base_lr, floor, steps, power))


def get_inverse_sqrt_schedule(
    base_lr: Number, num_warmup_steps: Number, timescale: Number | None = None
) -> Schedule:
    """Linear warmup from 0, then `sqrt(timescale / (t - num_warmup_steps + timescale))`, for ever.

    Args:
      base_lr: the rate of the parameter group.
      num_warmup_steps: whole steps.
      timescale: above 0; None: `num_warmup_steps`, or 10,000 where there is no warmup.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> print(transformers.get_inverse_sqrt_schedule(1.0, 4)([0, 2, 4, 16]))
        [0.  0.5 1.  0.5]
    """
    owner = "get_inverse_sqrt_schedule"
    (warmup,) = check(owner, base_lr, num_warmup_steps=num_warmup_steps)
    if timescale is None:
        known = is_concrete(warmup)
        timescale = warmup or 10_000 if known else jnp.where(warmup == 0, 10_000, warmup)
    _checks.number(owner, "timescale", timescale, above=0)
    return warmed(base_lr, warmup, InverseSqrt(base_lr, timescale))


def get_wsd_schedule(
    base_lr: Number,
    num_warmup_steps: Number,
    num_decay_steps: Number,
    num_training_steps: Number | None = None,
    num_stable_steps: Number | None = None,
    warmup_type: str = "linear",
    decay_type: str = "cosine",
    min_lr_ratio: Number = 0,
    num_cycles: Number = 0.5,
    *,
    exact: bool = True,
) -> Schedule:
    """Warmup from the floor, constant, and a decay to the floor, which holds.

    Args:
      base_lr: the rate of the parameter group.
      num_warmup_steps: whole steps.
      num_decay_steps: whole steps.
      num_training_steps: all of them; not read where `num_stable_steps` is given.
      num_stable_steps: length of the constant phase; None: what the others leave.
      warmup_type: "linear", "cosine" or "1-sqrt".
      decay_type: the same.
      min_lr_ratio: the floor as a part of `base_lr`.
      num_cycles: waves of a cosine decay; with any but odd halves the rate drops at its end.
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
    warmup, decay = check(owner, base_lr, **counts)
    _checks.number(owner, "min_lr_ratio", min_lr_ratio, least=0)
    for name, kind in (("warmup_type", warmup_type), ("decay_type", decay_type)):
        _checks.nearest(owner, name, kind, _SHAPES)
    stable = _stable(owner, warmup, decay, num_training_steps, num_stable_steps, exact)
    floor = base_lr * min_lr_ratio
    rise = Linear(floor, base_lr, warmup)
    if warmup_type == "cosine":
        rise = Cosine(floor, base_lr, warmup)
    elif warmup_type == "1-sqrt":
        rise = OneMinusSqrt(base_lr, floor, warmup).reverse()
    fall: Schedule = _SHAPES[decay_type](base_lr, floor, decay)
    if decay_type == "cosine" and not (is_concrete(num_cycles) and num_cycles == 0.5):
        waves = wave(owner, base_lr, floor, left(0, decay), num_cycles, True)
        fall = join([waves, Constant(floor, 0)], [decay])
    if is_concrete(stable) and stable < 0:
        return join([rise, fall.shift(stable)], [warmup])
    return join([rise, Constant(base_lr, stable), fall])


def _stable(
    owner: str,
    warmup: Number,
    decay: Number,
    num_training_steps: Number | None,
    num_stable_steps: Number | None,
    exact: bool,
) -> Number:
    if num_stable_steps is not None:
        if num_training_steps is not None:  # not read, but nonsense is told
            check(owner, 0.0, num_training_steps=num_training_steps)
        (stable,) = check(owner, 0.0, num_stable_steps=num_stable_steps)
        return stable
    if num_training_steps is None:
        rule, remedy = "given, or num_stable_steps", "one of them says how long it is constant"
        _checks.fail(owner, "num_training_steps", rule, None, remedy)
    (total,) = check(owner, 0.0, num_training_steps=num_training_steps)
    stable = total - warmup - decay
    if not exact and is_concrete(stable) and stable < 0:
        rule, remedy = f"at least warmup + decay = {warmup + decay}", "raise it or shorten a phase"
        _checks.fail(owner, "num_training_steps", rule, total, remedy)
    return stable
