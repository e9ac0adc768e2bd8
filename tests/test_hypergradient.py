"""`hypergradient`: the recursions of Baydin et al., and what they are for."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from tests.stateful import one_clear_sentence, problem


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Optax's Adam needs JAX's own promotion rules."""
    return


def quadratic(x):
    """An ill-conditioned bowl."""
    return 0.5 * jnp.sum(jnp.array([1.0, 4.0, 10.0]) * x**2)


def descend(tx, loss, params, steps):
    """Losses before each step, the end's last, and the scales used; to be compiled."""

    def step(carry, _):
        params, state = carry
        value, grads = jax.value_and_grad(loss)(params)
        updates, state = tx.update(grads, state, params)
        scale = anneal.hyperparams(state).get("hypergradient_scale", 1.0) if scaled else 1.0
        return (optax.apply_updates(params, updates), state), (value, scale)

    state = tx.init(params)
    scaled = isinstance(state, anneal.transforms.HypergradientState)
    (params, _), (losses, scales) = jax.lax.scan(step, (params, state), None, length=steps)
    return jnp.append(losses, loss(params)), scales


def test_additive_is_the_recursion_of_the_paper():
    """SGD-HD: `alpha_t = alpha_{t-1} + beta * g_t . g_{t-1}`, whatever the rate it scales."""
    x0, alpha0, beta = jnp.array([1.0, -1.0, 0.5]), 0.01, 1e-4
    tx = anneal.hypergradient(optax.sgd(alpha0), beta / alpha0**2, mode="additive")
    losses, scales = jax.jit(lambda x: descend(tx, quadratic, x, 20))(x0)
    x, alpha, before, wanted = np.array(x0, float), alpha0, np.zeros(3), []
    for _ in range(20):
        gradient = np.array([1.0, 4.0, 10.0]) * x
        alpha += beta * gradient @ before
        wanted.append(alpha)
        x, before = x - alpha * gradient, gradient
    np.testing.assert_allclose(alpha0 * scales, wanted, rtol=1e-4)
    assert losses[-1] == pytest.approx(float(quadratic(jnp.array(x))), rel=1e-3)


def test_multiplicative_is_the_recursion_of_the_paper():
    """With Adam's direction: `alpha_t = alpha_{t-1} * (1 + beta * cos(g_t, d_{t-1}))`."""
    x0, beta = jnp.array([1.0, -1.0, 0.5]), 0.05
    tx = anneal.hypergradient(optax.adam(0.01), beta)
    _, scales = jax.jit(lambda x: descend(tx, quadratic, x, 20))(x0)
    adam = optax.scale_by_adam()
    state, x, scale, before, wanted = adam.init(x0), x0, 1.0, jnp.zeros(3), []
    for _ in range(20):
        gradient = jax.grad(quadratic)(x)
        size = float(jnp.linalg.norm(gradient) * jnp.linalg.norm(before))
        scale *= 1 + beta * float(gradient @ before) / size if size else 1.0
        wanted.append(scale)
        before, state = adam.update(gradient, state, x)
        x = x - 0.01 * scale * before
    np.testing.assert_allclose(scales, wanted, rtol=1e-4)


@pytest.mark.parametrize("mode", ["multiplicative", "additive"])
@pytest.mark.parametrize("optimizer", [optax.sgd, optax.adam])
def test_recovers_from_a_rate_ten_times_too_small(optimizer, mode):
    """At least 90% of what the tuned rate gains, on a regression and a schedule that decays."""
    params, loss = problem()
    steps = 100

    def run(factor, beta=None):
        tx = optimizer(anneal.Cosine(factor, 0.0, steps))
        tx = tx if beta is None else anneal.hypergradient(tx, beta, mode=mode)
        losses, scales = descend(tx, loss, params, steps)
        return losses[0] - losses[-1], scales

    factors = np.geomspace(0.003, 3.0, 16).astype(np.float32)
    gains, _ = jax.jit(jax.vmap(run))(np.append(factors, factors / 10))
    gains = np.nan_to_num(gains)
    tuned = np.argmax(gains[:16])
    beta = {"multiplicative": 0.1, "additive": 100.0 if optimizer is optax.sgd else 10.0}[mode]
    recovered, scales = jax.jit(lambda factor: run(factor, beta))(factors[tuned] / 10)
    assert recovered >= 0.9 * gains[tuned]
    assert recovered > gains[16 + tuned]  # of the small rate left alone
    assert scales.max() > 3


def test_modulates_a_schedule():
    """The schedule keeps its shape: its warmup from 0, and its end at 0."""
    rate = anneal.warmup_cosine(0.1, warmup_steps=3, total_steps=10)
    tx = anneal.hypergradient(anneal.inject_hyperparams(optax.sgd)(rate), 0.1)
    x = jnp.array([1.0, 2.0, 3.0])
    state = tx.init(x)
    for t in range(11):
        updates, state = tx.update(x, state, x)
        wanted = -float(rate(t)) * float(anneal.hyperparams(state)["hypergradient_scale"])
        np.testing.assert_allclose(updates, wanted * np.asarray(x), rtol=1e-6, atol=1e-12)


def test_a_gradient_that_is_not_finite_leaves_the_scale():
    """And the step after it, whose last update is none to compare with."""
    tx = anneal.hypergradient(optax.sgd(0.1), 0.1)
    x = jnp.ones(3)
    state = tx.init(x)
    found = []
    for gradient in (x, x, x * jnp.nan, x, x, x):
        _, state = tx.update(gradient, state, x)
        found.append(float(state.scale))
    np.testing.assert_allclose(found, [1, 1.1, 1.1, 1.1, 1.21, 1.331], rtol=1e-5)


def test_bounds():
    """The scale stays between `min_scale` and `max_scale`."""
    x = jnp.ones(3)
    for sign, wanted in ((1.0, 1.15), (-1.0, 0.9)):  # straight on, and to and fro
        tx = anneal.hypergradient(optax.sgd(0.1), 0.1, min_scale=0.9, max_scale=1.15)
        state = tx.init(x)
        gradient = x
        for _ in range(5):
            _, state = tx.update(gradient, state, x)
            gradient = sign * gradient
        assert float(state.scale) == pytest.approx(wanted)


def test_complex_parameters():
    """The inner product is that of real vectors: real and imaginary parts together."""
    tx = anneal.hypergradient(optax.sgd(0.1), 0.1)
    x = jnp.array([1.0 + 1.0j, 1.0j])
    state = tx.init(x)
    for _ in range(2):
        _, state = tx.update(x, state, x)
    assert float(state.scale) == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: anneal.hypergradient(optax.sgd(1.0), 0.0), ["beta", "above 0"]),
        (lambda: anneal.hypergradient(optax.sgd(1.0), 1.5), ["beta", "below 1", "1.5"]),
        (lambda: anneal.hypergradient(optax.sgd(1.0), 0.1, mode="add"), ["mode", "'additive'"]),
        (lambda: anneal.hypergradient(optax.sgd(1.0), 0.1, min_scale=-1), ["min_scale"]),
        (lambda: anneal.hypergradient(optax.sgd(1.0), 0.1, max_scale=0.5), ["max_scale"]),
    ],
)
def test_bad_input_is_one_clear_sentence(call, words):
    """Each error names the argument, the rule, what came and what to do."""
    one_clear_sentence(call, words)
