"""Sweeps: every member is the run that a plain loop makes, by one compiled program."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from anneal_jax.search import Halving, SweepResult, Training, sweep

from .sweeps import DATA, STEPS, X, Y, alone, batch, loss, params

mpl.use("Agg")
PEAKS = [0.003, 0.01, 0.03, 0.1]
PLANS = [anneal.warmup_cosine(p, w, STEPS) for p, w in zip(PEAKS, (2, 5, 3, 8), strict=True)]
WARMUPS = jnp.array([2, 5, 3, 8])
TRAINING = Training.from_loss(loss, optax.adamw, params())


@pytest.fixture(autouse=True, scope="module")
def strict() -> Iterator[None]:
    """Optax's Adam promotes types."""
    with jax.numpy_rank_promotion("raise"):
        yield


def quiet(training: Training = TRAINING, plans: Any = PLANS, data: Any = DATA, **options: Any):
    return sweep(training, plans, data, progress=False, **options)


def wanted() -> np.ndarray:
    return np.stack([alone(optax.adamw(plan))[0] for plan in PLANS])


def same(result: SweepResult, curves: np.ndarray) -> None:
    np.testing.assert_allclose(result.curves, curves, rtol=2e-5)


@pytest.mark.parametrize("lanes", [None, 1, 2, 3, 4])
def test_every_member_is_a_plain_run(lanes: int | None) -> None:
    """Whatever the number of members side by side."""
    result = quiet(lanes=lanes)
    same(result, wanted())
    assert set(result.table["status"]) == {"finished"}
    np.testing.assert_allclose(result.table["final_loss"], result.curves[:, -1], rtol=1e-6)


def test_plans_may_be_one_tree() -> None:
    """As `jax.vmap` over a recipe gives, or in a dictionary with what is the same for all."""
    stacked = jax.vmap(lambda p, w: anneal.warmup_cosine(p, w, STEPS))(jnp.array(PEAKS), WARMUPS)
    same(quiet(plans=stacked), wanted())
    training = Training.from_loss(loss, anneal.inject_hyperparams(optax.adamw), params())
    decays = jnp.array([0.0, 0.1, 0.2, 0.3])
    result = quiet(training, {"learning_rate": PLANS[0], "weight_decay": decays})
    each = [alone(optax.adamw(PLANS[0], weight_decay=float(d)))[0] for d in decays]
    same(result, np.stack(each))
    np.testing.assert_allclose(result.table["weight_decay"], decays)


def test_a_step_of_ones_own() -> None:
    """`Training.from_step` replaces the schedules in copies of the state."""
    tx = anneal.inject_hyperparams(optax.adamw)(learning_rate=anneal.warmup_cosine(1.0, 1, 2))

    @jax.jit
    def step(state: Any, batch: Any) -> Any:
        p, opt_state = state
        value, grads = jax.value_and_grad(loss)(p, batch)
        updates, opt_state = tx.update(grads, opt_state, p)
        return (optax.apply_updates(p, updates), opt_state), {"loss": value, "other": p}

    state = (params(), tx.init(params()))
    before = jax.tree.map(np.array, state)
    same(quiet(Training.from_step(step, state)), wanted())
    jax.tree.map(np.testing.assert_array_equal, before, jax.tree.map(np.array, state))


def test_any_init_and_step() -> None:
    """The general form, with random keys in the state."""

    def init(plan: anneal.Schedule, key: jax.Array) -> Any:
        return plan, jnp.int32(0), params(), key

    def step(state: Any, batch: Any) -> Any:
        plan, count, p, key = state
        key, now = jax.random.split(key)
        value, grads = jax.value_and_grad(loss)(p, batch)
        rate = plan(count) * (1 + 0.1 * jax.random.normal(now))
        p = jax.tree.map(lambda p, g: p - rate * g, p, grads)
        return (plan, count + 1, p, key), value

    result = quiet(Training(init, step), seeds=[3, 4])
    key, p = jax.random.key(4), params()
    for t in range(STEPS):
        key, now = jax.random.split(key)
        value, grads = jax.value_and_grad(loss)(p, batch(t))
        assert float(value) == pytest.approx(float(result.curves[5, t]), rel=1e-4)
        rate = PLANS[2](t) * (1 + 0.1 * jax.random.normal(now))
        p = jax.tree.map(lambda p, g, rate=rate: p - rate * g, p, grads)
    assert result.table["seed"].tolist() == [3, 4] * 4
    assert result.table["plan"][5] == 2


def test_seeds_and_dropout() -> None:
    """Starts of their own by seed; a loss with keys draws anew at each step."""
    training = Training.from_loss(loss, optax.adamw, params)
    result = quiet(training, seeds=2)
    again = quiet(training, seeds=[1])
    np.testing.assert_allclose(result.curves[1::2], again.curves, rtol=2e-5)
    assert not np.allclose(result.curves[0], result.curves[1])

    def noisy(p: Any, batch: Any, key: jax.Array) -> jax.Array:
        return loss(p, batch) + jax.random.uniform(key)

    curves = quiet(Training.from_loss(noisy, optax.adamw, params(), keyed=True), seeds=2).curves
    noise = curves - quiet(seeds=2).curves
    assert len(np.unique(noise[:2].round(4))) > STEPS
    np.testing.assert_allclose(noise[0], noise[2], atol=1e-4)  # one seed, another plan


def test_kinds_of_data_agree() -> None:
    """Stacked, a list, a generator (also twice), on the device, by a function."""
    x, y = jnp.asarray(X), jnp.asarray(Y)
    batches = [batch(t) for t in range(STEPS)]
    mixed = [*PLANS[:2], anneal.warmup_stable_decay(0.03, 2, 5, STEPS), PLANS[3]]
    reference = quiet(plans=mixed)
    assert reference.table["group"].tolist() == [0, 0, 1, 0]
    for data in (batches, (b for b in batches), (x, y), lambda t: (x[t], y[t])):
        result = quiet(plans=mixed, data=data, steps=STEPS, steps_per_dispatch=7)
        np.testing.assert_allclose(result.curves, reference.curves, rtol=2e-5)
    third = alone(optax.adamw(mixed[2]))[0]
    np.testing.assert_allclose(reference.curves[2], third, rtol=2e-5)


@pytest.mark.parametrize("kind", ["stacked", "list", "function"])
def test_data_per_member(kind: str) -> None:
    """Member k sees row k, in the order of the table, whoever trains beside it."""
    order = np.random.default_rng(1).permuted(np.tile(np.arange(STEPS), (4, 1)), axis=1)
    x, y = X[order.T], Y[order.T]
    xs, ys = jnp.asarray(x), jnp.asarray(y)
    data: Any = {
        "stacked": (x, y),
        "list": list(zip(x, y, strict=True)),
        "function": lambda t, member: (xs[t, member], ys[t, member]),
    }[kind]
    steps = [STEPS, 10, 15, 20]
    result = quiet(data=data, steps=steps, per_member=True, lanes=2)
    for k, plan in enumerate(PLANS):
        one = alone(optax.adamw(plan), batches=lambda t, k=k: batch(int(order[k, t])))[0]
        np.testing.assert_allclose(result.curves[k, : steps[k]], one[: steps[k]], rtol=2e-5)


@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_each_plan_has_its_length(lanes: int) -> None:
    """A member stops at its own end; its state is what it was there."""
    steps = [10, 24, 7, 24]
    options: Any = {"steps": steps, "lanes": lanes, "keep": 4, "steps_per_dispatch": 9}
    result = quiet(evaluate=lambda s: loss(s.params, DATA_0), **options)
    assert result.table["steps"].tolist() == steps
    for k, member in enumerate(result.kept):
        curve, p = alone(optax.adamw(PLANS[member]), steps[member])
        row = result.curves[member]
        np.testing.assert_allclose(row[: steps[member]], curve, rtol=2e-5)
        assert np.isnan(row[steps[member] :]).all()
        for name, leaf in result.states.params.items():
            np.testing.assert_allclose(leaf[k], p[name], rtol=1e-4, atol=1e-6)
        final = result.table["final_loss"][member]
        assert final == pytest.approx(float(loss(p, DATA_0)), rel=1e-4)


DATA_0 = batch(0)


def test_halving_keeps_the_best() -> None:
    """As successive halving on the full curves says; stopped ones have what they had."""
    plans = [anneal.warmup_cosine(float(p), 2, STEPS) for p in np.geomspace(1e-3, 0.3, 8)]
    full = quiet(plans=plans, window=1).curves
    rungs = Halving(2).rungs(8, STEPS)
    assert rungs == {3: 4, 6: 2, 12: 1}
    alive, steps = np.arange(8), np.full(8, STEPS)
    for step, keep in rungs.items():
        order = alive[np.argsort(full[alive, step - 1])]
        steps[order[keep:]], alive = step, order[:keep]
    for lanes in (1, 2, 8):
        result = quiet(plans=plans, halving=Halving(2), window=1, lanes=lanes)
        assert result.table["steps"].tolist() == steps.tolist()
        assert result.best_index == alive[0]
        there = np.arange(STEPS) < steps[:, None]
        np.testing.assert_allclose(result.curves[there], full[there], rtol=2e-5)
        assert np.isnan(result.curves[~there]).all()
        assert (result.table["status"] == "stopped").sum() == 7


def test_halving_goes_by_the_mean_over_seeds() -> None:
    """All seeds of a plan go on, or none."""
    training = Training.from_loss(loss, optax.adamw, params)
    result = quiet(training, seeds=3, halving=Halving(2, first=10))
    assert result.table["steps"].reshape(4, 3).std(1).max() == 0
    means = quiet(training, seeds=3, window=1).curves[:, 11].reshape(4, 3).mean(1)
    assert result.best_index == np.argmin(means)


def compilations(**options: Any) -> tuple[int, int]:
    """How often the loss is traced, and how many programs that hold it are compiled."""
    traces = []

    def counted(p: Any, batch: Any) -> jax.Array:
        traces.append(1)
        return loss(p, batch)

    programs = []

    def listen(event: str, duration_secs: float, **extra: Any) -> None:
        del duration_secs
        if event.endswith("backend_compile_duration") and "local" in str(extra.get("fun_name")):
            programs.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    plans = [anneal.warmup_cosine(float(p), 2, STEPS) for p in np.geomspace(1e-3, 0.3, 16)]
    quiet(Training.from_loss(counted, optax.adamw, params()), plans, **options)
    jax.monitoring.unregister_event_duration_listener(listen)
    return len(traces), len(programs)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"halving": Halving(2)},
        {"steps": [*range(9, 25)], "lanes": 3},
        {"steps_per_dispatch": 5},
    ],
    ids=["plain", "halving", "lengths", "dispatches"],
)
def test_one_compilation(options: dict[str, Any]) -> None:
    """The step is traced once and compiled once, whatever the members, rungs and lengths."""
    assert compilations(**options) == (1, 1)


def test_parts_for_want_of_memory() -> None:
    """What does not fit trains in parts, by the same numbers, and the note says so."""
    need = 9_000
    result = quiet(memory_limit=need)
    assert "parts of" in result.note
    assert "for want of memory" in result.note
    same(result, wanted())
    with pytest.raises(ValueError, match="sweep: memory_limit must be enough for one member"):
        quiet(memory_limit=100)


def test_diverged_members_are_never_best() -> None:
    """NaN and infinite losses rank last."""
    plans = [anneal.Constant(r) for r in (1e25, 0.01, 1e30)]
    result = quiet(Training.from_loss(loss, optax.sgd, params()), plans)
    assert result.table["status"].tolist() == ["diverged", "finished", "diverged"]
    assert result.best_index == 1


def test_ctrl_c_returns_what_there_is() -> None:
    """Blocks that were trained are in the result."""

    def batches() -> Iterator[Any]:
        yield from (batch(t) for t in range(16))
        raise KeyboardInterrupt

    result = quiet(data=batches(), steps=STEPS, steps_per_dispatch=8)
    assert set(result.table["status"]) == {"interrupted"}
    np.testing.assert_allclose(result.curves[:, :16], wanted()[:, :16], rtol=2e-5)
    assert result.table["steps"].tolist() == [16] * 4
    assert "stopped by hand" in repr(result)
    assert result.best_index == int(np.argmin(result.curves[:, 15]))


def test_batches_that_end_early_lose_nothing() -> None:
    """A warning, and what was trained; the number of batches of a generator is not known."""
    with pytest.warns(UserWarning, match="sweep: batches ended after 20 of them; trained are 16"):
        result = quiet(data=(batch(t) for t in range(20)), steps=STEPS, steps_per_dispatch=8)
    assert result.table["steps"].tolist() == [16] * 4
    np.testing.assert_allclose(result.curves[:, :16], wanted()[:, :16], rtol=2e-5)
    assert "batches ended" in result.note

    odd = [batch(t) if t < 12 else (X[t, :4], Y[t, :4]) for t in range(STEPS)]
    with pytest.warns(UserWarning, match="sweep: batches change their shape; trained are 8 steps"):
        result = quiet(data=odd, steps=STEPS, steps_per_dispatch=8)
    assert result.table["steps"].tolist() == [8] * 4


def test_programs_are_used_again_only_where_they_fit() -> None:
    """Fewer members spare the compilation; another loss never gets the program of the first."""
    traces, compiled = [], {}

    def counted(p: Any, batch: Any) -> jax.Array:
        traces.append(1)
        return loss(p, batch)

    training = Training.from_loss(counted, optax.adamw, params())
    for some in (PLANS[:3], PLANS[:2], PLANS[1:]):
        quiet(training, some, compiled=compiled)
    assert len(traces) == 1
    quiet(training, PLANS, compiled=compiled)
    assert len(traces) == 2

    def doubled(p: Any, batch: Any) -> jax.Array:
        return 2.0 * loss(p, batch)

    twice = quiet(Training.from_loss(doubled, optax.sgd, params()), compiled=compiled)
    once = quiet(Training.from_loss(loss, optax.sgd, params()), compiled=compiled)
    np.testing.assert_allclose(twice.curves[:, 0], 2 * once.curves[:, 0], rtol=1e-6)


def test_table_row_plan_and_pictures() -> None:
    """What a user looks at."""
    result = quiet(labels={"peak": PEAKS}, seeds=2)
    frame = result.to_pandas()
    assert list(frame) == ["plan", "peak", "seed", "steps", "status", "final_loss"]
    assert len(frame) == 8
    row = result.row()
    assert row["peak"] == PEAKS[result.best_index]
    assert row["seeds"] == 2
    steps = np.arange(STEPS)
    np.testing.assert_allclose(result.best_plan(steps), PLANS[result.best_index](steps), rtol=1e-6)
    assert f"peak {row['peak']:.4g}" in result.plot(smooth=3).get_title()
    automatic = quiet().table
    assert any(name.endswith("steps") for name in automatic)


def test_double_precision() -> None:
    """With x64 on, and a schedule with a random key in it."""
    with jax.enable_x64(True):
        plans = [plan.noise(jax.random.key(1), 1e-3) for plan in PLANS]
        result = quiet(Training.from_loss(loss, optax.sgd, params()), plans)
        one = alone(optax.sgd(plans[1]))[0]
        np.testing.assert_allclose(result.curves[1], one, rtol=1e-4)
