"""Bad input is an error at construction: one sentence with owner, argument, rule, value, remedy.

Each argument of each constructor and recipe gets everything it must refuse. What a sentence says
is matched: it begins with what the user called and names the argument that they passed.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import anneal_jax as anneal
from tests.cases import LARGEST

NAN, INF = float("nan"), float("inf")
LINE = anneal.Linear(1.0, 0.0, 10)

# --- What each kind of argument must refuse --------------------------------------------------

NO_NUMBER = ["1", None, True, 1j, [1.0], (1.0, 2.0), {}, LINE, anneal.Linear, np.ones(2)]
NO_NUMBER += [jnp.ones(3), jnp.array(1j), object(), jnp.array(True)]
REAL = [*NO_NUMBER, NAN, INF, -INF]
VALUE = [*REAL, -1e-9, -1.0]  # at least 0
POSITIVE = [*VALUE, 0.0]
STEPS = [*NO_NUMBER, NAN, INF, 1.5, -1, 2**31, 2**70, jnp.array(1.0), -2.0]  # a count
SOME_STEPS = [*STEPS, 0]
SHAPE = ["Linear", None, LINE, int, anneal.Schedule, anneal.Constant, lambda *a: LINE]
FLAG = ["no", None, 2, 1.0, [True]]
SCHEDULE = [anneal.Linear, [LINE], {}, object(), None, "Linear"]
NUMBERS = [1.0, "ab", None, LINE, [], [[1.0, 0.5]], [1.0, None], [1.0, "a"], [1.0, NAN], [INF, 1]]
NUMBERS += [[1.0, -0.1], [1.0, 1j], [1.0, True], np.ones((2, 2))]
PLACES = [5, "ab", LINE, [1.5], [NAN], ["a"], [None], [-1], [2**31], [True], [[3]]]


def given(refused: list[Any]) -> list[Any]:
    """The same for an argument that may be None."""
    return [x for x in refused if x is not None]


@dataclass(frozen=True)
class Call:
    """A good call, and what each of its arguments must refuse."""

    build: Callable[..., Any]
    good: dict[str, Any]
    bad: dict[str, list[Any]]
    owner: str = ""

    @property
    def name(self) -> str:
        return self.owner or self.build.__name__


ENDS = {"init_value": VALUE, "end_value": VALUE, "steps": STEPS}
LINE_ARGS = {"init_value": 1.0, "end_value": 0.5, "steps": 10}
WARM = {"peak_value": VALUE, "warmup_steps": STEPS, "init_value": VALUE}
WARM_ARGS = {"peak_value": 1.0, "warmup_steps": 5, "init_value": 0.0}
PLAN = WARM | {"total_steps": [*SOME_STEPS, 4], "end_value": VALUE}
PLAN_ARGS = WARM_ARGS | {"total_steps": 50, "end_value": 0.1}
DECAY = {"init_value": VALUE, "decay_steps": SOME_STEPS, "staircase": FLAG}
DECAY_ARGS = {"init_value": 1.0, "decay_steps": 10, "decay_rate": 0.5, "staircase": False}

CALLS = [
    Call(anneal.Constant, {"value": 1.0, "steps": 3}, {"value": REAL, "steps": given(STEPS)}),
    *(
        Call(shape, LINE_ARGS, ENDS)
        for shape in (
            anneal.Linear,
            anneal.OneMinusSqrt,
            anneal.OneMinusSquare,
            anneal.Logarithmic,
        )
    ),
    Call(anneal.Cosine, LINE_ARGS | {"exponent": 1.0}, ENDS | {"exponent": POSITIVE}),
    Call(anneal.Polynomial, LINE_ARGS | {"power": 1.0}, ENDS | {"power": POSITIVE}),
    Call(
        anneal.Exponential,
        LINE_ARGS,
        {"init_value": POSITIVE, "end_value": POSITIVE, "steps": STEPS},
    ),
    Call(
        anneal.ShiftedExponential, LINE_ARGS | {"base": 2.0}, ENDS | {"base": [*POSITIVE, 1, 0.5]}
    ),
    Call(
        anneal.InverseSqrt,
        {"init_value": 1.0, "timescale": 10.0, "offset": 0.0},
        {"init_value": VALUE, "timescale": POSITIVE, "offset": VALUE},
    ),
    Call(anneal.InverseTime, DECAY_ARGS, DECAY | {"decay_rate": VALUE}),
    Call(anneal.ExponentialDecay, DECAY_ARGS, DECAY | {"decay_rate": POSITIVE}),
    Call(
        anneal.Triangular,
        {"init_value": 0.0, "peak_value": 1.0, "up_steps": 5, "mode": "triangular", "gamma": 1.0},
        {
            "init_value": VALUE,
            "peak_value": VALUE,
            "up_steps": SOME_STEPS,
            "mode": ["triangle", None, 3, ["triangular"]],
            "gamma": POSITIVE,
        },
    ),
    Call(
        anneal.PiecewiseConstant,
        {"values": [1.0, 0.5], "boundaries": [10]},
        {"values": [*NUMBERS, [1.0]], "boundaries": [*PLACES, None, [0], [5, 5], [5, 3], []]},
    ),
    Call(
        anneal.PiecewiseConstant.from_factors,
        {"init_value": 1.0, "boundaries": [10], "factors": [0.5]},
        {
            "init_value": VALUE,
            "boundaries": [*PLACES, None, [0], [5, 6], []],
            "factors": [*NUMBERS, [0.5, 0.5]],
        },
        "PiecewiseConstant",
    ),
    Call(
        anneal.Interpolated,
        {"knots": [0, 10], "values": [1.0, 0.5], "shape": anneal.Linear},
        {
            "knots": [*PLACES, None, [5, 5], [5, 3], [3], [1, 2, 3]],
            "values": [*NUMBERS, [1.0]],
            "shape": SHAPE,
        },
    ),
    Call(anneal.Function, {"function": lambda t: 1.0}, {"function": [1.0, "f", None, [LINE]]}),
    Call(anneal.as_schedule, {"x": LINE}, {"x": [x for x in REAL if x is not LINE]}),
    *(
        Call(pair, {"first": LINE, "second": LINE}, {"first": SCHEDULE, "second": SCHEDULE})
        for pair in (anneal.Sum, anneal.Product, anneal.Minimum, anneal.Maximum)
    ),
    *(
        Call(pair, {"first": LINE, "second": 0.5}, {"first": SCHEDULE, "second": SCHEDULE})
        for pair in (anneal.minimum, anneal.maximum)
    ),
    Call(
        anneal.Clip,
        {"schedule": LINE, "lower": 0.1, "upper": 0.5},
        {"schedule": SCHEDULE, "lower": [*given(REAL), 0.6], "upper": given(REAL)},
    ),
    Call(
        anneal.Shift,
        {"schedule": LINE, "offset": 3},
        {"schedule": SCHEDULE, "offset": [*NO_NUMBER, NAN, 1.5, 2**31, -(2**31)]},
    ),
    Call(
        anneal.Reverse,
        {"schedule": LINE},
        {"schedule": [*SCHEDULE, anneal.Constant(1.0), anneal.InverseSqrt(1.0, 10)]},
    ),
    Call(
        anneal.join,
        {"segments": [LINE, LINE, LINE], "boundaries": [5, 10], "restarts": False},
        {
            "segments": [[], LINE, None, [LINE, 1.0], [LINE, anneal.Linear], "ab", 5, [None]],
            "boundaries": [*PLACES, [5], [5, 10, 15], [10, 5], [5, -1], [5, 2**31], [5, 1.5]],
            "restarts": FLAG,
        },
    ),
    Call(
        anneal.repeat,
        {"schedule": LINE, "cycles": 3, "steps_factor": 1, "value_factor": 1.0},
        {
            "schedule": [*SCHEDULE, anneal.Constant(1.0), anneal.Linear(1.0, 0.0, 0)],
            "cycles": given(SOME_STEPS),
            "steps_factor": POSITIVE,
            "value_factor": POSITIVE,
            "floor_factor": POSITIVE,
            "floor": [NAN, "a", [1.0], anneal.Linear],
            "periods": [[1, 2]],  # not with cycles
        },
    ),
    Call(
        anneal.repeat,
        {"schedule": LINE, "periods": [3, 4]},
        {"periods": [5, "ab", [], [0], [1.5], [-3], [NAN], ["a"], [None], [True]]},
    ),
    Call(anneal.warmup_constant, WARM_ARGS, WARM),
    Call(anneal.warmup_linear, PLAN_ARGS, PLAN),
    Call(anneal.warmup_cosine, PLAN_ARGS | {"exponent": 1.0}, PLAN | {"exponent": POSITIVE}),
    Call(anneal.warmup_polynomial, PLAN_ARGS | {"power": 1.0}, PLAN | {"power": POSITIVE}),
    Call(
        anneal.warmup_inverse_sqrt,
        WARM_ARGS | {"timescale": 10.0},
        WARM | {"timescale": given(POSITIVE)},
    ),
    Call(
        anneal.warmup_inverse_sqrt,
        {"peak_value": 1.0, "warmup_steps": 5},
        {"warmup_steps": SOME_STEPS},
    ),
    Call(
        anneal.noam,
        {"model_size": 512, "warmup_steps": 5, "factor": 1.0},
        {"model_size": POSITIVE, "warmup_steps": SOME_STEPS, "factor": VALUE},
    ),
    Call(
        anneal.warmup_stable_decay,
        PLAN_ARGS | {"decay_steps": 10, "cooldown": anneal.Linear},
        PLAN | {"decay_steps": [*STEPS, 46], "cooldown": SHAPE},
    ),
    Call(
        anneal.trapezoid,
        {"peak_value": 1.0, "warmup_steps": 5, "decay_steps": 10, "total_steps": 50},
        {
            "peak_value": VALUE,
            "warmup_steps": [*STEPS, 41],
            "decay_steps": STEPS,
            "total_steps": SOME_STEPS,
        },
    ),
    Call(
        anneal.warmup_stable_decay_cycles,
        WARM_ARGS | {"decay_steps": 10, "periods": [20, 30], "end_value": 0.1, "rewarmup_steps": 2},
        WARM
        | {
            "decay_steps": STEPS,
            "periods": [5, "ab", None, [], [20, 5], [20, 1.5], [20, NAN], [20, "a"], [20, -3]],
            "end_value": VALUE,
            "rewarmup_steps": STEPS,
            "cooldown": SHAPE,
        },
    ),
    Call(
        anneal.cosine_restarts,
        {"peak_value": 1.0, "cycle_steps": 10, "warmup_steps": 2},
        {
            "peak_value": VALUE,
            "cycle_steps": [*SOME_STEPS, 1],
            "cycles": given(SOME_STEPS),
            "steps_factor": [*POSITIVE, 0.5],  # shrinking for ever
            "value_factor": POSITIVE,
            "end_value": VALUE,
            "warmup_steps": [*STEPS, 11],
            "end_value_factor": POSITIVE,
        },
    ),
    Call(
        anneal.one_cycle,
        {"peak_value": 1.0, "total_steps": 100, "shape": anneal.Linear},
        {
            "peak_value": VALUE,
            "total_steps": SOME_STEPS,
            "warmup_fraction": [*VALUE, 1.5],
            "div_factor": [*POSITIVE, 0.5],
            "final_div_factor": [*POSITIVE, 0.5],
            "three_phase": FLAG,
            "shape": SHAPE,
        },
    ),
    Call(
        anneal.one_cycle_momentum,
        {"base_momentum": 0.8, "max_momentum": 0.9, "total_steps": 100, "three_phase": True},
        {
            "base_momentum": VALUE,
            "max_momentum": VALUE,
            "total_steps": SOME_STEPS,
            "warmup_fraction": [*VALUE, 0.6],
            "three_phase": FLAG,
            "shape": SHAPE,
        },
    ),
    Call(
        anneal.flat_cosine,
        {"peak_value": 1.0, "flat_steps": 5, "total_steps": 50, "end_value": 0.1},
        {
            "peak_value": VALUE,
            "flat_steps": [*STEPS, 51],
            "total_steps": SOME_STEPS,
            "end_value": VALUE,
        },
    ),
    Call(
        anneal.warmup_multi_step,
        WARM_ARGS | {"boundaries": [10], "factors": [0.5]},
        WARM
        | {
            "boundaries": [*PLACES, None, [4], [10, 20], [20, 10], []],
            "factors": [*NUMBERS, [0.5, 0.5]],
        },
    ),
    Call(
        anneal.deepseek_steps,
        {"peak_value": 1.0, "warmup_steps": 5, "total_steps": 100},
        {
            "peak_value": VALUE,
            "warmup_steps": [*STEPS, 80, 101],
            "total_steps": [*SOME_STEPS, 5],
        },
    ),
    Call(
        anneal.with_cooldown,
        {"schedule": LINE, "start": 5, "decay_steps": 10, "end_value": 0.1},
        {
            "schedule": SCHEDULE,
            "start": STEPS,
            "decay_steps": STEPS,
            "end_value": VALUE,
            "cooldown": SHAPE,
        },
    ),
]
VERBS = [
    Call(LINE.stretch, {"factor": 2.0}, {"factor": [*POSITIVE, 1e10]}, "stretch"),
    Call(LINE.shift, {"steps": 2}, {"steps": [*NO_NUMBER, NAN, 1.5, 2**31]}, "[Ss]hift"),
    Call(
        LINE.clip,
        {"lower": 0.1, "upper": 0.5},
        {
            "lower": [*given(REAL), 0.6],
            "upper": given(REAL),
        },
        "[Cc]lip",
    ),
    Call(LINE.then, {"others": LINE}, {"others": SCHEDULE}, "join|then"),
    Call(LINE.repeat, {"cycles": 2}, {"cycles": given(SOME_STEPS)}, "repeat"),
]


# A recipe may leave it to what it is made of, as long as the argument has the same name there.
OWNERS = {name for name in vars(anneal) if not name.startswith("_")} - {"Schedule"}


def _refusals() -> list[Any]:
    """One for each argument: looking at some 1,500 values takes seconds, not as many tests."""
    return [
        pytest.param(call, name, id=f"{call.name} {name} {index}")
        for index, call in enumerate([*CALLS, *VERBS])
        for name in call.bad
    ]


@pytest.mark.parametrize(("call", "name"), _refusals())
def test_bad_input_is_one_sentence(call: Call, name: str) -> None:
    """`owner: argument must be rule, got value; remedy.`"""
    complaints = []
    for bad in call.bad[name]:
        label = f"{name}={bad!r}"
        try:
            if call.build == LINE.then:
                call.build(bad)
            else:
                call.build(**call.good | {name: bad})
        except (ValueError, TypeError) as error:
            text = str(error)
            owner = text.partition(": ")[0]
            if owner not in OWNERS and not re.fullmatch(call.name, owner):
                complaints.append(f"{label}: no owner is named: {text}")
            elif not re.search(rf"\b{_spelled(name)}\b", text.split(" must be ")[0]):
                complaints.append(f"{label}: argument is not named: {text}")
            elif not re.fullmatch(r"[^\n]+ must be [^\n]+, got [^\n]+; [^\n]+[.?]", text):
                complaints.append(f"{label}: not the sentence: {text}")
        except Exception as error:
            complaints.append(f"{label}: {type(error).__name__}: {error}")
        else:
            complaints.append(f"{label}: accepted")
    assert not complaints, "\n" + "\n".join(complaints)


def _spelled(name: str) -> str:
    """How a sentence may name an argument: by its name, or in words where it has none."""
    words = {"others": "segments", "x": "value|function|x", "steps": "steps|offset"}
    words |= {"schedule": "schedule|cycle's length", "first": "first|value|function"}
    words |= {"second": "second|value|function", "floor": "floor|value|function"}
    words |= {"factor": "factor|stretched length", "cycles": "cycles|steps_factor"}
    words |= {"warmup_steps": "warmup_steps|total_steps|cycle_steps|periods"}
    words |= {
        "flat_steps": "flat_steps|total_steps",
        "decay_steps": "decay_steps|total_steps|periods",
    }
    words |= {"knots": "knots|values", "values": "values|boundaries|knots"}
    words |= {"boundaries": "boundaries|factors|values", "factors": "factors|boundaries"}
    words |= {"lower": "lower", "upper": "upper|lower"}
    return f"({words.get(name, name)})"


def test_good_calls_are_good() -> None:
    """The tests above change one argument of a call that works."""
    for call in [*CALLS, *VERBS]:
        built = call.build(LINE) if call.build == LINE.then else call.build(**call.good)
        assert isinstance(built, anneal.Schedule)


def test_every_argument_is_tried() -> None:
    """Of every public constructor and recipe that is called above."""
    tried: dict[Any, set[str]] = {}
    for call in CALLS:
        tried.setdefault(call.build, set()).update(call.bad)
    for build, names in tried.items():
        assert set(inspect.signature(build).parameters) - names <= {"down_steps", "cooldown"}, build


@pytest.mark.parametrize("call", CALLS, ids=[f"{c.name} {k}" for k, c in enumerate(CALLS)])
def test_tracers_pass(call: Call) -> None:
    """What is not known yet is not looked at: each number may be one that would be refused."""
    for name, value in call.good.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and not isinstance(value, bool):
            bad = -3 if isinstance(value, int) else -3.0
            # A traced number of cycles in a repetition whose length is known is a number too.
            jax.eval_shape(lambda x, name=name: call.build(**call.good | {name: x})(0), bad)


@pytest.mark.parametrize(
    ("given_mode", "nearest"),
    [("triangle", "triangular"), ("triangular_2", "triangular2"), ("exprange", "exp_range")],
)
def test_a_misspelt_mode_names_the_nearest(given_mode: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=f"got '{given_mode}'; did you mean '{nearest}'\\?"):
        anneal.Triangular(0.0, 1.0, 5, mode=given_mode)


@pytest.mark.parametrize(
    "cycles", [10**9, 2**31 - 1, LARGEST // 10 + 1], ids=["many", "most", "one too many"]
)
def test_cycles_beyond_the_counter_are_refused(cycles: int) -> None:
    with pytest.raises(ValueError, match=r"repeat: .* 2\*\*31 - 1, got \d+; "):
        LINE.repeat(cycles)


def test_growing_cycles_beyond_the_counter_say_how_many_fit() -> None:
    with pytest.raises(ValueError, match=r"repeat: cycles must be at most 27\b.*, got 28; "):
        LINE.repeat(28, steps_factor=2)
    assert LINE.repeat(27, steps_factor=2).steps == 10 * (2**27 - 1)


def test_open_ended_parts_of_a_join_need_boundaries() -> None:
    with pytest.raises(ValueError, match=r"join: segments\[0\] must be of known length, got Inv"):
        anneal.join([anneal.InverseSqrt(1.0, 10), LINE])


def test_division_by_zero() -> None:
    with pytest.raises(ValueError, match=r"divisor must be a number other than 0, got 0"):
        LINE / 0


def test_a_function_cannot_be_stretched() -> None:
    with pytest.raises(NotImplementedError, match=r"Function: .* cannot be stretched, .*; .*\."):
        anneal.as_schedule(lambda t: 1.0).stretch(2)


def test_numbers_of_numpy_and_whole_floats_are_welcome() -> None:
    for steps in (np.int8(10), np.uint64(10), 10.0, np.float32(10.0)):
        assert anneal.Linear(1, np.float32(0.0), steps) == LINE
        assert anneal.warmup_linear(1.0, 0, steps)(5) == 0.5
