"""big_vision: a decay, times a warmup, times a cooldown."""

from collections.abc import Mapping
from typing import Any

from ... import _checks
from ..._numerics import MAX_STEP
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._join import join
from ...schedules._open_ended import InverseSqrt
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear, Polynomial
from ...schedules._tables import PiecewiseConstant
from .. import _arguments
from ._durations import known_steps

_UNITS = ("steps", "examples", "epochs", "percent")


def _durations(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}_{unit}" for name in names for unit in _UNITS)


_KEYWORDS = {
    "linear": ("power", "end", "linear_end"),
    "polynomial": ("power", "end", "linear_end"),
    "cosine": (),
    "rsqrt": ("timescale", "shift", *_durations("timescale", "shift")),
    "stair": ("steps", "mults"),
}
_FAR = 2**30  # how far below 0 the cooldown is followed, in steps after the end


def big_vision(
    base: RealScalarLike,
    total_steps: IntScalarLike,
    batch_size: RealScalarLike | None = None,
    data_size: RealScalarLike | None = None,
    decay_type: str = "stair",
    scale_with_batchsize: bool = False,
    *,
    exact: bool = True,
    **kw: Any,
) -> Schedule:
    """`create_learning_rate_schedule` of big_vision.

    The warmup and the cooldown multiply the decay: `min(1, t / warmup)` and
    `min(1, (total_steps - t) / cooldown)`. The decay begins at the end of the warmup (a "stair"
    counts from step 0). After the end decays hold, "rsqrt" goes on.

    Args:
      base: rate before any scaling, from 0 up.
      total_steps: length of the training.
      batch_size: examples in a step, for units and scaling.
      data_size: examples in an epoch, for units.
      decay_type: "stair" (`steps`, and `mults` of the base, one for each), "linear" or
        "polynomial" (`power`, `end`), "cosine", or "rsqrt" (`timescale` and `shift`).
      scale_with_batchsize: whether `base`, but not `end`, is multiplied by `batch_size / 256`.
      exact: whether a cooldown goes on below 0 after the end, as it does there; without it the
        rate stays 0.
      **kw: the arguments in parentheses, and durations: `warmup_`, `cooldown_`, `timescale_` and
        `shift_` with `steps`, `examples`, `epochs` or `percent` (a fraction). All but steps are
        rounded, to 1 at least unless they are 0; one below 0 is left out.

    Raises:
      ValueError: for an unknown argument, a duration in two units or in one that cannot be
        converted (big_vision drops the latter in silence), or a warmup without an end in a
        training of more than one step.

    Example:
        >>> from anneal_jax.ports import jax_trainers
        >>> schedule = jax_trainers.big_vision(1.0, 10, decay_type="cosine", warmup_steps=2)
        >>> print(schedule([0, 1, 2, 6, 10]).round(3))
        [0.  0.5 1.  0.5 0. ]
    """
    owner = "big_vision"
    _checks.nearest(owner, "decay_type", decay_type, _KEYWORDS)
    for name in kw:
        allowed = (*_durations("warmup", "cooldown"), *_KEYWORDS[decay_type])
        _checks.nearest(owner, "an argument", name, allowed)
    _checks.flag(owner, "scale_with_batchsize", scale_with_batchsize)
    _checks.flag(owner, "exact", exact)
    kw = {name: value for name, value in kw.items() if value is not None}
    rate = _arguments.number(owner, "base", base, least=0)
    total = known_steps(owner, "total_steps", total_steps)
    sizes: dict[str, Any] = {"batch_size": batch_size, "data_size": data_size}
    for name, size in sizes.items():
        if size is not None:
            sizes[name] = _arguments.known(owner, name, size, above=0)
    sizes["total_steps"] = total
    warmup, cooldown = (
        known_steps(owner, f"{name}_steps", _duration(owner, name, kw, sizes, 0))
        for name in ("warmup", "cooldown")
    )
    if warmup >= total > 1:
        rule, remedy = f"below total_steps={total}", "shorten it"
        _checks.fail(owner, "the warmup", rule, warmup, remedy)
    if scale_with_batchsize:
        rate = rate * _given(owner, sizes, "batch_size", "scale_with_batchsize") / 256
    schedule = _decay(owner, rate, decay_type, kw, sizes, warmup)
    if warmup:
        schedule = schedule * Linear(0.0, 1.0, warmup)
    return schedule * _cooldown(cooldown, total, exact) if cooldown else schedule


def _decay(
    owner: str,
    base: Any,
    kind: str,
    kw: Mapping[str, Any],
    sizes: Mapping[str, Any],
    warmup: int,
) -> Schedule:
    steps = max(sizes["total_steps"] - warmup, 0)
    if kind == "stair":
        return _stair(owner, base, kw.get("steps", []), kw.get("mults", []))
    if kind == "cosine":
        return Cosine(base, 0.0, steps).shift(warmup)
    if kind == "rsqrt":
        timescale = _duration(owner, "timescale", kw, sizes, kw.get("timescale", 10_000))
        shift = _duration(owner, "shift", kw, sizes, kw.get("shift", 0))
        timescale = _arguments.number(owner, "timescale", timescale, above=0)
        shift = _arguments.number(owner, "shift", shift, least=0)
        return InverseSqrt(base, timescale, offset=shift).shift(warmup)
    end = _arguments.number(owner, "end", kw.get("end", kw.get("linear_end", 0)), least=0)
    power = _arguments.number(owner, "power", kw.get("power", 1), above=0)
    return Polynomial(base, end, steps, power=power).shift(warmup)


def _stair(owner: str, base: Any, steps: Any, mults: Any) -> Schedule:
    steps = _checks.items(owner, "steps", steps, "steps")
    steps = [known_steps(owner, "steps", step) for step in steps]
    mults = _checks.items(owner, "mults", mults, "factors")
    mults = [_arguments.number(owner, "mults", by, least=0) for by in mults]
    if len(mults) < len(steps) or sorted(steps) != steps:
        rule, remedy = f"one for each of the increasing steps {steps}", "pair them up"
        _checks.fail(owner, "mults", rule, mults, remedy)
    table = {0: base} | {step: base * by for step, by in zip(steps, mults, strict=False)}
    return PiecewiseConstant(values=list(table.values()), boundaries=list(table)[1:])


def _cooldown(steps: int, total: int, exact: bool) -> Schedule:
    """A line from 1 down to 0 at the end, and on below it if `exact`."""
    line = Linear(1.0, 0.0, steps).shift(total - steps)
    if not exact:
        return line
    times = max(_FAR // steps, 1)
    return join([line, -Linear(0.0, float(times), times * steps)], [total])


def _duration(
    owner: str, name: str, kw: Mapping[str, Any], sizes: Mapping[str, Any], default: Any
) -> Any:
    """A duration in steps, from whichever unit it is given in."""
    given = {unit: f"{name}_{unit}" for unit in _UNITS if f"{name}_{unit}" in kw}
    values = {unit: _arguments.known(owner, given[unit], kw[given[unit]]) for unit in given}
    values = {unit: value for unit, value in values.items() if value >= 0}
    if not values:
        return default
    if len(values) > 1:
        listed = " and ".join(given[unit] for unit in values)
        _arguments.reject(owner, f"only one of {listed} must be given.")
    ((unit, value),) = values.items()
    argument = given[unit]
    if unit == "steps":
        return value
    if unit == "percent":
        exact = _arguments.known(owner, argument, value, most=1) * sizes["total_steps"]
    else:
        size = _given(owner, sizes, "batch_size", argument)
        exact = value / size
        if unit == "epochs":
            exact = value * (_given(owner, sizes, "data_size", argument) / size)
    exact = _arguments.known(owner, f"{argument} in steps", exact, most=MAX_STEP)
    return max(1, round(exact)) if exact else 0


def _given(owner: str, sizes: Mapping[str, Any], name: str, why: str) -> Any:
    return _arguments.required(owner, name, sizes[name], f"{why} is converted by it")
