"""What the schedules of transformers share: counts, and the warmup from 0."""

from typing import Any

import jax.numpy as jnp

from ... import _checks
from ..._numerics import on_host
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Linear
from ...schedules._waves import CosineWave
from .. import _arguments


def read(owner: str, base_lr: RealScalarLike, **counts: Any) -> list[Any]:
    """The rate, and the counts of steps, which are whole."""
    return [_arguments.number(owner, "base_lr", base_lr, least=0), *whole(owner, **counts)]


def run(owner: str, base_lr: RealScalarLike, num_warmup_steps: Any, num_training_steps: Any) -> Any:
    """The rate, the steps of the warmup and those of the training."""
    counts = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    return read(owner, base_lr, **counts)


def whole(owner: str, **counts: Any) -> list[Any]:
    """Counts of steps."""
    remedy = "count optimizer steps, and round them first"
    return [_arguments.steps(owner, *item, remedy=remedy) for item in counts.items()]


def warmed(base_lr: RealScalarLike, num_warmup_steps: IntScalarLike, decay: Schedule) -> Schedule:
    """A warmup from 0, then `decay` from its own step 0."""
    return join([Linear(0.0, base_lr, num_warmup_steps), decay])


def left(num_warmup_steps: Any, num_training_steps: Any, least: int = 1) -> Any:
    """The steps after the warmup, at least one where something is divided by them."""
    rest = num_training_steps - num_warmup_steps
    return max(rest, least) if on_host(rest) else jnp.maximum(rest, least)


def wave(
    owner: str, base_lr: Any, floor: Any, steps: Any, num_cycles: RealScalarLike, exact: bool
) -> Schedule:
    """`num_cycles` waves in `steps` steps, which go on for ever if `exact`."""
    waves = _arguments.number(owner, "num_cycles", num_cycles)
    if _arguments.is_zero(waves):
        return Constant(base_lr)
    waves = abs(waves) if _checks.known(waves) else waves  # a cosine is even
    cosine = CosineWave(base_lr, floor, steps, halves=2 * waves)
    return cosine if exact else cosine.until(steps)
