"""Sweeps: every member is the run that a plain loop makes, by one compiled program."""

import functools
import re
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
from anneal_jax.search._halving import survivors
from anneal_jax.search._options import Options
from anneal_jax.search._sweep import swept
from anneal_jax.search.engine import Executables

from .sweeps import DATA, STEPS, X, Y, alone, batch, loss, params

mpl.use("Agg")
PEAKS = [0.003, 0.01, 0.03, 0.1]
PLANS = [anneal.warmup_cosine(p, w, STEPS) for p, w in zip(PEAKS, (2, 5, 3, 8), strict=True)]
WARMUPS = jnp.array([2, 5, 3, 8])
TRAINING = Training.from_loss(loss, optax.adamw, params())


def line_loss(w: jax.Array, batch: Any) -> jax.Array:
    return jnp.mean((w[None] - batch[0]) ** 2)


LINE = Training.from_loss(line_loss, optax.sgd, jnp.zeros(4))  # where the model does not matter
RATES = [anneal.Constant(rate) for rate in (0.01, 0.1, 0.3, 1.0)]


@pytest.fixture(autouse=True, scope="module")
def strict() -> Iterator[None]:
    """As most tests, but for what Optax's Adam needs."""
    with jax.numpy_rank_promotion("raise"):
        yield


def quiet(training: Training = TRAINING, plans: Any = PLANS, data: Any = DATA, **options: Any):
    return sweep(training, plans, data, progress=False, **options)


def sharing() -> Any:
    """As `quiet`, for calls that share what they compile, as those of `tune` do."""
    executables = Executables()

    def call(training: Training = TRAINING, plans: Any = PLANS, data: Any = DATA, **options: Any):
        return swept(training, plans, data, Options(progress=False, **options), executables)

    return call


@functools.cache
def reference() -> SweepResult:
    """All that is the default."""
    return quiet()


@functools.cache
def run_of(k: int, steps: int = STEPS) -> tuple[np.ndarray, Any]:
    """Plan k in a plain loop."""
    return alone(optax.adamw, PLANS[k], steps)


def wanted() -> np.ndarray:
    return np.stack([run_of(k)[0] for k in range(4)])


def same(result: SweepResult, curves: np.ndarray) -> None:
    np.testing.assert_allclose(result.curves, curves, rtol=2e-5)


@pytest.mark.parametrize("lanes", [None, 1, 3])
def test_every_member_is_a_plain_run(lanes: int | None) -> None:
    """Whatever the number of members side by side."""
    result = reference() if lanes is None else quiet(lanes=lanes)
    same(result, wanted())
    assert set(result.table["status"]) == {"finished"}
    np.testing.assert_allclose(result.table["final_loss"], result.curves[:, -1], rtol=1e-6)


def test_plans_may_be_one_tree() -> None:
    """As `jax.vmap` over a recipe gives, or in a dictionary with what is the same for all."""
    stacked = jax.vmap(lambda p, w: anneal.warmup_cosine(p, w, STEPS))(jnp.array(PEAKS), WARMUPS)
    same(quiet(plans=stacked), wanted())

    def optimizer(plan: Any) -> optax.GradientTransformation:
        return optax.adamw(plan["learning_rate"], weight_decay=plan["weight_decay"])

    training = Training.from_loss(loss, anneal.inject_hyperparams(optax.adamw), params())
    decays = jnp.array([0.0, 0.1, 0.2, 0.3])
    result = quiet(training, {"learning_rate": PLANS[0], "weight_decay": decays})
    each = [{"learning_rate": PLANS[0], "weight_decay": d} for d in decays]
    same(result, np.stack([alone(optimizer, plan)[0] for plan in each]))
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

    @jax.jit
    def step(state: Any, batch: Any) -> Any:
        plan, count, p, key = state
        value, grads = jax.value_and_grad(loss)(p, batch)
        rate = plan(count) * (1 + jax.random.uniform(jax.random.fold_in(key, count)))
        p = jax.tree.map(lambda p, g: p - rate * g, p, grads)
        return (plan, count + 1, p, key), value

    result = quiet(Training(init, step), PLANS[1:3], seeds=[3, 4], steps=9)
    state = init(PLANS[2], jax.random.key(4))
    for t in range(9):
        state, value = step(state, batch(t))
        assert float(value) == pytest.approx(float(result.curves[3, t]), rel=1e-4)
    assert result.table["seed"].tolist() == [3, 4] * 2
    assert result.table["plan"].tolist() == [0, 0, 1, 1]


def test_seeds_and_dropout() -> None:
    """Starts of their own by seed; a loss with keys draws anew at each step."""
    result = quiet(Training.from_loss(loss, optax.adamw, params), seeds=2)
    for seed in (0, 1):
        start = params(jax.random.split(jax.random.key(seed))[0])
        curve = alone(optax.adamw, PLANS[2], start=start)[0]
        np.testing.assert_allclose(result.curves[4 + seed], curve, rtol=2e-5)
    assert not np.allclose(result.curves[0], result.curves[1])

    def noisy(p: Any, batch: Any, key: jax.Array) -> jax.Array:
        return loss(p, batch) + jax.random.uniform(key)

    curves = quiet(Training.from_loss(noisy, optax.adamw, params(), keyed=True), seeds=2).curves
    noise = curves - np.repeat(wanted(), 2, axis=0)
    assert len(np.unique(noise[:2].round(4))) > STEPS
    np.testing.assert_allclose(noise[0], noise[2], atol=1e-4)  # one seed, another plan


def test_kinds_of_data_agree() -> None:
    """Stacked on host or device, a list, a generator (also twice), by a function."""
    x, y = jnp.asarray(X), jnp.asarray(Y)
    batches = [batch(t) for t in range(STEPS)]
    call = sharing()
    options = {"steps": STEPS, "steps_per_dispatch": 7}
    for data in (batches, (x, y), DATA, lambda t: (x[t], y[t])):
        same(call(data=data, **options), wanted())
    mixed = [*PLANS[:2], anneal.Constant(0.03), PLANS[3]]
    result = call(plans=mixed, data=(b for b in batches), **options)
    assert result.table["group"].tolist() == [0, 0, 1, 0]
    third = alone(optax.adamw, mixed[2])[0]
    same(result, np.stack([run_of(0)[0], run_of(1)[0], third, run_of(3)[0]]))


_ORDER = np.random.default_rng(1).permuted(np.tile(np.arange(STEPS), (4, 1)), axis=1)


@functools.cache
def run_in_own_order(k: int) -> np.ndarray:
    return alone(optax.adamw, PLANS[k], batches=lambda t: batch(int(_ORDER[k, t])))[0]


@pytest.mark.parametrize("kind", ["stacked", "list", "function"])
def test_data_per_member(kind: str) -> None:
    """Member k sees row k, in the order of the table, whoever trains beside it."""
    x, y = X[_ORDER.T], Y[_ORDER.T]
    xs, ys = jnp.asarray(x), jnp.asarray(y)
    data: Any = {
        "stacked": (x, y),
        "list": list(zip(x, y, strict=True)),
        "function": lambda t, member: (xs[t, member], ys[t, member]),
    }[kind]
    steps = [STEPS, 10, 15, 20]
    result = quiet(data=data, steps=steps, per_member=True, lanes=2)
    for k, count in enumerate(steps):
        curve = run_in_own_order(k)[:count]
        np.testing.assert_allclose(result.curves[k, :count], curve, rtol=2e-5)


@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_each_plan_has_its_length(lanes: int) -> None:
    """A member stops at its own end; its state is what it was there."""
    steps = [10, 24, 7, 24]
    options: Any = {"steps": steps, "lanes": lanes, "keep": 4, "steps_per_dispatch": 9}
    result = quiet(evaluate=lambda s: loss(s.params, batch(0)), **options)
    assert result.table["steps"].tolist() == steps
    for k, member in enumerate(result.kept):
        curve, p = run_of(int(member), steps[member])
        row = result.curves[member]
        np.testing.assert_allclose(row[: steps[member]], curve, rtol=2e-5)
        assert np.isnan(row[steps[member] :]).all()
        for name, leaf in result.states.params.items():
            np.testing.assert_allclose(leaf[k], p[name], rtol=1e-4, atol=1e-6)
        final = result.table["final_loss"][member]
        assert final == pytest.approx(float(loss(p, batch(0))), rel=1e-4)


def test_halving_keeps_the_best() -> None:
    """As successive halving on the full curves says; stopped ones have what they had."""
    plans = [anneal.warmup_cosine(float(p), 2, STEPS) for p in np.geomspace(1e-3, 0.3, 8)]
    call = sharing()
    full = call(plans=plans, window=1, lanes=8).curves
    rungs = Halving(2).rungs(8, STEPS)
    assert rungs == {3: 4, 6: 2, 12: 1}
    alive, steps = np.arange(8), np.full(8, STEPS)
    for step, keep in rungs.items():
        order = alive[np.argsort(full[alive, step - 1])]
        steps[order[keep:]], alive = step, order[:keep]
    for lanes in (2, 8):
        result = call(plans=plans, halving=Halving(2), window=1, lanes=lanes)
        assert result.table["steps"].tolist() == steps.tolist()
        assert result.best_index == alive[0]
        there = np.arange(STEPS) < steps[:, None]
        np.testing.assert_allclose(result.curves[there], full[there], rtol=2e-5)
        assert np.isnan(result.curves[~there]).all()
        assert (result.table["status"] == "stopped").sum() == 7


def test_halving_goes_by_the_mean_over_seeds() -> None:
    """All seeds of a plan go on, or none."""

    def start(key: jax.Array) -> jax.Array:
        return jnp.full(4, jax.random.uniform(key))

    training, call = Training.from_loss(line_loss, optax.sgd, start), sharing()
    result = call(training, RATES, seeds=3, halving=Halving(2, first=10), window=1)
    assert result.table["steps"].reshape(4, 3).std(1).max() == 0
    means = call(training, RATES, seeds=3, window=1).curves[:, 11].reshape(4, 3).mean(1)
    assert result.best_index == np.argmin(means)


def test_a_rung_ranks_a_plan_that_lost_a_seed_last() -> None:
    """The mean of the seeds that are left would rank it first."""
    plans, scores = np.array([0, 0, 1, 1, 2, 2]), np.array([0.1, np.nan, 0.3, 0.3, 0.2, 0.2])
    assert survivors(plans, scores, 2).tolist() == [2, 1]
    assert survivors(plans, scores, 3).tolist() == [2, 1, 0]


def compilations(**options: Any) -> tuple[int, int]:
    """How often the loss is traced, and how many programs that hold it are compiled."""
    traces = []

    def counted(w: jax.Array, batch: Any) -> jax.Array:
        traces.append(1)
        return line_loss(w, batch)

    programs = []

    def listen(event: str, duration_secs: float, **extra: Any) -> None:
        del duration_secs
        if event.endswith("backend_compile_duration") and "local" in str(extra.get("fun_name")):
            programs.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    plans = [anneal.warmup_cosine(float(p), 2, STEPS) for p in np.geomspace(1e-3, 0.3, 16)]
    quiet(Training.from_loss(counted, optax.sgd, jnp.zeros(4)), plans, **options)
    jax.monitoring.unregister_event_duration_listener(listen)
    return len(traces), len(programs)


@pytest.mark.parametrize(
    "options",
    [{}, {"halving": Halving(2), "steps_per_dispatch": 5}, {"steps": [*range(9, 25)], "lanes": 3}],
    ids=["plain", "halving in dispatches", "lengths"],
)
def test_one_compilation(options: dict[str, Any]) -> None:
    """The step is traced once and compiled once, whatever the members, rungs and lengths."""
    assert compilations(**options) == (1, 1)


def test_parts_for_want_of_memory() -> None:
    """What does not fit trains in parts, by the same numbers, and the note says so."""
    with pytest.raises(ValueError, match="sweep: memory_limit must be enough for one") as refused:
        quiet(LINE, RATES[:1], memory_limit=100)
    (need,) = re.findall(r"\(([\d,]+) bytes", str(refused.value))  # another with each compiler
    result = quiet(LINE, RATES, lanes=1, memory_limit=int(1.1 * int(need.replace(",", ""))))
    assert re.search(r"1 at a time, in [24] parts of [21] for want of memory", result.note)
    for k, rate in enumerate((0.01, 0.1, 0.3, 1.0)):
        w = np.zeros(4)
        for t in range(STEPS):
            np.testing.assert_allclose(result.curves[k, t], np.mean((w - X[t]) ** 2), rtol=2e-5)
            w = w - rate * (w - X[t].mean(0)) / 2


def test_diverged_members_are_never_best() -> None:
    """NaN and infinite losses rank last."""
    plans = [anneal.Constant(r) for r in (1e25, 0.01, 1e30)]
    result = quiet(LINE, plans)
    assert result.table["status"].tolist() == ["diverged", "finished", "diverged"]
    assert result.best_index == 1


def test_what_stops_a_sweep_loses_nothing() -> None:
    """Ctrl-C, too few batches or an odd one: what was trained by then is in the result."""
    call = sharing()

    def begun(count: int) -> Iterator[Any]:
        yield from (batch(t) for t in range(count))

    def by_hand() -> Iterator[Any]:
        yield from begun(16)
        raise KeyboardInterrupt

    options: Any = {"steps": STEPS, "steps_per_dispatch": 8}
    result = call(data=by_hand(), **options)
    assert set(result.table["status"]) == {"interrupted"}
    assert result.interrupted
    np.testing.assert_allclose(result.curves[:, :16], wanted()[:, :16], rtol=2e-5)
    assert result.table["steps"].tolist() == [16] * 4
    assert "stopped by hand" in repr(result)
    assert result.best_index == int(np.argmin(result.curves[:, 15]))

    with pytest.warns(UserWarning, match="sweep: batches ended after 20 of them; trained are 16"):
        result = call(data=begun(20), **options)
    assert result.table["steps"].tolist() == [16] * 4
    np.testing.assert_allclose(result.curves[:, :16], wanted()[:, :16], rtol=2e-5)
    assert "batches ended" in result.note

    odd = [batch(t) if t < 12 else (X[t, :4], Y[t, :4]) for t in range(STEPS)]
    with pytest.warns(UserWarning, match="sweep: batches change their shape; trained are 8 steps"):
        result = call(data=odd, **options)
    assert result.table["steps"].tolist() == [8] * 4


def test_programs_are_used_again_only_where_they_fit() -> None:
    """Fewer members spare the compilation; another loss never gets the program of the first."""
    traces, call = [], sharing()

    def counted(w: jax.Array, batch: Any) -> jax.Array:
        traces.append(1)
        return line_loss(w, batch)

    training = Training.from_loss(counted, optax.sgd, jnp.zeros(4))
    for some in (RATES[:3], RATES[:2], RATES[1:]):
        call(training, some)
    assert len(traces) == 1
    once = call(training, RATES)
    assert len(traces) == 2

    def doubled(w: jax.Array, batch: Any) -> jax.Array:
        return 2.0 * line_loss(w, batch)

    twice = call(Training.from_loss(doubled, optax.sgd, jnp.zeros(4)), RATES)
    np.testing.assert_allclose(twice.curves[:, 0], 2 * once.curves[:, 0], rtol=1e-6)


def test_programs_in_a_dictionary_are_former_form() -> None:
    """It still spares the compilation, and says what to write."""
    traces, compiled = [], {}

    def counted(w: jax.Array, batch: Any) -> jax.Array:
        traces.append(1)
        return line_loss(w, batch)

    training = Training.from_loss(counted, optax.sgd, jnp.zeros(4))
    for _ in range(2):
        with pytest.warns(DeprecationWarning, match=r"sweep\(compiled=...\) .* write tune\(...\)"):
            quiet(training, RATES, compiled=compiled)
    assert len(traces) == 1


def test_table_row_plan_and_pictures() -> None:
    """What a user looks at."""
    result = quiet(LINE, RATES, labels={"rate": [0.01, 0.1, 0.3, 1.0]}, seeds=2)
    frame = result.to_pandas()
    assert list(frame) == ["plan", "rate", "seed", "steps", "status", "final_loss"]
    assert len(frame) == 8
    row = result.row()
    assert row["rate"] == [0.01, 0.1, 0.3, 1.0][result.best_index]
    assert row["seeds"] == 2
    plan: Any = result.best_plan
    assert float(plan(3)) == pytest.approx(row["rate"])
    assert result.best_loss == row["final_loss"]
    assert result.best_hyperparams == {"rate": row["rate"]}
    other: Any = result.plan(3)
    assert float(other(3)) == 1.0
    assert not result.interrupted
    for ax in (result.plot(), result.plot_curves(smooth=3)):
        assert f"rate {row['rate']:.4g}" in ax.get_title(loc="left")
    with pytest.warns(DeprecationWarning, match=r"plot\(smooth=...\) .* SweepResult.plot_curves"):
        result.plot(smooth=3)
    with pytest.raises(ValueError, match=r"plot: x must be one of .* did you mean 'rate'"):
        result.plot(x="rat")
    for call in (result.plan, result.row, result.hyperparams):
        for index in (4, -1, "a", 1.0):
            with pytest.raises(ValueError, match="plan must be the index of one of 4 plans"):
                call(index)
    with pytest.warns(DeprecationWarning, match=r"SweepResult.best is .* SweepResult.best_index"):
        assert result.best == result.best_index
    with pytest.warns(DeprecationWarning, match=r"SweepResult.plan\(\) .* SweepResult.best_plan"):
        assert result.plan() == plan
    automatic = reference()
    assert list(automatic.best_hyperparams) == ["peak_value", "warmup_steps"]
    assert automatic.plot().get_xlabel() == "peak value"


def test_double_precision() -> None:
    """With x64 on, and a schedule with a random key in it."""
    with jax.enable_x64(True):
        plans = [plan.noise(jax.random.key(1), 1e-3) for plan in PLANS[:2]]
        result = quiet(Training.from_loss(loss, optax.sgd, params()), plans, steps=9)
        one = alone(optax.sgd, plans[1], 9)[0]
        np.testing.assert_allclose(result.curves[1], one, rtol=1e-4)
