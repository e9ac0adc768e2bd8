"""`reduce_on_plateau` and `greedy`: rates that follow a metric."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from tests.stateful import one_clear_sentence


def scales(tx, metrics):
    """The scale after each metric, through jitted updates of ones."""
    update = jax.jit(tx.update)
    state, found = tx.init(jnp.ones(2)), []
    for metric in metrics:
        updates, state = update(jnp.ones(2), state, value=jnp.float32(metric))
        found.append(float(updates[0]))
    assert found[-1] == float(next(iter(anneal.hyperparams(state).values())))
    return found, state


class TestReduceOnPlateau:
    """`reduce_on_plateau`."""

    def test_patience_counts_as_in_torch(self):
        """After more than `patience` bad metrics in a row."""
        found, _ = scales(anneal.reduce_on_plateau(patience=2, factor=0.5), [1.0] * 8)
        assert found == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]

    def test_no_patience(self):
        """Every bad metric reduces (Optax's where they improve)."""
        found, _ = scales(anneal.reduce_on_plateau(patience=0, factor=0.5), [1.0] * 4)
        assert found == [1, 0.5, 0.25, 0.125]

    @pytest.mark.parametrize("sign", [1.0, -1.0])
    @pytest.mark.parametrize("mode", ["min", "max"])
    @pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
    def test_metrics_of_both_signs(self, mode, sign, threshold_mode):
        """A metric that stands still is a plateau; one that improves by enough is none."""
        tx = anneal.reduce_on_plateau(
            mode, factor=0.5, patience=0, threshold=0.1, threshold_mode=threshold_mode
        )
        assert scales(tx, [sign, sign, sign])[0] == [1, 0.5, 0.25]
        better = -1 if mode == "min" else 1
        assert scales(tx, [sign, sign + 0.05 * better])[0] == [1, 0.5]
        assert scales(tx, [sign, sign + 0.2 * better, sign + 0.6 * better])[0] == [1, 1, 1]

    def test_cooldown(self):
        """Bad metrics do not count for a while after a reduction."""
        tx = anneal.reduce_on_plateau(patience=0, factor=0.5, cooldown=2)
        assert scales(tx, [1.0] * 7)[0] == [1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]

    def test_floor_and_eps(self):
        """The scale stops at `min_scale`; a change by no more than `eps` is left out."""
        tx = anneal.reduce_on_plateau(patience=0, factor=0.5, min_scale=0.3)
        assert scales(tx, [1.0] * 4)[0] == pytest.approx([1, 0.5, 0.3, 0.3])
        tx = anneal.reduce_on_plateau(patience=0, factor=0.5, eps=0.2)
        assert scales(tx, [1.0] * 4)[0] == [1, 0.5, 0.25, 0.25]
        tx = anneal.reduce_on_plateau(patience=0, factor=0.5, eps=0.5)  # no more than that, either
        assert scales(tx, [1.0] * 3)[0] == [1, 1, 1]

    def test_a_reduction_that_eps_forbids_counts_as_one(self):
        """As in torch: bad metrics are counted anew, and the cooldown begins."""
        tx = anneal.reduce_on_plateau(patience=1, factor=0.5, eps=1.0, cooldown=3)
        _, state = scales(tx, [1.0] * 3)
        assert (int(state.memory.bad_count), int(state.memory.cooldown_count)) == (0, 3)

    def test_accumulation(self):
        """The mean of several metrics is judged, as one."""
        tx = anneal.reduce_on_plateau(patience=0, factor=0.5, accumulation_size=2)
        found, _ = scales(tx, [1.0, 3.0, 0.5, 3.5, 1.0, 1.0])
        assert found == [1, 1, 1, 0.5, 0.5, 0.5]

    def test_nan_is_no_improvement_and_is_counted(self):
        """It can be read, and the next good metric counts."""
        tx = anneal.reduce_on_plateau(patience=1, factor=0.5)
        found, state = scales(tx, [np.nan, 1.0, np.nan, np.nan, 0.5])
        assert found == [1, 1, 1, 0.5, 0.5]
        assert (int(state.nan_count), float(state.memory.best)) == (3, 0.5)
        _, state = scales(anneal.reduce_on_plateau(accumulation_size=2), [np.nan])
        assert int(state.nan_count) == 1  # whether or not its mean is due

    def test_warmup_then_plateau(self):
        """The scale multiplies whatever schedule there is."""
        warmup = anneal.Linear(0.0, 1.0, steps=2)
        tx = optax.chain(
            anneal.scale_by_learning_rate(warmup), anneal.reduce_on_plateau(patience=2, factor=0.5)
        )
        state, found = tx.init(jnp.ones(1)), []
        for _ in range(5):
            updates, state = tx.update(jnp.ones(1), state, value=1.0)
            found.append(-float(updates[0]))
        assert found == [0, 0.5, 1, 0.5, 0.5]

    def test_options_may_differ_in_a_population(self):
        """Options are data: `vmap` over factor and patience."""

        def final(factor, patience):
            tx = anneal.reduce_on_plateau(factor=factor, patience=patience)
            state = tx.init(jnp.ones(1))
            for _ in range(4):
                updates, state = tx.update(jnp.ones(1), state, value=jnp.float32(1.0))
            return updates[0]

        got = jax.vmap(final)(jnp.array([0.5, 0.5, 0.25]), jnp.array([0, 1, 1]))
        np.testing.assert_allclose(got, [0.125, 0.5, 0.25])


class TestObserve:
    """Metrics that come once an epoch."""

    def test_like_one_given_to_update(self):
        """The same scales, and updates need no value."""
        metrics = [1.0, 0.9, 0.9, 0.9, 0.2, 0.3]
        wanted, _ = scales(anneal.reduce_on_plateau(patience=1), metrics)
        tx = optax.chain(anneal.reduce_on_plateau(patience=1, observed=True), optax.scale(1.0))
        state, found = tx.init(jnp.ones(1)), []
        for metric in metrics:
            state = jax.jit(anneal.observe)(state, metric)
            updates, state = tx.update(jnp.ones(1), state)
            found.append(float(updates[0]))
        np.testing.assert_allclose(found, wanted, rtol=1e-6)

    def test_in_a_flax_optimizer_and_on_a_mesh(self):
        """In place, and without moving or recompiling anything."""
        from flax import nnx

        model = nnx.Linear(2, 1, rngs=nnx.Rngs(0))
        tx = optax.chain(optax.sgd(0.1), anneal.greedy(patience=0, factor=0.5, observed=True))
        optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
        anneal.observe(optimizer, 1.0)
        anneal.observe(optimizer, 0.5)
        assert anneal.hyperparams(optimizer)["greedy_scale"] == 4.0


class TestGreedy:
    """`greedy`."""

    def test_rises_and_falls(self):
        """Divided by the factor while the metric improves, multiplied while it does not."""
        tx = anneal.greedy(factor=0.5, patience=1)
        found, _ = scales(tx, [1.0, 0.9, 0.8, 0.7, 0.7, 0.7, 0.7, 0.7])
        assert found == [1, 2, 2, 4, 4, 2, 2, 1]

    def test_bounds(self):
        """Between `min_scale` and `max_scale`."""
        tx = anneal.greedy(factor=0.5, patience=0, min_scale=0.3, max_scale=3.0)
        assert scales(tx, [1.0, 0.9, 0.8])[0] == pytest.approx([2, 3, 3])
        assert scales(tx, [np.nan] * 3)[0] == pytest.approx([0.5, 0.3, 0.3])

    def test_changes_by_no_more_than_eps_are_left_out(self):
        """Raises and reductions."""
        assert scales(anneal.greedy(factor=0.5, patience=0, eps=1.0), [1.0, 0.9])[0] == [1, 1]
        tx = anneal.greedy(factor=0.5, patience=0, eps=0.5)
        assert scales(tx, [np.nan] * 2)[0] == [1, 1]

    def test_begins_anew_after_long_at_the_floor(self):
        """Scale 1 and a forgotten best after `reset_start` reductions at the floor."""
        tx = anneal.greedy(factor=0.5, patience=0, min_scale=0.5, reset_start=2)
        found, state = scales(tx, [1.0, 2.0, 2.0, 2.0])
        assert found == [2, 1, 0.5, 1]
        assert np.isinf(float(state.memory.best))

    def test_a_running_mean_smooths(self):
        """One outlier in a window of four is no improvement."""
        tx = anneal.greedy(factor=0.5, patience=0, window_size=4)
        assert scales(tx, [1.0, 1.0, 1.0, 0.5])[0] == [2, 1, 0.5, 1]


def test_missing_value_is_one_clear_sentence():
    """It says how to pass it, and the other way to report a metric."""
    for build in (anneal.reduce_on_plateau, anneal.greedy):
        tx = build()
        with pytest.raises(ValueError, match="value must be given to update") as error:
            tx.update(jnp.ones(1), tx.init(jnp.ones(1)))
        assert "anneal_jax.observe" in str(error.value)
        assert build.__name__ in str(error.value)


BAD = {
    "mode": (lambda build: build("minimum"), ["mode", "'min'", "did you mean"]),
    "factor of 1": (lambda build: build(factor=1.0), ["factor", "below 1", "1.0"]),
    "factor of 0": (lambda build: build(factor=0.0), ["factor", "above 0"]),
    "patience": (lambda build: build(patience=-1), ["patience", "-1"]),
    "half a patience": (lambda build: build(patience=1.5), ["patience", "1.5", "whole"]),
    "threshold": (lambda build: build(threshold=-1e-4), ["threshold", "at least 0"]),
    "relative threshold": (
        lambda build: build(threshold=2.0, threshold_mode="rel"),
        ["threshold", "at most 1"],
    ),
    "threshold mode": (lambda build: build(threshold_mode="relative"), ["threshold_mode", "'rel'"]),
    "cooldown": (lambda build: build(cooldown=-2), ["cooldown", "-2"]),
    "floor": (lambda build: build(min_scale=2.0), ["min_scale", "at most 1"]),
    "eps": (lambda build: build(eps=-1.0), ["eps", "at least 0"]),
    "accumulation": (lambda build: build(accumulation_size=0), ["accumulation_size", "from 1"]),
    "a vector": (
        lambda build: (tx := build()).update(jnp.ones(1), tx.init(jnp.ones(1)), value=jnp.ones(2)),
        ["value", "a scalar metric"],
    ),
    "nobody listens": (
        lambda build: anneal.observe(optax.sgd(1.0).init(jnp.ones(1)), 1.0),
        ["opt_state", "reduce_on_plateau"],
    ),
}


@pytest.mark.parametrize("build", [anneal.reduce_on_plateau, anneal.greedy])
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_sentence(name, build):
    """Each error names the argument, the rule, what came and what to do."""
    call, words = BAD[name]
    one_clear_sentence(lambda: call(build), words)


def test_the_largest_relative_threshold():
    """The first metric is an improvement whatever the threshold; to 0 is one of all."""
    tx = anneal.reduce_on_plateau(patience=0, factor=0.5, threshold=1.0, threshold_mode="rel")
    assert scales(tx, [1.0, 0.5, -0.5])[0] == [1, 0.5, 0.5]


def test_numpy_numbers_are_numbers():
    """As a configuration reader hands them over."""
    tx = anneal.reduce_on_plateau(
        patience=np.int64(0), factor=np.float32(0.5), min_scale=np.float32(0.25)
    )
    assert scales(tx, [1.0, 1.0, 1.0, 1.0])[0] == [1, 0.5, 0.25, 0.25]
    tx = anneal.greedy(patience=np.int64(0), factor=np.float64(0.5), window_size=np.int64(1))
    assert scales(tx, [1.0, 1.0])[0] == [2, 1]


def test_a_state_that_came_back_from_the_host():
    """NumPy arrays, as `jax.device_get` gives them."""
    state = jax.device_get(anneal.greedy(factor=0.5, patience=0, observed=True).init(jnp.ones(1)))
    assert anneal.hyperparams(anneal.observe(state, 1.0))["greedy_scale"] == 2
