"""`reset_on_restart`: at each cycle start the optimizer's memory begins anew, and only then."""

import collections
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from tests.stateful import close, one_clear_sentence, problem, same

GROWING = anneal.cosine_restarts(0.1, cycle_steps=3, cycles=3, steps_factor=2)  # starts 0, 3, 9
NESTED = (
    anneal.Cosine(0.1, 0.0, 2).repeat(cycles=3).then(anneal.Linear(0.1, 0.0, 4).repeat(cycles=2))
)

ADAM = optax.chain(optax.scale_by_adam(), optax.scale(-0.01))


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Optax's Adam needs JAX's own promotion rules."""
    return


@functools.cache
def stepper(tx):
    """A jitted step on the loss of `problem`; the same one for the same transformation."""
    loss = problem()[1]

    @jax.jit
    def step(params, state):
        updates, state = tx.update(jax.grad(loss)(params), state, params)
        return optax.apply_updates(params, updates), state

    return step


def train(tx, params, steps):
    """Parameters and state after some steps."""
    state = tx.init(params)
    for _ in range(steps):
        params, state = stepper(tx)(params, state)
    return params, state


@pytest.mark.parametrize("schedule", [GROWING, NESTED, GROWING.shift(2), GROWING + NESTED])
def test_like_a_new_optimizer_in_each_cycle(schedule):
    """Starting Adam afresh by hand, at every restart of the schedule, is the same run."""
    length = 22
    ours, _ = train(anneal.reset_on_restart(ADAM, schedule), problem()[0], length)
    starts = [t for t in range(length) if t == 0 or bool(schedule.is_restart(t))]
    assert len(starts) >= 3
    params = problem()[0]
    for begin, end in zip(starts, [*starts[1:], length], strict=True):
        params, _ = train(ADAM, params, end - begin)
    close(ours, params)


def test_schedules_inside_carry_on():
    """The rate is that of the step, not of the cycle; and so for every way to hold a schedule."""
    for inner in (
        optax.adamw(GROWING),
        anneal.inject_hyperparams(optax.adamw)(GROWING),
        optax.inject_hyperparams(optax.adamw)(GROWING),
        optax.chain(optax.scale_by_adam(), anneal.scale_by_learning_rate(GROWING)),
        anneal.layerwise_decay(GROWING, 1.0, depth_of=lambda _: 0, inner=optax.scale_by_adam()),
    ):
        _, state = train(anneal.reset_on_restart(inner, GROWING), problem()[0], 10)
        counts = sorted(int(c) for _, c in optax.tree.get_all_with_path(state, "count"))
        assert counts[0] == 1  # Adam's own, one step into the cycle
        assert counts[1:] in ([10, 10], [10, 10, 10])  # of the schedule and of the transformation


def test_metrics_and_copies_carry_on():
    """What follows the loss or keeps copies of the parameters is no memory of gradients."""
    inner = optax.chain(
        optax.adam(0.1),
        anneal.reduce_on_plateau(patience=0, factor=0.5),
        anneal.average_params("uniform"),
        anneal.snapshots(GROWING, keep=3),
    )
    tx = anneal.reset_on_restart(inner, GROWING)
    params = problem()[0]
    state = tx.init(params)
    update = jax.jit(lambda s: tx.update(params, s, params, value=1.0)[1])
    for _ in range(10):
        state = update(state)
    assert anneal.hyperparams(state)["plateau_scale"] == 0.5**9
    assert anneal.ensemble.member_steps(state) == [3, 9]
    average = [s for s in state.inner_state if isinstance(s, anneal.transforms.AverageParamsState)]
    assert [int(s.samples) for s in average] == [10]


@pytest.mark.parametrize(("keep", "kept"), [((), set()), ("nu", {"nu"}), (["nu", "count"], {"nu"})])
def test_kept_fields_stay(keep, kept):
    """All but the named fields begin anew."""
    tx = anneal.reset_on_restart(optax.adam(GROWING), GROWING, keep=keep)
    reference = optax.adam(GROWING)
    params = problem()[0]
    state, other = tx.init(params), reference.init(params)
    grads = jax.grad(problem()[1])(params)
    for _ in range(4):
        _, state = tx.update(grads, state, params)
        _, other = reference.update(grads, other, params)
    for name, once in (("mu", 0.1), ("nu", 0.001)):
        first = jax.tree.map(lambda g, n=name, f=once: f * (g if n == "mu" else g * g), grads)
        wanted = optax.tree.get(other, name) if name in kept else first
        close(optax.tree.get(state, name), wanted)
    counts = [int(c) for _, c in optax.tree.get_all_with_path(state.inner_state[0], "count")]
    assert counts == [4 if "count" in keep else 1]


def test_no_host_sync_and_no_second_evaluation_of_the_inner_optimizer():
    """One program without callbacks, whose size is that of the inner one and a little."""
    params = {"w": jnp.ones(64)}
    inner = optax.adam(1e-3)
    tx = anneal.reset_on_restart(inner, GROWING)
    programs = [str(jax.make_jaxpr(t.update)(params, t.init(params), params)) for t in (inner, tx)]
    assert "callback" not in programs[1]
    assert programs[1].count("sqrt") == programs[0].count("sqrt")


def test_between_restarts_nothing_is_touched():
    """Bit for bit the inner optimizer, where the schedule does not restart."""
    inner = optax.adamw(0.1)
    ours, state = train(anneal.reset_on_restart(inner, GROWING.shift(100)), problem()[0], 5)
    wanted, other = train(inner, problem()[0], 5)
    same((ours, state.inner_state), (wanted, other))


BAD = {
    "no restarts": (
        lambda: anneal.reset_on_restart(optax.adam(1.0), anneal.Linear(1.0, 0.0, 5)),
        ["schedule", "restarts", "cosine_restarts"],
    ),
    "no schedule of ours": (
        lambda: anneal.reset_on_restart(optax.adam(1.0), optax.constant_schedule(1.0)),
        ["schedule", "a Schedule"],
    ),
    "keep names no field": (
        lambda: anneal.reset_on_restart(optax.adam(1.0), GROWING, keep="mv").init(jnp.ones(2)),
        ["keep", "'mv'", "'mu'", "did you mean"],
    ),
    "keep names a field that carries on": (
        lambda: _init(optax.chain(optax.trace(0.9), optax.sgd(GROWING)), keep="count"),
        ["keep", "'count'", "'trace'"],
    ),
    "nothing to keep": (
        lambda: _init(optax.sgd(GROWING), keep="count"),
        ["keep", "left out", "'count'"],
    ),
    "no params": (
        lambda: _update_without_params(anneal.reset_on_restart(optax.adam(1.0), GROWING)),
        ["params", "tx.update(grads, state, params)"],
    ),
    "cycles where nothing follows them": (
        lambda: anneal.with_schedules(optax.adam(1.0).init(jnp.ones(2)), cycles=GROWING),
        ["cycles", "reset_on_restart"],
    ),
}


def _init(inner, keep):
    anneal.reset_on_restart(inner, GROWING, keep=keep).init(jnp.ones(2))


def _update_without_params(tx):
    tx.update(jnp.ones(2), tx.init(jnp.ones(2)))


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_sentence(name):
    """Each error names the argument, the rule, what came and what to do."""
    call, words = BAD[name]
    one_clear_sentence(call, words)


def test_one_inside_another():
    """The outer one leaves the clock of the inner one alone: both restart when they should."""
    fast, slow = (anneal.cosine_restarts(1.0, cycle_steps=n) for n in (3, 5))
    inner = anneal.reset_on_restart(optax.trace(1.0), fast)
    tx = anneal.reset_on_restart(inner, slow)
    state, found = tx.init(jnp.zeros(())), []
    for _ in range(8):
        updates, state = tx.update(jnp.ones(()), state, jnp.zeros(()))
        found.append(float(updates))
    assert found == [1, 2, 3, 1, 2, 1, 1, 2]


def test_a_scheduled_weight_decay_carries_on():
    """It counts steps in a state of its own."""
    if isinstance(optax.add_decayed_weights(lambda count: count).init(()), optax.EmptyState):
        pytest.skip("this Optax has no scheduled weight decay")
    tx = anneal.reset_on_restart(optax.add_decayed_weights(lambda count: 1.0 * count), GROWING)
    state, found = tx.init(jnp.ones(())), []
    for _ in range(6):
        updates, state = tx.update(jnp.zeros(()), state, jnp.ones(()))
        found.append(float(updates))
    assert found == [0, 1, 2, 3, 4, 5]


def test_random_keys_are_not_used_twice():
    """A restart does not bring the noise of the first cycle back."""
    rate = anneal.cosine_restarts(1.0, cycle_steps=2)
    tx = anneal.reset_on_restart(optax.add_noise(1.0, 0.0, 0), rate)
    state, found = tx.init(jnp.zeros(())), []
    for _ in range(4):
        updates, state = tx.update(jnp.zeros(()), state, jnp.zeros(()))
        found.append(float(updates))
    assert len(set(found)) == 4


def test_names_of_parameters_are_no_fields():
    """`keep` speaks of the optimizer's fields, whatever the parameters are called."""
    params = collections.namedtuple("Params", "nu w")(jnp.zeros(()), jnp.zeros(()))
    tx = anneal.reset_on_restart(optax.sgd(1.0, momentum=1.0), GROWING, keep="trace")
    state = tx.init(params)
    for _ in range(4):
        updates, state = tx.update(jax.tree.map(jnp.ones_like, params), state, params)
    assert (float(updates.nu), float(updates.w)) == (-4, -4)
    tx = anneal.reset_on_restart(optax.adam(1.0), GROWING, keep="nu")
    state = tx.init(params)
    for _ in range(4):
        updates, state = tx.update(jax.tree.map(jnp.ones_like, params), state, params)
    np.testing.assert_allclose(optax.tree.get(state, "mu").nu, 0.1, rtol=1e-6)


def test_parameters_in_any_dictionary():
    """Also in one that cannot be made from its items alone."""
    params = collections.defaultdict(list, {"w": jnp.zeros(2)})
    tx = anneal.reset_on_restart(optax.adam(1.0), GROWING)
    _, state = tx.update(params, tx.init(params), params)
    assert int(state.count) == 1
