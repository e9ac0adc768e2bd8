"""Gradient accumulation that follows a schedule: a batch that grows during the run."""

from typing import Any, cast

import jax.numpy as jnp
import optax

from .. import _checks
from .._numerics import as_int, round_half_up
from .._types import Array, IntScalarLike
from ..schedules._constant import as_schedule
from ..schedules._schedule import Schedule
from ._follow import follow
from ._updates import as_transformation


def accumulate(
    inner: optax.GradientTransformation,
    every: Schedule | IntScalarLike,
    *,
    use_grad_mean: bool = True,
) -> optax.GradientTransformationExtraArgs:
    """Average the gradients of `every(t)` batches into optimizer step `t`.

    This is `optax.MultiSteps` with the schedule in its state: `hyperparams` reads it as
    `accumulation_steps`, `with_schedules` replaces it (between two steps, so that no batch
    counts double). Steps are those of the optimizer: schedules in `inner`, and `every` itself,
    move on once for all the batches of a step.

    A batch ramp and the ramp of the rate that goes with it are stated once:

    ```python
    batch_size = anneal.PiecewiseConstant(boundaries=[2_000, 6_000], values=[256, 512, 1024])
    rate = anneal.linear_scaling(schedule, batch_size, reference=256)
    tx = anneal.accumulate(optax.adamw(rate), every=batch_size / 256)
    ```

    Args:
      inner: any Optax optimizer.
      every: number of batches in an optimizer step, a whole number from 1 up, or a schedule of
        them; its values are rounded to the nearest, halves upwards, and read as 1 below that.
      use_grad_mean: whether the gradients of a step are averaged (True) or added up (False).

    Returns:
      A `GradientTransformationExtraArgs`. Its updates are zero until a step is complete.

    Raises:
      ValueError: if `every` is below 1.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> tx = anneal.accumulate(optax.sgd(1.0), every=2)
        >>> state = tx.init(jnp.zeros(2))
        >>> for gradient in (1.0, 3.0):
        ...     updates, state = tx.update(gradient * jnp.ones(2), state)
        ...     print(updates == 0)
        [ True  True]
        [False False]
        >>> print(updates)
        [-2. -2.]
    """
    if not isinstance(every, Schedule):
        every = _checks.whole(every)
        _checks.steps("accumulate", "every", every, least=1, remedy="count batches")
    _checks.flag("accumulate", "use_grad_mean", use_grad_mean)
    batches, inner = as_schedule(every), as_transformation("accumulate", "inner", inner)

    def multi_steps(hyperparams: dict[str, Array]) -> optax.GradientTransformationExtraArgs:
        number = as_int(jnp.maximum(round_half_up(hyperparams["accumulation_steps"]), 1))
        tx = optax.MultiSteps(
            inner, lambda _: number.astype(jnp.int32), use_grad_mean=use_grad_mean
        )
        return optax.GradientTransformationExtraArgs(tx.init, cast(Any, tx.update))

    def steps(_: Array, state: Any) -> Array:
        return state.gradient_step

    return follow("accumulate", {"accumulation_steps": batches}, multi_steps, clock=steps)
