"""Waves, restarts and triangles of torch."""

from collections.abc import Callable
from typing import Any

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import Constant
from ...schedules._open_ended import Triangular
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine
from ...schedules._waves import CosineWave
from ...schedules.recipes import cosine_restarts
from .. import _arguments
from ._functions import traced


def CosineAnnealingLR(
    base_lr: RealScalarLike,
    T_max: IntScalarLike,
    eta_min: RealScalarLike = 0.0,
    *,
    exact: bool = True,
) -> Schedule:
    """A cosine from `base_lr` to `eta_min` in `T_max` steps.

    Past `T_max` it rises again, with period `2 T_max`, as in torch; without `exact`, `eta_min`
    holds.

    Args:
      base_lr: the rate at step 0.
      T_max: steps from the start to the minimum; at least 1.
      eta_min: rate at the minimum.
      exact: whether the rate rises again.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.CosineAnnealingLR(1.0, T_max=2)([0, 1, 2, 3, 4]).round(3))
        [1.  0.5 0.  0.5 1. ]
        >>> print(torch.CosineAnnealingLR(1.0, T_max=2, exact=False)([0, 1, 2, 3, 4]).round(3))
        [1.  0.5 0.  0.  0. ]
    """
    steps = _arguments.steps("CosineAnnealingLR", "T_max", T_max, least=1)
    return (CosineWave if exact else Cosine)(base_lr, eta_min, steps)


def CosineAnnealingWarmRestarts(
    base_lr: RealScalarLike,
    T_0: IntScalarLike,
    T_mult: IntScalarLike = 1,
    eta_min: RealScalarLike = 0.0,
) -> Schedule:
    """Cosines from `base_lr` to `eta_min`, the first of `T_0` steps, each `T_mult` times longer.

    It is what torch's `step()` gives; its `step(epoch)` takes a float logarithm and misses
    restarts.

    Args:
      base_lr: the rate at each restart.
      T_0: steps of the first cycle; at least 1.
      T_mult: length of a cycle over that of the one before; a whole number from 1 up.
      eta_min: the rate that each cycle falls towards.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.CosineAnnealingWarmRestarts(1.0, 2, T_mult=2)([0, 1, 2, 4, 6]).round(3))
        [1.  0.5 1.  0.5 1. ]
    """
    owner = "CosineAnnealingWarmRestarts"
    steps = _arguments.steps(owner, "T_0", T_0, least=1)
    _checks.steps(owner, "T_mult", T_mult, least=1, remedy="torch takes whole numbers only")
    return cosine_restarts(base_lr, steps, steps_factor=T_mult, end_value=eta_min)


def CyclicLR(
    base_lr: RealScalarLike,
    max_lr: RealScalarLike,
    step_size_up: IntScalarLike = 2000,
    step_size_down: IntScalarLike | None = None,
    mode: str = "triangular",
    gamma: RealScalarLike = 1.0,
    scale_fn: Callable[[Any], Any] | None = None,
    scale_mode: str = "cycle",
    cycle_momentum: bool = True,
    base_momentum: RealScalarLike = 0.8,
    max_momentum: RealScalarLike = 0.9,
) -> Schedule:
    """Triangles between `base_lr` and `max_lr`, for ever; `CyclicLRMomentum` is its twin.

    Args:
      base_lr: value at the start of each cycle.
      max_lr: value at the top of the first.
      step_size_up: steps up; at least 1.
      step_size_down: steps down; None: as many.
      mode: "triangular", "triangular2" (heights halve) or "exp_range" (heights times
        `gamma ** t`); not read where `scale_fn` is given.
      gamma: factor per step of "exp_range"; above 0.
      scale_fn: factor of the heights, as a function that JAX can trace.
      scale_mode: argument of `scale_fn`: "cycle" (counted from 1) or "iterations" (the step).
      cycle_momentum: read by the twin alone, like the next two.
      base_momentum: the twin's momentum at the top.
      max_momentum: the twin's momentum at the start of each cycle.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.CyclicLR(0.0, 1.0, step_size_up=2, mode="triangular2")([0, 1, 2, 4, 6]))
        [0.  0.5 1.  0.  0.5]
    """
    del cycle_momentum, base_momentum, max_momentum
    sizes = (step_size_up, step_size_down)
    return _triangles(base_lr, max_lr, sizes, mode, gamma, scale_fn, scale_mode)


def CyclicLRMomentum(
    base_lr: RealScalarLike,
    max_lr: RealScalarLike,
    step_size_up: IntScalarLike = 2000,
    step_size_down: IntScalarLike | None = None,
    mode: str = "triangular",
    gamma: RealScalarLike = 1.0,
    scale_fn: Callable[[Any], Any] | None = None,
    scale_mode: str = "cycle",
    cycle_momentum: bool = True,
    base_momentum: RealScalarLike = 0.8,
    max_momentum: RealScalarLike = 0.9,
) -> Schedule:
    """The momentum (or b1) that torch's `CyclicLR` sets: low where the rate is high.

    Takes all arguments of `CyclicLR`, so that both can be given the same.

    Raises:
      ValueError: if `cycle_momentum` is False: then torch leaves the momentum alone.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.CyclicLRMomentum(0.0, 1.0, step_size_up=2)([0, 2, 4]))
        [0.9 0.8 0.9]
    """
    del base_lr, max_lr
    cycles_momentum("CyclicLRMomentum", cycle_momentum)
    sizes = (step_size_up, step_size_down)
    return _triangles(max_momentum, base_momentum, sizes, mode, gamma, scale_fn, scale_mode)


def cycles_momentum(owner: str, cycle_momentum: bool) -> None:
    """Require that there is a momentum to schedule."""
    _checks.flag(owner, "cycle_momentum", cycle_momentum)
    if not cycle_momentum:
        remedy = "without it there is nothing to schedule"
        _checks.fail(owner, "cycle_momentum", "True", cycle_momentum, remedy)


def _triangles(
    low: RealScalarLike,
    high: RealScalarLike,
    sizes: tuple[Any, Any],
    mode: Any,
    gamma: RealScalarLike,
    scale_fn: Callable[[Any], Any] | None,
    scale_mode: str,
) -> Schedule:
    owner, (up, down) = "CyclicLR", sizes
    up = _arguments.steps(owner, "step_size_up", up, least=1)
    down = up if down is None else _arguments.steps(owner, "step_size_down", down)
    if scale_fn is None:
        _checks.nearest(owner, "mode", mode, ("triangular", "triangular2", "exp_range"))
        decay = {"gamma": gamma} if mode == "exp_range" else {}
        return Triangular(low, high, up, down, mode=mode, **decay)
    _checks.nearest(owner, "scale_mode", scale_mode, ("cycle", "iterations"))
    low, high = (_arguments.number(owner, "a bound", bound) for bound in (low, high))
    scale = traced(owner, "scale_fn", scale_fn)
    if scale_mode == "cycle":
        scale = scale.shift(-1).every(up + down)
    heights = Triangular(0.0, 1.0, up, down) * scale
    return Constant(low) + (high - low) * heights
