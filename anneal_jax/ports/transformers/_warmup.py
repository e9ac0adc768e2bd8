"""What the schedules of transformers share: checks, and the warmup from 0."""

from typing import Any

import jax.numpy as jnp

from ... import _checks
from ..._numerics import Number, is_concrete
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Linear
from ...schedules._waves import CosineWave


def check(owner: str, base_lr: Number, **counts: Any) -> list[Any]:
    """Require a rate and whole numbers of steps; the steps, as integers where they are known."""
    _checks.number(owner, "base_lr", base_lr, least=0)
    whole = [_checks.whole(count) for count in counts.values()]
    for name, count in zip(counts, whole, strict=True):
        _checks.steps(owner, name, count, remedy="count optimizer steps, and round them first")
    return whole


def warmed(base_lr: Number, num_warmup_steps: Number, decay: Schedule) -> Schedule:
    """A warmup from 0, then `decay` from its own step 0."""
    return join([Linear(0.0, base_lr, num_warmup_steps), decay])


def left(num_warmup_steps: Number, num_training_steps: Number, least: int = 1) -> Any:
    """The steps after the warmup, at least one where something is divided by them."""
    rest = num_training_steps - num_warmup_steps
    return max(rest, least) if is_concrete(rest) else jnp.maximum(rest, least)


def wave(
    owner: str, base_lr: Number, floor: Number, steps: Number, num_cycles: Number, exact: bool
) -> Schedule:
    """`num_cycles` waves in `steps` steps, which go on for ever if `exact`."""
    _checks.number(owner, "num_cycles", num_cycles)
    if is_concrete(num_cycles):
        if num_cycles == 0:
            return Constant(base_lr)
        num_cycles = abs(num_cycles)  # a cosine is even
    cosine = CosineWave(base_lr, floor, steps, 2 * num_cycles)
    return cosine if exact else cosine.until(steps)
