"""Warmup, stable, decay."""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._algebra import Maximum, Product, Sum
from ...schedules._constant import Constant
from ...schedules._exponentials import ShiftedExponential
from ...schedules._open_ended import InversePower, InverseSqrt
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._segments import Cosine, Linear, OneMinusSqrt
from ...schedules._span import Span
from .. import _arguments, _terms
from ._parts import MOST, Noise, NoiseRange, Warmup, duration

_STABLE = ("constant", "rsqrt", "power")
_DECAY = ("linear", "1-sqrt", "cosine", "power", "exp")


def WSDLRScheduler(
    base_lr: RealScalarLike,
    t_initial: RealScalarLike,
    decay_t: RealScalarLike,
    lr_min: RealScalarLike = 0.0,
    stable_fn: str = "constant",
    stable_timescale: RealScalarLike | None = None,
    stable_power: RealScalarLike = 0.5,
    decay_fn: str | Callable[[float], float] = "1-sqrt",
    decay_power: RealScalarLike = 0.5,
    decay_ratio: RealScalarLike = 0.1,
    warmup_t: RealScalarLike = 0,
    warmup_lr_init: RealScalarLike = 0.0,
    noise_range_t: NoiseRange = None,
    noise_pct: RealScalarLike = 0.67,
    noise_std: RealScalarLike = 1.0,
    noise_seed: IntScalarLike | None = 42,
    *,
    total_steps: IntScalarLike | None = None,
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
    rate, floor = _arguments.numbers(owner, base_lr=base_lr, lr_min=lr_min)
    warmup = Warmup.of(owner, warmup_t, warmup_lr_init, True)
    length, decay = duration(owner, "t_initial", t_initial), duration(owner, "decay_t", decay_t)
    if decay > length:
        _checks.fail(owner, "decay_t", f"at most t_initial={t_initial}", decay_t, "shorten it")
    _checks.nearest(owner, "stable_fn", stable_fn, _STABLE)
    powers = {"stable_power": stable_power, "decay_power": decay_power}
    power, bend = _arguments.numbers(owner, {"above": 0}, **powers)
    ratio = _arguments.number(owner, "decay_ratio", decay_ratio, above=0, below=1)
    factor = _decay(owner, decay_fn, bend, ratio)
    span = warmup.origin + length - decay, warmup.origin + length, decay
    flat = stable_fn == "constant"
    scale = 1.0 if flat else _timescale(owner, stable_timescale, warmup_t)
    if flat and not callable(decay_fn):
        body = factor(_larger(rate, floor), floor, span)
    else:
        power = 0.5 if stable_fn == "rsqrt" else power
        stable = _stable(rate, flat, scale, power, -warmup.origin)
        above = Maximum(Sum(stable, Constant(-floor)), Constant(0.0))
        body = Sum(Constant(floor), Product(above, factor(1.0, 0.0, span)))
    noise = Noise(noise_range_t, noise_pct, noise_std, noise_seed, total_steps)
    return noise.over(owner, warmup.before(body, rate), warmup.time + length)


def _larger(a: Any, b: Any) -> Any:
    return (max if _checks.known(a, b) else jnp.maximum)(a, b)


def _timescale(owner: str, timescale: Any, warmup_t: Any) -> Any:
    remedy = "it is warmup_t by default, so give it where there is no warmup"
    scale = warmup_t if timescale is None else timescale
    return _arguments.number(owner, "stable_timescale", scale, above=0, remedy=remedy)


def _stable(base_lr: Any, flat: bool, scale: Any, power: Any, offset: float) -> Schedule:
    if flat:
        return Constant(base_lr)
    if _checks.known(power) and power == 0.5:
        return InverseSqrt(base_lr, scale, offset=offset)
    return InversePower(base_lr, scale, power=power, offset=offset)


def _decay(owner: str, name: Any, power: Any, ratio: Any) -> Callable[..., Schedule]:
    """A function from two values and a span to the decay between them."""
    if callable(name):
        function: Any = name
        return lambda init, end, span: _tabulated(owner, function, *span)
    _checks.nearest(owner, "decay_fn", name, _DECAY)

    def exponential(init: Any, end: Any, steps: Any) -> Segment:
        return ShiftedExponential(init, end, steps, base=1 / ratio)

    shapes = {"1-sqrt": OneMinusSqrt, "cosine": Cosine, "exp": exponential}
    shape = shapes.get(name, Linear)
    bend = power if name == "power" else None
    return lambda init, end, span: Span(shape(init, end, 1), span[0], span[1], power=bend)


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
        values.append(_arguments.known(owner, "what decay_fn returns", value))
    table = _terms.table(values)
    return Constant(1.0, steps=first).then(table) if first else table
