"""Attention with rotary positions and normalised queries and keys, and a cache of them."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

ROTARY_BASE = 1e3  # the slowest pair of numbers turns once in 2π times as many positions
SHARPNESS = 1.44  # of attention, over the root of a head's width: queries and keys have length 1


class Shape(NamedTuple):
    """What a model is made of; two models of one shape can exchange their parameters."""

    vocabulary: int  # different tokens
    blocks: int = 4
    heads: int = 4
    width: int = 128
    block_size: int = 64  # tokens that a token looks back at, itself included
    dropout: float = 0.0
    dtype: str = "float32"  # of matrix products; all else, the parameters too, is float32
    remat: bool = False  # compute a block's inside anew in the backward pass, not store it


class Cache(NamedTuple):
    """Keys and values of the last `block_size` tokens; token t's are at t modulo that."""

    keys: jax.Array  # [batch, block_size, heads, width // heads]
    values: jax.Array  # the same


class Attention(nnx.Module):
    """Every token takes in what its query finds among the tokens before it, and itself."""

    def __init__(self, shape: Shape, rngs: nnx.Rngs):
        self.shape = shape
        square = partial(linear, shape, shape.width, shape.width, rngs)
        self.query, self.key, self.value, self.out = square(), square(), square(), square(zero=True)
        self.query_norm = nnx.RMSNorm(shape.width // shape.heads, rngs=rngs)
        self.key_norm = nnx.RMSNorm(shape.width // shape.heads, rngs=rngs)

    def __call__(self, x: jax.Array, at: jax.Array, cache: Cache | None):
        """`x` [batch, time, width] at positions `at` [time]; with a cache, time is 1."""
        query, key, value = (
            layer(x).reshape(*x.shape[:2], self.shape.heads, -1)
            for layer in (self.query, self.key, self.value)
        )
        query = rotate(self.query_norm(query), at).astype(value.dtype)
        key = rotate(self.key_norm(key), at).astype(value.dtype)
        reach = self.shape.block_size
        attend = partial(jax.nn.dot_product_attention, scale=SHARPNESS * query.shape[-1] ** -0.5)
        if cache is None:
            window = (reach - 1, 0) if x.shape[1] > reach else None
            how = {"is_causal": True, "local_window_size": window, "implementation": fused(query)}
            y = attend(query, key, value, **how)
        else:  # nothing later than this token is in the cache
            place, seen = at % reach, jnp.arange(reach) <= at
            cache = Cache(cache.keys.at[:, place].set(key), cache.values.at[:, place].set(value))
            y = attend(query, *cache, mask=seen[None, None, None])
        return self.out(y.reshape(x.shape)), cache


def linear(shape: Shape, inputs: int, outputs: int, rngs: nnx.Rngs, zero: bool = False):
    """A layer without bias; with `zero` it starts at 0, so that a block starts as the identity."""
    init = nnx.initializers.zeros_init() if zero else nnx.initializers.lecun_normal()
    dtype = jnp.dtype(shape.dtype)
    return nnx.Linear(inputs, outputs, use_bias=False, dtype=dtype, kernel_init=init, rngs=rngs)


def rotate(x: jax.Array, at: jax.Array) -> jax.Array:
    """Rotary positions: `x` [batch, time, heads, n], pairs of its numbers turned in step with `at`.

    The product of two vectors then depends on how far apart they are (arXiv 2104.09864).
    """
    half = x.shape[-1] // 2
    angle = jnp.outer(at, ROTARY_BASE ** (-jnp.arange(half) / half))
    sin, cos = (f(angle)[None, :, None] for f in (jnp.sin, jnp.cos))
    a, b = jnp.split(x, 2, -1)
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def fused(query: jax.Array) -> str | None:
    """cuDNN's attention where it can be had, which stores no scores; else XLA's.

    `jax.nn.dot_product_attention` takes XLA's unless it is told (JAX 0.10 to 0.12).
    """
    device = jax.devices()[0]
    if "cuda" not in device.client.platform_version.lower() or query.dtype.itemsize != 2:
        return None
    ampere, heads = float(device.compute_capability) >= 8, query.shape[-1]
    return "cudnn" if ampere and heads % 8 == 0 and heads <= 128 else None
