"""Schedules of torch made of others, and the one that follows a metric."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import optax

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...transforms import reduce_on_plateau
from .. import _arguments


def SequentialLR(schedulers: Sequence[Schedule], milestones: Sequence[IntScalarLike]) -> Schedule:
    """Schedules in turn, each from its own step 0, which torch makes it begin at.

    Args:
      schedulers: ported ones, each with its own base rate, or any other schedules.
      milestones: the steps at which the second, third, ... begin.

    Example:
        >>> from anneal_jax.ports import torch
        >>> warmup = torch.LinearLR(1.0, start_factor=0.5, total_iters=2)
        >>> cosine = torch.CosineAnnealingLR(1.0, T_max=4)
        >>> print(torch.SequentialLR([warmup, cosine], milestones=[2])([0, 1, 2, 6]))
        [0.5  0.75 1.   0.  ]
    """
    return join(_listed("SequentialLR", schedulers), milestones)


def ChainedScheduler(schedulers: Sequence[Schedule], base_lr: RealScalarLike) -> Schedule:
    """The product of schedules over one base rate: each multiplies `base_lr` by its factor.

    That is what chaining means in torch for ConstantLR, LinearLR, ExponentialLR, StepLR,
    MultiStepLR, PolynomialLR, MultiplicativeLR and CosineAnnealingLR (with `eta_min=0`), which
    work on the rate they find. LambdaLR, CosineAnnealingWarmRestarts, CyclicLR and OneCycleLR
    overwrite it: what stands before one of these in a chain has no effect, so leave it out. A
    cosine is a factor up to its `T_max`; past it torch adds to what it finds, and so forgets
    the other factors, which is not followed here.

    Args:
      schedulers: ported ones, each built with this `base_lr`.
      base_lr: rate that all of them were built with; above 0.

    Example:
        >>> from anneal_jax.ports import torch
        >>> warmup = torch.LinearLR(0.1, start_factor=0.5, total_iters=2)
        >>> print(torch.ChainedScheduler([warmup, torch.ExponentialLR(0.1, 0.5)], 0.1)([0, 2]))
        [0.05  0.025]
    """
    rate = _arguments.number("ChainedScheduler", "base_lr", base_lr, above=0)
    first, *others = _listed("ChainedScheduler", schedulers)
    return reduce(lambda product, other: product * (other / rate), others, first)


def ReduceLROnPlateau(
    base_lr: float,
    mode: str = "min",
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
    threshold_mode: str = "rel",
    cooldown: int = 0,
    min_lr: float = 0.0,
    eps: float = 1e-8,
    *,
    observed: bool = False,
    exact: bool = True,
) -> optax.GradientTransformationExtraArgs:
    """ReduceLROnPlateau of torch as a link of an Optax chain, after the optimizer.

    It is `anneal_jax.reduce_on_plateau`, which multiplies updates by a scale; so `min_lr` and
    `eps` are divided by `base_lr`.

    Args:
      base_lr: the rate of the optimizer before it in the chain, above 0.
      mode: whether a better metric is lower, "min", or higher, "max".
      factor: of the rate at a reduction; above 0 and below 1.
      patience: number of bad metrics that are endured.
      threshold: least improvement that counts.
      threshold_mode: whether the threshold is a part of the best metric, "rel", or "abs".
      cooldown: number of metrics that are passed over after a reduction.
      min_lr: lower bound of the rate.
      eps: largest reduction that is left out.
      observed: whether metrics come through `anneal_jax.observe` instead of `value=`.
      exact: whether a relative threshold is torch's, under which a constant metric below 0
        always counts as better; without it, a part of the metric's magnitude.

    Example:
        >>> import anneal_jax as anneal, optax
        >>> plateau = anneal.ports.torch.ReduceLROnPlateau(0.1, patience=2, min_lr=1e-3)
        >>> tx = optax.chain(optax.sgd(0.1), plateau)  # then tx.update(..., value=loss)
    """
    owner = "ReduceLROnPlateau"
    rate = _arguments.number(owner, "base_lr", base_lr, above=0)
    floor, least = _arguments.numbers(owner, min_lr=min_lr, eps=eps)
    _checks.nearest(owner, "mode", mode, ("min", "max"))
    _checks.nearest(owner, "threshold_mode", threshold_mode, ("rel", "abs"))
    relative = "factor" if exact else "rel"
    return reduce_on_plateau(
        mode="max" if mode == "max" else "min",
        factor=factor,
        patience=patience,
        threshold=threshold,
        threshold_mode=relative if threshold_mode == "rel" else "abs",
        cooldown=cooldown,
        min_scale=min(floor / rate, 1.0),
        eps=least / rate,
        observed=observed,
    )


def _listed(owner: str, schedulers: Any) -> list[Schedule]:
    schedules = _checks.items(owner, "schedulers", schedulers, "schedules")
    if not schedules or not all(isinstance(s, Schedule) for s in schedules):
        remedy = "build them with anneal_jax.ports.torch"
        _checks.fail(owner, "schedulers", "a list of schedules", schedules, remedy)
    return schedules
