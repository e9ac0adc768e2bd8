"""anneal_jax.ports.optax against Optax: its own tests, and Optax itself in double precision."""

import importlib.metadata
import inspect
import unittest
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, strategies as st

import anneal_jax as anneal
from anneal_jax.ports import optax as ours
from tests.nonsense import assert_named
from tests.numpy_eval import evaluate
from tests.peers import assert_parity, parity, peer

theirs = peer("optax.schedules")
contrib = peer("optax.contrib")
STEPS = 40

values = st.sampled_from([0.0, 1.0, 0.3, 2.5, -0.7, -2.0])
counts = st.integers(1, 12)
waits = st.sampled_from([-2, 0, 3])


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Optax relies on JAX's promotion."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def wanted(schedule, steps=STEPS):
    """Optax's values, in double, op by op as its formulas say (its jit breaks some)."""
    with jax.enable_x64(True):
        return evaluate(jax.jit(jax.vmap(schedule)), jnp.arange(steps)).astype(np.float64)


def same(name, *args, **kwargs):
    """Our schedule of that name and arguments has Optax's values."""
    with jax.enable_x64(True):
        reference = getattr(theirs, name)(*args, **kwargs)
    trajectory = wanted(reference)
    peak = max(np.abs(trajectory).max(), *(abs(x) for x in args if isinstance(x, float)), 1e-3)
    assert_parity(getattr(ours, name)(*args, **kwargs), trajectory, peak)


# --- Optax's own tests ----------------------------------------------------------------------


def optax_version():
    """As numbers."""
    return tuple(int(part) for part in importlib.metadata.version("optax").split(".")[:3])


def own_tests(module, monkeypatch, names=None):
    """Run a test module of Optax's (or some classes of it) on ours; how many tests that were."""
    for name in ("_schedule", "_join", "schedules"):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, ours)
    loader = unittest.defaultTestLoader
    if names is None:
        suite = loader.loadTestsFromModule(module)
    else:
        suite = loader.loadTestsFromNames(names, module)
    result = unittest.TestResult()
    suite.run(result)
    problems = [trace for _, trace in result.failures + result.errors]
    assert not problems, "\n".join(problems)
    return result.testsRun


@pytest.mark.filterwarnings("default")  # theirs
@pytest.mark.parametrize(
    ("name", "least"), [("_schedule_test", 78), ("_join_test", 1), ("_inject_test", 15)]
)
def test_optax_own_tests_pass_on_ours(name, least, monkeypatch):
    """Its whole files (94 tests in Optax 0.2.8), with our module in place of its own."""
    if optax_version() < (0, 2, 8):
        pytest.skip("the tests of older versions are others, and one passes steps as floats")
    module = peer(f"optax.schedules.{name}")
    assert own_tests(module, monkeypatch) >= least


def test_optax_own_tests_can_fail(monkeypatch):
    """They look at our functions, not at Optax's."""
    module = peer("optax.schedules._schedule_test")
    monkeypatch.setattr(ours, "linear_onecycle_schedule", ours.cosine_onecycle_schedule)
    with pytest.raises(AssertionError):
        own_tests(module, monkeypatch, ["OneCycleTest"])


# --- Names and arguments --------------------------------------------------------------------


def test_every_public_name_is_there():
    """One import changes, nothing else."""
    names = {name for name in dir(theirs) if not name.startswith("_")}
    names -= {name for name in names if inspect.ismodule(getattr(theirs, name))}
    assert names <= set(dir(ours))


def defaults(f):
    """Names, in order, with their defaults."""
    shown = inspect.signature(f).parameters.values()
    return [(p.name, p.default) for p in shown if p.kind is not p.KEYWORD_ONLY]


NAMES = [
    n for n in dir(theirs) if n.endswith(("_schedule", "_schedules", "_decay")) and n[0] != "_"
]


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_the_same(name):
    """Names, order and defaults; `exact` comes after them, by keyword only."""
    assert len(NAMES) == 14
    assert defaults(getattr(ours, name)) == defaults(getattr(theirs, name))
    assert defaults(ours.reduce_on_plateau) == defaults(contrib.reduce_on_plateau)


# --- Parity ---------------------------------------------------------------------------------


@parity
@given(value=values | st.floats(-3, 3))
def test_constant(value):
    same("constant_schedule", value)


@parity
@given(values, values, st.sampled_from([0, 0.3, 1, 2.0, 2.7]), st.integers(-1, 12), waits)
def test_polynomial(a, b, power, steps, begin):
    same("polynomial_schedule", a, b, power, steps, begin)


@parity
@given(values, values, st.sampled_from([-1, 0, 1, 7, 2.5, 9.75]), st.sampled_from([-2, 0, 3, 1.5]))
def test_linear(a, b, steps, begin):
    """Durations that are not whole too."""
    same("linear_schedule", a, b, steps, begin)


tables = st.dictionaries(
    st.sampled_from([0, 1, 2, 5, 8.0, 2.5, 2.75, 11]),
    st.sampled_from([0.0, 0.5, 1, 3.0]),
    max_size=3,
)


@parity
@given(values, st.none() | tables)
def test_piecewise_constant(value, scales):
    same("piecewise_constant_schedule", value, scales)


@parity
@given(st.sampled_from(["linear", "cosine"]), values, st.none() | tables)
def test_piecewise_interpolate(kind, value, scales):
    same("piecewise_interpolate_schedule", kind, value, scales)


rates = st.sampled_from([0, 0.0, 0.3, 1.0, 1.2])
ends = st.sampled_from([None, 0.2, -0.4, 5.0])


@parity
@given(values, st.integers(-1, 9), rates, waits, st.booleans(), ends)
def test_exponential(value, steps, rate, begin, staircase, end):
    """Growing and shrinking, clipped or not."""
    same("exponential_decay", value, steps, rate, begin, staircase, end)


@parity
@given(values, st.sampled_from([0.5, 2.5, 7.75]), rates)
def test_exponential_in_steps_that_are_not_whole(value, steps, rate):
    same("exponential_decay", value, steps, rate)


exponents = st.sampled_from([0, 0.5, 1.0, 2, 2.7])


@parity
@given(
    values,
    counts | st.sampled_from([0.5, 7.25]),
    st.sampled_from([0.0, 0.1, 1, 3, -0.5]),
    exponents,
)
def test_cosine(value, steps, alpha, exponent):
    same("cosine_decay_schedule", value, steps, alpha, exponent)


@parity
@given(values, values, st.integers(0, 12))
def test_warmup_constant(a, b, steps):
    same("warmup_constant_schedule", a, b, steps)


@parity
@given(values, values, st.integers(0, 5), counts | st.just(4.5), values, exponents)
def test_warmup_cosine(a, peak, warmup, decay, end, exponent):
    same("warmup_cosine_decay_schedule", a, peak, warmup, warmup + decay, end, exponent)


@parity
@given(values, values, st.integers(0, 5), st.integers(0, 9), rates, waits, st.booleans(), ends)
def test_warmup_exponential(a, peak, warmup, steps, rate, begin, staircase, end):
    name = "warmup_exponential_decay_schedule"
    same(name, a, peak, warmup, steps, rate, begin, staircase, end)


one_cycles = pytest.mark.skipif(
    optax_version() < (0, 2, 8),
    reason="before 0.2.8 a one cycle of few steps is NaN (google-deepmind/optax#1403)",
)
parts_of_one = st.sampled_from([0.0, 0.1, 0.29, 0.3, 0.5, 0.85, 1.0])
factors = st.sampled_from([25.0, 10.0, 0.5])


@one_cycles
@parity
@given(st.integers(1, 39), values, parts_of_one, factors, factors)
def test_cosine_one_cycle(steps, peak, start, div, final):
    same("cosine_onecycle_schedule", steps, peak, start, div, final)


@one_cycles
@parity
@given(st.integers(1, 39), values, parts_of_one, parts_of_one, factors, factors)
def test_linear_one_cycle(steps, peak, a, b, div, final):
    """Few steps, so that phases fall on one step and their factors are lost, too."""
    same("linear_onecycle_schedule", steps, peak, min(a, b), max(a, b), div, final)


@st.composite
def restarts(draw):
    """Cycles of SGDR."""
    warmups = [draw(st.integers(0, 3)) for _ in range(draw(st.sampled_from([1, 3])))]
    return [
        {
            "init_value": draw(values),
            "peak_value": draw(values),
            "warmup_steps": warmup,
            "decay_steps": warmup + draw(counts),
            "end_value": draw(values),
        }
        for warmup in warmups
    ]


@parity
@given(restarts())
@example([{"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 2, "decay_steps": 13}] * 3)
def test_sgdr(cycles):
    same("sgdr_schedule", cycles)


@parity
@given(values, values, counts, st.integers(0, 9))
def test_join(a, b, steps, more):
    """Of Optax's functions, whose program is called as it is."""
    parts = [theirs.linear_schedule(a, b, 3), theirs.constant_schedule(b), lambda step: step * 0.1]
    boundaries = [steps, steps + more]
    trajectory = wanted(theirs.join_schedules(parts, boundaries))
    assert_parity(
        ours.join_schedules(parts, boundaries), trajectory, max(np.abs(trajectory).max(), 1)
    )


@pytest.mark.parametrize("more", [[9], [30], [9, 9], [2, 50]])
def test_join_ignores_surplus_boundaries(more):
    """As MaxText and Levanter give them, one with each piece."""
    parts = [
        theirs.linear_schedule(0.0, 1.0, 3),
        theirs.linear_schedule(1.0, 0.1, 6),
        lambda n: 0.0,
    ]
    for pieces, boundaries in ((parts, [3, 9, *more]), (parts[:1], more)):
        trajectory = wanted(theirs.join_schedules(pieces, boundaries))
        assert_parity(ours.join_schedules(pieces, boundaries), trajectory, 1)


def test_sgdr_has_one_program_for_any_number_of_cycles():
    """And restarts that other parts of the library see."""
    cycle = {"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 1, "decay_steps": 4}

    def size(n):
        schedule = ours.sgdr_schedule([cycle] * n)
        return len(jax.make_jaxpr(lambda s, t: s.value_at(t))(schedule, 0).jaxpr.eqns)

    assert size(3) == size(30)
    assert ours.sgdr_schedule([cycle] * 3).cycle(9) == 2


def test_arguments_may_be_traced():
    """Rates and steps that Optax cannot take under vmap."""

    def last(peak, warmup, total):
        return ours.warmup_cosine_decay_schedule(0.0, peak, warmup, total)(3)

    got = jax.vmap(last)(jnp.array([1.0, 2.0]), jnp.array([3, 6]), jnp.array([9, 12]))
    np.testing.assert_allclose(got, [1.0, 1.0])
    grown = jax.vmap(lambda n, b: ours.linear_schedule(0.0, 1.0, n, b)(3))
    np.testing.assert_allclose(grown(jnp.array([2, 4]), jnp.array([2, -5])), [0.5, 0.75])


@pytest.mark.parametrize(
    ("name", "argument"),
    [(f"{shape}_onecycle_schedule", argument) for shape, argument in (
        ("cosine", "transition_steps"), ("cosine", "pct_start"), ("linear", "transition_steps"),
        ("linear", "pct_start"), ("linear", "pct_final"))],
)  # fmt: skip
def test_phases_of_one_cycle_are_known(name, argument):
    """They end at whole steps."""

    def value(x):
        given = {"transition_steps": 9, "peak_value": 1.0} | {argument: x}
        return getattr(ours, name)(**given)(0)

    with pytest.raises(ValueError, match=f"{name}: {argument} must be known"):
        jax.eval_shape(value, 9 if argument == "transition_steps" else 0.4)


def test_more_steps_than_a_counter_holds():
    """What can be reached of 10**10 steps is there."""
    long = ours.cosine_decay_schedule(1.0, 10**10, 0.1, 2)
    reference = theirs.cosine_decay_schedule(1.0, 1e10, 0.1, 2)
    for step in (0, 10**9, 2**31 - 1):
        np.testing.assert_allclose(long(step), float(reference(float(step))), rtol=1e-6)
    slow = ours.exponential_decay(1.0, 10**10, 0.5)
    np.testing.assert_allclose(slow(10**9), 0.5**0.1, rtol=1e-6)


# --- A transformation: reduce_on_plateau --------------------------------------------------------


def scales(tx, metrics) -> Any:
    """The scale after each metric."""

    def step(state, metric):
        updates, state = tx.update(jnp.ones(1, jnp.float32), state, value=metric)
        return state, updates[0]

    return jax.lax.scan(step, tx.init(jnp.ones(1, jnp.float32)), metrics)[1]


def random_metrics(rng, count, length=60):
    """Noise of both signs, and falls that slow down; some are no number."""
    noise = rng.normal(size=(count, length))
    metrics = np.where(rng.random((count, 1)) < 0.5, noise, 5 - np.cumsum(noise**2, 1) / 20 + noise)
    metrics[rng.random((count, length)) < 0.02] = np.nan
    return metrics.astype(np.float32)


@pytest.mark.parametrize(
    ("factor", "rtol", "atol"),
    [(0.1, 1e-4, 0.0), (0.5, 0.1, 0.3), (0.9, 0.0, 0.05), (0.5, 1.0, 0.0), (0.7, 0.5, 1e-3)],
)
def test_reduce_on_plateau(factor, rtol, atol):
    """Eight random configurations, vmapped, over random sequences."""
    rng = np.random.default_rng(int(10 * factor))
    rest = {"patience": rng.integers(1, 6, 8), "cooldown": rng.integers(0, 4, 8),
            "accumulation_size": rng.integers(1, 4, 8),
            "min_scale": rng.choice([0.0, 0.01, 0.3], 8).astype(np.float32)}  # fmt: skip
    metrics = random_metrics(rng, 8)

    def run(module):
        def one(rest, metrics):
            return scales(module.reduce_on_plateau(factor, rtol=rtol, atol=atol, **rest), metrics)

        return jax.jit(jax.vmap(one))(rest, metrics)

    reference = run(contrib)
    np.testing.assert_allclose(run(ours), reference, rtol=1e-6)
    assert len(np.unique(reference)) > 3


def test_patience_counts_one_less_than_in_ours():
    """Optax reduces after `patience` bad metrics, torch and anneal_jax after one more."""
    metrics = random_metrics(np.random.default_rng(0), 1)[0]
    optax_s, own = ours.reduce_on_plateau(0.5, 3, exact=False), anneal.reduce_on_plateau
    meant = scales(own(factor=0.5, patience=2, eps=0.0), metrics)
    np.testing.assert_array_equal(scales(optax_s, metrics), meant)
    other = scales(own(factor=0.5, patience=3, eps=0.0), metrics)
    assert not np.array_equal(meant, other)


def test_metrics_below_zero_that_stand_still():
    """To Optax each is an improvement; as meant they are a plateau."""
    still = np.full(9, -1.0, np.float32)
    for rtol, atol in ((1e-4, 0.0), (0.5, 0.1)):
        given = {"factor": 0.5, "patience": 4, "rtol": rtol, "atol": atol}
        np.testing.assert_array_equal(scales(contrib.reduce_on_plateau(**given), still), 1.0)
        np.testing.assert_array_equal(scales(ours.reduce_on_plateau(**given), still), 1.0)
        meant = scales(ours.reduce_on_plateau(**given, exact=False), still)
        np.testing.assert_array_equal(meant, [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25])


def test_no_patience_reduces_in_optax_where_a_metric_improves():
    """Here it is rejected."""
    reference = scales(contrib.reduce_on_plateau(0.5, 0), np.array([3.0, 3.0, 2.0], np.float32))
    np.testing.assert_array_equal(reference, [0.5, 0.5, 0.25])
    with pytest.raises(ValueError, match="patience must be a whole number from 1"):
        ours.reduce_on_plateau(0.5, 0)


def test_its_scale_is_read_and_metrics_are_observed():
    """What our own transformation can do."""
    tx = ours.reduce_on_plateau(0.5, 1, observed=True)
    state = anneal.observe(anneal.observe(tx.init(jnp.ones(1)), 1.0), 1.0)
    assert anneal.hyperparams(state)["plateau_scale"] == 0.5


# --- Quirks: exact, and as meant --------------------------------------------------------------


def test_no_warmup():
    """Optax stays at its first value for ever."""
    same("warmup_constant_schedule", 0.0, 1.0, 0)
    assert ours.warmup_constant_schedule(0.0, 1.0, 0, exact=False)(0) == 1
    meant = ours.warmup_constant_schedule(0.0, 1.0, 4, exact=False)
    assert meant == ours.warmup_constant_schedule(0.0, 1.0, 4)


def test_a_peak_of_zero():
    """Optax ends at 0, not at end_value."""
    args = 1.0, 0.0, 2, 6, 0.5
    same("warmup_cosine_decay_schedule", *args)
    assert ours.warmup_cosine_decay_schedule(*args)(6) == 0
    meant = ours.warmup_cosine_decay_schedule(*args, exact=False)
    np.testing.assert_allclose(meant([0, 2, 6]), [1, 0, 0.5])


def test_the_peak_of_one_cycle_is_truncated():
    """0.29 of 100 is 28.999999999999996."""
    assert int(np.argmax(ours.cosine_onecycle_schedule(100, 1.0, 0.29)(np.arange(100)))) == 28
    meant = ours.cosine_onecycle_schedule(100, 1.0, 0.29, exact=False)
    assert int(np.argmax(meant(np.arange(100)))) == 29


@one_cycles
def test_factors_of_one_cycle_are_lost():
    """With one step, two of the three phases end at step 0: a dict keeps the last factor."""
    same("linear_onecycle_schedule", 1, 1.0)
    lost = ours.linear_onecycle_schedule(1, 1.0, div_factor=4.0, final_div_factor=10.0)
    np.testing.assert_allclose(lost(1), 1 / 4 / 4 / 10, rtol=1e-6)
    args = {"div_factor": 4.0, "final_div_factor": 10.0, "exact": False}
    np.testing.assert_allclose(ours.linear_onecycle_schedule(1, 1.0, **args)(1), 1 / 40, rtol=1e-6)


# --- What is rejected -------------------------------------------------------------------------

CYCLE = {"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 1, "decay_steps": 4}
BOTH = [  # Optax raises too
    ("cosine_decay_schedule", (1.0, 0), "decay_steps"),
    ("cosine_decay_schedule", (1.0, float("nan")), "decay_steps"),
    ("warmup_cosine_decay_schedule", (0.0, 1.0, 4, 4), "decay_steps"),
    ("piecewise_constant_schedule", (1.0, {3: -1.0}), "boundaries_and_scales"),
    ("piecewise_constant_schedule", (1.0, {3: float("nan")}), "boundaries_and_scales"),
    ("piecewise_interpolate_schedule", ("linear", 1.0, {3: -1.0}), "boundaries_and_scales"),
    ("piecewise_interpolate_schedule", ("linar", 1.0), "did you mean 'linear'"),
    ("linear_onecycle_schedule", (0, 1.0), "transition_steps"),
    ("cosine_onecycle_schedule", (0, 1.0), "transition_steps"),
]
OURS = [  # Optax takes them, or fails with another error or at the first call
    ("constant_schedule", (float("nan"),), "value"),
    ("polynomial_schedule", (1.0, 0.0, -1.0, 5), "power"),
    ("linear_schedule", (float("inf"), 0.0, 5), "init_value"),
    ("linear_schedule", (1.0, float("nan"), 5), "end_value"),
    ("linear_schedule", (1.0, 0.0, float("nan")), "transition_steps"),
    ("exponential_decay", (1.0, 5, -0.5), "decay_rate"),
    ("exponential_decay", (1.0, 2.5, 0.5, 0, True), "transition_steps"),
    ("exponential_decay", (1.0, 5, 0.5, 0, False, float("nan")), "end_value"),
    ("cosine_decay_schedule", (1.0, 5, 0.0, -1.0), "exponent"),
    ("cosine_decay_schedule", (1.0, 5, float("nan")), "alpha"),
    ("piecewise_constant_schedule", (1.0, {-3: 0.5}), "boundaries_and_scales"),
    ("piecewise_constant_schedule", (1.0, [3]), "boundaries_and_scales"),
    ("warmup_constant_schedule", (0.0, 1.0, -2), "warmup_steps"),
    ("warmup_cosine_decay_schedule", (0.0, 1.0, -2, 5), "warmup_steps"),
    ("warmup_exponential_decay_schedule", (0.0, 1.0, -2, 5, 0.5), "warmup_steps"),
    ("cosine_onecycle_schedule", (9, 1.0, 1.5), "pct_start"),
    ("cosine_onecycle_schedule", (9, 1.0, 0.3, 0.0), "div_factor"),
    ("linear_onecycle_schedule", (9, 1.0, 0.5, 0.3), "pct_final"),
    ("linear_onecycle_schedule", (9.5, 1.0), "transition_steps"),
    ("sgdr_schedule", ([],), "cosine_kwargs"),
    ("sgdr_schedule", ([CYCLE | {"decay_steps": 4.5}, CYCLE],), "decay_steps"),
    ("join_schedules", ([1.0, 2.0], []), "boundaries"),
    ("join_schedules", ([1.0, 2.0], 3), "boundaries must be a list"),
    ("join_schedules", ([1.0, 2.0, 3.0], [4, 3]), "boundaries"),
    ("join_schedules", ([1.0, 2.0], [-3]), "boundaries"),
]


GOOD = {  # a call of each, to which nonsense is given
    "constant_schedule": {"value": 1.0},
    "polynomial_schedule": {"init_value": 1.0, "end_value": 0.0, "power": 2, "transition_steps": 9},
    "linear_schedule": {"init_value": 1.0, "end_value": 0.0, "transition_steps": 9},
    "piecewise_constant_schedule": {"init_value": 1.0},
    "piecewise_interpolate_schedule": {"interpolate_type": "linear", "init_value": 1.0},
    "exponential_decay": {"init_value": 1.0, "transition_steps": 9, "decay_rate": 0.5},
    "cosine_decay_schedule": {"init_value": 1.0, "decay_steps": 9},
    "cosine_onecycle_schedule": {"transition_steps": 9, "peak_value": 1.0},
    "linear_onecycle_schedule": {"transition_steps": 9, "peak_value": 1.0},
    "warmup_constant_schedule": {"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 9},
    "warmup_cosine_decay_schedule": {"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 9,
                                     "decay_steps": 20},
    "warmup_exponential_decay_schedule": {"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 9,
                                          "transition_steps": 9, "decay_rate": 0.5},
    "sgdr_schedule": {"cosine_kwargs": [CYCLE]},
    "join_schedules": {"schedules": [1.0, 2.0], "boundaries": [3]},
    "reduce_on_plateau": {},
}  # fmt: skip
ARGUMENTS = [(n, p) for n in GOOD for p in inspect.signature(getattr(ours, n)).parameters]


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_nonsense_in_any_argument_is_one_sentence(name, argument):
    """It is taken, or refused in a sentence that begins with the port; nothing else happens."""
    assert_named(getattr(ours, name), GOOD[name], argument)


@pytest.mark.parametrize(("name", "args", "match"), BOTH + OURS)
def test_bad_input_is_named(name, args, match):
    with pytest.raises(ValueError, match=match):
        getattr(ours, name)(*args)


@pytest.mark.parametrize(("name", "args", "match"), BOTH)
def test_optax_rejects_it_too(name, args, match):
    with pytest.raises(ValueError):
        getattr(theirs, name)(*args)


# --- As values ----------------------------------------------------------------------------------


def test_they_are_schedules():
    """Saved, compared, and a change of the rate compiles nothing."""
    first, second = (ours.warmup_cosine_decay_schedule(0.0, p, 2, 9) for p in (1.0, 2.0))
    assert anneal.from_config(anneal.to_config(first)) == first != second
    traced = []
    evaluate = jax.jit(lambda s, t: (traced.append(1), s(t))[1])
    assert evaluate(first, 2) * 2 == evaluate(second, 2)
    assert len(traced) == 1
