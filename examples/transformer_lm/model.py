"""A decoder-only transformer in Flax NNX: rotary positions, RMSNorm, QK norm and squared ReLU."""

from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx

from .attention import Attention, Cache, Shape, linear
from .sharding import by_rows, whole


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
        # As PyTorch's layer begins, so that the two compare.
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


def losses(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """Cross-entropy in nats for every prediction."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], -1)[..., 0]
