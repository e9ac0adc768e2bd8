"""Ports of transformers' schedules, against transformers, step by step."""

import json
import math
import types
import warnings
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

import anneal_jax as anneal
from anneal_jax.ports import transformers as ours
from tests.peers import TRANSFORMERS, assert_parity, parity, peer

torch = peer("torch")
optimization = peer("transformers.optimization")
trainer_utils = peer("transformers.trainer_utils")
training_args = peer("transformers.training_args")

few = settings(parity, max_examples=15)  # where structures vary
RATES = st.sampled_from([0.1, 1.0, 5e-5])
DEFAULTS = st.sampled_from([None, 0.3, 1.5])
COUNTS = st.integers(0, 40)
WAVES = st.sampled_from([0.5, 1.0, 0.75, 1.5, 2.0, 3.3, 0.1])
FLOORS = st.sampled_from([0.0, 0.1, 0.5, 1.0, 1.7])
POWERS = st.sampled_from([1.0, 0.5, 2, 3.7])
RESTARTS = "get_cosine_with_hard_restarts_schedule_with_warmup"
EARLY = "get_cosine_with_min_lr_schedule_with_warmup_lr_rate"
MIN_LR = "get_cosine_with_min_lr_schedule_with_warmup"
POLYNOMIAL = "get_polynomial_decay_schedule_with_warmup"


def trajectory(build: Any, base_lr: float, default_lr: float | None = None) -> list[float]:
    """What transformers sets, from step 0 to 120."""
    group = {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": base_lr}
    optimizer = torch.optim.SGD([group], lr=base_lr if default_lr is None else default_lr)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no optimizer step between two of the scheduler
        scheduler = build(optimizer)
        for _ in range(121):
            found.append(float(optimizer.param_groups[0]["lr"]))
            scheduler.step()
    return found


def both(name: str, base_lr: float, default_lr: float | None = None, **arguments: Any) -> None:
    """Transformers' function and ours of that name, from the same arguments, agree."""
    theirs = getattr(optimization, name)
    wanted = trajectory(lambda o: theirs(o, **arguments), base_lr, default_lr)
    default = {} if default_lr is None else {"default_lr": default_lr}
    assert_parity(getattr(ours, name)(base_lr, **arguments, **default), wanted)


def counts(warmup: int, total: int) -> dict[str, int]:
    return {"num_warmup_steps": warmup, "num_training_steps": total}


# --- Each name ----------------------------------------------------------------------------------


@parity
@given(RATES, COUNTS)
def test_constant(rate, warmup):
    both("get_constant_schedule", rate)
    both("get_constant_schedule_with_warmup", rate, num_warmup_steps=warmup)


@parity
@given(RATES, COUNTS, COUNTS)
@example(1.0, 0, 0)
@example(1.0, 7, 7)
def test_linear(rate, warmup, total):
    both("get_linear_schedule_with_warmup", rate, **counts(warmup, total))


@parity
@given(RATES, COUNTS, COUNTS, WAVES)
@example(1.0, 7, 7, 0.5)
@example(1.0, 9, 7, 0.75)
def test_cosine(rate, warmup, total, waves):
    arguments = counts(warmup, total) | {"num_cycles": waves}
    both("get_cosine_schedule_with_warmup", rate, **arguments)


@few
@given(RATES, COUNTS, COUNTS, st.sampled_from([0, -0.5]))
def test_cosine_of_odd_numbers_of_waves(rate, warmup, total, waves):
    arguments = counts(warmup, total) | {"num_cycles": waves}
    both("get_cosine_schedule_with_warmup", rate, **arguments)


@parity
@given(RATES, DEFAULTS, COUNTS, COUNTS, WAVES, FLOORS, st.booleans())
def test_cosine_with_min_lr(rate, default, warmup, total, waves, floor, as_rate):
    arguments = counts(warmup, total) | {"num_cycles": waves}
    arguments |= {"min_lr_rate": floor} if as_rate else {"min_lr": floor * rate}
    both(MIN_LR, rate, default, **arguments)


@parity
@given(RATES, DEFAULTS, COUNTS, COUNTS, WAVES, FLOORS, st.sampled_from([None, 0.0, 0.1, 1.0, 2.0]))
@example(1.0, None, 1, 5, 0.5, 0.1, None)
@example(1.0, None, 1, 5, 0.5, 0.1, 0.2)
@example(1.0, None, 0, 5, 0.5, 0.1, 0.2)
def test_cosine_warmup_with_min_lr(rate, default, warmup, total, waves, floor, first):
    arguments = counts(warmup, total) | {"num_cycles": waves, "min_lr_rate": floor}
    both(EARLY, rate, default, **arguments, warmup_lr_rate=first)


@settings(parity, max_examples=80)
@given(RATES, COUNTS, st.integers(0, 100), st.integers(1, 12) | st.sampled_from([1.5, 0.3, 22, 60]))
@example(1.0, 0, 66, 22)
@example(1.0, 10, 98, 22)
@example(1.0, 3, 3, 2)
@example(1.0, 4, 3, 2)
def test_cosine_with_restarts(rate, warmup, total, cycles):
    both(RESTARTS, rate, **counts(warmup, total), num_cycles=cycles)


def test_cosine_with_restarts_without_cycles():
    both(RESTARTS, 1.0, **counts(3, 20), num_cycles=0)


@parity
@given(RATES, DEFAULTS, COUNTS, COUNTS, st.sampled_from([0.0, 1e-7, 2e-5]), POWERS)
def test_polynomial(rate, default, warmup, total, floor, power):
    warmup += warmup == total  # rejected: see the test of that
    arguments = counts(warmup, total) | {"lr_end": floor, "power": power}
    both(POLYNOMIAL, rate, default, **arguments)


@few
@given(COUNTS, COUNTS)
def test_polynomial_of_power_zero(warmup, total):
    both(POLYNOMIAL, 1.0, **counts(warmup + (warmup == total), total), power=0)


@parity
@given(RATES, COUNTS, st.sampled_from([None, 1, 5, 2.5, 10_000]))
@example(1.0, 0, None)
def test_inverse_sqrt(rate, warmup, timescale):
    both("get_inverse_sqrt_schedule", rate, num_warmup_steps=warmup, timescale=timescale)


KINDS = st.sampled_from(["linear", "cosine", "1-sqrt"])


@parity
@given(RATES, COUNTS, COUNTS, COUNTS, KINDS, KINDS, FLOORS, st.booleans())
@example(1.0, 10, 10, 0, "linear", "linear", 0.1, True)
def test_wsd(rate, warmup, decay, stable, up, down, floor, by_total):
    arguments = {"num_warmup_steps": warmup, "num_decay_steps": decay, "min_lr_ratio": floor}
    arguments |= {"warmup_type": up, "decay_type": down}
    arguments["num_training_steps" if by_total else "num_stable_steps"] = stable * (1 + by_total)
    both("get_wsd_schedule", rate, **arguments)


@few
@given(COUNTS, COUNTS, st.integers(0, 80), WAVES)
def test_wsd_of_several_waves(warmup, decay, total, waves):
    arguments = counts(warmup, total) | {"num_decay_steps": decay, "num_cycles": waves}
    both("get_wsd_schedule", 1.0, **arguments, min_lr_ratio=0.1)


@pytest.mark.parametrize("name", TRANSFORMERS)
@pytest.mark.parametrize("as_enum", [False, True])
def test_get_scheduler(name, as_enum):
    given_name = trainer_utils.SchedulerType(name) if as_enum else name
    arguments: dict[str, Any] = {**counts(5, 40), "scheduler_specific_kwargs": TRANSFORMERS[name]}
    wanted = trajectory(lambda o: optimization.get_scheduler(name, o, **arguments), 0.1, 0.3)
    assert_parity(ours.get_scheduler(given_name, 0.1, **arguments, default_lr=0.3), wanted)


def test_every_name_of_transformers_is_known():
    names = {kind.value for kind in trainer_utils.SchedulerType}
    assert names == {*TRANSFORMERS, "reduce_lr_on_plateau", "greedy"}


def test_get_scheduler_reads_no_arguments_of_the_constants():
    """As transformers, which passes them on to the others only."""
    more: dict[str, Any] = {"scheduler_specific_kwargs": {"num_cycles": 3}}
    wanted = trajectory(lambda o: optimization.get_scheduler("constant", o, **more), 0.1)
    assert_parity(ours.get_scheduler("constant", 0.1, **more), wanted)


# --- TrainingArguments --------------------------------------------------------------------------


def theirs_from(args: dict[str, Any], total: int) -> list[float]:
    """What Trainer.create_scheduler does with these TrainingArguments."""
    known = types.SimpleNamespace(warmup_steps=args.get("warmup_steps", 0))
    warmup = training_args.TrainingArguments.get_warmup_steps(known, total)
    name = trainer_utils.SchedulerType(args.get("lr_scheduler_type", "linear"))
    more = args.get("lr_scheduler_kwargs")
    build = lambda o: optimization.get_scheduler(name, o, warmup, total, more)  # noqa: E731
    return trajectory(build, args.get("learning_rate", 5e-5))


@parity
@given(st.sampled_from([0, 3, 3.0, 7.9, 0.1, 0.29, 0.07, 0.999, 1]), st.integers(2, 100))
def test_training_arguments_round_their_warmup_up(warmup, total):
    args = {"learning_rate": 0.1, "lr_scheduler_type": "cosine", "warmup_steps": warmup}
    assert_parity(ours.from_training_arguments(args, total), theirs_from(args, total))


def test_training_arguments_have_the_defaults_of_transformers():
    fields = training_args.TrainingArguments.__dataclass_fields__
    read = ("learning_rate", "lr_scheduler_type", "warmup_steps", "max_steps")
    assert [fields[name].default for name in read] == [5e-5, "linear", 0, -1]
    assert_parity(ours.from_training_arguments({}, 50), theirs_from({}, 50))


def test_no_argument_of_transformers_is_taken_for_another():
    """Of all that there are, none resembles one that is read so much that it would be refused."""
    fields = dict.fromkeys(training_args.TrainingArguments.__dataclass_fields__, "x")
    ignored = ours.ignored_keys(fields)
    assert len(fields) - len(ignored) in (5, 6)  # warmup_ratio is in older versions
    args = {"learning_rate": 0.1} | dict.fromkeys(ignored, "x")
    assert ours.from_training_arguments(args, 50) == ours.get_scheduler("linear", 0.1, 0, 50)


@pytest.mark.parametrize("spelled", ["cosine_with_min_lr", "SchedulerType.COSINE_WITH_MIN_LR"])
@pytest.mark.parametrize("dump", [lambda more: more, json.dumps])
def test_training_arguments_as_they_are_saved(spelled, dump):
    """Names as JSON, as printed, and keywords as a dict or as JSON; max_steps comes first."""
    args = {"learning_rate": 0.1, "lr_scheduler_type": "cosine_with_min_lr", "warmup_steps": 4}
    args["lr_scheduler_kwargs"] = {"min_lr_rate": 0.1}
    saved = args | {"lr_scheduler_type": spelled, "max_steps": 30, "seed": 42}
    saved |= {"lr_scheduler_kwargs": dump(args["lr_scheduler_kwargs"]), "warmup_ratio": 0.5}
    assert_parity(ours.from_training_arguments(saved, 999), theirs_from(args, 30))


def test_numbers_as_strings_in_json():
    """TrainingArguments makes numbers of digits in JSON."""
    args = {"lr_scheduler_type": "cosine", "learning_rate": 0.1}
    given_kwargs = {"lr_scheduler_kwargs": '{"num_cycles": "1.5"}'}
    converted = training_args._convert_str_dict(json.loads('{"num_cycles": "1.5"}'))
    wanted = theirs_from(args | {"lr_scheduler_kwargs": converted}, 30)
    assert_parity(ours.from_training_arguments(args | given_kwargs, 30), wanted)


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.07, 1.0])
def test_a_warmup_ratio_of_older_versions(ratio):
    """It counted where `warmup_steps` was 0, rounded up."""
    args = {"learning_rate": 0.1, "warmup_ratio": ratio, "warmup_steps": 0}
    wanted = theirs_from({"learning_rate": 0.1, "warmup_steps": math.ceil(100 * ratio)}, 100)
    assert_parity(ours.from_training_arguments(args, 100), wanted)


# --- Quirks: exact and meant --------------------------------------------------------------------

RISING = {
    "get_cosine_schedule_with_warmup": (40, {}),
    MIN_LR: (40, {"min_lr": 0.1}),
    EARLY: (39, {"min_lr": 0.1}),
}


@pytest.mark.parametrize("name", RISING)
def test_cosines_rise_again(name):
    """For ever with exact=True; without it the floor, once reached, holds."""
    end, more = RISING[name]
    both(name, 1.0, **counts(5, 40), **more)
    assert getattr(ours, name)(1.0, 5, 40, **more)(60) > 0.3
    meant = np.asarray(getattr(ours, name)(1.0, 5, 40, **more, exact=False)(np.arange(120)))
    assert (np.diff(meant[5:]) <= 0).all()
    np.testing.assert_allclose(meant[end:], more.get("min_lr", 0.0), atol=1e-7)


def test_the_early_cosine_ends_a_step_early():
    """The floor is reached at `num_training_steps - 1`, and the warmup does not begin at 0."""
    early = getattr(ours, EARLY)(1.0, 5, 40, min_lr=0.1)
    np.testing.assert_allclose(early([0, 4, 39]), [0.2, 1.0, 0.1], rtol=1e-6)


def test_restarts_missed_by_rounding():
    """22 * (45 / 66) is 15, but rounded it is below: that restart comes a step late."""
    late = [t for t in range(3, 66, 3) if (22 * (t / 66)) % 1.0 > 0.5]
    assert late == [45]
    both(RESTARTS, 1.0, **counts(0, 66), num_cycles=22)
    exact, meant = (
        getattr(ours, RESTARTS)(1.0, 0, 66, num_cycles=22, exact=exact) for exact in (True, False)
    )
    assert float(exact(45)) < 1e-6
    np.testing.assert_array_equal(meant(np.arange(0, 66, 3)), 1.0)
    assert np.flatnonzero(meant.is_restart(np.arange(80))).tolist() == list(range(3, 66, 3))


def test_restarts_between_steps():
    """Cycles of 10 / 3 steps: there most restarts begin below the full rate."""
    both(RESTARTS, 1.0, **counts(0, 10), num_cycles=3)
    exact, meant = (
        getattr(ours, RESTARTS)(1.0, 0, 10, num_cycles=3, exact=exact) for exact in (True, False)
    )
    assert float(exact(4)) < 0.95
    np.testing.assert_array_equal(meant([0, 3, 7, 10, 11]), [1, 1, 1, 0, 0])


def test_floors_follow_the_default_rate():
    """A group at twice the default rate has twice the floor."""
    both(POLYNOMIAL, 0.2, 0.1, **counts(5, 40), lr_end=0.01)
    both(MIN_LR, 0.2, 0.1, **counts(5, 40), min_lr=0.01)
    assert float(getattr(ours, POLYNOMIAL)(0.2, 5, 40, 0.01, default_lr=0.1)(40)) == pytest.approx(
        0.02
    )


def test_a_polynomial_without_decay_steps():
    """Transformers divides by zero at that step; exact=False goes on at the floor."""
    with pytest.raises(ZeroDivisionError):
        trajectory(lambda o: optimization.get_scheduler("polynomial", o, 5, 5), 0.1)
    with pytest.raises(ValueError, match="num_warmup_steps must be other than"):
        ours.get_scheduler("polynomial", 0.1, 5, 5)
    meant = ours.get_scheduler("polynomial", 0.1, 5, 5, exact=False)
    np.testing.assert_allclose(meant([4, 5, 9]), [0.08, 1e-7, 1e-7], rtol=1e-6)


def test_wsd_phases_longer_than_the_training():
    """The decay begins part of the way down; exact=False rejects it."""
    both("get_wsd_schedule", 1.0, **counts(10, 15), num_decay_steps=10, decay_type="linear")
    exact = ours.get_wsd_schedule(1.0, 10, 10, 15, decay_type="linear")
    np.testing.assert_allclose(exact([9, 10, 15]), [0.9, 0.5, 0.0], rtol=1e-6)
    with pytest.raises(ValueError, match="num_training_steps must be at least"):
        ours.get_wsd_schedule(1.0, 10, 10, 15, exact=False)


def test_past_the_end_the_floor_holds():
    for schedule in (
        ours.get_linear_schedule_with_warmup(1.0, 5, 40),
        ours.get_wsd_schedule(1.0, 5, 10, 40),
        getattr(ours, RESTARTS)(1.0, 5, 40, 3),
    ):
        assert schedule.steps == 40
        np.testing.assert_allclose(schedule([40, 41, 2**31 - 1]), 0.0, atol=1e-12)


# --- What is rejected ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ours.get_scheduler("cosin", 0.1), "did you mean 'cosine'"),
        (lambda: ours.get_scheduler("linear", 0.1), "num_warmup_steps must be given"),
        (lambda: ours.get_scheduler("linear", 0.1, 2), "num_training_steps must be given"),
        (lambda: ours.get_scheduler("cosine", 0.1, 2, 9, {"cycles": 2}), "'num_cycles'"),
        (lambda: ours.get_scheduler("warmup_stable_decay", 0.1, 2, 9), "num_decay_steps must be"),
        (lambda: ours.get_scheduler("cosine_with_min_lr", 0.1, 2, 9), "exactly one number"),
        (
            lambda: ours.get_scheduler("cosine_with_min_lr", 0.1, 2, 9, {"min_lr": math.nan}),
            "min_lr must",
        ),
        (
            lambda: getattr(ours, MIN_LR)(0.1, 2, 9, min_lr=0.1, min_lr_rate=0.1),
            "exactly one number",
        ),
        (lambda: getattr(ours, MIN_LR)(0.0, 2, 9, min_lr=0.1), "default_lr"),
        (lambda: getattr(ours, EARLY)(0.1, 2, 9, min_lr=-0.1), "min_lr must be"),
        (
            lambda: getattr(ours, EARLY)(0.1, 2, 9, min_lr=0.0, warmup_lr_rate=-1),
            "warmup_lr_rate must be",
        ),
        (lambda: getattr(ours, POLYNOMIAL)(0.1, 2, 9, lr_end=0.1), "lr_end must be below"),
        (lambda: getattr(ours, POLYNOMIAL)(0.1, 2, 9, power=-1), "power must be"),
        (lambda: ours.get_linear_schedule_with_warmup(0.1, -1, 9), "num_warmup_steps must be"),
        (lambda: ours.get_linear_schedule_with_warmup(0.1, 2.5, 9), "num_warmup_steps must be"),
        (lambda: ours.get_linear_schedule_with_warmup(math.nan, 2, 9), "base_lr must be"),
        (lambda: ours.get_cosine_schedule_with_warmup(0.1, 2, 9, math.inf), "num_cycles must be"),
        (lambda: getattr(ours, RESTARTS)(0.1, 2, 9, -1), "num_cycles must be"),
        (lambda: ours.get_inverse_sqrt_schedule(0.1, 2, 0), "timescale must be"),
        (lambda: ours.get_wsd_schedule(0.1, 2, 3), "num_training_steps must be"),
        (lambda: ours.get_wsd_schedule(0.1, 2, 3, 9, None, "linar"), "did you mean 'linear'"),
        (lambda: ours.get_wsd_schedule(0.1, 2, 3, num_stable_steps=-1), "num_stable_steps must be"),
        (lambda: ours.from_training_arguments(cast(Any, [("a", 1)]), 9), "args must be a dict"),
        (lambda: ours.from_training_arguments({}), "num_training_steps must be given"),
        (lambda: ours.from_training_arguments({"warmup_steps": -1}, 9), "warmup_steps must be"),
        (lambda: ours.from_training_arguments({"warmup_ratio": 2}, 9), "warmup_ratio must be"),
        (
            lambda: ours.from_training_arguments({"lr_scheduler_kwargs": "{"}, 9),
            "lr_scheduler_kwargs must be",
        ),
        (
            lambda: ours.from_training_arguments({"lr_scheduler_kwargs": "[1]"}, 9),
            "lr_scheduler_kwargs must be",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("name", ["reduce_lr_on_plateau", "SchedulerType.REDUCE_ON_PLATEAU"])
def test_the_error_for_a_plateau_is_what_to_write(name):
    with pytest.raises(ValueError, match=r"put anneal_jax\.reduce_on_plateau") as error:
        ours.get_scheduler(name, 0.1, scheduler_specific_kwargs={"patience": 3, "min_lr": 0.001})
    assert "patience=3" in str(error.value)
    assert "min_scale=0.01" in str(error.value)
    run(str(error.value))


def test_the_error_for_greedy_is_what_to_write():
    with pytest.raises(ValueError, match=r"put anneal_jax\.greedy") as error:
        ours.get_scheduler("greedy", 0.1, scheduler_specific_kwargs={"smooth": True})
    assert "min_scale=0.01" in str(error.value)
    assert "max_scale=10.0" in str(error.value)
    assert "window_size=50" in str(error.value)
    run(str(error.value))


def run(message: str) -> None:
    """The call in an error can be made."""
    call = message.split("put ")[1].split(" after")[0]
    assert hasattr(eval(call, {"anneal_jax": anneal}), "update")
