"""big_vision: a decay, times a warmup, times a cooldown."""

from collections.abc import Mapping
from typing import Any

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._join import join
from ...schedules._open_ended import InverseSqrt
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear, Polynomial
from ...schedules._tables import PiecewiseConstant
from .. import _arguments

_UNITS = ("steps", "examples", "epochs", "percent")
_DURATIONS = tuple(f"{name}_{unit}" for name in ("warmup", "cooldown") for unit in _UNITS)
_KEYWORDS = {
    "linear": ("power", "end", "linear_end"),
    "polynomial": ("power", "end", "linear_end"),
    "cosine": (),
    "rsqrt": ("timescale", "timescale_examples", "shift"),
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
        "polynomial" (`power`, `end`), "cosine", or "rsqrt" (`timescale` or
        `timescale_examples`, and `shift`).
      scale_with_batchsize: whether `base`, but not `end`, is multiplied by `batch_size / 256`.
      exact: whether a cooldown goes on below 0 after the end, as it does there; without it the
        rate stays 0.
      **kw: the arguments in parentheses, and `warmup_` and `cooldown_` with `steps`, `examples`,
        `epochs` or `percent` (a fraction), which are rounded, to 1 at least.

    Raises:
      ValueError: for an unknown argument, a duration in two units or in one that cannot be
        converted (big_vision drops the latter in silence), or a warmup without an end.

    Example:
        >>> from anneal_jax.ports import jax_trainers
        >>> schedule = jax_trainers.big_vision(1.0, 10, decay_type="cosine", warmup_steps=2)
        >>> print(schedule([0, 1, 2, 6, 10]).round(3))
        [0.  0.5 1.  0.5 0. ]
    """
    owner = "big_vision"
    _checks.nearest(owner, "decay_type", decay_type, _KEYWORDS)
    for name in kw:
        _checks.nearest(owner, "an argument", name, (*_DURATIONS, *_KEYWORDS[decay_type]))
    kw = {name: value for name, value in kw.items() if value is not None}
    rate = _arguments.number(owner, "base", base, least=0)
    total = _arguments.steps(owner, "total_steps", total_steps, least=1)
    sizes: dict[str, Any] = {"batch_size": batch_size, "data_size": data_size}
    for name, size in sizes.items():
        if size is not None:
            sizes[name] = _arguments.known(owner, name, size, above=0)
    sizes["total_steps"] = total
    warmup, cooldown = (_steps(owner, name, kw, sizes) for name in ("warmup", "cooldown"))
    if warmup >= total:
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
    steps = sizes["total_steps"] - warmup
    if kind == "stair":
        return _stair(owner, base, kw.get("steps", []), kw.get("mults", []))
    if kind == "cosine":
        return Cosine(base, 0.0, steps).shift(warmup)
    if kind == "rsqrt":
        timescale = kw.get("timescale", 10_000)
        if "timescale_examples" in kw:
            size = _given(owner, sizes, "batch_size", "timescale_examples")
            timescale = kw["timescale_examples"] / size
        return InverseSqrt(base, timescale, offset=kw.get("shift", 0)).shift(warmup)
    end = kw.get("end", kw.get("linear_end", 0))
    return Polynomial(base, end, steps, power=kw.get("power", 1)).shift(warmup)


def _stair(owner: str, base: Any, steps: Any, mults: Any) -> Schedule:
    steps, mults = _checks.items(owner, "steps", steps, "steps"), list(mults)
    steps = [_arguments.steps(owner, "steps", step) for step in steps]
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


def _steps(owner: str, name: str, kw: Mapping[str, Any], sizes: dict[str, Any]) -> int:
    """A duration in steps, from whichever unit it is given in."""
    found = [unit for unit in _UNITS if f"{name}_{unit}" in kw]
    if not found:
        return 0
    if len(found) > 1:
        listed = " and ".join(f"{name}_{unit}" for unit in found)
        _arguments.reject(owner, f"only one of {listed} must be given.")
    (unit,) = found
    argument = f"{name}_{unit}"
    value = kw[argument]
    if unit == "steps":
        return _arguments.steps(owner, argument, value)
    most = 1 if unit == "percent" else None
    value = _arguments.known(owner, argument, value, least=0, most=most)
    if unit == "percent":
        exact = value * sizes["total_steps"]
    else:
        size = _given(owner, sizes, "batch_size", argument)
        exact = value / size
        if unit == "epochs":
            exact = value * (_given(owner, sizes, "data_size", argument) / size)
    return max(1, round(exact)) if exact else 0


def _given(owner: str, sizes: Mapping[str, Any], name: str, why: str) -> Any:
    return _arguments.required(owner, name, sizes[name], f"{why} is converted by it")
