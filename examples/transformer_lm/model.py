"""A decoder-only transformer in Flax NNX: rotary positions, RMSNorm, QK norm and squared ReLU."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from .sharding import by_rows, whole

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
            y = attend(query, key, value, is_causal=True, local_window_size=window)
        else:  # nothing later than this token is in the cache
            place, seen = at % reach, jnp.arange(reach) <= at
            cache = Cache(cache.keys.at[:, place].set(key), cache.values.at[:, place].set(value))
            y = attend(query, *cache, mask=seen[None, None, None])
        return self.out(y.reshape(x.shape)), cache


class Block(nnx.Module):
    """Attention, then an MLP; each reads the normalised stream and adds to it."""

    def __init__(self, shape: Shape, rngs: nnx.Rngs):
        self.norm1 = nnx.RMSNorm(shape.width, rngs=rngs)
        self.attention = Attention(shape, rngs)
        self.norm2 = nnx.RMSNorm(shape.width, rngs=rngs)
        self.up = linear(shape, shape.width, 4 * shape.width, rngs)
        self.down = linear(shape, 4 * shape.width, shape.width, rngs, zero=True)
        self.dropout = nnx.Dropout(shape.dropout)

    def __call__(
        self,
        x: jax.Array,
        at: jax.Array,
        cache: Cache | None = None,
        rngs: nnx.Rngs | None = None,
    ) -> tuple[jax.Array, Cache | None]:
        """As of `Attention`; `rngs` draw what dropout leaves out."""
        drop = partial(self.dropout, deterministic=rngs is None, rngs=rngs)
        y, cache = self.attention(self.norm1(x), at, cache)
        x = x + drop(y)
        return x + drop(self.down(jax.nn.relu(self.up(self.norm2(x))) ** 2)), cache


class Transformer(nnx.Module):
    """Tokens in; for each of them the logits of the token after it out."""

    def __init__(self, shape: Shape, rngs: nnx.Rngs):
        self.shape = shape
        # Numbers of size 1, as in PyTorch; Flax's own start, 1 / sqrt(width), learns more slowly.
        normal = nnx.initializers.normal(1.0)
        self.embed = nnx.Embed(shape.vocabulary, shape.width, embedding_init=normal, rngs=rngs)
        self.blocks = nnx.List(Block(shape, rngs) for _ in range(shape.blocks))
        self.norm = nnx.RMSNorm(shape.width, rngs=rngs)
        self.head = linear(shape, shape.width, shape.vocabulary, rngs)

    def __call__(self, tokens: jax.Array, key: jax.Array | None = None) -> jax.Array:
        """float32[batch, time, vocabulary] for int32[batch, time].

        `key` decides what dropout leaves out; without it, nothing is.
        """
        table = whole(self.embed.embedding[...])
        x, at = by_rows(table[tokens]), jnp.arange(tokens.shape[1])
        for i, block in enumerate(self.blocks):
            graph, params = nnx.split(block)

            def run(params, x, graph=graph, i=i):
                rngs = None if key is None else nnx.Rngs(jax.random.fold_in(key, i))
                return nnx.merge(graph, params)(x, at, rngs=rngs)[0]

            x = by_rows((jax.checkpoint(run) if self.shape.remat else run)(params, x))
        return self.logits(x)

    def step(self, tokens: jax.Array, at: jax.Array, caches: list[Cache]):
        """float32[batch, vocabulary] for one token each, int32[batch], at position `at`.

        The caches hold the tokens before it; those that come back hold it too.
        """
        x, after = self.embed.embedding[...][tokens][:, None], []
        for block, cache in zip(self.blocks, caches, strict=True):
            x, cache = block(x, at[None], cache)
            after.append(cache)
        return self.logits(x)[:, 0], after

    def logits(self, x: jax.Array) -> jax.Array:
        return self.head(self.norm(x)).astype(jnp.float32)

    def caches(self, batch: int) -> list[Cache]:
        """One for each block, with nothing in it."""
        s = self.shape
        nothing = jnp.zeros((batch, s.block_size, s.heads, s.width // s.heads), s.dtype)
        return [Cache(nothing, nothing) for _ in range(s.blocks)]


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


def losses(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """Cross-entropy in nats for every prediction."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], -1)[..., 0]
