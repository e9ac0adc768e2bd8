"""Schedules as plain data: exact round trips, nothing evaluated, typos named."""

import functools
import json
import tomllib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from anneal_jax.schedules import WHOLE
from anneal_jax.schedules._builders import arguments, builders
from anneal_jax.schedules._config import _value
from tests.table import CASES


def is_function(x):
    return isinstance(x, anneal.Function)


SAVEABLE = [
    case
    for case in CASES
    if not any(map(is_function, jax.tree.leaves(case.schedule(), is_leaf=is_function)))
]


@pytest.mark.parametrize("case", SAVEABLE, ids=lambda case: case.name)
def test_round_trip_through_json_is_exact(case):
    """`from_config(json(to_config(s))) == s`, leaf for leaf."""
    schedule = case.schedule()
    text = json.dumps(anneal.to_config(schedule), allow_nan=False)
    again = anneal.from_config(json.loads(text))
    assert jax.tree.structure(again) == jax.tree.structure(schedule)
    assert again == schedule
    assert "null" not in text  # TOML has no such thing


def test_round_trip_from_an_optimizer_state():
    """Also a schedule whose leaves are arrays can be saved; its values are the same."""
    schedule = anneal.cosine_restarts(
        1e-3, 10, 3, steps_factor=2, value_factor=0.7, end_value=1e-5, warmup_steps=2
    ).as_arrays()
    again = anneal.from_config(json.loads(json.dumps(anneal.to_config(schedule))))
    np.testing.assert_allclose(again(np.arange(80)), schedule(np.arange(80)), rtol=1e-7)


def test_a_toml_file_with_units():
    """What a person writes: a recipe by name, durations in units."""
    text = """
    kind = "warmup_stable_decay"
    peak_value = 1e-3
    warmup_steps = "1%"
    decay_steps = "20%"
    total_steps = "3ep"
    cooldown = "Linear"
    """
    h = anneal.Horizon("3ep", batch_size=10, examples_per_epoch=10_000)
    schedule = anneal.from_config(tomllib.loads(text), h)
    assert schedule == anneal.warmup_stable_decay(1e-3, 30, 600, 3000, cooldown=anneal.Linear)


def test_nested_by_hand():
    """Recipes may stand inside classes."""
    inner = {"kind": "warmup_cosine", "peak_value": 1.0, "warmup_steps": 2, "total_steps": 10}
    config = {"kind": "Repeat", "schedule": inner, "cycles": 2, "value_factor": 0.5}
    expected = anneal.warmup_cosine(1.0, 2, 10).repeat(2, value_factor=0.5)
    assert anneal.from_config(config) == expected


def test_users_own_schedules_take_part():
    """A subclass defined anywhere is found by its name."""

    class Flat(anneal.Blend):
        def shape(self, progress):
            return progress.r * 0 + 1, progress.q * 0

    schedule = Flat(1.0, 0.5, 10)
    assert anneal.from_config(anneal.to_config(schedule)) == schedule


class Labelled(anneal.Schedule):
    """A schedule of one's own with words, numbers and classes among its fields."""

    label: str
    power: float
    shape: type[anneal.Segment]
    inner: anneal.Schedule
    steps: int = eqx.field(metadata=WHOLE)

    def value_at(self, step):
        return self.shape(1.0, 0.0, self.steps).value_at(step) * self.power


def test_fields_of_ones_own_are_read_as_declared():
    """A word stays a word, a class is found by its name, a duration has units."""
    schedule = Labelled("5%", 0.5, anneal.Cosine, anneal.Linear(1.0, 0.0, 3), 50)
    config = anneal.to_config(schedule)
    assert (config["label"], config["shape"]) == ("5%", "Cosine")
    assert anneal.from_config(json.loads(json.dumps(config))) == schedule
    assert anneal.from_config(config | {"steps": "5%"}, anneal.Horizon(1000)) == schedule


def test_a_name_of_this_package_cannot_be_taken_over():
    """Nor that of a recipe; a schedule of such a class is refused when it is saved."""

    class Cosine(anneal.Blend):
        def shape(self, progress):
            return progress.r, progress.q

    config = {"kind": "Cosine", "init_value": 1.0, "end_value": 0.0, "steps": 4}
    assert type(anneal.from_config(config)) is anneal.Cosine
    with pytest.raises(ValueError, match="rename the class"):
        anneal.to_config(Cosine(1.0, 0.0, 4))


def test_of_classes_of_ones_own_the_last_definition_counts():
    """As in a notebook whose cell ran twice."""

    def define(factor):
        class Twice(anneal.Constant):
            def value_at(self, step):
                return factor * super().value_at(step)

        return Twice

    kept = define(2.0), define(3.0)
    assert anneal.from_config({"kind": "Twice", "value": 1.0})(0) == 3.0
    assert len(kept) == 2


@pytest.mark.parametrize("kind", builders())
def test_units_are_for_durations_and_for_nothing_else(kind):
    """Decided by what the argument is: a value in percent is an error, whatever its name."""
    horizon, found = anneal.Horizon(1000), arguments(builders()[kind])
    for name, argument in found.items():
        if argument.kind == "duration":
            assert _value(kind, name, argument, "5%", horizon, 0) == 50
        if argument.kind in ("number", "schedule"):
            with pytest.raises(ValueError, match=rf"{name} must be a number"):
                _value(kind, name, argument, "3e-4", horizon, 0)
    assert all("steps" not in name or a.kind in ("duration", "number") for name, a in found.items())


def test_every_public_schedule_can_be_named():
    """The registry holds all public classes and recipes."""
    public = {
        name
        for name, x in vars(anneal).items()
        if isinstance(x, type) and issubclass(x, anneal.Schedule)
    }
    abstract = {"Schedule", "Segment", "Blend", "Function"}
    assert public - abstract <= set(builders())
    assert {"warmup_cosine", "noam", "with_cooldown"} <= set(builders())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: anneal.from_config("Cosine"), "a dictionary"),
        (lambda: anneal.from_config({"steps": 3}), "kind must be given"),
        (lambda: anneal.from_config({"kind": "Cosin"}), "did you mean 'Cosine'"),
        (lambda: anneal.from_config({"kind": "os.system"}), "kind must be one of"),
        (lambda: anneal.from_config({"kind": "Constant", "valu": 1.0}), "did you mean 'value'"),
        (lambda: anneal.from_config({"kind": "Constant"}), "value must be given"),
        (lambda: anneal.from_config({"version": 7, "kind": "Constant", "value": 1}), "version"),
        (
            lambda: anneal.from_config(
                {"kind": "Linear", "init_value": 0, "end_value": 1, "steps": "5%"}
            ),
            "pass a Horizon",
        ),
        (lambda: anneal.to_config(0.1), "a Schedule"),
        (lambda: anneal.to_config(anneal.as_schedule(optax.constant_schedule(1.0))), "functions"),
        (lambda: jax.jit(lambda s: anneal.to_config(s)["steps"])(anneal.Constant(1.0)), "known"),
        (
            lambda: anneal.from_config(
                {"kind": "trapezoid", "peak_value": -1.0, "warmup_steps": 1,
                 "decay_steps": 1, "total_steps": 9}
            ),
            "at least 0",
        ),
    ],
)  # fmt: skip
def test_bad_configs_are_one_clear_sentence(call, words):
    """Unknown names suggest the nearest; the schedule's own checks apply."""
    with pytest.raises(ValueError, match="must be") as error:
        call()
    assert words in str(error.value)


def test_numbers_survive_exactly():
    """Doubles are saved as given, not as float32."""
    config = anneal.to_config(anneal.ExponentialDecay(0.1, 7, 0.97))
    assert config["init_value"] == 0.1
    assert config["decay_rate"] == 0.97
    assert anneal.to_config(anneal.Constant(jnp.float32(0.1)))["value"] == float(np.float32(0.1))


def test_a_shape_without_a_name_is_an_error() -> None:
    """A function is code, not data."""
    steep = functools.partial(anneal.Polynomial, power=2.0)
    with pytest.raises(ValueError, match=r"shape must be a segment class .*, got functools"):
        anneal.to_config(anneal.Interpolated([0, 5], [1.0, 0.0], steep))
