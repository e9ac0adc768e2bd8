"""Searching a space: with Optuna, at random, over a grid; killed and resumed."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from anneal_jax.search import (
    Choice,
    Halving,
    Integers,
    LogUniform,
    Training,
    TuneResult,
    Uniform,
    draw,
    grid,
    tune,
)

# The package under test, and these tests.
PATHS = (Path(anneal.__file__).parents[1], Path(__file__).parents[1])
SPACE = {"peak": LogUniform(1e-3, 1.0), "warmup": Integers(0, 5)}
DATA = np.ones((20, 3), np.float32)


@pytest.fixture(autouse=True, scope="module")
def strict() -> Iterator[None]:
    """As most tests, but for what Optax's parts need."""
    with jax.numpy_rank_promotion("raise"):
        yield


def loss(w: jax.Array, batch: jax.Array) -> jax.Array:
    return jnp.sum((w - batch) ** 2)


def make(peak: float, warmup: int) -> anneal.Schedule:
    return anneal.warmup_cosine(peak, warmup, 20)


TRAINING = Training.from_loss(loss, optax.sgd, jnp.zeros(3))


def quiet(space: Any = SPACE, data: Any = DATA, training: Training = TRAINING, **options: Any):
    return tune(training, options.pop("make", make), space, data, progress=False, **options)


def study(folder: Path | None = None) -> Any:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = None if folder is None else f"sqlite:///{folder}/search.db"
    return optuna.create_study(
        storage=storage,
        study_name="rates",
        load_if_exists=True,
        sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=8),
    )


def states(s: Any) -> list[str]:
    return [trial.state.name for trial in s.trials]


def test_random_search_is_the_best_of_its_draws() -> None:
    """Without a study: the parameters of `draw`, each trained as by itself."""
    result = quiet(trials=10, population=4, seed=3)
    asked = draw(SPACE, 10, 3)
    assert result.table["peak"].tolist() == [p["peak"] for p in asked]
    assert result.best_hyperparams == asked[int(np.argmin(result.table["final_loss"]))]
    assert result.best_plan == make(**(result.best_hyperparams or {}))
    again = quiet([result.best_hyperparams])
    assert again.best_loss == pytest.approx(result.best_loss, rel=1e-5)
    assert list(result.to_pandas()) == ["peak", "warmup", "steps", "status", "final_loss"]


def test_grid_and_draw_stay_in_the_space() -> None:
    """Ends are in the grid, draws are within, options of any type."""
    space = SPACE | {"end": Uniform(0.0, 0.5), "shape": Choice(["cosine", 3, None])}
    points = grid(space, {"peak": 4, "warmup": 9, "end": 2})
    assert len(points) == 4 * 6 * 2 * 3
    np.testing.assert_allclose(sorted({p["peak"] for p in points}), [1e-3, 1e-2, 0.1, 1])
    assert {p["warmup"] for p in points} == set(range(6))
    assert {p["end"] for p in points} == {0.0, 0.5}
    drawn = draw(space, 500)
    assert all(1e-3 <= p["peak"] <= 1 and 0 <= p["end"] <= 0.5 for p in drawn)
    assert 0.4 < np.mean([p["peak"] < 10**-1.5 for p in drawn]) < 0.6
    assert [p["warmup"] for p in drawn].count(5) > 50
    assert {p["shape"] for p in drawn} == {"cosine", 3, None}
    assert drawn == draw(space, 500)
    assert drawn != draw(space, 500, seed=1)


def test_structures_may_be_chosen() -> None:
    """A dimension may be the shape of the schedule."""

    def shaped(peak: float, shape: str) -> anneal.Schedule:
        return make(peak, 2) if shape == "cosine" else anneal.Constant(peak)

    space = {"peak": LogUniform(1e-3, 0.3), "shape": Choice(["cosine", "constant"])}
    result = quiet(grid(space, 3), make=shaped)
    assert len(result.table["shape"]) == 6
    best = int(np.argmin(result.table["final_loss"]))
    assert result.best_hyperparams == {
        "peak": result.table["peak"][best],
        "shape": result.table["shape"][best],
    }


def test_options_may_be_of_any_type() -> None:
    """None, numbers and words in one dimension."""

    def ended(peak: float, end: Any) -> anneal.Schedule:
        return anneal.Linear(peak, {None: 0.0, "same": peak}.get(end, end), 20)

    result = quiet(
        grid({"peak": LogUniform(0.01, 0.1), "end": Choice([None, 0.01, "same"])}, 2), make=ended
    )
    assert result.table["end"].tolist() == [None, 0.01, "same"] * 2
    assert result.best_hyperparams == {"peak": pytest.approx(0.1), "end": "same"}


def test_the_step_is_compiled_once_for_all_populations() -> None:
    """Whatever the number of trials."""
    traces = []

    def counted(w: jax.Array, batch: jax.Array) -> jax.Array:
        traces.append(1)
        return loss(w, batch)

    quiet(training=Training.from_loss(counted, optax.sgd, jnp.zeros(3)), trials=10, population=4)
    assert len(traces) == 1


def test_a_sampler_learns_from_what_it_is_told() -> None:
    """Losses told to the study are those of the table; TPE beats its first, random batch."""
    s = study()
    result = quiet(trials=24, population=8, study=s)
    assert states(s) == ["COMPLETE"] * 24
    np.testing.assert_array_equal([t.value for t in s.trials], result.table["final_loss"])
    assert [t.params["peak"] for t in s.trials] == result.table["peak"].tolist()
    assert result.best_hyperparams == s.best_params
    assert result.best_loss <= min(result.table["final_loss"][:8])
    assert np.median(result.table["final_loss"][8:]) < np.median(result.table["final_loss"][:8])


def test_stopped_and_diverged_trials_are_pruned() -> None:
    """With the loss at the step they reached; infinity where there is none."""
    s = study()
    result = quiet(
        {"peak": LogUniform(1e-3, 1e30), "warmup": Integers(0, 5)},
        trials=8,
        population=8,
        study=s,
        halving=Halving(2, first=5),
    )
    assert set(result.table["status"]) <= {"finished", "stopped", "diverged"}
    for trial, status, steps, final in zip(
        s.trials, *(result.table[k] for k in ("status", "steps", "final_loss")), strict=True
    ):
        if status == "finished":
            assert (trial.state.name, trial.value) == ("COMPLETE", final)
        else:
            told = final if status == "stopped" else np.inf
            assert trial.state.name == "PRUNED"
            assert trial.intermediate_values == {steps: told}
    assert "PRUNED" in states(s)
    quiet(trials=16, population=8, study=s)  # the sampler can read what it was told


def test_a_killed_search_loses_nothing(tmp_path: Path) -> None:
    """What was in training is trained again; finished trials count."""
    s = study(tmp_path)
    quiet(trials=8, population=4, study=s)
    finished = [t.params for t in s.trials]
    lost = [s.ask() for _ in range(2)]  # as of a process that was killed
    for trial in lost:
        make(trial.suggest_float("peak", 1e-3, 1.0, log=True), trial.suggest_int("warmup", 0, 5))
    del s
    s = study(tmp_path)
    quiet(trials=12, population=4, study=s)
    assert states(s).count("COMPLETE") == 12
    assert states(s).count("FAIL") == 2
    assert "RUNNING" not in states(s)
    done = [t.params for t in s.trials if t.state.name == "COMPLETE"]
    assert all(p in done for p in [*finished, *(t.params for t in lost)])


KILLED = """
import sys
import anneal_jax.search
assert "optuna" not in sys.modules
from tests.test_tune import *
def slow(t):
    return jnp.ones(3)
quiet(trials=400, population=4, study=study(Path({folder!r})), data=slow, steps=20)
"""


def test_a_search_killed_by_the_system_resumes(tmp_path: Path) -> None:
    """A real process, killed in the middle."""
    s = study(tmp_path)
    more = {
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "PYTHONPATH": os.pathsep.join(str(path) for path in PATHS),
    }
    code = KILLED.format(folder=str(tmp_path))
    run = subprocess.Popen([sys.executable, "-c", code], env=os.environ | more)
    limit = time.monotonic() + 120
    while len(s.trials) < 12 and time.monotonic() < limit and run.poll() is None:
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    before = [(t.number, t.state.name, t.params) for t in s.trials]
    assert len(before) >= 12
    total = sum(state == "COMPLETE" for _, state, _ in before) + 8
    quiet(trials=total, population=4, study=s)
    assert states(s).count("COMPLETE") == total
    assert "RUNNING" not in states(s)
    done = [t.params for t in s.trials if t.state.name == "COMPLETE"]
    for _, state, params in before:  # of one killed while it was asked for, what was there
        assert state == "FAIL" or any(params.items() <= made.items() for made in done)


def test_ctrl_c_tells_what_finished() -> None:
    """The population in training is asked for again by the next call."""
    calls = itertools.count()

    class Loader:
        def __iter__(self) -> Iterator[np.ndarray]:
            if next(calls) == 7:
                raise KeyboardInterrupt
            return iter(DATA)

    s = study()
    result: TuneResult = quiet(trials=40, population=4, study=s, data=Loader(), steps=20)
    assert result.interrupted
    done = states(s).count("COMPLETE")
    assert 0 < done < 40
    assert set(result.table["status"]) == {"finished", "interrupted"}
    failed = [t.params for t in s.trials if t.state.name == "FAIL"]
    assert len(failed) == 4
    quiet(trials=done + 4, population=4, study=s)
    assert [t.params for t in s.trials if t.state.name == "COMPLETE"][-4:] == failed


def test_random_and_grid_need_no_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does the import, as `KILLED` requires."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError):
        import optuna  # noqa: F401
    assert quiet(trials=4, population=2).best_loss < np.inf
    assert quiet(grid(SPACE, 2)).best_loss < np.inf


def test_former_names_of_the_best() -> None:
    """They say what to write."""
    result = quiet([{"peak": 0.1, "warmup": 2}])
    with pytest.warns(DeprecationWarning, match=r"TuneResult.best is .* TuneResult.best_hyper"):
        assert result.best == {"peak": 0.1, "warmup": 2}
    with pytest.warns(DeprecationWarning, match=r"TuneResult.plan is .* TuneResult.best_plan"):
        assert result.plan == make(0.1, 2)


def forgets(peak: float, warmup: int) -> Any:
    """As of a function that lacks its return."""
    make(peak, warmup)


def test_widest_dimensions() -> None:
    """Where differences and ratios overflow; ends are exact, numbers are Python's."""
    assert Uniform(-1.7e308, 1.7e308).points(3) == [-1.7e308, 0.0, 1.7e308]
    low, middle, high = LogUniform(1e-320, 1e300).points(3)
    assert (low, high) == (1e-320, 1e300)
    assert middle == pytest.approx(1e-10, rel=1e-5)  # 1e-320 has few bits
    assert Integers(jnp.int32(1), jnp.int32(4)).points(9) == [1, 2, 3, 4]
    assert type(Uniform(jnp.float32(0), jnp.float32(1)).at(0.5)) is float


def test_a_search_without_end_is_drawn_as_it_goes() -> None:
    """Not laid out before: 2**31 - 1 trials until Ctrl-C."""
    counted = itertools.count()

    def stops(peak: float, warmup: int) -> anneal.Schedule:
        if next(counted) == 4:
            raise KeyboardInterrupt
        return make(peak, warmup)

    with pytest.raises(KeyboardInterrupt):
        quiet(trials=2**31 - 1, population=2, make=stops, data=lambda t: jnp.ones(3), steps=2)
    assert next(counted) == 5


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Uniform(1.0, 1.0), "Uniform: high must be a finite number above 1"),
        (lambda: LogUniform(0.0, 1.0), "LogUniform: low must be a finite number above 0"),
        (lambda: Integers(3, 2), "Integers: high must be a whole number from 4"),
        (lambda: Choice([]), "Choice: options must be at least one"),
        (lambda: grid({"a": 3}, 2), "grid: space must be names with Uniform"),  # pyright: ignore
        (lambda: grid(SPACE, 0), "must be a whole number from 1"),
        (lambda: grid(SPACE, {"peek": 2}), "did you mean 'peak'"),
        (lambda: grid({"a": Choice([1])}, {"a": 1}), "grid: points (a) must be left out for a Ch"),
        (lambda: grid(SPACE, 10**6), "grid: points must be so few that there are at"),
        (lambda: grid({"a": Uniform(0, 1)}, 10**9), "at most 1,000,000 combinations, got '1,000,"),
        (lambda: draw(SPACE, 0), "draw: count must be a whole number from 1"),
        (lambda: draw(SPACE, 2 * 10**6), "draw: count must be at most 1,000,000, got 2000000"),
        (lambda: draw(SPACE, 1, seed=-1), "draw: seed must be a whole number from 0 up, got -1"),
        (lambda: draw(SPACE, 1, seed=1.5), "draw: seed must be a whole number from 0 up"),  # pyright: ignore
        (lambda: draw({1: Uniform(0, 1)}, 3), "draw: space must be names with Uniform"),  # pyright: ignore
        (lambda: Uniform(0, 1).at(2), "Uniform: share must be a finite number at least 0 and at"),
        (lambda: Choice([1]).at("a"), "Choice: share must be a finite number"),  # pyright: ignore
        (lambda: LogUniform(1, 2).points(-1), "LogUniform: count must be a whole number from 0"),
        (lambda: Halving(1 + 1e-15).rungs(27, 100), "Halving: factor must be a finite number at"),
        (lambda: Halving().rungs(0, 100), "Halving: plans must be a whole number from 1"),
        (lambda: Halving().rungs(27, 2**40), "Halving: steps must be a whole number from 1"),
        (lambda: quiet(trials=2, seed=-1), "tune: seed must be a whole number from 0 up, got -1"),
        (lambda: quiet([1, 2]), "tune: space must be a list of dictionaries with the same names"),
        (lambda: quiet([{"peak": 1.0}, {}]), "tune: space must be a list of dictionaries with"),
        (lambda: quiet(make=5, trials=2), "tune: make must be a function from hyperparameters"),
        (lambda: quiet(make=forgets, trials=2), "make must be a function that returns"),
        (lambda: quiet(make=lambda peak: 1, trials=2), "make must be a function of the keywords"),
        (lambda: quiet([{"steps": 1}]), "every name in space must be other than final"),
        (lambda: quiet(), "tune: trials must be a whole number from 1"),
        (lambda: quiet(trials=2, population=0), "tune: population must be a whole number"),
        (lambda: quiet([]), "tune: space must be names with dimensions"),
        (lambda: quiet({}, trials=2), "tune: space must be names with Uniform"),
        (lambda: quiet(trials=2, study=5), "tune: study must be an optuna.Study that minimizes"),
        (lambda: quiet(trials=2, study=5, seed=1), "tune: seed must be left out where a list or"),
        (lambda: quiet(grid(SPACE, 2), seed=0), "tune: seed must be left out where a list or"),
        (lambda: quiet(trials=2, keep=1), "tune: every option must be one of"),
        (lambda: quiet(trials=2, lane=1), "did you mean 'lanes'"),
    ],
)
def test_bad_input_is_one_sentence(call: Any, words: str) -> None:
    """Which argument, the rule, what came, what to do."""
    with pytest.raises(ValueError) as error:
        call()
    assert words in str(error.value)
    assert len(str(error.value)) < 300
