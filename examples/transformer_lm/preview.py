"""What would the loss be if the run cooled down now? Tried on a copy, beside the run."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

import anneal_jax as anneal

from . import optimizer, schedules
from .about import Course
from .config import Config


def make_preview(
    config: Config,
    course: Course,
    train_steps: Callable[[Any, jax.Array], tuple[Any, Any]],
    batches: Callable[[int, int], jax.Array],
    evaluate: Callable[[Any], jax.Array],
) -> Callable[[Any], float] | None:
    """`preview(state)`: the held-out loss after every rate has fallen to 0 from there.

    The steps of this cooldown are the next ones of the run, `batches(first, count)`.
    """
    if config.preview_cooldown is None:
        return None
    length = schedules.steps(config, "preview_cooldown", least=1)

    @jax.jit
    def cooling(state: Any) -> Any:
        # Copies, for `train_steps` overwrites what it is given.
        state = jax.tree.map(jnp.copy, state)
        plans = optimizer.cooled(course.plans, state.step, length)
        return state._replace(opt_state=anneal.with_schedules(state.opt_state, **plans))

    def preview(state: Any) -> float:
        first, state = int(state.step), cooling(state)
        for done in range(0, length, config.steps_per_dispatch):
            count = min(config.steps_per_dispatch, length - done)
            state, _ = train_steps(state, batches(first + done, count))
        return float(evaluate(state.params))

    return preview
