"""Text from a trained model, one token after the other, with a cache of keys and values."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from .config import Config
from .model import Transformer
from .tokenizer import Tokenizer


def generate(config: Config, tokenizer: Tokenizer, model: Transformer) -> str:
    """`sample_length` tokens that go on from `prompt`, as text."""
    prompt = jnp.asarray(tokenizer.encode(config.prompt), jnp.int32)
    graph, params = nnx.split(model)
    choose = {"temperature": config.temperature, "top_k": config.top_k, "top_p": config.top_p}
    key = jax.random.key(config.seed)

    @jax.jit
    def write(params):
        return sample(nnx.merge(graph, params), prompt, config.sample_length, key, **choose)

    return tokenizer.decode(np.asarray(write(params)))


def sample(
    model: Transformer,
    prompt: jax.Array,
    length: int,
    key: jax.Array,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> jax.Array:
    """int32[length]: tokens drawn after those of `prompt`, each given all before it.

    (The model itself looks back `block_size` tokens.)
    """

    def step(carry, at):
        token, caches = carry
        logits, caches = model.step(token[None], at, caches)
        logits = likeliest(logits[0] / temperature, top_k, top_p)
        drawn = jax.random.categorical(jax.random.fold_in(key, at), logits).astype(jnp.int32)
        known = prompt[jnp.minimum(at + 1, len(prompt) - 1)]  # the prompt is read, not drawn
        token = jnp.where(at + 1 < len(prompt), known, drawn)
        return (token, caches), token

    steps = jnp.arange(len(prompt) + length - 1)
    _, tokens = jax.lax.scan(step, (prompt[0], model.caches(1)), steps)
    return tokens[len(prompt) - 1 :]


def likeliest(logits: jax.Array, top_k: int | None, top_p: float | None) -> jax.Array:
    """Logits [vocabulary], −∞ but for the `top_k` highest, and for those that make up `top_p`.

    Of these chances, the token that completes `top_p` is kept, too (arXiv 1904.09751).
    """
    falling = jnp.sort(logits)[::-1]
    if top_k is not None:
        least = falling[min(top_k, len(logits)) - 1]
        logits = jnp.where(logits < least, -jnp.inf, logits)
        falling = jnp.where(falling < least, -jnp.inf, falling)
    if top_p is not None:
        chances = jax.nn.softmax(falling)
        before = jnp.cumsum(chances) - chances
        least = falling[jnp.sum(before < top_p) - 1]
        logits = jnp.where(logits < least, -jnp.inf, logits)
    return logits
