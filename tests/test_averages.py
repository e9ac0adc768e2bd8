"""`average_params`: each kind against sums written out, and where samples are taken."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from tests.stateful import one_clear_sentence

CYCLES = anneal.cosine_restarts(1.0, cycle_steps=3, cycles=3)


def averages(tx, steps):
    """The average after each of some steps on which the parameter becomes 1, 2, 4, 8, ..."""
    tx = optax.with_extra_args_support(tx)
    update = jax.jit(tx.update)
    p = jnp.ones(1)
    state, found = tx.init(jnp.full(1, -7.0)), []
    for k in range(steps):
        new = jnp.full(1, 2.0**k)
        _, state = update(new - p, state, p)
        p = new
        found.append(float(anneal.averaged_params(state)[0]))
    return found


POWERS = [2.0**k for k in range(12)]


def test_uniform():
    """The mean of all parameters so far."""
    found = averages(anneal.average_params("uniform"), 8)
    np.testing.assert_allclose(found, [np.mean(POWERS[: k + 1]) for k in range(8)], rtol=1e-6)


def test_ema():
    """The first sample, then `decay` times the old and the rest of the new."""
    found, wanted = averages(anneal.average_params(decay=0.75), 8), [1.0]
    for p in POWERS[1:8]:
        wanted.append(0.75 * wanted[-1] + 0.25 * p)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_ema_that_follows_a_schedule():
    """A decay that rises is usual; it is read and replaced like every hyperparameter."""
    decay = anneal.Linear(0.0, 0.8, steps=4)
    tx = anneal.average_params(decay=decay)
    found, wanted = averages(tx, 8), [1.0]
    for t, p in enumerate(POWERS[1:8], start=1):
        share = float(decay(t))
        wanted.append(share * wanted[-1] + (1 - share) * p)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    state = tx.init(jnp.ones(1))
    assert anneal.hyperparams(state) == {"ema_decay": 0.0}
    state = anneal.with_schedules(state, ema_decay=0.5)
    _, state = tx.update(jnp.ones(1), state, jnp.ones(1))
    assert anneal.hyperparams(state) == {"ema_decay": 0.5}


def test_window():
    """LAWA: the mean of the last few samples, of fewer at first."""
    found = averages(anneal.average_params("window", window=3), 8)
    wanted = [np.mean(POWERS[max(0, k - 2) : k + 1]) for k in range(8)]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize(("kind", "own"), [("uniform", {}), ("window", {"window": 99})])
def test_start_and_every(kind, own):
    """Samples after updates start + every, start + 2 * every, ...; until then the newest."""
    found = averages(anneal.average_params(kind, start=2, every=3, **own), 9)
    samples = {4: POWERS[4], 7: POWERS[7]}  # after 5 and 8 updates
    wanted = []
    for k in range(9):
        taken = [p for at, p in samples.items() if at <= k]
        wanted.append(np.mean(taken) if taken else POWERS[k])
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "own"), [("uniform", {}), ("window", {"window": 9}), ("ema", {"decay": 0.5})]
)
def test_begins_anew_with_each_cycle(kind, own):
    """With a schedule, what came before the restart is forgotten."""
    found = averages(anneal.average_params(kind, schedule=CYCLES, **own), 9)
    fresh = averages(anneal.average_params(kind, **own), 3)
    for start in (0, 3, 6):
        np.testing.assert_allclose(found[start : start + 3], [2**start * x for x in fresh])


def test_swa_samples_the_end_of_each_cycle():
    """`every="cycle"`: the mean of the parameters at the minima, the last one included."""
    found = averages(anneal.average_params("uniform", schedule=CYCLES, every="cycle"), 9)
    ends = [POWERS[2], POWERS[5], POWERS[8]]
    assert found[:2] == POWERS[:2]
    np.testing.assert_allclose(found[2:5], [ends[0]] * 3)
    np.testing.assert_allclose(found[5:8], [np.mean(ends[:2])] * 3)
    np.testing.assert_allclose(found[8], np.mean(ends), rtol=1e-6)


def test_cycles_before_the_start_are_no_samples():
    """Nor is the one that ends with it."""
    found = averages(anneal.average_params("uniform", schedule=CYCLES, every="cycle", start=3), 9)
    np.testing.assert_allclose(found[5:], [POWERS[5]] * 3 + [np.mean([POWERS[5], POWERS[8]])])


@pytest.mark.parametrize("kind", ["ema", "uniform"])
def test_the_first_sample_is_taken_as_it_is(kind):
    """Not mixed with the parameters before it, however large those were."""
    tx, p = anneal.average_params(kind), jnp.float32(1e9)
    _, state = tx.update(jnp.float32(0.0), tx.init(p), jnp.float32(0.3))
    assert anneal.averaged_params(state) == jnp.float32(0.3)


def test_half_precision_is_averaged_in_float32():
    """A thousand small steps are not lost; and the average is of the rounded parameters."""
    tx = anneal.average_params("uniform")
    p = jnp.ones(1, jnp.bfloat16)
    state = tx.init(p)
    step = jax.jit(lambda u, s: tx.update(u, s, p))
    for k in range(512):
        _, state = step(jnp.full(1, 2.0**-7 * (k % 2), jnp.bfloat16), state)
    average = anneal.averaged_params(state)
    assert average.dtype == jnp.float32
    assert float(average[0]) == pytest.approx(1 + 2.0**-8, rel=1e-6)
    ring = anneal.average_params("window", window=2).init(p)
    assert (ring.store.dtype, anneal.averaged_params(ring).dtype) == (jnp.bfloat16, jnp.float32)


def test_updates_pass_unchanged():
    """It only looks on."""
    updates = {"a": jnp.arange(3.0)}
    for kind in ("ema", "uniform", "window"):
        tx = anneal.average_params(kind)
        passed, _ = tx.update(updates, tx.init(updates), updates)
        np.testing.assert_array_equal(passed["a"], updates["a"])


def test_several_averages():
    """Two decays side by side, told apart by their order."""
    tx = optax.chain(anneal.average_params(decay=0.5), anneal.average_params("uniform"))
    p = jnp.zeros(1)
    state = tx.init(p)
    for k in (1.0, 2.0, 6.0):
        _, state = tx.update(jnp.full(1, k), state, p)
    assert float(anneal.averaged_params(state, 0)[0]) == 3.75
    assert float(anneal.averaged_params(state, 1)[0]) == 3.0
    with pytest.raises(ValueError, match="index must be given"):
        anneal.averaged_params(state)


def test_it_averages_noise_away():
    """SGD with a constant rate circles the minimum; the average of its path lies nearer."""
    key = jax.random.key(0)
    tx = optax.chain(optax.sgd(0.5), anneal.average_params("uniform", start=20))
    x = jnp.full(20, 3.0)
    state = tx.init(x)
    for k in range(200):
        noisy = x + jax.random.normal(jax.random.fold_in(key, k), x.shape)
        updates, state = tx.update(noisy, state, x)
        x = optax.apply_updates(x, updates)
    assert jnp.linalg.norm(anneal.averaged_params(state)) < 0.3 * jnp.linalg.norm(x)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: anneal.average_params("emma"), ["kind", "'ema'"]),
        (lambda: anneal.average_params(decay=1.0), ["decay", "below 1"]),
        (
            lambda: anneal.average_params("window", decay=0.9),
            ["decay", "left out for kind='window'", "0.9", "for kind='ema'"],
        ),
        (lambda: anneal.average_params(decay=-0.1), ["decay", "at least 0"]),
        (lambda: anneal.average_params("window", window=0), ["window", "from 1", "0"]),
        (lambda: anneal.average_params(every=0), ["every", "from 1"]),
        (lambda: anneal.average_params(every="epoch"), ["every", "'cycle'"]),
        (lambda: anneal.average_params(every="cycle"), ["schedule", "every='cycle'"]),
        (lambda: anneal.average_params(start=-1), ["start", "-1"]),
        (
            lambda: anneal.average_params(schedule=anneal.Linear(1.0, 0.0, 5)),
            ["schedule", "restarts"],
        ),
        (lambda: anneal.averaged_params(optax.sgd(1.0).init(jnp.ones(1))), ["average_params"]),
        (
            lambda: anneal.averaged_params(anneal.average_params().init(jnp.ones(1)), 2),
            ["index", "from 0 to 0"],
        ),
        (
            lambda: (tx := anneal.average_params()).update(jnp.ones(1), tx.init(jnp.ones(1))),
            ["params", "tx.update(grads, state, params)"],
        ),
    ],
)
def test_bad_input_is_one_clear_sentence(call, words):
    """Each error names the argument, the rule, what came and what to do."""
    one_clear_sentence(call, words)


def test_numbers_as_parameters():
    """Python's own, as Optax takes them."""
    tx = anneal.average_params("uniform")
    _, state = tx.update(1.0, tx.init(2.0), 2.0)
    assert float(anneal.averaged_params(state)) == 3.0
