"""What recipes do where nothing is said, and at the very bounds of what may be said."""

import inspect
from functools import partial
from typing import Any

import jax
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax.schedules import recipes

GIVEN: dict[str, dict[str, Any]] = {
    "cosine_restarts": {"peak_value": 1.0, "cycle_steps": 10, "warmup_steps": 2},
    "flat_cosine": {"peak_value": 1.0, "flat_steps": 3, "total_steps": 10},
    "one_cycle": {"peak_value": 1.0, "total_steps": 10},
    "one_cycle_momentum": {"base_momentum": 0.8, "max_momentum": 0.9, "total_steps": 10},
    "warmup_constant": {"peak_value": 1.0, "warmup_steps": 4},
    "warmup_cosine": {"peak_value": 1.0, "warmup_steps": 4, "total_steps": 10},
    "warmup_inverse_sqrt": {"peak_value": 1.0, "warmup_steps": 4},
    "warmup_linear": {"peak_value": 1.0, "warmup_steps": 4, "total_steps": 10},
    "warmup_multi_step": {
        "peak_value": 1.0,
        "warmup_steps": 4,
        "boundaries": [6],
        "factors": [0.1],
    },
    "warmup_polynomial": {"peak_value": 1.0, "warmup_steps": 4, "total_steps": 10},
    "warmup_stable_decay": {
        "peak_value": 1.0,
        "warmup_steps": 2,
        "decay_steps": 3,
        "total_steps": 10,
    },
    "warmup_stable_decay_cycles": {
        "peak_value": 1.0,
        "warmup_steps": 2,
        "decay_steps": 3,
        "periods": [10, 8],
    },
}
STARTS_AT_ZERO = set(GIVEN) - {"flat_cosine", "one_cycle", "one_cycle_momentum"}
OPTIONS = {
    name
    for name, recipe in vars(recipes).items()
    if inspect.isfunction(recipe)
    and any(p.default == 0.0 for p in inspect.signature(recipe).parameters.values())
}


def test_every_recipe_with_ends_is_here() -> None:
    assert OPTIONS - {"with_cooldown", "repeat"} <= set(GIVEN)


@pytest.mark.parametrize("name", GIVEN)
def test_ends_are_zero_unless_told_otherwise(name: str) -> None:
    """A warmup starts from 0 and a decay ends at 0."""
    schedule = getattr(anneal, name)(**GIVEN[name])
    options = inspect.signature(getattr(anneal, name)).parameters
    assert (float(schedule(0)) == 0.0) == (name in STARTS_AT_ZERO)
    if "end_value" in options and schedule.steps is not None:
        assert float(schedule(schedule.steps)) == 0.0


def test_a_floor_falls_by_a_factor_of_its_own() -> None:
    """Also where the peaks stay, and the other way round."""
    floors = anneal.cosine_restarts(1.0, 4, 3, end_value=0.4, floor_factor=0.5)
    np.testing.assert_allclose(floors([0, 4, 8, 12]), [1.0, 1.0, 1.0, 0.1], rtol=1e-6)
    peaks = anneal.cosine_restarts(1.0, 4, 3, end_value=0.4, value_factor=0.5)
    np.testing.assert_allclose(peaks([0, 4, 8, 12]), [1.0, 0.5, 0.25, 0.4], rtol=1e-6)


BOUNDS: dict[str, tuple[Any, Any]] = {
    "one_cycle: div_factor": (
        lambda x: anneal.one_cycle(1.0, 10, div_factor=x),
        (1.0, 0.99),
    ),
    "one_cycle: final_div_factor": (
        lambda x: anneal.one_cycle(1.0, 10, final_div_factor=x),
        (1.0, 0.99),
    ),
    "one_cycle: total_steps": (lambda x: anneal.one_cycle(1.0, x), (1, 0)),
    "one_cycle: warmup_fraction": (
        lambda x: anneal.one_cycle(1.0, 10, warmup_fraction=x),
        (1.0, 1.01),
    ),
    "warmup_inverse_sqrt: warmup_steps": (lambda x: anneal.warmup_inverse_sqrt(1.0, x), (1, 0)),
    "noam: warmup_steps": (lambda x: anneal.noam(4, x), (1, 0)),
    "warmup_cosine: total_steps": (lambda x: anneal.warmup_cosine(1.0, 4, x), (4, 3)),
    "warmup_multi_step: boundaries": (
        lambda x: anneal.warmup_multi_step(1.0, 4, [x], [0.5]),
        (5, 4),
    ),
}


@pytest.mark.parametrize("argument", BOUNDS)
def test_bounds_are_where_they_are_said_to_be(argument: str) -> None:
    """The last value that is allowed builds a schedule, the next is an error that names it."""
    build, (last, beyond) = BOUNDS[argument]
    assert np.isfinite(build(last)(np.arange(12))).all()
    with pytest.raises(ValueError, match=argument.replace(": ", ".*")):
        build(beyond)


def test_a_shape_is_any_function_of_ends_and_length() -> None:
    """A class with other numbers, or a cooldown that holds its end."""
    steep = partial(anneal.Polynomial, power=3.0)

    def held(a: Any, b: Any, n: Any) -> anneal.Schedule:
        return anneal.Linear(a, b, n - 2).then(anneal.Constant(b, 2))

    wsd = anneal.warmup_stable_decay(1.0, 2, 6, 12, end_value=0.1, cooldown=held)
    assert wsd == anneal.join(
        [anneal.Linear(0.0, 1.0, 2), anneal.Constant(1.0, 4), held(1.0, 0.1, 6)]
    )
    np.testing.assert_allclose(wsd([6, 8, 10, 11, 12]), [1.0, 0.55, 0.1, 0.1, 0.1], rtol=1e-6)
    assert anneal.one_cycle(1.0, 10, warmup_fraction=0.5, shape=steep)(7) == pytest.approx(
        4e-6 + (1 - 4e-6) * 0.6**3, rel=1e-6
    )
    table = anneal.Interpolated([0, 10, 20], [1.0, 0.0, 1.0], steep)
    np.testing.assert_allclose(table([5, 15]), [0.125, 0.875], rtol=1e-6)


def test_a_shape_of_another_length_is_an_error() -> None:
    for wrong in (lambda a, b, n: anneal.Linear(a, b, n + 1), lambda a, b, n: a):
        with pytest.raises(ValueError, match="cooldown must be a function that returns a Schedule"):
            anneal.warmup_stable_decay(1.0, 2, 6, 12, cooldown=wrong)


def test_questions_of_a_composition_are_those_of_its_parts() -> None:
    """Whether it restarts, how long it is, and which cycle a step is in."""
    line, cycles = anneal.Linear(1.0, 0.0, 4), anneal.Linear(1.0, 0.0, 2).repeat(2)
    endless = anneal.InverseSqrt(1.0, 5.0)
    for plain in (line, line + line, line.shift(1), line.then(line), anneal.minimum(line, 0.5)):
        assert plain.has_restarts is False
    for restarting in (cycles, cycles + line, line * cycles, cycles.then(line), cycles.every(2)):
        assert restarting.has_restarts is True
    assert (line + endless).steps is None
    assert (endless * cycles).steps is None
    nested = anneal.join([line, cycles, line], restarts=True)
    np.testing.assert_array_equal(nested.cycle(np.arange(12)), [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 3])
    several = anneal.join([cycles, cycles.shift(0), cycles], restarts=True)
    np.testing.assert_array_equal(several.cycle(np.arange(12)), np.arange(12) // 2)
    twice = cycles.repeat(2)
    np.testing.assert_array_equal(twice.cycle(np.arange(8)), np.arange(8) // 2)


def test_an_endless_floor_is_stretched_with_its_cycle() -> None:
    floored = anneal.Linear(1.0, 0.0, 4).repeat(floor=anneal.Linear(0.0, 0.5, 4), value_factor=1)
    np.testing.assert_allclose(
        floored.stretch(2.0)([0, 4, 6, 8]), [1.0, 0.75, 0.625, 1.0], rtol=1e-6
    )


def test_numbers_have_no_length_of_their_own() -> None:
    """Nor has what is made of them alone: a rate scaled by a number is as long as it was."""
    rate = anneal.Linear(0.1, 0.0, 10)
    for schedule in (
        anneal.sqrt_scaling(rate, 1024, 256),
        anneal.linear_scaling(rate, 1024, 256),
        rate + anneal.Constant(0.5) ** 2,
        rate * anneal.Constant(0.5).clip(0.0, 1.0),
    ):
        assert schedule.steps == 10
    assert (anneal.Constant(2.0) ** 0.5).steps is None


def test_cycles_that_are_cut_short_begin_none_at_the_cut() -> None:
    """What goes on for ever is left after whole cycles: the next segment is no restart."""
    endless, line = anneal.Linear(1.0, 0.0, 2).repeat(), anneal.Linear(1.0, 0.0, 4)
    cut = anneal.join([endless, line], [4])
    np.testing.assert_array_equal(cut.cycle(np.arange(8)), [0, 0, 1, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(np.flatnonzero(cut.is_restart(np.arange(8))), [2])


@pytest.mark.parametrize("recipe", [anneal.one_cycle, anneal.one_cycle_momentum])
@pytest.mark.parametrize("three_phase", [False, True])
def test_half_of_an_odd_length_is_cut_for_tracers_too(recipe, three_phase):
    """Rounded up, two equal phases would be a step longer than the whole."""
    given = (0.5,) if recipe is anneal.one_cycle else (0.8, 0.9)
    rise = 0.5 if three_phase else 1.0
    steps = np.arange(40)

    def values(total, rise):
        return recipe(*given, total, warmup_fraction=rise, three_phase=three_phase)(steps)

    found = jax.jit(values)(29, rise)
    np.testing.assert_allclose(found, values(29, rise), rtol=1e-6, atol=1e-9)
