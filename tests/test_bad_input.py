"""Bad input gets one sentence at construction: owner, argument, rule, value, remedy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import anneal_jax as anneal

LARGEST = 2**31 - 1
BAD_VALUES = [-1.0, float("nan"), float("inf"), None, "0.1", True, 1j, [1.0], np.ones(2)]
BAD_STEPS = [-1, 2.5, 2**31, float("nan"), None, "10", True, np.ones(2, int)]
SEGMENTS = [
    anneal.Linear,
    anneal.Cosine,
    anneal.Polynomial,
    anneal.Exponential,
    anneal.OneMinusSqrt,
    anneal.OneMinusSquare,
    anneal.ShiftedExponential,
    anneal.Logarithmic,
    anneal.Harmonic,
]
RECIPES = {
    anneal.warmup_constant: {"peak_value": 1.0, "warmup_steps": 3},
    anneal.warmup_linear: {"peak_value": 1.0, "warmup_steps": 3, "total_steps": 9},
    anneal.warmup_cosine: {"peak_value": 1.0, "warmup_steps": 3, "total_steps": 9},
    anneal.warmup_polynomial: {"peak_value": 1.0, "warmup_steps": 3, "total_steps": 9},
    anneal.warmup_inverse_sqrt: {"peak_value": 1.0, "warmup_steps": 3},
    anneal.noam: {"model_size": 8.0, "warmup_steps": 3},
    anneal.warmup_stable_decay: {
        "peak_value": 1.0,
        "warmup_steps": 3,
        "decay_steps": 3,
        "total_steps": 9,
    },
    anneal.cosine_restarts: {"peak_value": 1.0, "cycle_steps": 9, "end_value": 0.1},
    anneal.one_cycle: {"peak_value": 1.0, "total_steps": 9},
    anneal.one_cycle_momentum: {"base_momentum": 0.8, "max_momentum": 0.9, "total_steps": 9},
    anneal.flat_cosine: {"peak_value": 1.0, "flat_steps": 3, "total_steps": 9},
    anneal.deepseek_steps: {"peak_value": 1.0, "warmup_steps": 1, "total_steps": 99},
    anneal.InverseSqrt: {"init_value": 1.0, "timescale": 10.0},
    anneal.InversePower: {"init_value": 1.0, "timescale": 9.0, "power": 0.5, "offset": 0.0},
    anneal.InverseTime: {"init_value": 1.0, "decay_steps": 3, "decay_rate": 0.5},
    anneal.ExponentialDecay: {"init_value": 1.0, "decay_steps": 3, "decay_rate": 0.5},
    anneal.Triangular: {"init_value": 0.1, "peak_value": 1.0, "up_steps": 3},
    anneal.CosineWave: {"init_value": 1.0, "end_value": 0.1, "decay_steps": 3, "halves": 2.0},
    anneal.CyclicPolynomial: {"init_value": 1.0, "end_value": 0.1, "decay_steps": 3, "power": 2.0},
    anneal.Chebyshev: {"scale": 1.0, "steps": 8, "lower": 0.1, "upper": 1.0},
    anneal.k_decay: {"segment": anneal.Linear(1.0, 0.0, 9), "k": 2.0},
} | {segment: {"init_value": 1.0, "end_value": 0.5, "steps": 9} for segment in SEGMENTS}


def sentence(call, *, kind=ValueError):
    """The message of the error that `call` must raise, checked for its form."""
    with pytest.raises(kind) as error:
        call()
    message = str(error.value)
    assert "\n" not in message
    assert " must be " in message
    assert ", got " in message
    assert "; " in message  # what to do
    return message


def arguments(steps):
    """(builder, argument) for every argument that is (or is not) a number of steps."""
    for build, given in RECIPES.items():
        for name in given:
            if name.endswith("steps") == steps:
                yield pytest.param(build, name, id=f"{build.__name__}({name})")


@pytest.mark.parametrize(("build", "name"), list(arguments(steps=False)))
def test_values(build, name):
    """Negative, not finite, not a number, not a scalar: the sentence names the argument."""
    for value in BAD_VALUES:
        message = sentence(lambda value=value: build(**RECIPES[build] | {name: value}))
        known_as = (
            "factor or decay rate" if name == "decay_rate" and "Decay" in str(build) else name
        )
        assert known_as in message, message


@pytest.mark.parametrize(("build", "name"), list(arguments(steps=True)))
def test_steps(build, name):
    """Negative, fractional, beyond 32 bits, not a number: the sentence names the argument."""
    for value in BAD_STEPS:
        message = sentence(lambda value=value: build(**RECIPES[build] | {name: value}))
        assert f": {name} must be " in message, message
        assert message.startswith(build.__name__)


NO_MOMENTS = [float("nan"), float("inf"), -(2.0**31), 2.0**31, "0.1", True, 1j, [1.0], np.ones(2)]


@pytest.mark.parametrize("name", ["begin", "end", "power"])
def test_moments(name):
    """Not finite, beyond the counter, not a number, not a scalar; a negative begin is one."""
    given = {"begin": -1.5, "end": 7.5, "power": 2.0}
    for value in (NO_MOMENTS[:2] + NO_MOMENTS[4:]) if name == "power" else [*NO_MOMENTS, None]:
        message = sentence(lambda value=value: anneal.Span(LINE, **given | {name: value}))
        assert message.startswith(f"Span: {name} must be "), message


@pytest.mark.parametrize(("verb", "name"), [("every", "interval"), ("until", "end")])
def test_steps_of_verbs(verb, name):
    for value in BAD_STEPS:
        message = sentence(lambda value=value: getattr(LINE, verb)(value))
        assert message.startswith(f"{verb}: {name} must be "), message


TWO = [anneal.Constant(1.0), anneal.Constant(2.0)]
LINE = anneal.Linear(1.0, 0.0, 10)
OTHERS = {
    "phases longer than the total": (lambda: anneal.warmup_cosine(1.0, 9, 5), "at least warmup_st"),
    "warmup longer than its cycle": (
        lambda: anneal.cosine_restarts(1.0, 5, warmup_steps=9),
        "cosine_restarts: cycle_steps must be at least warmup_steps = 9, got 5",
    ),
    "exponent 0": (lambda: anneal.Cosine(1.0, 0.0, 9, 0.0), "Cosine: exponent"),
    "power below 0": (lambda: anneal.Polynomial(1.0, 0.0, 9, -2.0), "Polynomial: power"),
    "base 1": (lambda: anneal.ShiftedExponential(1.0, 0.0, 9, 1.0), "ShiftedExponential: base"),
    "exponential to 0": (lambda: anneal.Exponential(1.0, 0.0, 9), "reaches no zero"),
    "rate 0": (lambda: anneal.ExponentialDecay(1.0, 9, 0.0), "above 0"),
    "mode": (lambda: anneal.Triangular(0.0, 1.0, 3, mode="triangle"), "did you mean 'triangular'"),
    "no segments": (lambda: anneal.join([]), "segments"),
    "a number as segment": (lambda: anneal.join([LINE, 0.5]), "as_schedule"),
    "unknown length": (lambda: anneal.join(TWO), "segments[0] must be of known length"),
    "negative boundary": (lambda: anneal.join(TWO, [-1]), "boundaries"),
    "fractional boundary": (lambda: anneal.join(TWO, [1.5]), "boundaries"),
    "unsorted boundaries": (lambda: anneal.join([*TWO, LINE], [9, 3]), "sort"),
    "too many boundaries": (lambda: anneal.join(TWO, [3, 9]), "one fewer than the 2 segments"),
    "a sum beyond 32 bits": (
        lambda: anneal.Linear(1.0, 0.0, 2**30).then(anneal.Linear(0.0, 1.0, 2**30), LINE),
        "2**31 - 1",
    ),
    "repeat for ever": (lambda: anneal.Constant(1.0).repeat(), "of known length"),
    "repeat nothing": (lambda: anneal.Linear(1.0, 0.0, 0).repeat(), "the cycle's length"),
    "cycles 0": (lambda: LINE.repeat(0), "cycles"),
    "cycles 2.5": (lambda: LINE.repeat(2.5), "cycles"),
    "too many cycles": (lambda: LINE.repeat(100, 2), "at most 27"),
    "too many equal cycles": (lambda: LINE.repeat(2**30), "cycles times"),
    "shrinking for ever": (lambda: LINE.repeat(steps_factor=0.5), "cycles must be given"),
    "growing imperceptibly": (lambda: LINE.repeat(steps_factor=1 + 1e-9), "clearly above"),
    "value_factor 0": (lambda: LINE.repeat(value_factor=0.0), "value_factor"),
    "factor of a floor of 0": (
        lambda: anneal.cosine_restarts(1.0, 5, 3, value_factor=0.5, floor_factor=0.5),
        "floor_factor",
    ),
    "periods and cycles": (lambda: LINE.repeat(2, periods=[3]), "periods"),
    "no periods": (lambda: LINE.repeat(periods=[]), "periods"),
    "a period of 0": (lambda: LINE.repeat(periods=[3, 0]), "periods"),
    "a tangent that falls": (lambda: anneal.Tanh(1.0, 0.0, 5, 3.0, -7.0), "above lower=3.0"),
    "a tangent too wide": (lambda: anneal.Tanh(1.0, 0.0, 5, -40.0, 3.0), "by at most 40"),
    "boundaries that are no list": (lambda: anneal.join([LINE, LINE], 5), "a list of steps"),
    "segments that are no list": (lambda: anneal.join(LINE), "a list of schedules"),
    "None for values": (lambda: anneal.PiecewiseConstant([1], None), "a list of numbers, got None"),
    "words for values": (lambda: anneal.PiecewiseConstant([1], ["a", "b"]), "numbers, got ['a'"),
    "one knot for a list": (lambda: anneal.Interpolated(5, [1.0]), "knots must be a list"),
    "a gap among values": (lambda: anneal.Interpolated([1, 2], [1.0, None]), "values must be a"),
    "no factors": (
        lambda: anneal.PiecewiseConstant.from_factors(1.0, [1], None),
        "factors must be a list of numbers, got None",
    ),
    "a period for a list": (lambda: LINE.repeat(periods=5), "periods must be a list of steps"),
    "a function in a span": (lambda: anneal.Span(abs, 0, 5), "Span: segment must be a segment"),
    "a join in a span": (lambda: anneal.Span(LINE.then(LINE), 0, 5), "segment must be a segment"),
    "a span that ends early": (lambda: anneal.Span(LINE, 3, 2.5), "end must be from begin=3.0 up"),
    "a span too long": (lambda: anneal.Span(LINE, -9, LARGEST), "by less than 2**31"),
    "a power of 0": (lambda: anneal.Span(LINE, 0, 5, 0.0), "Span: power must be"),
    "harmonic to 0": (lambda: anneal.Harmonic(1.0, 0.0, 9), "its inverse must be finite"),
    "no half waves": (lambda: anneal.CosineWave(1.0, 0.0, 9, 0), "halves must be"),
    "too many half waves": (lambda: anneal.CosineWave(1.0, 0.0, 9, 1e5), "at most 10000"),
    "waves of no length": (lambda: anneal.CosineWave(1.0, 0.0, 0), "decay_steps must be"),
    "cycles of no length": (lambda: anneal.CyclicPolynomial(1.0, 0.0, 0), "decay_steps must be"),
    "a cyclic power of 0": (lambda: anneal.CyclicPolynomial(1.0, 0.0, 9, 0), "power must be"),
    "an inverse power of 0": (lambda: anneal.InversePower(1.0, 9.0, 0), "power must be"),
    "Chebyshev of 6 steps": (lambda: anneal.Chebyshev(1.0, 6), "steps must be a power of two"),
    "Chebyshev of no step": (lambda: anneal.Chebyshev(1.0, 0), "steps must be"),
    "crossed eigenvalues": (lambda: anneal.Chebyshev(1.0, 8, 2.0, 1.0), "swap them"),
    "every 0 steps": (lambda: LINE.every(0), "interval must be"),
    "every so many that the end is too far": (
        lambda: LINE.every(2**30),
        "interval times the schedule's length",
    ),
    "crossed bounds": (lambda: LINE.clip(0.5, 0.1), "swap them"),
    "a bound of NaN": (lambda: LINE.clip(float("nan")), "lower"),
    "reverse for ever": (lambda: anneal.Constant(1.0).reverse(), "of known length"),
    "stretch by 0": (lambda: LINE.stretch(0.0), "factor"),
    "stretch too far": (lambda: LINE.stretch(1e9), "the stretched length"),
    "shift by a half": (lambda: LINE.shift(0.5), "offset"),
    "divide by 0": (lambda: LINE / 0.0, "the divisor"),
    "values and boundaries": (lambda: anneal.PiecewiseConstant([3], [1.0]), "boundaries"),
    "no values": (lambda: anneal.PiecewiseConstant([], []), "values"),
    "boundary 0": (lambda: anneal.PiecewiseConstant([0], [1.0, 2.0]), "from 1 to"),
    "a negative in a table": (lambda: anneal.PiecewiseConstant([3], [1.0, -2.0]), "values"),
    "factors": (lambda: anneal.PiecewiseConstant.from_factors(1.0, [3], []), "factors"),
    "knots and values": (lambda: anneal.Interpolated([0, 1], [1.0]), "knots"),
    "unsorted knots": (lambda: anneal.Interpolated([5, 1], [1.0, 2.0]), "sort"),
    "an instance as shape": (lambda: anneal.Interpolated([0, 1], [1.0, 2.0], LINE), "a class"),
    "zero in a shape that has none": (
        lambda: anneal.Interpolated([0, 1], [1.0, 0.0], anneal.Exponential),
        "reaches no zero",
    ),
    "an instance as cooldown": (
        lambda: anneal.warmup_stable_decay(1.0, 1, 2, 9, cooldown=LINE),
        "cooldown must be a segment class",
    ),
    "more than all": (lambda: anneal.one_cycle(1.0, 9, warmup_fraction=1.5), "warmup_fraction"),
    "three phases do not fit": (
        lambda: anneal.one_cycle(1.0, 9, warmup_fraction=0.6, three_phase=True),
        "at most 0.5",
    ),
    "no list of boundaries": (
        lambda: anneal.warmup_multi_step(1.0, 1, 4, [0.5]),
        "boundaries must be a list of steps",
    ),
    "a boundary beyond 64 bits": (lambda: anneal.join(TWO, [2**70]), "boundaries"),
    "a boundary beyond doubles": (
        lambda: anneal.PiecewiseConstant([10**400], [1.0, 2.0]),
        "finite",
    ),
    "a huge knot": (lambda: anneal.Interpolated([0, 1e300], [1.0, 2.0]), "knots"),
    "a knot that is no number": (lambda: anneal.Interpolated([float("nan")], [1.0]), "knots"),
    "lists among boundaries": (
        lambda: anneal.PiecewiseConstant([[2.0], 5], [1.0] * 3),
        "a list of",
    ),
    "truth among boundaries": (lambda: anneal.PiecewiseConstant([True], [1.0, 2.0]), "a list of"),
    "a word and factors": (
        lambda: anneal.PiecewiseConstant.from_factors("a", [3], [0.5]),
        "init_value",
    ),
    "5,000 digits": (lambda: anneal.Constant(10**5000), "a number of 16610 bits"),
    "a word for a flag": (lambda: anneal.one_cycle(1.0, 9, three_phase="no"), "True or False"),
    "a word for restarts": (lambda: anneal.join([LINE], restarts="no"), "True or False"),
    "a warmup beyond the first drop": (lambda: anneal.deepseek_steps(1.0, 9, 10), "the first drop"),
    "a word in a sum": (lambda: anneal.Sum(LINE, "x"), "a schedule, a number or a function"),
    "nothing to shift": (lambda: anneal.Shift(None, 3), "a schedule, a number or a function"),
    "nothing every 3": (lambda: anneal.Every([], 3), "a schedule, a number or a function"),
    "a key of lists": (lambda: LINE.noise([0, []]), "key must be"),
    "boundary in the warmup": (
        lambda: anneal.warmup_multi_step(1.0, 10, [4, 20], [0.5, 0.5]),
        "after the warmup of 10 steps",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "words"), OTHERS.values(), ids=OTHERS)
def test_the_rest(call, words):
    """Combinations that cannot be meant."""
    assert words in sentence(call)


WRAPPERS = [anneal.Sum, anneal.Product, anneal.Minimum, anneal.Maximum]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_number_is_a_schedule_wherever_one_is_asked_for(wrapper):
    """In place of the number that a combination of two would call."""
    assert wrapper(LINE, 0.5) == wrapper(LINE, anneal.Constant(0.5))


def test_a_number_in_place_of_a_wrapped_schedule():
    for number, schedule in ((2.0, anneal.Constant(2.0)), (np.float32(2), anneal.Constant(2.0))):
        assert anneal.Power(number, 2.0) == anneal.Power(schedule, 2.0)
        assert anneal.Until(number, 3) == anneal.Until(schedule, 3)
        assert anneal.Clip(number, 0.0, 1.0) == anneal.Clip(schedule, 0.0, 1.0)
        assert anneal.Noise(number, 0) == anneal.Noise(schedule, 0)


@pytest.mark.parametrize("step", [[[1, 2], [3]], "a", None, jax.random.key(0), 2.5], ids=str)
def test_what_is_no_step_gets_a_sentence(step):
    assert "Schedule: step must be" in sentence(lambda: LINE(step), kind=TypeError)


def test_steps_of_any_size():
    """Below 0 is 0, were it far below; above what a counter holds is an error."""
    assert LINE(-(10**30)) == 1.0
    with pytest.raises(OverflowError, match="a number of 1329 bits"):
        LINE([10**400])


def test_a_batch_that_is_called_is_told_how():
    for make in (lambda p: anneal.Constant(p), lambda p: anneal.warmup_cosine(p, 2, 9)):
        batch = jax.vmap(make)(jnp.arange(1.0, 4.0))
        with pytest.raises(ValueError, match=r"jax\.vmap"):
            batch(3)
        assert jax.vmap(lambda schedule: schedule(3))(batch).shape == (3,)


def test_tracers_pass_unvalidated():
    """There is nothing to read yet; what is built inside jit works."""
    build = jax.jit(lambda peak, warmup: anneal.warmup_cosine(peak, warmup, 9)(jnp.arange(3)))
    assert build(-1.0, 2).shape == (3,)


LONG = anneal.Linear(1.0, 0.0, 2**20)
ARRAYS: dict[str, tuple[Any, str]] = {
    "a value": (lambda: anneal.Linear(1.0, jnp.float32(-1), 9), "end_value"),
    "no number": (lambda: anneal.Constant(jnp.float32(np.nan)), "finite"),
    "steps": (lambda: anneal.Linear(1.0, 0.0, jnp.int32(-1)), "steps"),
    "steps and a half": (lambda: anneal.Linear(1.0, 0.0, jnp.float32(2.5)), "steps"),
    "cycles": (lambda: LONG.repeat(jnp.int32(2**20)), "cycles times"),
    "cycles that grow": (lambda: LONG.repeat(4, jnp.float32(1e9)), "at most 1,"),
    "an interval": (lambda: LONG.every(jnp.int32(2**20)), "interval times"),
    "a factor": (lambda: LONG.stretch(jnp.float32(2**20)), "stretched length"),
    "boundaries": (lambda: anneal.join([LONG] * 3, [jnp.int32(5), jnp.int32(3)]), "[5, 3]"),
    "an array of boundaries": (lambda: anneal.join([LONG] * 3, jnp.array([5, 3])), "[5, 3]"),
    "unsorted": (lambda: anneal.PiecewiseConstant(jnp.array([5, 3]), [1.0] * 3), "[5, 3]"),
    "a knot below 0": (lambda: anneal.Interpolated(jnp.array([-5, 3]), [1.0, 2.0]), "[-5, 3]"),
    "a knot between steps": (lambda: anneal.Interpolated(jnp.array([0, 1.5]), [1, 2]), "1.5"),
    "a range": (lambda: anneal.Span(LONG, jnp.int32(5), jnp.int32(3)), "begin=5.0"),
    "an order": (lambda: anneal.Constant(1.0).clip(jnp.float32(3), jnp.float32(1)), "upper=1.0"),
    "restored": (lambda: jax.tree.map(jnp.asarray, LONG).repeat(2**20), "cycles times"),
}


@pytest.mark.parametrize(("call", "words"), ARRAYS.values(), ids=ARRAYS)
def test_concrete_arrays_are_validated_too(call, words):
    """An array whose value is known is looked at, wherever it lies."""
    assert words in sentence(call)


def test_whole_floats_are_counts():
    """1e3 steps is 1,000 steps."""
    for count in (1e3, np.float32(1e3), jnp.float32(1e3)):
        assert anneal.Linear(1.0, 0.0, count) == anneal.Linear(1.0, 0.0, 1000)


IDLE: dict[str, tuple[Any, str]] = {
    "gamma of triangles": (lambda: anneal.Triangular(0.1, 1.0, 5, gamma=0.9), "gamma"),
    "gamma of halved triangles": (
        lambda: anneal.Triangular(0.1, 1.0, 5, mode="triangular2", gamma=1.0),
        "gamma",
    ),
    "deviation of uniform noise": (lambda: LINE.noise(0, 0.1, "uniform"), "std"),
    "factor of no floor": (lambda: LINE.repeat(3, floor_factor=0.5), "floor_factor"),
    "periods and cycles": (lambda: LINE.repeat(3, periods=[4, 5]), "periods"),
    "periods and a factor": (lambda: anneal.repeat(LINE, steps_factor=2, periods=[4]), "periods"),
}


@pytest.mark.parametrize("option", IDLE)
def test_an_option_that_does_nothing_is_an_error(option):
    """It says which is to be left out. (Those of transformations: `test_stateful_options.py`.)"""
    build, name = IDLE[option]
    with pytest.raises(ValueError, match=rf"{name} must be (left out|given without)"):
        build()
