"""Decays and warmups of torch: one formula of the step each."""

from collections.abc import Sequence

from ... import _checks
from ..._numerics import Number
from ...schedules._constant import Constant
from ...schedules._open_ended import ExponentialDecay
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear, Polynomial
from ...schedules._tables import PiecewiseConstant

_STRATEGIES = {"cos": Cosine, "linear": Linear}


def StepLR(base_lr: Number, step_size: Number, gamma: Number = 0.1) -> Schedule:
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
    _checks.steps("StepLR", "step_size", _checks.whole(step_size), least=1)
    if _is_zero("StepLR", gamma):
        return PiecewiseConstant([base_lr, 0.0], [step_size])
    return ExponentialDecay(base_lr, step_size, gamma, staircase=True)


def MultiStepLR(base_lr: Number, milestones: Sequence[int], gamma: Number = 0.1) -> Schedule:
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
    _checks.number("MultiStepLR", "base_lr", base_lr, least=0)
    _checks.number("MultiStepLR", "gamma", gamma, least=0)
    steps = sorted(_checks.items("MultiStepLR", "milestones", milestones, "steps"))
    for step in steps:
        _checks.steps("MultiStepLR", "milestones", _checks.whole(step))
    later = sorted({step for step in steps if step > 0})
    counts = [sum(step <= at for step in steps) for at in (0, *later)]
    return PiecewiseConstant([base_lr * gamma**n for n in counts], later)


def ConstantLR(
    base_lr: Number, factor: Number = 1 / 3, total_iters: Number = 5, *, exact: bool = True
) -> Schedule:
    """`base_lr * factor` for `total_iters` steps, then `base_lr`.

    Args:
      base_lr: the rate afterwards.
      factor: from 0 to 1. With `exact`, not 0: torch divides by it at step `total_iters`.
      total_iters: length of the first phase. With `exact`, 0 never ends, as in torch.
      exact: whether to keep torch's quirks.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.ConstantLR(1.0, factor=0.5, total_iters=4)([0, 3, 4]))
        [0.5 0.5 1. ]
    """
    _checks.number("ConstantLR", "factor", factor, least=0, most=1)
    _checks.steps("ConstantLR", "total_iters", _checks.whole(total_iters))
    _checks.number("ConstantLR", "base_lr", base_lr, least=0)
    if exact and _checks.known(factor) and factor == 0:
        remedy = "torch divides by it when the phase ends; pass exact=False"
        _checks.fail("ConstantLR", "factor", "above 0", factor, remedy)
    low = base_lr * factor
    if _checks.known(total_iters) and total_iters == 0:
        return Constant(low if exact else base_lr)
    return PiecewiseConstant([low, base_lr], [total_iters])


def LinearLR(
    base_lr: Number,
    start_factor: Number = 1 / 3,
    end_factor: Number = 1.0,
    total_iters: Number = 5,
    *,
    exact: bool = True,
) -> Schedule:
    """A line from `base_lr * start_factor` to `base_lr * end_factor`, which then holds.

    Args:
      base_lr: what the factors multiply.
      start_factor: above 0 (torch#86454) and at most 1; without `exact`, from 0.
      end_factor: from 0 to 1.
      total_iters: steps from one to the other. With `exact`, 0 stays at the start, as in torch.
      exact: whether to keep torch's quirks.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.LinearLR(1.0, start_factor=0.5, total_iters=4)([0, 2, 4]))
        [0.5  0.75 1.  ]
    """
    _checks.number("LinearLR", "base_lr", base_lr, least=0)
    _checks.steps("LinearLR", "total_iters", _checks.whole(total_iters))
    if exact:
        remedy = "torch warms up from no zero; pass exact=False"
        _checks.number("LinearLR", "start_factor", start_factor, above=0, most=1, remedy=remedy)
    _checks.number("LinearLR", "start_factor", start_factor, least=0, most=1)
    _checks.number("LinearLR", "end_factor", end_factor, least=0, most=1)
    if exact and _checks.known(total_iters) and total_iters == 0:
        return Constant(base_lr * start_factor)
    return Linear(base_lr * start_factor, base_lr * end_factor, total_iters)


def ExponentialLR(base_lr: Number, gamma: Number) -> Schedule:
    """`base_lr * gamma ** t`.

    Args:
      base_lr: the rate at step 0.
      gamma: factor per step; from 0 up.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.ExponentialLR(1.0, gamma=0.5)([0, 1, 2]))
        [1.   0.5  0.25]
    """
    if _is_zero("ExponentialLR", gamma):
        return PiecewiseConstant([base_lr, 0.0], [1])
    return ExponentialDecay(base_lr, 1, gamma)


def PolynomialLR(base_lr: Number, total_iters: Number = 5, power: Number = 1.0) -> Schedule:
    """`base_lr * (1 - t / total_iters) ** power`, then 0.

    Args:
      base_lr: the rate at step 0.
      total_iters: steps until 0; with none, torch never decays.
      power: from 0 up.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.PolynomialLR(1.0, total_iters=4, power=2.0)([0, 2, 4]))
        [1.   0.25 0.  ]
    """
    _checks.steps("PolynomialLR", "total_iters", _checks.whole(total_iters))
    never = _checks.known(total_iters) and total_iters == 0
    if _is_zero("PolynomialLR", power, "power") or never:
        return Constant(base_lr)
    return Polynomial(base_lr, 0.0, total_iters, power)


def SWALR(
    base_lr: Number, swa_lr: Number, anneal_epochs: Number = 10, anneal_strategy: str = "cos"
) -> Schedule:
    """From `base_lr` to `swa_lr` in `anneal_epochs` steps, which then holds.

    Args:
      base_lr: the rate when averaging begins.
      swa_lr: the rate to average with.
      anneal_epochs: steps from one to the other; 0: `swa_lr` at once.
      anneal_strategy: "cos" or "linear".

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


def _is_zero(owner: str, value: Number, name: str = "gamma") -> bool:
    """Whether a factor is 0, which no decay rate may be."""
    _checks.number(owner, name, value, least=0)
    return _checks.known(value) and value == 0
