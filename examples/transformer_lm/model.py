"""A decoder-only transformer in Flax NNX: GPT-2's, without biases and dropout."""

import math

import jax
import jax.numpy as jnp
from flax import nnx

from .config import Config
from .ops import causal_attention, gelu, layer_norm


class Block(nnx.Module):
    """Attention, then an MLP; each reads a normalised residual stream and adds to it."""

    def __init__(self, config: Config, rngs: nnx.Rngs):
        width, inner = config.width, 4 * config.width
        into_stream = 1 / math.sqrt(2 * config.blocks)  # 2 * blocks terms add up in it
        self.heads = config.heads
        self.norm1 = nnx.Param(jnp.ones(width, jnp.float32))
        self.qkv = matrix(rngs, width, 3 * width)
        self.out = matrix(rngs, width, width, into_stream)
        self.norm2 = nnx.Param(jnp.ones(width, jnp.float32))
        self.up = matrix(rngs, width, inner)
        # Stored as (to, from): XLA's CPU takes half the time for the gradient of this layout.
        self.down = nnx.Param(matrix(rngs, inner, width, into_stream)[...].T)

    def __call__(self, x: jax.Array, time: int, dtype: jnp.dtype) -> jax.Array:
        """`x` is [batch * time, width]: two axes spare XLA's CPU transposes in the gradient."""

        def to_heads(y: jax.Array) -> jax.Array:
            return y.reshape(-1, time, self.heads, y.shape[-1] // self.heads).swapaxes(1, 2)

        y = layer_norm(x, self.norm1[...]).astype(dtype) @ self.qkv[...].astype(dtype)
        y = causal_attention(*(to_heads(part) for part in thirds(y)))
        y = y.swapaxes(1, 2).reshape(x.shape) @ self.out[...].astype(dtype)
        x = x + y.astype(x.dtype)
        y = layer_norm(x, self.norm2[...]).astype(dtype) @ self.up[...].astype(dtype)
        y = gelu(y) @ self.down[...].astype(dtype).T
        return x + y.astype(x.dtype)


class Transformer(nnx.Module):
    """Characters in, logits for the character after each of them out."""

    def __init__(self, config: Config, vocabulary: int, rngs: nnx.Rngs):
        self.tokens = nnx.Param(EMBEDDING * normal(rngs, vocabulary, config.width))
        self.positions = nnx.Param(POSITION * normal(rngs, config.block_size, config.width))
        self.blocks = nnx.List(Block(config, rngs) for _ in range(config.blocks))
        self.norm = nnx.Param(jnp.ones(config.width, jnp.float32))
        self.dtype = compute_dtype(config.dtype)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        time = tokens.shape[-1]
        x = self.tokens[...][tokens] + self.positions[...][None, :time]
        x = x.reshape(-1, x.shape[-1])
        for block in self.blocks:
            x = block(x, time, self.dtype)
        # The embedding is the output matrix too, so one rare character's use teaches its other.
        y = layer_norm(x, self.norm[...]).astype(self.dtype)
        logits = (y @ self.tokens[...].astype(self.dtype).T).astype(jnp.float32)
        return logits.reshape(*tokens.shape, -1)


# Scales of the initialisation, chosen together with the default schedule.
EMBEDDING = 0.1
POSITION = 0.02
MATRIX = 0.7  # over the square root of the number of inputs


def normal(rngs: nnx.Rngs, *shape: int) -> jax.Array:
    return jax.random.normal(rngs.params(), shape, jnp.float32)


def matrix(rngs: nnx.Rngs, inputs: int, outputs: int, scale: float = 1.0) -> nnx.Param:
    return nnx.Param(scale * MATRIX / math.sqrt(inputs) * normal(rngs, inputs, outputs))


@jax.custom_vjp
def thirds(x: jax.Array) -> tuple[jax.Array, ...]:
    """`x` cut in three along its last axis; going back is one concatenation, not padded sums."""
    return tuple(jnp.split(x, 3, -1))


thirds.defvjp(lambda x: (thirds(x), None), lambda _, parts: (jnp.concatenate(parts, -1),))


def compute_dtype(name: str) -> jnp.dtype:
    """The type of matrix products; parameters, norms, residuals and logits stay float32."""
    if name == "auto":  # tensor cores and MXUs want bfloat16; a CPU gains nothing from it
        name = "float32" if jax.default_backend() == "cpu" else "bfloat16"
    return jnp.dtype(name)


def losses(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """Cross-entropy in nats for every prediction."""
    picked = jnp.take_along_axis(logits, targets[..., None], -1)[..., 0]
    return jax.nn.logsumexp(logits, -1) - picked
