"""The three formulas between the matrix products, each with its derivative.

They are what they say they are, and tests compare the derivatives with automatic ones. Written
by hand they take fewer passes over memory, which saves 6 to 10% of a training step on CPU.
"""

import math

import jax
import jax.numpy as jnp


@jax.custom_vjp
def layer_norm(x: jax.Array, scale: jax.Array) -> jax.Array:
    """`scale * (x - mean) / sqrt(variance + 1e-5)` over the last of the two axes of `x`."""
    return _layer_norm(x, scale)[0]


def _layer_norm(x, scale):
    centred = x - jnp.mean(x, -1, keepdims=True)
    inverse = jax.lax.rsqrt(jnp.mean(centred * centred, -1, keepdims=True) + 1e-5)
    normed = centred * inverse
    return normed * scale[None], (normed, inverse, scale)


def _layer_norm_backward(saved, dy):
    normed, inverse, scale = saved
    d = dy * scale[None]
    mean, slope = jnp.mean(d, -1, keepdims=True), jnp.mean(d * normed, -1, keepdims=True)
    return inverse * (d - mean - normed * slope), jnp.sum(dy * normed, 0)


layer_norm.defvjp(_layer_norm, _layer_norm_backward)


@jax.custom_vjp
def gelu(x: jax.Array) -> jax.Array:
    """`x * Phi(x)`, with Phi the distribution function of the normal distribution."""
    return _gelu(x)[0]


def _gelu(x):
    phi = 0.5 + 0.5 * jax.lax.erf(x * math.sqrt(0.5))
    return x * phi, (x, phi)


def _gelu_backward(saved, dy):
    x, phi = saved
    return (dy * (phi + x * jnp.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)),)


gelu.defvjp(_gelu, _gelu_backward)


@jax.custom_vjp
def causal_attention(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """`softmax(q k / sqrt(size)) v`, up to one's own position; all [batch, head, time, size]."""
    return _attention(q, k, v)[0]


def _attention(q, k, v):
    q = q / math.sqrt(q.shape[-1])
    past = jnp.tril(jnp.ones((1, 1, q.shape[-2], q.shape[-2]), bool))
    scores = jnp.where(past, jnp.einsum("bhqs,bhks->bhqk", q, k).astype(jnp.float32), -1e9)
    weights = jax.nn.softmax(scores, -1).astype(q.dtype)
    out = jnp.einsum("bhqk,bhks->bhqs", weights, v)
    return out, (q, k, v, weights, out)


def _attention_backward(saved, dout):
    q, k, v, weights, out = saved
    dv = jnp.einsum("bhqk,bhqs->bhks", weights, dout)
    dweights = jnp.einsum("bhqs,bhks->bhqk", dout, v)
    # sum(weights * dweights) over k, on an array `time / size` times smaller
    dscores = weights * (dweights - jnp.sum(dout * out, -1, keepdims=True))
    dq = jnp.einsum("bhqk,bhks->bhqs", dscores, k) / math.sqrt(q.shape[-1])
    dk = jnp.einsum("bhqk,bhqs->bhks", dscores, q)
    return dq, dk, dv


causal_attention.defvjp(_attention, _attention_backward)
