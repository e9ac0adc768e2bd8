"""`accumulate`, `linear_scaling` and `sqrt_scaling`: a batch that grows, and its rate."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from tests.stateful import one_clear_sentence


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Optax's MultiSteps needs JAX's own promotion rules."""
    return


RAMP = anneal.PiecewiseConstant(boundaries=[2, 4], values=[1, 2, 4])


def run(tx, gradients):
    """The updates on each of some scalar gradients."""
    update = jax.jit(tx.update)
    state, found = tx.init(jnp.zeros(())), []
    for gradient in gradients:
        updates, state = update(jnp.float32(gradient), state, jnp.zeros(()))
        found.append(float(updates))
    return found, state


def test_a_ramp_of_batches():
    """Steps 0, 1 take one batch each, 2, 3 two each, the rest four each; means of gradients."""
    found, state = run(anneal.accumulate(optax.sgd(1.0), RAMP), range(14))
    wanted = [0, -1, 0, -2.5, 0, -4.5, 0, 0, 0, -7.5, 0, 0, 0, -11.5]
    np.testing.assert_allclose(found, wanted)
    assert anneal.hyperparams(state)["accumulation_steps"] == 4
    assert int(state.count) == 6


def test_like_multi_steps():
    """With a constant number it is `optax.MultiSteps`."""
    gradients = np.linspace(-1, 1, 12)
    ours, _ = run(anneal.accumulate(optax.adam(0.1), 3), gradients)
    tx = optax.MultiSteps(optax.adam(0.1), 3)
    theirs, _ = run(optax.GradientTransformationExtraArgs(tx.init, tx.update), gradients)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_sums_if_asked():
    """`use_grad_mean=False`."""
    found, _ = run(anneal.accumulate(optax.sgd(1.0), 2, use_grad_mean=False), [1, 2, 3, 4])
    assert found == [0, -3, 0, -7]


def test_schedules_inside_count_optimizer_steps():
    """The rate moves once for all batches of a step."""
    rate = anneal.Linear(1.0, 0.0, steps=8)
    tx = anneal.accumulate(anneal.inject_hyperparams(optax.sgd)(rate), RAMP)
    found, _ = run(tx, [1.0] * 14)
    steps = [-x for x in found if x]
    np.testing.assert_allclose(steps, rate(np.arange(6)), rtol=1e-6)


def test_another_ramp_in_the_middle_of_a_run():
    """`with_schedules`; no recompilation."""
    tx = anneal.accumulate(optax.sgd(1.0), RAMP)
    traces = []

    @jax.jit
    def update(gradient, state):
        traces.append(1)
        return tx.update(gradient, state)

    state = tx.init(jnp.zeros(()))
    for _ in range(2):
        _, state = update(jnp.ones(()), state)
    other = anneal.PiecewiseConstant(boundaries=[1, 2], values=[1, 3, 3])
    state = anneal.with_schedules(state, accumulation_steps=other)
    found = []
    for _ in range(6):
        updates, state = update(jnp.ones(()), state)
        found.append(float(updates))
    assert found == [0, 0, -1, 0, 0, -1]
    assert traces == [1]


def test_values_between_whole_numbers_are_rounded():
    """Halves upwards, and at least one batch."""
    ramp = anneal.PiecewiseConstant(boundaries=[1, 2], values=[0.2, 1.5, 2.4])
    found, _ = run(anneal.accumulate(optax.sgd(1.0), ramp), [1.0] * 5)
    assert found == [-1, 0, -1, 0, -1]


def test_a_ramp_and_its_rate_are_stated_once():
    """The batch size drives accumulation and rate; examples seen go with the rate's integral."""
    batch_size = anneal.PiecewiseConstant(boundaries=[2, 4], values=[256, 512, 1024])
    rate = anneal.linear_scaling(0.1, batch_size, reference=256)
    tx = anneal.accumulate(anneal.inject_hyperparams(optax.sgd)(rate), batch_size / 256)
    found, _ = run(tx, [1.0] * 14)
    steps = [-x for x in found if x]
    np.testing.assert_allclose(steps, [0.1, 0.1, 0.2, 0.2, 0.4, 0.4], rtol=1e-6)
    assert sum(steps) == pytest.approx(0.1 * 14)


def test_square_root_scaling():
    """Four times the batch, twice the rate; and numbers serve as schedules."""
    assert anneal.sqrt_scaling(0.1, 1024, reference=256)(0) == pytest.approx(0.2)
    assert anneal.linear_scaling(0.1, 1024, reference=256)(0) == pytest.approx(0.4)
    cosine = anneal.Cosine(0.1, 0.0, 10)
    np.testing.assert_allclose(
        anneal.sqrt_scaling(cosine, 1024, reference=256)(np.arange(10)),
        2 * cosine(np.arange(10)),
        rtol=1e-6,
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: anneal.accumulate(optax.sgd(1.0), 0), ["every", "from 1", "got 0"]),
        (lambda: anneal.accumulate(optax.sgd(1.0), 1.5), ["every", "whole", "1.5"]),
        (lambda: anneal.linear_scaling(0.1, RAMP, reference=0), ["reference", "above 0"]),
        (lambda: anneal.sqrt_scaling(0.1, -2, reference=256), ["batch_size", "above 0", "-2"]),
    ],
)
def test_bad_input_is_one_clear_sentence(call, words):
    """Each error names the argument, the rule, what came and what to do."""
    one_clear_sentence(call, words)
