"""Every schedule is a value: it compares, hashes, pickles, prints, and travels as a pytree."""

import pickle

import jax
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from anneal_jax._numerics import on_host
from tests.cases import COUNT, Case, assert_close, floating, integer, points, references
from tests.table import CASES


def test_pytree_round_trip(case: Case) -> None:
    schedule = case.schedule()
    leaves, structure = jax.tree.flatten(schedule)
    rebuilt = jax.tree.unflatten(structure, leaves)
    assert rebuilt == schedule
    assert type(rebuilt) is type(schedule)
    assert jax.tree.structure(rebuilt) == structure


def test_equal_by_value(case: Case) -> None:
    """Two built alike are equal and hash alike; another number makes another schedule."""
    schedule, again = case.schedule(), case.build(**case.numbers)
    assert schedule is not again
    assert schedule == again
    assert hash(schedule) == hash(again)
    assert len({schedule, again}) == 1
    for name, value in case.numbers.items():
        if name in case.rounded:
            continue  # may round to the same lengths
        other = case.schedule(**{name: value + 1 if name in case.ints else value * 0.875 + 0.001})
        assert schedule != other, name


def test_hash_of_arrays(case: Case) -> None:
    arrays = case.schedule().as_arrays()
    assert hash(arrays) == hash(case.schedule().as_arrays())


def test_pickle_round_trip(case: Case) -> None:
    for schedule in (case.schedule(), case.schedule().as_arrays()):
        if not case.pickles:
            with pytest.raises((pickle.PicklingError, AttributeError)):
                pickle.dumps(schedule)
            continue
        loaded = pickle.loads(pickle.dumps(schedule))
        assert loaded == schedule
        assert hash(loaded) == hash(schedule)
        assert jax.tree.structure(loaded) == jax.tree.structure(schedule)


def test_prints_as_one_short_line(case: Case) -> None:
    for schedule in (case.schedule(), case.schedule().as_arrays()):
        text = repr(schedule)
        assert text.startswith(type(schedule).__name__ + "(")
        assert "\n" not in text
        assert len(text) < 1000


def test_prints_in_a_batch_and_in_a_trace(case: Case) -> None:
    """A population shows the numbers of all its members, a program the types."""
    typed = case.schedule().as_arrays()
    texts = [repr(jax.tree.map(lambda leaf: np.stack([leaf, leaf]), typed))]
    jax.eval_shape(lambda schedule: texts.append(f"{schedule}"), typed)
    for text in texts:
        assert text.startswith(type(typed).__name__ + "(")
        assert len(text) < 3000


def test_a_batch_knows_the_length_of_each() -> None:
    peaks, warmups = np.array([0.1, 0.2]), np.array([5, 9])
    plans = jax.vmap(lambda peak, n: anneal.warmup_cosine(peak, n, 10 * n))(peaks, warmups)
    np.testing.assert_array_equal(plans.steps, [50, 90])
    assert "steps=[5, 9]" in repr(plans)
    growing = jax.jit(jax.vmap(lambda peak, n: anneal.Linear(peak, 0.0, n).repeat(3, 2)))
    np.testing.assert_array_equal(growing(peaks, warmups).steps, [35, 63])


def test_prints_its_numbers(case: Case) -> None:
    """The numbers given can be read off: those that build the value are its repr's."""
    if type(case.build) is type:
        text = repr(case.schedule())
        assert all(f"{name}={value!r}" in text for name, value in case.numbers.items())


def test_thousands_of_parts_print_short() -> None:
    parts = [anneal.Linear(1.0, 0.0, n) for n in range(1, 1001)]
    steps = list(range(1, 1001))
    for schedule in [
        anneal.join(parts),
        anneal.repeat(parts[9], periods=steps),
        anneal.PiecewiseConstant(values=[0.5, *map(float, steps)], boundaries=steps),
        anneal.Interpolated(steps, [float(n) for n in steps]),
        anneal.join(parts).as_arrays(),
    ]:
        assert len(repr(schedule)) < 2000


def test_arrays_are_strongly_typed(case: Case) -> None:
    """As leaves of an optimizer state: two types (and the bits of a random key), none weak."""
    arrays = case.schedule().as_arrays()
    for leaf in jax.tree.leaves(arrays):
        assert isinstance(leaf, jax.Array)
        assert leaf.dtype in (floating(), integer(), np.uint32)
        assert not leaf.weak_type
    assert type(arrays) is type(case.schedule())
    assert arrays.as_arrays() == arrays
    steps = arrays.steps
    assert steps is None or int(steps) == case.reference().steps


def test_numpy_scalars_are_numbers(case: Case) -> None:
    """What a log or a config reader holds builds the same schedule as Python numbers."""
    floats = {name: np.float64(x) for name, x in case.floats.items()}
    ints = {name: np.int32(x) for name, x in case.ints.items()}
    assert case.build(**floats, **ints) == case.schedule()


SHARDING = jax.sharding.SingleDeviceSharding(jax.devices()[0])


@pytest.mark.parametrize("case", CASES[::5], ids=[case.name for case in CASES[::5]])
def test_trees_of_anything_print_and_compare(case: Case) -> None:
    """Gradients leave leaves out, `jit` takes trees of shardings, `vmap` gives batches."""
    schedule = case.schedule().as_arrays()
    for mark in (lambda leaf: None, lambda leaf: SHARDING, lambda leaf: np.stack([leaf, leaf])):
        tree = jax.tree.map(mark, schedule)
        assert str(tree) == repr(tree)
        assert type(tree).__name__ in repr(tree)
        assert tree == tree
        assert tree != schedule
        with pytest.raises(ValueError, match=r"to_config: .* must be"):
            anneal.to_config(tree)


def test_jax_scalars_are_numbers(case: Case) -> None:
    """So are those of an optimizer state: fetched once, and checked as those typed by hand."""
    arrays = {name: jax.numpy.asarray(x) for name, x in case.numbers.items()}
    schedule = case.build(**arrays)
    assert on_host(*jax.tree.leaves(schedule))
    assert schedule == case.build(**{name: x.item() for name, x in arrays.items()})


@pytest.mark.parametrize("real", [np.array(0.5), np.array(0.5, np.float32)], ids=repr)
def test_numpy_arrays_without_axes_are_numbers(real: np.ndarray) -> None:
    steps = np.array(10)
    for schedule in [
        anneal.Linear(real, 0.0, steps),
        anneal.Polynomial(0.5, 0.0, steps, power=2 * real),
        anneal.warmup_linear(real, 0, steps),
        anneal.Linear(0.5, 0.0, 10).repeat(steps),
        (anneal.Constant(real) * anneal.Linear(1.0, 0.0, steps)).clip(real * 0, real),
    ]:
        np.testing.assert_allclose(schedule([0, 5]), [0.5, 0.25])


@pytest.mark.parametrize("case", CASES[::12], ids=[case.name for case in CASES[::12]])
def test_optax_takes_it(case: Case) -> None:
    """A schedule is an `optax.Schedule`: its value at the count scales the update.

    Optax sees no more of it than the call, which is the same in all (`test_contract_steps.py`).
    """
    schedule = case.schedule()
    params = {"w": np.ones(3, np.float32)}
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        sgd, adamw = optax.sgd(schedule), optax.adamw(schedule)
        state = sgd.init(params)
        for t in range(3):
            updates, state = sgd.update(params, state)
            assert_close([-updates["w"][0]], [case.reference().value(t)], [references(case)[1][t]])
        updates, _ = adamw.update(params, adamw.init(params), params)
    assert np.isfinite(updates["w"]).all()


def test_a_batch_of_schedules_is_a_schedule_under_vmap() -> None:
    batch = [anneal.warmup_cosine(peak, 10, 100).as_arrays() for peak in (0.1, 0.2, 0.3)]
    stacked = jax.tree.map(lambda *leaves: jax.numpy.stack(leaves), *batch)
    got = jax.vmap(lambda schedule: schedule(30))(stacked)
    np.testing.assert_allclose(got, [schedule(30) for schedule in batch], rtol=1e-6)


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(CASES) > 80
    assert all(len(points(case)) == COUNT for case in CASES)
