"""Schedules in the optimizer state: values, dtypes, overrides, and every wrapper of Optax."""

import collections
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from flax.training import train_state

import anneal_jax as anneal

RATE = anneal.warmup_cosine(1e-2, warmup_steps=3, total_steps=20)


def problem(dtype=jnp.float32):
    params = {"w": jnp.linspace(-1, 1, 12, dtype=dtype).reshape(3, 4), "b": jnp.ones(4, dtype)}
    x = jnp.asarray(np.random.default_rng(0).normal(size=(8, 3)), dtype)

    def loss(params):
        return jnp.mean(jnp.square(x @ params["w"] + params["b"][None, :]))

    return params, loss


@functools.cache
def stepper(tx, dtype):
    """A jitted train step of a transformation; the same one for the same transformation."""
    _, loss = problem(dtype)

    @jax.jit
    def step(params, state):
        updates, state = tx.update(jax.grad(loss)(params), state, params)
        rates = [v for k, v in anneal.hyperparams(state).items() if "learning_rate" in k]
        return optax.apply_updates(params, updates), state, rates[0]

    return step


def train(tx, steps=10, dtype=jnp.float32, state=None):
    """Params, state, and the learning rate used at each step."""
    params, rates = problem(dtype)[0], []
    state = tx.init(params) if state is None else state
    for _ in range(steps):
        params, state, rate = stepper(tx, dtype)(params, state)
        rates.append(rate)
    return params, state, np.array(rates)


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Optax itself mixes dtypes; strictness is for what is ours."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def test_the_rate_used_is_the_schedule_and_can_be_read():
    """`hyperparams` after update k is the schedule at k, bit for bit."""
    _, state, rates = train(anneal.inject_hyperparams(optax.adamw)(RATE))
    np.testing.assert_array_equal(rates, RATE(np.arange(10)))
    assert state.hyperparams["learning_rate"] == RATE(9)
    assert state.count == 10


def test_injecting_does_not_change_the_trajectory():
    """Same parameters as Optax with the schedule as a callable, to rounding (optax#583, #1532)."""
    ours, _, _ = train(anneal.inject_hyperparams(optax.adamw)(RATE, weight_decay=0.01))
    params, loss = problem()
    tx = optax.adamw(RATE, weight_decay=0.01)
    update = jax.jit(lambda p, s: tx.update(jax.grad(loss)(p), s, p))
    state = tx.init(params)
    for _ in range(10):
        updates, state = update(params, state)
        params = optax.apply_updates(params, updates)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(params), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-7)


def test_optax_failure_4_bfloat16_params_keep_their_b2():
    """b2 = 0.999 stays 0.999 for bfloat16 params; all finite, all dtypes kept (optax#1414)."""
    tx = anneal.inject_hyperparams(optax.adamw)(RATE, b1=0.9, b2=anneal.Constant(0.999))
    params, state, _ = train(tx, dtype=jnp.bfloat16)
    assert state.hyperparams["b2"] == anneal.Constant(0.999)(0)
    assert all(x.dtype == jnp.bfloat16 for x in jax.tree.leaves(params))
    assert all(np.isfinite(np.asarray(x, np.float32)).all() for x in jax.tree.leaves(params))
    reference, _, _ = train(tx, dtype=jnp.float32)
    for a, b in zip(jax.tree.leaves(params), jax.tree.leaves(reference), strict=True):
        np.testing.assert_allclose(np.asarray(a, np.float32), b, atol=2e-2)


def test_optax_failure_4_an_assigned_value_is_not_ignored():
    """Assigning to a scheduled hyperparameter holds it, until a new plan is set."""
    tx = anneal.inject_hyperparams(optax.sgd)(RATE)
    _, state, _ = train(tx, 2)
    state.hyperparams["learning_rate"] = 0.5
    _, state, rates = train(tx, 3, state=state)
    np.testing.assert_array_equal(rates, [0.5, 0.5, 0.5])
    state = anneal.with_schedules(state, learning_rate=RATE)
    _, _, rates = train(tx, 2, state=state)
    np.testing.assert_array_equal(rates, RATE(np.array([5, 6])))


def test_several_hyperparameters_at_once():
    """Rate, weight decay and b1 follow three schedules."""
    decay, b1 = anneal.Linear(0.1, 0.0, steps=10), anneal.one_cycle_momentum(0.85, 0.95, 20)
    tx = anneal.inject_hyperparams(optax.adamw)(RATE, weight_decay=decay, b1=b1)
    _, state, _ = train(tx, 6)
    expected = {"learning_rate": RATE(5), "b1": b1(5), "weight_decay": decay(5)}
    assert anneal.hyperparams(state) == expected


def test_numbers_can_be_changed_and_defaults_stay_constants():
    """An explicit number is in the state and assignable; a default is not moved there."""
    tx = anneal.inject_hyperparams(optax.sgd)(learning_rate=1, momentum=0.5, nesterov=True)
    state = tx.init(problem()[0])
    assert set(state.hyperparams) == {"learning_rate", "momentum"}
    state.hyperparams["learning_rate"] = 0.25
    _, state, rates = train(tx, 2, state=state)
    np.testing.assert_array_equal(rates, [0.25, 0.25])


def test_a_whole_number_stays_a_constant_where_the_default_is_one():
    """A count that shapes the program; a fraction in its place is a hyperparameter."""

    def factory(learning_rate, count=2):
        return optax.chain(*[optax.sgd(learning_rate)] * (count if isinstance(count, int) else 1))

    make = anneal.inject_hyperparams(factory)
    assert set(make(0.5, count=3).init(jnp.ones(2)).hyperparams) == {"learning_rate"}
    assert set(make(0.5, count=2.5).init(jnp.ones(2)).hyperparams) == {"learning_rate", "count"}
    updates, _ = (tx := make(0.5, count=3)).update(jnp.ones(2), tx.init(jnp.ones(2)))
    np.testing.assert_array_equal(updates, [-0.125, -0.125])


def test_optax_finds_the_value_too():
    """`optax.tree_utils.tree_get(state, "learning_rate")` has one answer."""
    state = anneal.inject_hyperparams(optax.adamw)(RATE).init(problem()[0])
    assert optax.tree_utils.tree_get(state, "learning_rate") == RATE(0)


def test_reads_the_states_of_optax_itself():
    """`hyperparams` also finds what `optax.inject_hyperparams` keeps."""
    state = optax.inject_hyperparams(optax.sgd)(learning_rate=0.5).init(problem()[0])
    assert anneal.hyperparams(state)["learning_rate"] == 0.5


WRAPPERS = {
    "chain": lambda tx: optax.chain(optax.clip_by_global_norm(1.0), tx),
    "apply_if_finite": lambda tx: optax.apply_if_finite(tx, 3),
    "partition": lambda tx: optax.partition(
        {"a": tx, "b": optax.set_to_zero()}, {"w": "a", "b": "b"}
    ),
    "masked": lambda tx: optax.masked(tx, {"w": True, "b": False}),
    "nested chain": lambda tx: optax.chain(optax.chain(optax.identity(), tx), optax.identity()),
}


@pytest.mark.parametrize("name", WRAPPERS)
def test_inside_every_wrapper(name):
    """The value is found and right, and a plan can be replaced, however deep it stands."""
    tx = WRAPPERS[name](anneal.inject_hyperparams(optax.adam)(RATE))
    _, state, rates = train(tx, 4)
    np.testing.assert_array_equal(rates, RATE(np.arange(4)))
    other = anneal.warmup_cosine(1.0, warmup_steps=2, total_steps=9)
    state = anneal.with_schedules(state, learning_rate=other)
    _, _, rates = train(tx, 2, state=state)
    np.testing.assert_array_equal(rates, other(np.array([4, 5])))


def test_multi_steps_advances_once_per_real_update():
    """Under `MultiSteps(every_k=3)` the schedule moves with optimizer steps, not batches."""
    tx = optax.MultiSteps(anneal.inject_hyperparams(optax.sgd)(RATE), every_k_schedule=3)
    params, _ = problem()
    update = jax.jit(tx.update)
    state = tx.init(params)
    seen = []
    for _ in range(9):
        _, state = update(params, state, params)
        seen.append(float(anneal.hyperparams(state)["learning_rate"]))
    assert seen[2::3] == [float(RATE(k)) for k in range(3)]
    assert seen[3:5] == seen[2:3] * 2


def test_a_skipped_update_does_not_advance():
    """`apply_if_finite` that rejects a gradient leaves the step count alone."""
    tx = optax.apply_if_finite(anneal.inject_hyperparams(optax.sgd)(RATE), 5)
    params, _ = problem()
    state = tx.init(params)
    bad = jax.tree.map(lambda p: jnp.full_like(p, jnp.nan), params)
    for grads in (params, bad, params):
        _, state = tx.update(grads, state, params)
    assert anneal.hyperparams(state)["learning_rate"] == RATE(1)


def test_two_groups_are_told_apart():
    """Names that stand twice come with their group, and are replaced by that name."""
    make = anneal.inject_hyperparams(optax.sgd)
    tx = optax.partition({"a": make(RATE), "b": make(0.1 * RATE)}, {"w": "a", "b": "b"})
    state = tx.init(problem()[0])
    values = anneal.hyperparams(state)
    assert set(values) == {"a.learning_rate", "b.learning_rate"}
    state = anneal.with_schedules(state, **{"b.learning_rate": anneal.Constant(2.0)})
    _, state = tx.update(problem()[0], state, problem()[0])
    assert anneal.hyperparams(state)["b.learning_rate"] == 2.0
    assert anneal.hyperparams(state)["a.learning_rate"] == RATE(0)


def test_changing_the_plan_recompiles_nothing_and_loses_nothing():
    """Peak, warmup, total and end change; one compilation; moments and count stay."""
    tx = anneal.inject_hyperparams(optax.adam)(RATE)
    params, loss = problem()
    traces = []

    @jax.jit
    def step(params, state):
        traces.append(1)
        updates, state = tx.update(jax.grad(loss)(params), state, params)
        return optax.apply_updates(params, updates), state

    state = tx.init(params)
    for k, plan in enumerate([(1e-2, 3, 20), (5e-3, 4, 40), (1e-3, 0, 7), (2.0, 100, 10**9)]):
        schedule = anneal.warmup_cosine(*plan, end_value=1e-4 * k)
        before = state.inner_state
        state = anneal.with_schedules(state, learning_rate=schedule)
        jax.tree.map(np.testing.assert_array_equal, state.inner_state, before)
        params, state = step(params, state)
        assert state.hyperparams["learning_rate"] == schedule(k)
    assert len(traces) == 1


def test_state_leaves_are_strongly_typed_and_a_stable_carry():
    """What `init` returns has the types that `update` returns."""
    tx = anneal.inject_hyperparams(optax.adam)(RATE, b1=0.9)
    params, _ = problem()
    first = tx.init(params)
    _, second = tx.update(params, first, params)
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        assert a.aval == b.aval
        assert not a.aval.weak_type


def test_a_fresh_state_can_be_donated():
    """No buffer stands in it twice; also not after a change of plan."""
    tx = anneal.inject_hyperparams(optax.adam)(RATE, b1=0.9)
    params, _ = problem()
    step = jax.jit(lambda s: tx.update(params, s, params)[1], donate_argnums=0)
    state = step(anneal.with_schedules(step(tx.init(params)), learning_rate=2 * RATE))
    assert anneal.hyperparams(state)["learning_rate"] == 2 * RATE(1)


def test_vmap_over_a_population_of_schedules():
    """One program trains members that differ in peak, warmup and horizon."""
    params, loss = problem()
    plans = [(1e-2, 2, 10), (1e-1, 0, 5), (1e-3, 4, 30)]

    def final(peak, warmup, total):
        tx = anneal.inject_hyperparams(optax.adam)(anneal.warmup_cosine(peak, warmup, total))

        def step(carry, _):
            params, state = carry
            updates, state = tx.update(jax.grad(loss)(params), state, params)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(step, (params, tx.init(params)), None, length=6)[0][0]

    columns = (jnp.array(column) for column in zip(*plans, strict=True))
    together = jax.jit(jax.vmap(final))(*columns)
    alone = jax.jit(final)
    for i, plan in enumerate(plans):
        for a, b in zip(*map(jax.tree.leaves, (together, alone(*plan))), strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-5, atol=1e-6)


def test_gradient_through_training_reaches_the_schedule():
    """The loss after training has a finite, non-zero gradient in peak and end value."""
    tx = anneal.inject_hyperparams(optax.sgd)(RATE)
    params, loss = problem()
    state = tx.init(params)

    def final(schedule):
        plan = eqx.tree_at(lambda p: p.schedule, state.schedules[0], schedule)

        def step(carry, _):
            params, state = carry
            updates, state = tx.update(jax.grad(loss)(params), state, params)
            return (optax.apply_updates(params, updates), state), None

        carry = params, state._replace(schedules=(plan,))
        return loss(jax.lax.scan(step, carry, None, length=5)[0][0])

    gradient = jax.jit(lambda plan: eqx.filter_grad(final)(plan))(RATE.as_arrays())
    slopes = [float(g) for g in jax.tree.leaves(gradient)]
    assert all(np.isfinite(slopes))
    assert any(slope != 0 for slope in slopes)


def test_flax_train_state():
    """In a Flax `TrainState`: read, and replaced."""
    params, loss = problem()
    tx = anneal.inject_hyperparams(optax.adam)(RATE)
    state = train_state.TrainState.create(apply_fn=None, params=params, tx=tx)
    step = jax.jit(lambda s: s.apply_gradients(grads=jax.grad(loss)(s.params)))
    for k in range(3):
        state = step(state)
        assert anneal.hyperparams(state)["learning_rate"] == RATE(k)
    state = anneal.with_schedules(state, learning_rate=2.0)
    assert anneal.hyperparams(step(state))["learning_rate"] == 2.0


def test_flax_nnx_optimizer():
    """In an `nnx.Optimizer`, under `nnx.jit`: read, and replaced in place without recompiling."""
    model = nnx.Linear(3, 4, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, anneal.inject_hyperparams(optax.adam)(RATE), wrt=nnx.Param)
    traces = []

    @nnx.jit
    def step(model, optimizer):
        traces.append(1)
        grads = nnx.grad(lambda m: jnp.mean(m(jnp.ones((2, 3))) ** 2))(model)
        optimizer.update(model, grads)

    for k in range(3):
        step(model, optimizer)
        assert anneal.hyperparams(optimizer)["learning_rate"] == RATE(k)
    slower = anneal.warmup_cosine(1e-3, warmup_steps=2, total_steps=50)
    anneal.with_schedules(optimizer, learning_rate=slower)
    step(model, optimizer)
    assert anneal.hyperparams(optimizer)["learning_rate"] == slower(3)
    assert len(traces) == 1


def test_scale_by_learning_rate_ends_a_chain():
    """`chain(scale_by_adam, scale_by_learning_rate(schedule))` is Adam with that schedule."""
    tx = optax.chain(optax.scale_by_adam(), anneal.scale_by_learning_rate(RATE))
    ours, _, rates = train(tx)
    np.testing.assert_array_equal(rates, RATE(np.arange(10)))
    reference, _, _ = train(anneal.inject_hyperparams(optax.adam)(RATE))
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(reference), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_orbax_saves_and_restores_the_plan(tmp_path):
    """The state, schedules included, comes back bit for bit."""
    import orbax.checkpoint as ocp

    tx = anneal.inject_hyperparams(optax.adam)(anneal.cosine_restarts(1e-2, 4, steps_factor=2))
    _, state, _ = train(tx, 5)
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        restored = checkpointer.restore(tmp_path / "state", tx.init(problem()[0]))
    assert jax.tree.structure(restored) == jax.tree.structure(state)
    jax.tree.map(np.testing.assert_array_equal, restored, state)


RESTARTS = anneal.cosine_restarts(1.0, 4)


def stacked(tx=None):
    """The state of two members, as `vmap` and `pmap` stack it."""
    state = (tx or anneal.inject_hyperparams(optax.sgd)(RATE)).init(jnp.zeros(2))
    return jax.tree.map(lambda x: jnp.stack([x, x]), state)


def _cyclic(learning_rate, cycles):
    """An optimizer with a hyperparameter of the name that `with_schedules` reserves."""
    return optax.sgd(learning_rate / cycles)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: anneal.inject_hyperparams(optax.adamw, "maks"), "did you mean 'mask'"),
        (
            lambda: anneal.inject_hyperparams(optax.adamw)(
                RATE, mask=lambda params: jax.tree.map(lambda p: p.ndim > 1, params)
            ),
            "static_args='mask'",
        ),
        (lambda: anneal.inject_hyperparams(optax.sgd)(float("nan")), "learning_rate must be"),
        (lambda: anneal.inject_hyperparams(optax.zero_nans)(), "injectable"),
        (lambda: anneal.inject_hyperparams(_cyclic)(0.5, cycles=3.0), "static_args='cycles'"),
        (lambda: anneal.hyperparams(optax.adam(1e-3).init(jnp.zeros(2))), "inject_hyperparams"),
        (
            lambda: anneal.with_schedules(
                anneal.inject_hyperparams(optax.sgd)(RATE).init(jnp.zeros(2)), lr=RATE
            ),
            "every name must be one of ['learning_rate']",
        ),
        (lambda: anneal.inject_hyperparams(optax.adamw(1e-3)), "pass the function itself"),
        (lambda: anneal.inject_hyperparams(1e-3), "got float 0.001"),
        (lambda: anneal.inject_hyperparams(optax.adamw)(lerning_rate=1.0), "'learning_rate'?"),
        (lambda: anneal.inject_hyperparams(optax.adamw)(), "required argument: 'learning_rate'"),
        (lambda: anneal.inject_hyperparams(optax.sgd)(*range(9)), "too many positional"),
        (lambda: anneal.inject_hyperparams(optax.sgd)(1.0, learning_rate=1.0), "multiple values"),
        (lambda: anneal.inject_hyperparams(optax.sgd)(anneal.Cosine), "a schedule (step to"),
        (
            lambda: anneal.inject_hyperparams(lambda rate: None)(0.5).init(jnp.zeros(2)),
            "returns NoneType; return one",
        ),
        (
            lambda: anneal.with_schedules(optax.adam(1e-3).init(jnp.zeros(2)), learning_rate=RATE),
            "opt_state must be one with injected hyperparameters",
        ),
        (lambda: anneal.with_schedules(stacked(), learning_rate=RATE), "of shape (2,)"),
        (
            lambda: anneal.with_schedules(
                stacked(anneal.reset_on_restart(optax.adam(1.0), RESTARTS)), cycles=RESTARTS
            ),
            "of shape (2,)",
        ),
    ],
)
def test_bad_input_is_one_clear_sentence(call, words):
    """Each error names the argument and the remedy."""
    with pytest.raises(ValueError, match="must be") as error:
        call()
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


BATCH = jax.vmap(lambda peak: anneal.warmup_cosine(peak, 3, 20))(jnp.array([1.0, 2.0]))
BATCHES = {
    "vectors and numbers": BATCH,
    "numbers alone": jax.vmap(anneal.Constant)(jnp.array([1.0, 2.0])),
    "cycles": jax.vmap(lambda x: anneal.cosine_restarts(x, 4))(jnp.array([1.0, 2.0])),
    "vectors alone": jax.vmap(lambda x: anneal.Interpolated([0, 4], jnp.stack([x, 0 * x])))(
        jnp.array([1.0, 2.0])
    ),
}
TAKERS = {
    "inject_hyperparams": lambda batch: anneal.inject_hyperparams(optax.adam)(0.5, b1=batch),
    "scale_by_learning_rate": anneal.scale_by_learning_rate,
    "partition_by_path": lambda batch: anneal.partition_by_path({".": batch}),
    "layerwise_decay": lambda batch: anneal.layerwise_decay(batch, 0.5),
    "accumulate": lambda batch: anneal.accumulate(optax.sgd(0.5), batch),
    "average_params": lambda batch: anneal.average_params(decay=batch),
    "with_schedules": lambda batch: anneal.with_schedules(
        anneal.inject_hyperparams(optax.sgd)(RATE).init(jnp.zeros(2)), learning_rate=batch
    ),
    "reset_on_restart": lambda batch: anneal.reset_on_restart(optax.sgd(0.5), batch),
    "snapshots": lambda batch: anneal.snapshots(batch, keep=2),
}


@pytest.mark.parametrize("taker", TAKERS)
def test_a_batch_of_schedules_is_not_one(taker):
    """Whatever takes a schedule says so at once; inside `vmap` each member has its own."""
    cycles = taker in ("reset_on_restart", "snapshots")
    for batch in [BATCHES["cycles"]] if cycles else BATCHES.values():
        with pytest.raises(ValueError, match=r"must be one schedule, not a batch") as error:
            TAKERS[taker](batch)
        assert len(str(error.value)) < 300


def test_a_schedule_that_holds_vectors_is_one():
    """Tables and joins of like segments have axes of their own."""
    table = anneal.Interpolated([0, 4], [1.0, 0.0]).as_arrays()
    state = anneal.scale_by_learning_rate(table).init(jnp.zeros(2))
    assert anneal.hyperparams(state)["learning_rate"] == 1


def test_a_plan_for_each_member_of_a_population():
    """The remedy that the sentence for stacked states names."""
    state = jax.vmap(lambda s, plan: anneal.with_schedules(s, learning_rate=plan))(stacked(), BATCH)
    assert state.schedules[0].schedule.groups[0].end_value.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("dtype", [jnp.bfloat16, "bfloat16", np.float16, np.dtype("f2"), float])
@pytest.mark.parametrize(
    ("factory", "name", "options"),
    [
        (optax.adamw, "mu_dtype", {}),
        (optax.sgd, "accumulator_dtype", {"momentum": 0.9}),
        (optax.adafactor, "dtype_momentum", {"momentum": 0.9}),
    ],
)
def test_a_dtype_is_never_a_schedule(factory, name, options, dtype):
    """In every form that JAX takes, it reaches the optimizer as it is."""
    options = options | {name: dtype}
    params = {"w": jnp.ones(3)}
    state = anneal.inject_hyperparams(factory)(RATE, **options).init(params)
    assert name not in state.hyperparams
    found, wanted = (
        {str(x.dtype) for x in jax.tree.leaves(inner) if x.ndim}
        for inner in (state.inner_state, factory(0.5, **options).init(params))
    )
    assert found == wanted
    assert str(jnp.ones(0, dtype).dtype) in found


def test_arguments_of_a_factory_that_passes_them_on():
    """Those of `**kwargs` follow schedules like any other."""

    def make(learning_rate, **options):
        return optax.adamw(learning_rate, **options)

    decay = anneal.Linear(0.1, 0.0, steps=10)
    tx = anneal.inject_hyperparams(make)(RATE, weight_decay=decay, b1=0.8, nesterov=True)
    _, state, _ = train(tx, 3)
    wanted = {"learning_rate": RATE(2), "weight_decay": decay(2), "b1": jnp.asarray(0.8)}
    assert anneal.hyperparams(state) == wanted


def test_static_args_pass_a_mask():
    """A callable that is no schedule goes through by name."""
    tx = anneal.inject_hyperparams(optax.adamw, static_args="mask")(
        RATE, mask=lambda p: jax.tree.map(lambda _: True, p)
    )
    _, _, rates = train(tx, 3)
    np.testing.assert_array_equal(rates, RATE(np.arange(3)))


def test_a_schedule_that_is_nan_once_is_not_taken_for_an_assignment():
    """It recovers by itself, and a new plan sets in."""
    tx = anneal.scale_by_learning_rate(lambda t: jnp.sin(1.0 * t) / t)  # 0 / 0 at step 0 only
    state, found = tx.init(jnp.ones(())), []
    for _ in range(3):
        updates, state = tx.update(jnp.ones(()), state)
        found.append(-float(updates))
    np.testing.assert_allclose(found, [np.nan, np.sin(1), np.sin(2) / 2], rtol=1e-6)
    state = anneal.with_schedules(state, learning_rate=anneal.Constant(0.5))
    assert tx.update(jnp.ones(()), state)[0] == -0.5


@pytest.mark.parametrize(
    "inner",
    [
        lambda learning_rate: anneal.scale_by_learning_rate(learning_rate),
        lambda learning_rate: anneal.layerwise_decay(learning_rate, 1.0, depth_of=lambda path: 0),
        lambda learning_rate: anneal.reduce_on_plateau(factor=learning_rate),
    ],
)
def test_hyperparameters_are_not_passed_on_to_what_keeps_its_own(inner):
    """It would stay at the first value without a word; so there is a word."""
    tx = anneal.inject_hyperparams(inner)(learning_rate=anneal.Linear(0.5, 0.0, steps=10))
    with pytest.raises(ValueError, match="must not be passed on"):
        tx.init(jnp.ones(2))


def test_links_that_keep_their_own_may_stand_beside():
    """What does not depend on the injected ones is left alone."""
    tx = anneal.inject_hyperparams(
        lambda learning_rate: optax.chain(optax.sgd(learning_rate), anneal.average_params())
    )(learning_rate=RATE)
    params = jnp.ones(2)
    _, state = tx.update(params, tx.init(params), params)
    assert anneal.hyperparams(state)["learning_rate"] == RATE(0)


def test_a_state_after_an_eager_update_can_be_donated():
    """No buffer stands in it twice, whoever made it."""
    params = jnp.ones(2)
    for tx in (
        anneal.inject_hyperparams(optax.sgd)(RATE),
        anneal.layerwise_decay(RATE, 0.5, depth_of=lambda path: 0),
        anneal.partition_by_path({".*": 0.5 * RATE}),
        anneal.accumulate(optax.sgd(RATE), 2),
    ):
        state = tx.update(params, tx.init(params), params)[1]
        jax.jit(tx.update, donate_argnums=1)(params, state, params)


def test_a_plan_of_another_structure_in_flax():
    """One more compilation, and it works; also a first plan for what was a number."""
    from flax import nnx

    model = nnx.Linear(2, 2, rngs=nnx.Rngs(0))
    tx = anneal.inject_hyperparams(optax.adam)(RATE, b1=0.9)
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer):
        optimizer.update(model, nnx.grad(lambda m: jnp.sum(m(jnp.ones((1, 2)))))(model))

    step(model, optimizer)
    line, momentum = anneal.Linear(1.0, 0.0, steps=10), anneal.Linear(0.9, 0.8, steps=4)
    anneal.with_schedules(optimizer, learning_rate=line, b1=momentum)
    step(model, optimizer)
    assert anneal.hyperparams(optimizer) == {"learning_rate": line(1), "b1": momentum(1)}


def test_states_with_a_field_called_opt_state():
    """A train state of one's own, and Optax's own `sam`, are trees like any other."""
    tx = anneal.inject_hyperparams(optax.sgd)(RATE)
    mine = collections.namedtuple("TrainState", "params opt_state")
    state = mine(jnp.ones(2), tx.init(jnp.ones(2)))
    state = anneal.with_schedules(state, learning_rate=0.25)
    _, state = tx.update(jnp.ones(2), state.opt_state)
    assert anneal.hyperparams(state)["learning_rate"] == 0.25
    sam = optax.contrib.sam(tx, optax.sgd(0.1)).init(jnp.ones(2))
    assert anneal.hyperparams(anneal.with_schedules(sam, learning_rate=0.25))


def test_a_model_with_hyperparams_of_its_own():
    """A static dictionary of that name in the parameters is none of ours."""
    model = eqx.nn.Linear(2, 2, key=jax.random.key(0))

    class Model(eqx.Module):
        linear: eqx.nn.Linear
        hyperparams: dict = eqx.field(static=True)

    state = anneal.inject_hyperparams(optax.adam)(RATE).init(Model(model, {"width": 3}))
    assert set(anneal.hyperparams(state)) == {"learning_rate"}
