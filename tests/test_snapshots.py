"""Snapshots of the parameters and the ensembles they make."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from anneal_jax import ensemble
from tests.stateful import one_clear_sentence

CYCLES = anneal.cosine_restarts(1.0, cycle_steps=2, cycles=3, steps_factor=2)  # ends 2, 6, 14


def count_up(tx, steps, state=None):
    """The state after steps on which every parameter grows by 1 from 0."""
    params = {"w": jnp.zeros((2, 3)), "b": jnp.zeros(2, jnp.bfloat16)}
    update = jax.jit(tx.update)
    state = tx.init(params) if state is None else state
    for k in range(steps):
        now = jax.tree.map(lambda p, k=k: jnp.full_like(p, k), params)
        _, state = update(jax.tree.map(jnp.ones_like, params), state, now)
    return state


class TestSnapshots:
    """`snapshots`, `members`, `member_steps`."""

    def test_one_at_the_end_of_each_cycle(self):
        """The parameters after the last update of each, the schedule's end included."""
        state = count_up(anneal.snapshots(CYCLES, keep=5), 20)
        members = ensemble.members(state)
        assert ensemble.member_steps(state) == [2, 6, 14]
        assert members["w"].shape == (3, 2, 3)
        assert members["b"].dtype == jnp.bfloat16
        np.testing.assert_array_equal(members["w"][:, 0, 0], [2, 6, 14])
        rates = CYCLES(np.arange(20))
        for step in (2, 6):  # where the rate was the smallest of the cycle
            assert rates[step - 1] == rates[max(step - 2, 0) : step].min() < rates[step]

    def test_a_ring_keeps_the_newest(self):
        """Oldest first."""
        state = count_up(anneal.snapshots(CYCLES, keep=2), 20)
        assert ensemble.member_steps(state) == [6, 14]
        np.testing.assert_array_equal(ensemble.members(state)["w"][:, 0, 0], [6, 14])
        np.testing.assert_array_equal(ensemble.members(state, last=1)["w"][:, 0, 0], [14])

    def test_a_schedule_without_restarts_has_one(self):
        """At its end."""
        state = count_up(anneal.snapshots(anneal.Cosine(1.0, 0.0, 7), keep=2), 9)
        assert ensemble.member_steps(state) == [7]

    def test_other_cycles_in_the_middle_of_a_run(self):
        """`with_schedules(cycles=)` moves the ends that are still to come."""
        tx = anneal.snapshots(CYCLES, keep=4)
        state = count_up(tx, 3)
        state = anneal.with_schedules(state, cycles=anneal.cosine_restarts(1.0, 4, cycles=3))
        assert ensemble.member_steps(count_up(tx, 10, state)) == [2, 4, 8, 12]

    def test_on_the_host(self):
        """The ring lies in the memory of the host and stays there; members come back."""
        state = count_up(anneal.snapshots(CYCLES, keep=2, host=True), 15)
        plain = count_up(anneal.snapshots(CYCLES, keep=2), 15)
        if jax.__version_info__ >= (0, 10):  # earlier ones return it in the device's memory
            assert {x.sharding.memory_kind for x in jax.tree.leaves(state.ring)} == {"pinned_host"}
        members, wanted = ensemble.members(state), ensemble.members(plain)
        assert members["w"].sharding.memory_kind == wanted["w"].sharding.memory_kind
        np.testing.assert_array_equal(members["w"], wanted["w"])

    def test_updates_pass_unchanged(self):
        """It only looks on."""
        tx = anneal.snapshots(CYCLES, keep=1)
        updates = jnp.arange(3.0)
        assert tx.update(updates, tx.init(updates), updates)[0] is updates


LOGITS = jnp.array([[[2.0, 0.0, 1.0]], [[0.0, 3.0, 0.0]], [[1.0, 1.0, 4.0]]])  # member, x, class


class TestPredict:
    """`predict`."""

    def test_means(self):
        """Of probabilities, of logits, or nothing but the members."""

        def apply(logits, x):
            return logits * x

        one = jnp.ones(())
        np.testing.assert_allclose(
            ensemble.predict(apply, LOGITS, one), jax.nn.softmax(LOGITS).mean(0), rtol=1e-6
        )
        np.testing.assert_allclose(
            ensemble.predict(apply, LOGITS, one, combine="logits"), LOGITS.mean(0), rtol=1e-6
        )
        np.testing.assert_array_equal(
            ensemble.predict(apply, LOGITS, one, combine="members"), LOGITS
        )
        np.testing.assert_allclose(
            ensemble.predict(apply, LOGITS, one, last=2),
            jax.nn.softmax(LOGITS[1:]).mean(0),
            rtol=1e-6,
        )

    def test_one_program_for_all_members(self):
        """The function is traced once, for however many."""
        traces = []

        def apply(params, x):
            traces.append(1)
            return x @ params["w"] + params["b"][None]

        members = {"w": jnp.ones((7, 3, 4)), "b": jnp.zeros((7, 4))}
        x = jnp.ones((5, 3))
        found = jax.jit(lambda m, x: ensemble.predict(apply, m, x))(members, x)
        assert found.shape == (5, 4)
        assert traces == [1]

    def test_half_precision_is_averaged_in_float32(self):
        """Eight members of bfloat16."""
        logits = jnp.linspace(0, 3, 24).reshape(8, 3).astype(jnp.bfloat16)
        found = ensemble.predict(lambda w, x: w, logits, 0)
        wanted = jax.nn.softmax(logits.astype(jnp.float32)).mean(0)
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


class TestBatchStats:
    """`refresh_batch_stats`."""

    def test_flax_batch_norm_of_every_member(self):
        """Each member gets the statistics of its own activations over all the data."""
        from flax import linen as nn

        class Model(nn.Module):
            momentum: float = 0.9

            @nn.compact
            def __call__(self, x, train):
                x = nn.Dense(4, use_bias=False)(x)
                return nn.BatchNorm(use_running_average=not train, momentum=self.momentum)(x)

        keys = jax.random.split(jax.random.key(0), 3)
        data = jax.random.normal(jax.random.key(1), (40, 3), jnp.float32) * 3 + 1
        variables = jax.vmap(lambda key: Model().init(key, data, train=True))(keys)

        def statistics(params, batch):
            _, new = Model(momentum=0.0).apply(
                {"params": params, "batch_stats": jax.tree.map(lambda s: s[0], stale)},
                batch,
                train=True,
                mutable=["batch_stats"],
            )
            return new["batch_stats"]

        stale = variables["batch_stats"]
        stats = ensemble.refresh_batch_stats(
            jax.vmap(statistics, in_axes=(0, None)), variables["params"], data.reshape(4, 10, 3)
        )
        kernels = variables["params"]["Dense_0"]["kernel"]
        for k in range(3):
            hidden = (data @ kernels[k]).reshape(4, 10, 4)
            found = jax.tree.map(lambda s, k=k: s[k], stats)["BatchNorm_0"]
            np.testing.assert_allclose(found["mean"], hidden.mean((0, 1)), rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(found["var"], hidden.var(1).mean(0), rtol=1e-4)
        outputs = ensemble.predict(
            lambda v, x: Model().apply(v, x, train=False),
            {"params": variables["params"], "batch_stats": stats},
            data,
            combine="members",
        )
        np.testing.assert_allclose(outputs.mean(1), 0, atol=1e-3)

    def test_a_bar_unless_told_otherwise(self, monkeypatch):
        """On a terminal, one tick a batch."""
        for progress in (True, False):
            written = io.StringIO()
            monkeypatch.setattr(written, "isatty", lambda: True)
            monkeypatch.setattr("sys.stderr", written)
            ensemble.refresh_batch_stats(
                lambda p, x: x, jnp.zeros(1), [jnp.ones(1)] * 3, progress=progress
            )
            assert ("3/3" in written.getvalue()) is progress


BAD = {
    "a ring of none": (lambda: anneal.snapshots(CYCLES, keep=0), ["keep", "from 1", "got 0"]),
    "neither restarts nor an end": (
        lambda: anneal.snapshots(anneal.InverseSqrt(1.0, 10), keep=1),
        ["schedule", "restarts or an end"],
    ),
    "no params": (
        lambda: (tx := anneal.snapshots(CYCLES, 1)).update(jnp.ones(1), tx.init(jnp.ones(1))),
        ["params", "tx.update(grads, state, params)"],
    ),
    "no snapshots in the chain": (
        lambda: ensemble.members(optax.sgd(1.0).init(jnp.ones(1))),
        ["opt_state", "anneal_jax.snapshots"],
    ),
    "none taken yet": (
        lambda: ensemble.members(anneal.snapshots(CYCLES, 1).init(jnp.ones(1))),
        ["none yet", "end of a cycle"],
    ),
    "more than there are": (
        lambda: ensemble.members(count_up(anneal.snapshots(CYCLES, 5), 7), last=3),
        ["last", "from 1 to 2"],
    ),
    "none of the last": (
        lambda: ensemble.predict(lambda p, x: p, LOGITS, 0, last=0),
        ["last", "from 1 to 3"],
    ),
    "an unknown mean": (
        lambda: ensemble.predict(lambda p, x: p, LOGITS, 0, combine="logit"),
        ["combine", "'logits'"],
    ),
    "no axis of members": (
        lambda: ensemble.predict(lambda p, x: p, {"a": jnp.ones((2, 3)), "b": jnp.ones(3)}, 0),
        ["snapshots", "members as first axis"],
    ),
    "no batches": (
        lambda: ensemble.refresh_batch_stats(lambda p, x: x, 0, [], progress=False),
        ["batches", "at least one"],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_sentence(name):
    """Each error names the argument, the rule, what came and what to do."""
    call, words = BAD[name]
    one_clear_sentence(call, words)


def test_states_that_came_back_from_the_host():
    """NumPy arrays, as `jax.device_get` or pickle give them."""
    state = jax.device_get(count_up(anneal.snapshots(CYCLES, keep=2), 7))
    np.testing.assert_array_equal(ensemble.members(state)["w"][:, 0, 0], [2, 6])


def test_parameters_without_a_gradient():
    """Optax passes None for them (Equinox, integers): the copies have them as they are."""
    params = {"w": jnp.ones(3), "n": jnp.arange(3)}
    for tx in (anneal.snapshots(anneal.Linear(1.0, 0.0, 1), 1), anneal.average_params("window")):
        _, state = tx.update({"w": jnp.ones(3), "n": None}, tx.init(params), params)
        rings = [x for x in jax.tree.leaves(state) if x.shape[1:] == (3,)]
        (ring,) = [x for x in rings if jnp.issubdtype(x.dtype, jnp.integer)]
        np.testing.assert_array_equal(ring[0], params["n"])
    np.testing.assert_array_equal(anneal.averaged_params(state)["n"], params["n"])


def test_whole_statistics_are_averaged_too():
    """As numbers, not cut off."""
    found = ensemble.refresh_batch_stats(
        lambda _, x: jnp.sum(x), 0, [jnp.array([2]), jnp.array([5])], progress=False
    )
    assert float(found) == 3.5
