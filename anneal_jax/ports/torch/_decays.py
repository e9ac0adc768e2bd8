"""Decays and warmups of torch: one formula of the step each."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import Constant
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear, Polynomial
from ...schedules._tables import PiecewiseConstant
from .. import _arguments, _terms

_STRATEGIES = {"cos": Cosine, "linear": Linear}


def StepLR(
    base_lr: RealScalarLike, step_size: IntScalarLike, gamma: RealScalarLike = 0.1
) -> Schedule:
    """`base_lr * gamma ** (t // step_size)`.

    Args:
      base_lr: the rate of the first steps.
      step_size: steps between two drops; at least 1.
      gamma: factor of a drop; from 0 up.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.StepLR(1.0, step_size=30, gamma=0.5)([29, 30, 60]))
        [1.   0.5  0.25]
    """
    steps = _arguments.steps("StepLR", "step_size", step_size, least=1)
    rate, factor = _arguments.numbers("StepLR", base_lr=base_lr, gamma=gamma)
    return _terms.decay(rate, steps, factor, staircase=True)


def MultiStepLR(
    base_lr: RealScalarLike, milestones: Sequence[int], gamma: RealScalarLike = 0.1
) -> Schedule:
    """`base_lr * gamma ** n` after `n` milestones, each in force from its own step on.

    Args:
      base_lr: the rate before the first milestone.
      milestones: steps from 0 up, in any order; one that is listed twice counts twice.
      gamma: factor of each; from 0 up.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.MultiStepLR(1.0, [30, 80], gamma=0.5)([29, 30, 80]))
        [1.   0.5  0.25]
    """
    owner = "MultiStepLR"
    rate, factor = _arguments.numbers(owner, base_lr=base_lr, gamma=gamma)
    listed = _checks.items(owner, "milestones", milestones, "steps")
    steps = sorted(_arguments.steps(owner, "milestones", step) for step in listed)
    later = sorted({step for step in steps if step > 0})
    powers = [_arguments.power(factor, bisect_right(steps, at)) for at in (0, *later)]
    return PiecewiseConstant(values=[rate * power for power in powers], boundaries=later)


def ConstantLR(
    base_lr: RealScalarLike,
    factor: RealScalarLike = 1 / 3,
    total_iters: IntScalarLike = 5,
    *,
    exact: bool = True,
) -> Schedule:
    """`base_lr * factor` for `total_iters` steps, then `base_lr`.

    Args:
      base_lr: the rate afterwards.
      factor: part of the rate that comes first, from 0 to 1. With `exact`, not 0: torch divides by
        it at step `total_iters`.
      total_iters: length of the first phase. With `exact`, 0 never ends, as in torch.
      exact: whether to keep torch's quirks.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.ConstantLR(1.0, factor=0.5, total_iters=4)([0, 3, 4]))
        [0.5 0.5 1. ]
    """
    owner = "ConstantLR"
    part = _arguments.number(owner, "factor", factor, least=0, most=1)
    steps = _arguments.steps(owner, "total_iters", total_iters)
    rate = _arguments.number(owner, "base_lr", base_lr, least=0)
    if exact and _arguments.is_zero(part):
        remedy = "torch divides by it when the phase ends; pass exact=False"
        _checks.fail(owner, "factor", "above 0", factor, remedy)
    if _arguments.is_zero(steps):
        return Constant(part * rate if exact else rate)
    return PiecewiseConstant(values=[part * rate, rate], boundaries=[steps])


def LinearLR(
    base_lr: RealScalarLike,
    start_factor: RealScalarLike = 1 / 3,
    end_factor: RealScalarLike = 1.0,
    total_iters: IntScalarLike = 5,
    *,
    exact: bool = True,
) -> Schedule:
    """A line from `base_lr * start_factor` to `base_lr * end_factor`, which then holds.

    Args:
      base_lr: rate that the factors multiply.
      start_factor: part of the rate at step 0: above 0 (torch#86454) and at most 1; without
        `exact`, from 0.
      end_factor: part of the rate at the end, from 0 to 1.
      total_iters: steps from one to the other. With `exact`, 0 stays at the start, as in torch.
      exact: whether to keep torch's quirks.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.LinearLR(1.0, start_factor=0.5, total_iters=4)([0, 2, 4]))
        [0.5  0.75 1.  ]
    """
    owner = "LinearLR"
    rate = _arguments.number(owner, "base_lr", base_lr, least=0)
    steps = _arguments.steps(owner, "total_iters", total_iters)
    bounds: dict[str, Any] = {"least": 0, "most": 1}
    end = _arguments.number(owner, "end_factor", end_factor, **bounds)
    if exact:
        remedy = "torch warms up from no zero; pass exact=False"
        bounds = {"above": 0, "most": 1, "remedy": remedy}
    start = _arguments.number(owner, "start_factor", start_factor, **bounds)
    if exact and _arguments.is_zero(steps):
        return Constant(rate * start)
    return Linear(rate * start, rate * end, steps)


def ExponentialLR(base_lr: RealScalarLike, gamma: RealScalarLike) -> Schedule:
    """`base_lr * gamma ** t`.

    Args:
      base_lr: the rate at step 0.
      gamma: factor per step; from 0 up.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.ExponentialLR(1.0, gamma=0.5)([0, 1, 2]))
        [1.   0.5  0.25]
    """
    rate, factor = _arguments.numbers("ExponentialLR", base_lr=base_lr, gamma=gamma)
    return _terms.decay(rate, 1, factor, staircase=False)


def PolynomialLR(
    base_lr: RealScalarLike, total_iters: IntScalarLike = 5, power: RealScalarLike = 1.0
) -> Schedule:
    """`base_lr * (1 - t / total_iters) ** power`, then 0.

    Args:
      base_lr: the rate at step 0.
      total_iters: steps until 0; with none, torch never decays.
      power: exponent of the fraction left, from 0 up.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.PolynomialLR(1.0, total_iters=4, power=2.0)([0, 2, 4]))
        [1.   0.25 0.  ]
    """
    steps = _arguments.steps("PolynomialLR", "total_iters", total_iters)
    exponent = _arguments.number("PolynomialLR", "power", power, least=0)
    if _arguments.is_zero(exponent) or _arguments.is_zero(steps):
        return Constant(base_lr)
    return Polynomial(base_lr, 0.0, steps, power=exponent)


def SWALR(
    base_lr: RealScalarLike,
    swa_lr: RealScalarLike,
    anneal_epochs: IntScalarLike = 10,
    anneal_strategy: str = "cos",
) -> Schedule:
    """From `base_lr` to `swa_lr` in `anneal_epochs` steps, which then holds.

    Args:
      base_lr: rate when averaging begins.
      swa_lr: rate while averaging.
      anneal_epochs: steps from one to the other; 0: `swa_lr` at once.
      anneal_strategy: shape of the way, "cos" or "linear".

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.SWALR(1.0, 0.5, 2, anneal_strategy="linear")([0, 1, 2]))
        [1.   0.75 0.5 ]
    """
    return strategy("SWALR", anneal_strategy)(base_lr, swa_lr, anneal_epochs)


def strategy(owner: str, name: str) -> type[Cosine] | type[Linear]:
    """The segment class that an `anneal_strategy` means."""
    _checks.nearest(owner, "anneal_strategy", name, _STRATEGIES)
    return _STRATEGIES[name]
