"""Text from a trained model."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from .config import Config


def generate(config: Config, graph: Any, params: Any, vocabulary: str) -> np.ndarray:
    """int32[sample_length]: characters drawn one after the other, each given those before it."""
    key = jax.random.key(config.seed)
    start = max(vocabulary.find("\n"), 0)  # as after the end of a line
    context = jnp.full(config.block_size, start, jnp.int32)

    def next_character(model, carry, key):
        context, used = carry  # the first `used` entries count; the model never sees the rest
        logits = model(context[None])[0, used - 1] / config.temperature
        drawn = jax.random.categorical(key, logits).astype(jnp.int32)
        full = used == config.block_size
        context = jnp.where(full, jnp.roll(context, -1), context)
        context = context.at[jnp.where(full, -1, used)].set(drawn)
        return (context, jnp.minimum(used + 1, config.block_size)), drawn

    @jax.jit
    def draw(params):
        model = nnx.merge(graph, params)
        keys = jax.random.split(key, config.sample_length)
        step = lambda carry, key: next_character(model, carry, key)  # noqa: E731
        return jax.lax.scan(step, (context, jnp.int32(1)), keys)[1]

    return np.asarray(draw(params))
