"""Noise on a schedule: bounded, seeded, stateless. (Its values are in the table of cases.)"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from tests.stateful import one_clear_sentence

STEPS = np.arange(20_000)


def draws(**options):
    """The noise itself, at many steps."""
    return np.asarray(anneal.Constant(1.0).noise(0, **options)(STEPS), np.float64) - 1


def test_normal_noise_is_a_bell_cut_off():
    """The distribution that timm draws from by drawing again until a draw is inside."""
    rng = np.random.default_rng(0)
    again = rng.normal(size=200_000)
    wanted = again[abs(again) < 0.67]
    got = draws()
    assert abs(got).max() < 0.67
    quantiles = np.linspace(0.01, 0.99, 21)
    np.testing.assert_allclose(
        np.quantile(got, quantiles), np.quantile(wanted, quantiles), atol=0.02
    )


def test_narrow_noise_is_not_cut_off():
    """Mean 0 and the deviation asked for."""
    got = draws(std=0.1)
    assert abs(got.mean()) < 0.003
    assert got.std() == pytest.approx(0.1, rel=0.02)


def test_uniform_noise():
    """Flat between its bounds."""
    got = draws(distribution="uniform", limit=0.5)
    np.testing.assert_allclose(
        np.quantile(got, [0.0, 0.25, 0.5, 0.75, 1.0]), [-0.5, -0.25, 0, 0.25, 0.5], atol=0.01
    )


def test_draws_of_steps_and_of_keys_are_independent():
    """No correlation between neighbours, nor between two keys."""
    a = draws()
    b = np.asarray(anneal.Constant(1.0).noise(1)(STEPS), np.float64) - 1
    assert abs(np.corrcoef(a[:-1], a[1:])[0, 1]) < 0.03
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.03


def test_only_inside_its_range():
    """As timm's `noise_range_t`: from the first of its steps, up to the second."""
    line = anneal.Linear(1.0, 0.5, steps=100)
    for span in ((10, 20), (10, None), (0, 0)):
        noisy = line.noise(3, begin=span[0], end=span[1])(np.arange(100)) != line(np.arange(100))
        end = 100 if span[1] is None else span[1]
        assert noisy[span[0] : end].mean() > 0.9 or end == span[0]
        assert not noisy[: span[0]].any()
        assert not noisy[end:].any()


def test_a_key_is_a_seed():
    """A number and the key that JAX makes of it are the same; nothing depends on the default."""
    wanted = anneal.Constant(1.0).noise(7)(np.arange(9))
    for key in (jax.random.key(7), jax.random.PRNGKey(7), np.int64(7), [0, 7]):
        np.testing.assert_array_equal(anneal.Constant(1.0).noise(key)(np.arange(9)), wanted)
    with jax.default_prng_impl("rbg"):
        np.testing.assert_array_equal(anneal.Constant(1.0).noise(7)(np.arange(9)), wanted)


def test_every_member_of_a_population_has_its_own():
    """`vmap` over keys."""
    keys = jax.random.split(jax.random.key(0), 4)
    got = jax.vmap(lambda key: anneal.Constant(1.0).noise(key)(3))(keys)
    assert len(np.unique(got)) == 4


def test_a_resumed_run_sees_the_noise_it_would_have_seen():
    """Step 5 is step 5, from whatever checkpoint."""
    tx = anneal.scale_by_learning_rate(anneal.Constant(1.0).noise(11))
    update = jax.jit(tx.update)

    def run(state, count):
        found = []
        for _ in range(count):
            updates, state = update(jnp.ones(()), state)
            found.append(float(updates))
        return found, state

    whole, _ = run(tx.init(jnp.ones(())), 8)
    first, state = run(tx.init(jnp.ones(())), 5)
    saved = jax.tree.map(np.asarray, state)
    rest, _ = run(jax.tree.map(jnp.asarray, saved), 3)
    assert first + rest == whole
    assert len(set(whole)) == 8


def test_repeated_noise_repeats_and_noise_of_a_repetition_does_not():
    """It is a function of the step of the schedule it is on."""
    cycle = anneal.Linear(1.0, 0.5, steps=5)
    inside = cycle.noise(0).repeat(2)(np.arange(10))
    outside = cycle.repeat(2).noise(0)(np.arange(10))
    np.testing.assert_array_equal(inside[:5], inside[5:])
    assert not np.any(outside[:5] == outside[5:])


def test_the_same_with_x64_on_and_off():
    """To the rounding of float32."""
    narrow = anneal.Constant(1.0).noise(5)(np.arange(50))
    with jax.enable_x64(not jax.config.jax_enable_x64):
        other = anneal.Constant(1.0).noise(5)(np.arange(50))
    np.testing.assert_allclose(narrow, other, rtol=1e-6)


LINE = anneal.Linear(1.0, 0.0, steps=9)
BAD = {
    "a negative key": (lambda: LINE.noise(-1), ["key", "2**64"]),
    "no key": (lambda: LINE.noise("seed"), ["key", "'seed'", "jax.random.key"]),
    "a key of floats": (lambda: LINE.noise(np.array([0.5, 1.0])), ["key", "whole number"]),
    "several keys": (lambda: LINE.noise(jax.random.split(jax.random.key(0))), ["key"]),
    "distribution": (lambda: LINE.noise(0, distribution="gauss"), ["'normal'", "'gauss'"]),
    "std of uniform": (lambda: LINE.noise(0, 0.1, "uniform"), ["std", "left out", "limit"]),
    "std": (lambda: LINE.noise(0, 0.0), ["std", "above 0"]),
    "limit": (lambda: LINE.noise(0, limit=1.5), ["limit", "at most 1"]),
    "crossed range": (lambda: LINE.noise(0, begin=5, end=2), ["end", "begin=5", "swap"]),
    "a negative range": (lambda: LINE.noise(0, begin=-5, end=2), ["begin", "-5"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_sentence(name):
    """Each error names the argument, the rule, what came and what to do."""
    call, words = BAD[name]
    one_clear_sentence(call, words)


def test_in_an_optimizer():
    """A schedule like any other: Optax takes it."""
    tx = optax.sgd(LINE.noise(0))
    updates, _ = tx.update(jnp.ones(2), tx.init(jnp.ones(2)))
    np.testing.assert_array_equal(updates, -LINE.noise(0)(0) * np.ones(2))
