"""Warmup, stable, decay."""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from ... import _checks
from ..._numerics import Number
from ...schedules._algebra import Maximum, Product, Sum
from ...schedules._constant import Constant
from ...schedules._exponentials import ShiftedExponential
from ...schedules._open_ended import InversePower, InverseSqrt
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._segments import Cosine, Linear, OneMinusSqrt
from ...schedules._span import Span
from .. import _common
from ._parts import MOST, Noise, Warmup, duration

_STABLE = ("constant", "rsqrt", "power")
_DECAY = ("linear", "1-sqrt", "cosine", "power", "exp")


def WSDLRScheduler(
    base_lr: Number,
    t_initial: float,
    decay_t: float,
    lr_min: Number = 0.0,
    stable_fn: str = "constant",
    stable_timescale: float | None = None,
    stable_power: float = 0.5,
    decay_fn: str | Callable[[float], float] = "1-sqrt",
    decay_power: float = 0.5,
    decay_ratio: float = 0.1,
    warmup_t: float = 0,
    warmup_lr_init: Number = 0.0,
    noise_range_t: Any = None,
    noise_pct: float = 0.67,
    noise_std: float = 1.0,
    noise_seed: int | None = 42,
    *,
    total_steps: int | None = None,
) -> Schedule:
    """Warmup, then stable or slowly falling, then a decay over the last `decay_t` steps.

    Arguments are timm's, after the base rate. `t_initial` counts the steps after the warmup.
    From `warmup_t + t_initial` on `lr_min` holds. A `decay_fn` of your own, from the fraction
    of the decay to a factor, is called on the host for each of its steps. `noise_range_t` is a
    pair, or one time, and then the noise ends at `total_steps` (None: where the decay does).

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import timm
        >>> schedule = timm.WSDLRScheduler(1.0, t_initial=8, decay_t=4, warmup_t=2)
        >>> print(schedule([0, 1, 2, 6, 7, 10]))
        [0.  0.5 1.  1.  0.5 0. ]
    """
    owner = "WSDLRScheduler"
    for name, value in (("base_lr", base_lr), ("lr_min", lr_min)):
        _checks.number(owner, name, value, least=0)
    warmup = Warmup.of(owner, warmup_t, warmup_lr_init, True)
    length, decay = duration(owner, "t_initial", t_initial), duration(owner, "decay_t", decay_t)
    if decay > length:
        _checks.fail(owner, "decay_t", f"at most t_initial={t_initial}", decay_t, "shorten it")
    _checks.nearest(owner, "stable_fn", stable_fn, _STABLE)
    _checks.number(owner, "stable_power", stable_power, above=0)
    _checks.number(owner, "decay_power", decay_power, above=0)
    _checks.number(owner, "decay_ratio", decay_ratio, above=0, below=1)
    factor = _decay(owner, decay_fn, decay_power, decay_ratio)
    span = warmup.origin + length - decay, warmup.origin + length, decay
    flat = stable_fn == "constant"
    scale = 1.0 if flat else _timescale(owner, stable_timescale, warmup_t)
    if flat and not callable(decay_fn):
        body = factor(_larger(base_lr, lr_min), lr_min, span)
    else:
        power = 0.5 if stable_fn == "rsqrt" else stable_power
        stable = _stable(base_lr, flat, scale, power, -warmup.origin)
        above = Maximum(Sum(stable, Constant(-lr_min)), Constant(0.0))
        body = Sum(Constant(lr_min), Product(above, factor(1.0, 0.0, span)))
    noise = Noise(noise_range_t, noise_pct, noise_std, noise_seed, total_steps)
    return noise.over(owner, warmup.before(body, base_lr), warmup.time + length)


def _larger(a: Number, b: Number) -> Number:
    return (max if _checks.known(a, b) else jnp.maximum)(a, b)


def _timescale(owner: str, timescale: float | None, warmup_t: float) -> float:
    remedy = "it is warmup_t by default, so give it where there is no warmup"
    scale = warmup_t if timescale is None else timescale
    _checks.number(owner, "stable_timescale", scale, above=0, remedy=remedy)
    return scale


def _stable(base_lr: Number, flat: bool, scale: float, power: float, offset: float) -> Schedule:
    if flat:
        return Constant(base_lr)
    if power == 0.5:
        return InverseSqrt(base_lr, scale, offset)
    return InversePower(base_lr, scale, power, offset)


def _decay(owner: str, name: Any, power: float, ratio: float) -> Callable[..., Schedule]:
    """A function from two values and a span to the decay between them."""
    if callable(name):
        function: Any = name
        return lambda init, end, span: _tabulated(owner, function, *span)
    _checks.nearest(owner, "decay_fn", name, _DECAY)

    def exponential(init: Number, end: Number, steps: Number) -> Segment:
        return ShiftedExponential(init, end, steps, 1 / ratio)

    shapes = {"1-sqrt": OneMinusSqrt, "cosine": Cosine, "exp": exponential}
    shape = shapes.get(name, Linear)
    bend = power if name == "power" else None
    return lambda init, end, span: Span(shape(init, end, 1), span[0], span[1], bend)


def _tabulated(
    owner: str, decay_fn: Callable[[float], float], begin: float, end: float, length: float
) -> Schedule:
    """1 up to the beginning, then the function of the fraction of each step."""
    first, last = max(math.ceil(begin), 0), math.ceil(end)
    if last - first > MOST:
        rule = f"at most {MOST} for a function of your own"
        _checks.fail(owner, "decay_t", rule, length, "build its decay from segments")
    values = []
    for step in range(first, last + 1):
        value = decay_fn(min((step - begin) / length, 1.0)) if step > begin else 1.0
        _checks.number(owner, "what decay_fn returns", value)
        values.append(float(value))
    table = _common.table(values)
    return Constant(1.0, steps=first).then(table) if first else table
