"""Learning-rate range test: what it trains is a plain loop, and where it stops fastai's rule."""

import inspect
import io
import sys
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from anneal_jax._progress import progress_bar
from anneal_jax.search import RangeTest, Training, lr_range_test, sweep, tune
from anneal_jax.search._divergence import stops
from anneal_jax.search._suggest import smoothed

mpl.use("Agg")
STEPS = 60
DATA = np.random.default_rng(0).normal(size=(STEPS, 8, 4)).astype(np.float32)
W = jnp.array([1.0, -2.0, 0.5, 3.0])


@pytest.fixture(autouse=True, scope="module")
def strict() -> Iterator[None]:
    """Optax's Adam promotes types."""
    with jax.numpy_rank_promotion("raise"):
        yield


def loss(w: jax.Array, x: jax.Array) -> jax.Array:
    return jnp.mean((x @ w - x @ W) ** 2)


def plain_loop(tx: Any, steps: int) -> np.ndarray:
    """The losses of a loop as Optax's readers write it."""
    w = jnp.zeros(4)
    state = tx.init(w)
    found = []
    for x in DATA[:steps]:
        value, slope = jax.value_and_grad(loss)(w, x)
        updates, state = tx.update(slope, state, w)
        w = optax.apply_updates(w, updates)
        found.append(float(value))
    return np.array(found)


def stop(losses: np.ndarray, beta: float = 0.98) -> int:
    """After how many steps fastai's finder cancels."""
    mean, best = 0.0, np.inf
    for t, value in enumerate(losses, start=1):
        mean = beta * mean + (1 - beta) * value
        now = mean / (1 - beta**t)
        best = min(best, now)
        if not np.isfinite(now) or now > 4 * best:
            return t
    return len(losses)


def quiet(training: Training, data: Any = DATA, **options: Any) -> RangeTest:
    options = {"low": 1e-4, "high": 10.0, "steps": STEPS} | options
    return lr_range_test(training, data, progress=False, **options)


def test_it_is_the_plain_loop_up_to_where_fastai_stops() -> None:
    """Rates, losses and the last step of a run that diverges."""
    result = quiet(Training.from_loss(loss, optax.sgd, jnp.zeros(4)))
    ramp = anneal.Exponential(1e-4, 10.0, STEPS)
    wanted = plain_loop(optax.sgd(ramp), STEPS)
    done = stop(wanted)
    assert 30 < done < STEPS
    assert result.losses.shape == (1, done)
    np.testing.assert_allclose(result.losses[0], wanted[:done], rtol=2e-5)
    np.testing.assert_allclose(result.rates, 1e-4 * 1e5 ** (np.arange(done) / STEPS), rtol=1e-5)


def test_a_linear_test_without_a_limit_takes_all_steps() -> None:
    """`spacing="linear"`, `diverged=None`, and Adam."""
    options = {"low": 0.0, "high": 0.1, "spacing": "linear", "diverged": None}
    result = quiet(Training.from_loss(loss, optax.adam, jnp.zeros(4)), **options)
    wanted = plain_loop(optax.adam(anneal.Linear(0.0, 0.1, STEPS)), STEPS)
    np.testing.assert_allclose(result.losses[0], wanted, rtol=2e-5)


@pytest.mark.parametrize("name", ["weight_decay", "b1"])
def test_other_hyperparameters_vary_by_name(name: str) -> None:
    """A keyword of the optimizer takes the rate's place."""

    def optimizer(**varied: Any) -> optax.GradientTransformation:
        return anneal.inject_hyperparams(optax.adamw)(0.05, **varied)

    training = Training.from_loss(loss, optimizer, jnp.zeros(4))
    result = quiet(training, name=name, low=1e-3, high=0.9, diverged=None)
    ramp = anneal.Exponential(1e-3, 0.9, STEPS)
    wanted = plain_loop(anneal.inject_hyperparams(optax.adamw)(0.05, **{name: ramp}), STEPS)
    np.testing.assert_allclose(result.losses[0], wanted, rtol=2e-4)
    assert result.name == name


def from_step(tx: Any, count: int = 0) -> tuple[Training, Any]:
    """One's own jitted step, in the middle of a run."""

    @jax.jit
    def step(state: Any, x: jax.Array) -> Any:
        w, opt_state = state
        value, slope = jax.value_and_grad(loss)(w, x)
        updates, opt_state = tx.update(slope, opt_state, w)
        return (optax.apply_updates(w, updates), opt_state), value

    state = (jnp.zeros(4), tx.init(jnp.zeros(4)))
    for x in DATA[:count]:
        state, _ = step(state, jnp.asarray(x))
    return Training.from_step(step, state), state


def test_a_train_step_of_ones_own_from_the_middle_of_a_run() -> None:
    """The ramp begins where the state stands, and the state stays as it was."""
    tx = anneal.inject_hyperparams(optax.sgd)(learning_rate=0.01)
    training, state = from_step(tx, count=7)
    before = jax.tree.map(np.array, state)
    result = quiet(training)
    w, wanted = state[0], []
    for x, rate in zip(DATA, result.rates, strict=False):
        value, slope = jax.value_and_grad(loss)(w, x)
        w = w - np.float32(rate) * slope
        wanted.append(float(value))
    np.testing.assert_allclose(result.losses[0], wanted, rtol=1e-3)  # rounding, once it diverges
    jax.tree.map(np.testing.assert_array_equal, before, jax.tree.map(np.array, state))


def test_the_rate_of_one_group() -> None:
    """A name among `hyperparams` of the state: that group's schedule, the others' stay."""
    tx = optax.partition(
        {
            "a": anneal.inject_hyperparams(optax.sgd)(learning_rate=0.0),
            "b": anneal.inject_hyperparams(optax.sgd)(learning_rate=0.01),
        },
        {"a": "a", "b": "b"},
    )

    def step(state: Any, x: jax.Array) -> Any:
        w, opt_state = state
        value, slope = jax.value_and_grad(lambda w: loss(w["a"] + w["b"], x))(w)
        updates, opt_state = tx.update(slope, opt_state, w)
        return (optax.apply_updates(w, updates), opt_state), value

    w = {"a": jnp.zeros(4), "b": jnp.zeros(4)}
    state = (w, tx.init(w))
    names = [n for n in anneal.hyperparams(state) if n.endswith("learning_rate")]
    results = [quiet(Training.from_step(step, state), name=name) for name in names]
    assert results[0].losses.shape[1] < STEPS
    assert not np.array_equal(results[0].losses[0, :20], results[1].losses[0, :20])


def test_runs_differ_by_seed_and_give_a_spread() -> None:
    """Run k is the run of seed k, whatever runs beside it."""

    def params(key: jax.Array) -> jax.Array:
        return jax.random.normal(key, (4,))

    training = Training.from_loss(loss, optax.sgd, params)
    three, one = quiet(training, runs=3), quiet(training, runs=1)
    steps = one.losses.shape[1]
    np.testing.assert_allclose(three.losses[0, :steps], one.losses[0], rtol=1e-3)
    assert len({row[0] for row in three.losses.tolist()}) == 3
    for name, (least, most) in three.spread.items():
        values = sorted(getattr(x, name) for x in three.each)
        assert (least, most) == (values[0], values[-1])
        assert getattr(three.suggestions, name) == values[1]


def test_each_run_stops_by_itself() -> None:
    """Losses after a run has diverged are not part of it."""

    def params(key: jax.Array) -> jax.Array:
        return jnp.where(jax.random.bits(key) % 2 == 0, 1.0, 100.0) * W

    result = quiet(Training.from_loss(loss, optax.sgd, params), runs=6)
    for losses in result.losses:
        kept = losses[: stop(losses[~np.isnan(losses)])]
        assert np.isnan(losses[len(kept) :]).all()


def test_the_step_is_traced_once() -> None:
    """Whatever the number of steps and runs."""
    traces = []

    def counted(w: jax.Array, x: jax.Array) -> jax.Array:
        traces.append(1)
        return loss(w, x)

    quiet(Training.from_loss(counted, optax.sgd, jnp.zeros(4)), runs=2)
    assert len(traces) == 1


def test_an_interrupted_test_returns_what_there_is() -> None:
    """Ctrl-C between two blocks of steps."""

    def batches() -> Iterator[np.ndarray]:
        yield from DATA[:40]
        raise KeyboardInterrupt

    training = Training.from_loss(loss, optax.sgd, jnp.zeros(4))
    result = quiet(training, batches(), high=1e-3, diverged=None)
    assert result.losses.shape == (1, 40)
    assert np.isfinite(result.losses).all()


def test_plot_and_repr() -> None:
    """A line for each suggestion; early divergence is a sentence, not an error."""
    result = quiet(Training.from_loss(loss, optax.sgd, jnp.zeros(4)))
    ax = result.plot()
    assert ax.get_xscale() == "log"
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [label.split()[0] for label in labels] == ["valley", "steep", "minimum", "slide"]
    assert "valley" in repr(result)
    short = quiet(Training.from_loss(loss, optax.sgd, jnp.zeros(4)), low=2.0)
    assert "take more steps, or a smaller start" in repr(short)
    short.plot()
    with pytest.raises(ValueError, match="losses must be numbers at 16 steps"):
        _ = short.suggestions


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"low": 0.0}, "low must be a finite number above 0"),
        ({"low": 1.0, "high": 0.1}, "high must be a finite number above 1"),
        ({"steps": 10}, "steps must be a whole number from 23"),
        ({"spacing": "log"}, "spacing must be one of"),
        ({"runs": 0}, "runs must be a whole number from 1"),
        ({"smoothing": 1.0}, "smoothing must be a finite number"),
        ({"diverged": 0.5}, "diverged must be a finite number above 1"),
        ({"steps": 61}, "batches must be"),
        ({"name": 5}, "name must be that of a hyperparameter, got 5"),
        ({"runs": 2**31 - 1, "steps": 2**31 - 1}, "members and steps must be few enough"),
    ],
)
def test_bad_input_is_one_sentence(options: dict[str, Any], words: str) -> None:
    """Which argument, the rule, what came, what to do."""
    with pytest.raises(ValueError, match=f"lr_range_test: {words}"):
        quiet(Training.from_loss(loss, optax.sgd, jnp.zeros(4)), **options)


@pytest.mark.parametrize(("terminal", "progress"), [(True, True), (True, False), (False, True)])
def test_a_bar_is_shown_on_a_terminal(
    terminal: bool, progress: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log file gets none, nor does who asks for none."""
    errors = io.StringIO()
    monkeypatch.setattr(errors, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", errors)
    with progress_bar("lr_range_test", 3, "step", progress) as bar:
        bar.update(3)
    assert ("3/3" in errors.getvalue()) == (terminal and progress)


@pytest.mark.parametrize("function", [lr_range_test, sweep, tune])
def test_every_argument_is_documented(function: Any) -> None:
    """No argument without a line."""
    lines = {x.strip().partition(": ")[0].lstrip("*") for x in function.__doc__.splitlines()}
    assert set(inspect.signature(function).parameters) <= lines


@pytest.mark.parametrize("by", [1e3, 10.0])
def test_losses_below_zero_end_where_they_diverge(by: float) -> None:
    """Neither at once nor where they cross 0; like the loss above 0, in the last ten steps."""
    wanted = plain_loop(optax.sgd(anneal.Exponential(1e-4, 10.0, STEPS)), STEPS)
    result = quiet(Training.from_loss(lambda w, x: loss(w, x) - by, optax.sgd, jnp.zeros(4)))
    done = result.losses.shape[1]
    assert int(np.argmin(wanted)) < done <= stop(wanted) + 10
    np.testing.assert_allclose(result.losses[0, :20], wanted[:20] - by, rtol=1e-4, atol=1e-4)
    assert result.suggestions.valley < result.rates[int(np.argmin(wanted))]


@pytest.mark.parametrize("seed", range(20))
def test_noise_around_zero_is_no_divergence(seed: int) -> None:
    """Of rewards whose mean is 0, from the first step on."""
    losses = np.random.default_rng(seed).normal(size=(1, 100))
    assert stops(losses, smoothed(losses, 0.98), 4.0, 100) == [100]


def test_of_losses_below_zero_one_that_grows_ends() -> None:
    """At the first smoothed loss 3 sizes above the least: by hand, without smoothing."""
    losses = np.array([[-1.0, 2, -2, -4, 7, 8, 8.5, 9], [1.0, 2, 3, 4, 4.5, 5, 6, 7]])
    # Sizes: of the first 2 of 20 steps 2, then 4 of the least, so up to -4 + 12; then fastai's.
    assert stops(losses, losses, 4.0, 20).tolist() == [7, 5]
    assert stops(losses[:, :0], losses[:, :0], 4.0, 20).tolist() == [0, 0]


def curve(losses: np.ndarray) -> RangeTest:
    losses = np.atleast_2d(losses)
    rates = np.geomspace(1e-6, 1.0, losses.shape[1])
    return RangeTest(rates, losses, smoothed(losses, 0.98), 100, "learning_rate", "exponential")


def test_a_flat_loss_is_told() -> None:
    """As a warning, in the words of the result and above its picture."""
    words = "lr_range_test: the smoothed loss falls by .* so suggestions say little"
    flat = Training.from_loss(lambda w, x: 2.0 + 0.0 * loss(w, x), optax.sgd, jnp.zeros(4))
    with pytest.warns(UserWarning, match=words):
        result = quiet(flat)
    assert "so suggestions say little" in repr(result)
    assert "falls by" in result.plot().get_title(loc="left")


@pytest.mark.parametrize(("kind", "told"), [("noise", True), ("falls", False), ("drifts", True)])
def test_what_counts_as_flat(kind: str, told: bool) -> None:
    """Noise without a trend is; a fall of four times the noise is not, one by a thousandth is."""
    random, x = np.random.default_rng(0), np.linspace(-3, 1.5, 100)
    trend = {"noise": 0 * x, "falls": -0.2 * np.tanh(x), "drifts": -1e-4 * x}[kind]
    noise = {"noise": 0.1, "falls": 0.1, "drifts": 0.0}[kind]
    found = [curve(1 + trend + noise * random.normal(size=100)).note for _ in range(50)]
    assert abs(np.mean([bool(note) for note in found]) - told) < 0.1


def test_a_picture_shows_the_descent_whatever_comes_after_it() -> None:
    """Losses up to 1e30 do not set its limits; all that was before the least is inside."""
    falls = np.linspace(3.0, 1.0, 60)
    grown = np.geomspace(1.0, 1e30, 30)
    low, high = curve(np.append(falls, grown)).plot().get_ylim()
    assert low < 1.0
    assert 3.0 < high < 5.0


def test_too_few_batches_name_steps() -> None:
    """What to write for those that there are."""
    training = Training.from_loss(loss, optax.sgd, jnp.zeros(4))
    with pytest.raises(ValueError, match=r"of 100 steps, got 60; pass more of them, or steps=60\."):
        lr_range_test(training, DATA, progress=False)
    with pytest.warns(UserWarning, match=r"batches ended after 40 of .* \(steps=40 takes them all"):
        quiet(training, iter(DATA[:40]), high=1e-3)
