"""Schedules by their names in timm."""

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import Constant
from ...schedules._schedule import Schedule
from .. import _arguments
from ._cycles import CosineLRScheduler, PolyLRScheduler, TanhLRScheduler
from ._parts import NoiseRange, duration
from ._restarts import cycle_length
from ._stairs import MultiStepLRScheduler, StepLRScheduler
from ._wsd import WSDLRScheduler

_OWNER = "create_scheduler"


def create_scheduler(
    sched: str,
    base_lr: RealScalarLike,
    num_epochs: IntScalarLike = 300,
    decay_epochs: RealScalarLike | None = None,
    decay_milestones: Sequence[RealScalarLike] = (90, 180, 270),
    cooldown_epochs: RealScalarLike = 0,
    patience_epochs: IntScalarLike = 10,
    decay_rate: RealScalarLike = 0.1,
    min_lr: RealScalarLike = 0.0,
    warmup_lr: RealScalarLike = 1e-5,
    warmup_epochs: RealScalarLike = 0,
    warmup_prefix: bool = False,
    noise: NoiseRange = None,
    noise_pct: RealScalarLike = 0.67,
    noise_std: RealScalarLike = 1.0,
    noise_seed: IntScalarLike | None = 42,
    cycle_mul: RealScalarLike = 1.0,
    cycle_decay: RealScalarLike = 0.1,
    cycle_limit: IntScalarLike = 1,
    k_decay: RealScalarLike = 1.0,
    decay_fn: Any = None,
    stable_timescale: RealScalarLike | None = None,
    plateau_mode: str = "max",
    step_on_epochs: bool = True,
    updates_per_epoch: IntScalarLike = 0,
    *,
    exact: bool = True,
) -> tuple[Schedule, Any]:
    """A schedule by its name in timm, and how many epochs to train; timm's `create_scheduler_v2`.

    Arguments are timm's, with the base rate where timm has the optimizer. `sched` is
    `"cosine"`, `"tanh"`, `"poly"` (whose power is `decay_rate`), `"step"`, `"multistep"`,
    `"constant"`, `"wsd"`, `"rsqrt"` or `"none"`. The schedule counts epochs, or without
    `step_on_epochs` optimizer steps. Noise without an end goes on to the last epoch. `exact`
    is that of the scheduler named.

    Returns:
      The schedule, and timm's number of epochs, with warmup, cycles and cooldown.

    Raises:
      ValueError: if the name is unknown, an argument out of its range, or for `"plateau"`, which
        needs a metric.

    Example:
        >>> from anneal_jax.ports import timm
        >>> schedule, epochs = timm.create_scheduler("cosine", 1.0, num_epochs=4, cooldown_epochs=1)
        >>> print(schedule([0, 2, 4]).round(3), epochs)
        [1.  0.5 0. ] 5
    """
    given = SimpleNamespace(**locals())  # what the functions below pick from
    _checks.nearest(_OWNER, "sched", sched, (*_KINDS, "none", "plateau"))
    for name in ("step_on_epochs", "warmup_prefix"):
        _checks.flag(_OWNER, name, getattr(given, name))
    unit = given.unit = 1 if step_on_epochs else updates_per_epoch
    remedy = "count the batches of an epoch"
    _checks.steps(_OWNER, "updates_per_epoch", unit, least=1, remedy=remedy)
    for name in ("num_epochs", "warmup_epochs", "cooldown_epochs"):
        duration(_OWNER, name, getattr(given, name), positive=name == "num_epochs")
    total: Any = num_epochs + (warmup_epochs if warmup_prefix else 0)
    if sched == "none":
        return Constant(base_lr), total
    if sched == "plateau":
        _refuse_plateau(given)
    build, arguments, length = _KINDS[sched](given)
    if length is not None:
        total = length + cooldown_epochs * unit
        total = total if step_on_epochs else total // unit
    arguments |= {"warmup_t": warmup_epochs * unit, "warmup_lr_init": warmup_lr}
    arguments |= {"noise_pct": noise_pct, "noise_std": noise_std, "noise_seed": noise_seed}
    if noise is not None:
        arguments |= {"noise_range_t": _range(given), "total_steps": math.ceil(total * unit)}
    return build(base_lr, **arguments), total


# One function for each kind of schedule: its builder, its own arguments, and its length if
# timm lets that decide how many epochs to train.

_Kind = tuple[Callable[..., Schedule], dict[str, Any], Any]


def _cyclic(given: SimpleNamespace) -> _Kind:
    names = ("cycle_mul", "cycle_decay", "cycle_limit", "warmup_prefix", "exact")
    more = {name: getattr(given, name) for name in names}
    more |= {"t_initial": given.num_epochs * given.unit, "lr_min": given.min_lr}
    if given.sched != "tanh":
        more["k_decay"] = given.k_decay
    if given.sched == "poly":
        more["power"] = given.decay_rate
    builds = {"cosine": CosineLRScheduler, "tanh": TanhLRScheduler, "poly": PolyLRScheduler}
    warmup = given.warmup_epochs * given.unit if given.warmup_prefix else 0
    length = cycle_length(_OWNER, more["t_initial"], given.cycle_mul, given.cycle_limit)
    return builds[given.sched], more, length + warmup


def _stairs(given: SimpleNamespace) -> _Kind:
    if given.sched == "constant":
        more = {"decay_t": 1, "decay_rate": 1.0}
    else:
        epochs = 90 if given.decay_epochs is None else given.decay_epochs
        epochs = duration(_OWNER, "decay_epochs", epochs)
        more = {"decay_t": epochs * given.unit, "decay_rate": given.decay_rate}
    return StepLRScheduler, more | {"warmup_prefix": given.warmup_prefix}, None


def _milestones(given: SimpleNamespace) -> _Kind:
    milestones = _checks.items(_OWNER, "decay_milestones", given.decay_milestones, "epochs")
    milestones = [_arguments.known(_OWNER, "decay_milestones", m) for m in milestones]
    more = {"decay_t": [m * given.unit for m in milestones], "decay_rate": given.decay_rate}
    more |= {"warmup_prefix": given.warmup_prefix, "exact": given.exact}
    return MultiStepLRScheduler, more, None


def _stable(given: SimpleNamespace) -> _Kind:
    warmup, scale = given.warmup_epochs * given.unit, given.stable_timescale
    time = given.num_epochs * given.unit - (0 if given.warmup_prefix else warmup)
    if time <= 0:  # the warmup is inside of num_epochs
        rule = f"above warmup_epochs={given.warmup_epochs}"
        _checks.fail(_OWNER, "num_epochs", rule, given.num_epochs, "set warmup_prefix or more")
    epochs = 0.2 if given.decay_epochs is None else given.decay_epochs
    epochs = duration(_OWNER, "decay_epochs", epochs)
    decay = round(epochs * (time if epochs < 1 else given.unit))
    if not 0 < decay <= time:
        rule = f"such that the decay takes from 1 to {time} steps"
        _checks.fail(_OWNER, "decay_epochs", rule, epochs, "a number below 1 is a fraction")
    falls = given.sched == "rsqrt"
    more = {"t_initial": time, "decay_t": decay, "lr_min": given.min_lr}
    more["decay_fn"] = given.decay_fn or ("linear" if falls else "1-sqrt")
    more["stable_fn"] = "rsqrt" if falls else "constant"
    if scale is not None:
        scale = _arguments.number(_OWNER, "stable_timescale", scale, above=0) * given.unit
    more["stable_timescale"] = scale
    return WSDLRScheduler, more, time + warmup


_KINDS: dict[str, Callable[[SimpleNamespace], _Kind]] = {
    **dict.fromkeys(("cosine", "tanh", "poly"), _cyclic),
    **dict.fromkeys(("step", "constant"), _stairs),
    "multistep": _milestones,
    **dict.fromkeys(("wsd", "rsqrt"), _stable),
}


def _range(given: SimpleNamespace) -> Any:
    """The noise of timm, in fractions of num_epochs, as times."""
    time, noise = given.num_epochs * given.unit, given.noise
    if not isinstance(noise, list | tuple):
        return _arguments.known(_OWNER, "noise", noise) * time
    times = [_arguments.known(_OWNER, "noise", n) * time for n in noise]
    return times[0] if len(times) == 1 else times


def _refuse_plateau(given: SimpleNamespace) -> None:
    bounds: dict[str, dict[str, Any]] = {"min_lr": {"least": 0}, "base_lr": {"above": 0}}
    bounds |= {"decay_rate": {"above": 0, "below": 1}, "patience_epochs": {"least": 0}}
    for name, bound in bounds.items():
        _arguments.number(_OWNER, name, getattr(given, name), **bound)
    scale = f"{given.min_lr!r} / {given.base_lr!r}"
    call = (
        f"anneal_jax.reduce_on_plateau(mode={given.plateau_mode!r}, factor={given.decay_rate!r}, "
        f"patience={given.patience_epochs!r}, min_scale={scale})"
    )
    remedy = f"it needs a metric: chain {call} behind a warmup schedule"
    _checks.fail(_OWNER, "sched", "a schedule of the step alone", given.sched, remedy)
