"""Bad input to sweeps: one clear sentence, before anything is trained."""

import dataclasses
import inspect
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from anneal_jax.search import Halving, Training, lr_range_test, sweep
from anneal_jax.search._options import Options

from .sweeps import DATA, STEPS, X, Y, batch, loss, params

PLANS = [anneal.warmup_cosine(p, 2, STEPS) for p in (0.01, 0.1)]
TRAINING = Training.from_loss(loss, optax.adamw, params())


@pytest.fixture(autouse=True, scope="module")
def strict() -> Iterator[None]:
    """Optax's Adam promotes types."""
    with jax.numpy_rank_promotion("raise"):
        yield


def init(plan: Any, key: jax.Array) -> Any:
    del key
    return plan, jnp.zeros(3)


def step(state: Any, batch: Any) -> Any:
    plan, w = state
    return (plan, w + plan(0)), jnp.sum(w) + jnp.mean(batch[0])


def changed(state: Any, batch: Any) -> Any:
    return state[0], step(state, batch)[1]


TRAININGS = {
    "step must be a function to (state, loss)": Training(
        init, lambda state, batch: step(state, batch)[0][1]
    ),
    "step must be a function that returns the loss, one scalar": Training(
        init, lambda state, batch: (step(state, batch)[0], state[1])
    ),
    "step must be a function that returns the loss": Training(
        init, lambda state, batch: (step(state, batch)[0], {"accuracy": 1.0})
    ),
    "step must be a function that returns the loss, one": Training(
        init, lambda state, batch: (step(state, batch)[0], None)
    ),
    "step must be a function to a state of the structure": Training(init, changed),
    "loss must be a function that returns one scalar": Training.from_loss(
        lambda p, batch: batch[0] @ p["a"], optax.adamw, params()
    ),
    "loss must be a function that returns one scalar, got": Training.from_loss(
        lambda p, batch: (loss(p, batch), 1.0), optax.adamw, params()
    ),
    "training must use the schedule it is given": Training.from_loss(
        loss, lambda schedule: optax.adamw(1e-3), params()
    ),
    "training must use the schedule it is given, got one": Training(
        init, jax.jit(lambda state, batch: ((state[0], state[1] + 1), jnp.mean(batch[0])))
    ),
    "the loss at step 0 must be finite, got 'nan for every member'": Training.from_loss(
        lambda p, batch: jnp.nan * loss(p, batch), optax.adamw, params()
    ),
}


@pytest.mark.parametrize("words", TRAININGS)
def test_training(words: str) -> None:
    """What is wrong with how one trains."""
    with pytest.raises(ValueError) as error:
        sweep(TRAININGS[words], PLANS, DATA, progress=False)
    assert words in str(error.value)
    assert str(error.value).count("\n") == 0


def test_what_is_no_training() -> None:
    """Optimizers and states that cannot take a schedule."""
    with pytest.raises(ValueError, match=r"from_loss: optimizer must be a function from a sched"):
        Training.from_loss(loss, optax.adamw(1e-3), params())  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"from_step: state must be one that holds schedules"):
        Training.from_step(step, (params(), optax.adam(0.1).init(params())))


@pytest.mark.parametrize("function", [sweep, lr_range_test])
@pytest.mark.parametrize("training", [None, (init, step), Training(5, 6)])  # pyright: ignore
def test_training_is_one(function: Any, training: Any) -> None:
    """Before anything of it is read."""
    plans = [PLANS] if function is sweep else []
    with pytest.raises(
        ValueError, match=f"{function.__name__}: training must be a Training of two"
    ):
        function(training, *plans, DATA, progress=False)


def test_a_state_that_is_no_data() -> None:
    """By its place."""
    training = Training(lambda plan, key: {"plan": plan, "act": jnp.tanh}, step)
    with pytest.raises(ValueError, match=r"sweep: init must be .* arrays and numbers \(at act\)"):
        sweep(training, PLANS, DATA, progress=False)


@pytest.mark.parametrize("compiled", [[], 5, {"executables": 3}])
def test_compiled_is_a_dictionary(compiled: Any) -> None:
    """The former form is checked, too."""
    with (
        pytest.warns(DeprecationWarning, match="compiled"),
        pytest.raises(ValueError, match="sweep: compiled must be a dictionary, empty at first"),
    ):
        sweep(TRAINING, PLANS, DATA, progress=False, compiled=compiled)


def short() -> Iterator[Any]:
    yield from (batch(t) for t in range(10))


NO_PLANS = jax.vmap(anneal.Constant)(jnp.zeros(0))
MESH = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("members",))
EIGHT = jax.sharding.Mesh(np.array(jax.devices()[:1] * 8), ("members",))
CALLS: list[tuple[dict[str, Any], str]] = [
    ({"schedules": []}, "schedules must be at least one"),
    ({"schedules": [PLANS[0], {"learning_rate": PLANS[0]}]}, "schedules must be all schedules"),
    ({"schedules": [{"a": 1.0}, {"b": 1.0}]}, "schedules must be all schedules, or all dict"),
    ({"schedules": {"a": jnp.ones(2), "b": jnp.ones(3)}}, "schedules must be a list, or one tree"),
    ({"schedules": [lambda t: 0.1 * t]}, "schedules must be made of schedules and numbers"),
    ({"schedules": None}, "schedules must be made of schedules and numbers, got None; perhaps the"),
    ({"schedules": [PLANS[0], None]}, "schedules must be made of schedules and numbers, got None"),
    ({"schedules": [{"learning_rate": None}]}, "numbers (at learning_rate), got None"),
    ({"schedules": {}}, "schedules must be made of schedules and numbers, got {}"),
    ({"schedules": "cosine"}, "schedules must be made of schedules and numbers, got 'cosine'"),
    ({"schedules": [{"a": 2**70}]}, "schedules must be made of schedules and numbers (at a)"),
    ({"schedules": [{"a": np.array("b")}]}, "numbers (at a), got 'an array of <U1'"),
    ({"schedules": (x for x in PLANS)}, "schedules must be a list of plans, got 'generator'"),
    ({"schedules": NO_PLANS}, "schedules must be at least one, got 'arrays whose first axis"),
    ({"schedules": {"a": jnp.ones(0), "b": PLANS[0]}}, "schedules must be at least one, got"),
    (
        {"schedules": [{"a": 1.0}]},
        "optimizer must be a function of the keywords ['a']",
    ),
    (
        {"steps": STEPS + 1},
        "batches must be arrays with a first axis of 25 steps, got 24; pass more",
    ),
    ({"steps": STEPS + 1}, "or steps=24."),
    ({"batches": short(), "steps": STEPS}, "batches must be enough for all steps"),
    (
        {"batches": [batch(0)] * 9, "steps": STEPS},
        "24 steps, got 9; pass more of them, or steps=9.",
    ),
    ({"batches": [], "steps": STEPS}, "batches must be enough for all 24 steps, got 0; pass more"),
    ({"batches": (X, Y, jnp.float32(1.0))}, "first axis, that of steps, got ((24, 8, 4), (24, 8,"),
    ({"batches": (X, Y, 1.0)}, "first axis, that of steps, got ((24, 8, 4), (24, 8, 1), ())"),
    ({"batches": {"x": X, "y": np.float32(1)}}, "first axis, that of steps, got {'x': (24, 8, 4),"),
    (
        {"batches": [None] * 24, "steps": STEPS},
        "batches must be made of arrays and numbers, got None",
    ),
    ({"batches": ["a"] * 24, "steps": STEPS}, "batches must be made of arrays and numbers (at 0)"),
    ({"batches": np.array(["a"] * 24)}, "arrays and numbers, got 'an array of <U1'"),
    ({"batches": "abc", "steps": 3}, "batches must be stacked arrays, an iterable of batches, or"),
    ({"batches": {"x": [1.0, 2.0]}, "steps": 2}, "batches must be stacked arrays, an iterable of"),
    ({"batches": [batch(0), (X[0, :4], Y[0, :4])] * 12, "steps": STEPS}, "batches must be of one"),
    ({"batches": (DATA[0], DATA[1][1:])}, "batches must be arrays with the same first axis"),
    ({"per_member": True}, "batches must be arrays with an axis of all 2 members after that of"),
    ({"steps": "many"}, "steps must be a whole number from 1 up"),
    ({"keep": 1, "schedules": [*PLANS, anneal.Constant(0.1)]}, "keep must be 0 where schedules"),
    ({"batches": lambda t: batch(0)}, "steps must be given unless batches are stacked"),
    (
        {"batches": lambda t: None, "steps": 3},
        "batches must be made of arrays and numbers, got None",
    ),
    ({"batches": lambda t: "a", "steps": 3}, "batches must be made of arrays and numbers, got 'a'"),
    ({"batches": 5}, "batches must be stacked arrays, an iterable of batches, or a function"),
    ({"steps": 0}, "steps must be a whole number from 1 up"),
    ({"steps": 2.5}, "steps must be a whole number from 1 up"),
    ({"steps": [[5], 6]}, "steps must be a whole number from 1 up, or one for each of the 2"),
    ({"steps": 2**31, "batches": batch}, "steps must be a whole number from 1 up, or one for each"),
    (
        {"steps": 2**31 - 1, "batches": batch, "seeds": 2**20},
        "members and steps must be few enough",
    ),
    ({"steps": [5, 6, 7]}, "steps must be a whole number from 1 up, or one for each of the 2"),
    ({"seeds": 0}, "seeds must be how many seeds"),
    ({"seeds": [-1]}, "seeds must be how many seeds"),
    ({"seeds": True}, "seeds must be how many seeds"),
    (
        {"seeds": [0, 2**32]},
        "seeds must be how many seeds, from 1 up, or a list of them, each from 0",
    ),
    ({"seeds": [[1], 2]}, "seeds must be how many seeds"),
    ({"seeds": 2**32 - 1, "steps": 2**31 - 1, "batches": batch}, "members and steps must be few"),
    ({"window": 0}, "window must be a whole number from 1"),
    ({"keep": -1}, "keep must be a whole number from 0"),
    ({"lanes": 0}, "lanes must be a whole number from 1"),
    ({"memory_limit": 0}, "memory_limit must be a finite number at least 1"),
    ({"steps_per_dispatch": 0}, "steps_per_dispatch must be a whole number from 1"),
    ({"labels": {"peak": [1.0]}}, "labels['peak'] must be one value for each of the 2 plans"),
    ({"labels": 5}, "labels must be columns by name"),
    ({"labels": {"a": [[1], 2]}}, "labels['a'] must be one value for each of the 2 plans"),
    (
        {"labels": {"seed": [1, 2]}},
        "labels must be named by words, and not as what every table has",
    ),
    ({"labels": {1: [1, 2]}}, "labels must be named by words, and not as what every table has"),
    ({"evaluate": 5}, "evaluate must be a function from a final state to a score, got 5"),
    ({"evaluate": lambda state: "a"}, "evaluate must be a function from a state to one scalar"),
    ({"mesh": 5}, "mesh must be a jax.sharding.Mesh, got 5"),
    ({"halving": Halving(1 + 1e-15)}, "Halving: factor must be a finite number at least 1.01"),
    ({"halving": Halving(1)}, "Halving: factor must be a finite number at least 1.01"),
    ({"halving": Halving(2, first=0)}, "Halving: first must be a whole number from 1"),
    ({"halving": 3}, "halving must be a Halving"),
    ({"halving": Halving(2), "steps": [5, 6]}, "steps must be one number where plans are halved"),
    ({"evaluate": lambda state: state.params["a"]}, "evaluate must be a function from a state"),
    ({"mesh": MESH, "axis": "member"}, "axis must be one of ['members'], got 'member'; did you"),
    ({"mesh": EIGHT}, "the number of members must be a multiple of the 8 devices along 'members'"),
    ({"per_member": 1}, "per_member must be True or False"),
    ({"progress": "no"}, "progress must be True or False"),
    ({"axis": "data"}, "axis must be left out without a mesh"),
    ({"window": 3, "evaluate": lambda state: 0.0}, "window must be left out where evaluate gives"),
    ({"halving": Halving(2, first=13)}, "halving.first must be at most 12, the last rung of 24"),
]


def test_a_part_of_the_plan_that_is_ignored() -> None:
    """By its name."""
    plans = [{"learning_rate": plan, "weight_decay": 0.1} for plan in PLANS]

    def optimizer(learning_rate: Any, weight_decay: Any) -> optax.GradientTransformation:
        del weight_decay
        return optax.adamw(learning_rate)

    with pytest.raises(ValueError, match="training must use the plan's 'weight_decay' it is given"):
        sweep(Training.from_loss(loss, optimizer, params()), plans, DATA, progress=False)


def test_a_plan_used_inside_a_jitted_step() -> None:
    """Even a constant, which a jitted schedule hands through as it is."""
    plans = [anneal.Constant(0.1), anneal.Constant(0.2)]
    sweep(Training(init, jax.jit(step)), plans, DATA, progress=False)


@pytest.mark.parametrize(("options", "words"), CALLS)
def test_call(options: dict[str, Any], words: str) -> None:
    """Which argument, the rule, what came, what to do."""
    call: dict[str, Any] = {"schedules": PLANS, "batches": DATA, "progress": False} | options
    with pytest.raises(ValueError) as error:
        sweep(TRAINING, **call)
    assert words in str(error.value)
    assert str(error.value).endswith((".", "?"))
    assert len(str(error.value)) < 300


def test_tune_takes_the_options_of_sweep() -> None:
    """By the same names, with the same defaults."""
    keywords = inspect.signature(sweep).parameters.values()
    ours = {p.name: p.default for p in keywords if p.kind is p.KEYWORD_ONLY}
    assert ours.pop("compiled") is None  # deprecated
    assert ours == {field.name: field.default for field in dataclasses.fields(Options)}
