"""anneal_jax.ports.composer against the schedulers of the installed composer.

`composer/__init__` and `composer.core` need much that schedulers do not: bare packages stand in
for them here while composer's own time.py and scheduler.py are imported. Its schedulers are then
called with a state that holds what they read: max_duration, dataloader_len and a real Timestamp.
"""

import importlib
import importlib.util
import math
import pathlib
import sys
import types
import warnings
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
import pytest
from hypothesis import given, settings, strategies as st

import anneal_jax as anneal
from anneal_jax.ports import composer
from tests.peers import assert_parity, parity, peer

torch = peer("torch")


def _load() -> tuple[Any, Any]:
    """The modules composer.optim.scheduler and composer.core.time."""
    found = importlib.util.find_spec("composer")
    if found is None:
        reason = "composer is not installed: pip install 'anneal_jax[ports]'"
        pytest.skip(reason, allow_module_level=True)
    root = pathlib.Path((found.submodule_search_locations or [""])[0])
    before = {name: sys.modules[name] for name in sys.modules if name.split(".")[0] == "composer"}
    try:
        for name in ("composer", "composer.core", "composer.utils", "composer.optim"):
            bare: Any = types.ModuleType(name)
            bare.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
            sys.modules[name] = bare
        enum = importlib.import_module("composer.utils.string_enum")
        vars(sys.modules["composer.utils"])["StringEnum"] = enum.StringEnum
        time = importlib.import_module("composer.core.time")
        vars(sys.modules["composer.core"]).update(
            State=object, Time=time.Time, TimeUnit=time.TimeUnit
        )
        return importlib.import_module("composer.optim.scheduler"), time
    except ImportError as error:
        pytest.skip(f"composer cannot be loaded: {error}", allow_module_level=True)
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "composer"]:
            del sys.modules[name]
        sys.modules.update(before)


SCHEDULER, TIME = _load()
# The ways in which composer says no.
REJECTED = (ValueError, TypeError, ZeroDivisionError, RuntimeError, AssertionError)


class Run(NamedTuple):
    """A trainer's max_duration and data, and the same as a horizon."""

    max_duration: str
    batches: int = 10  # in an epoch
    batch_size: int = 6
    tokens: int = 5

    @property
    def horizon(self) -> anneal.Horizon:
        total = self.max_duration.replace("sp", "ex").replace("ba", "steps")
        size = self.batches * self.batch_size
        return anneal.Horizon(
            total,
            batch_size=self.batch_size,
            examples_per_epoch=size,
            tokens_per_example=self.tokens,
        )

    def state(self, t: int) -> Any:
        """The trainer's state when `t` updates are done, as a scheduler sees it."""
        samples = t * self.batch_size
        stamp = TIME.Timestamp(
            epoch=t // self.batches, batch=t, sample=samples, token=samples * self.tokens
        )
        most = TIME.Time.from_timestring(self.max_duration)
        return types.SimpleNamespace(
            max_duration=most, dataloader_len=self.batches, timestamp=stamp
        )

    def rates(self, base_lr: float, scheduler: Any, ssr: float, count: int) -> list[float]:
        """Composer's rates."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a warmup of 0
            return [base_lr * scheduler(self.state(t), ssr) for t in range(count)]


def compare(
    name: str, run: Run, *args: Any, ssr: float = 1.0, past: int = 9, **kwargs: Any
) -> None:
    """Composer and the port give the same, or both reject."""
    count = min(run.horizon.total_steps + past, 190)
    ours = getattr(composer, name)
    more = {"horizon": run.horizon, "scale_schedule_ratio": ssr}
    try:
        wanted = run.rates(0.1, getattr(SCHEDULER, name)(*args), ssr, count)
    except REJECTED:
        with pytest.raises(ValueError, match=rf"^{name}: .* must be .*, got .*\."):
            ours(0.1, *args, **more)
        return
    assert_parity(ours(0.1, *args, **more), wanted, peak=max(0.1, *wanted))


runs = st.sampled_from(
    [Run("3ep"), Run("30ba"), Run("180sp"), Run("185sp"), Run("900tok"), Run("7ep", 3), Run("1ba")]
)
ratios = st.sampled_from([1.0, 0.5, 2.0, 0.29, 1.15])
DURATIONS = ["0ba", "1ba", "7ba", "1ep", "2ep", "40ep", "0.29dur", "0.1dur", "0.5dur", "1dur"]
DURATIONS += ["2dur", "60sp", "50sp", "3sp", "5e2tok", "777tok", "30ba", "29ba", "180sp", "900tok"]
durations = st.sampled_from(DURATIONS)
gammas = st.sampled_from([0.1, 0.5, 1.0, 0.9, 0.0])
alphas = st.sampled_from([0.0, 0.1, 1.0, 1.5])


@parity
@given(run=runs, step_size=durations, gamma=gammas, ssr=ratios)
def test_step_is_that_of_composer(run, step_size, gamma, ssr):
    """A staircase, also where its stairs are no whole number of batches."""
    past = 9 if composer_unit(step_size, run) == "ba" else 0
    compare("StepScheduler", run, step_size, gamma, ssr=ssr, past=past)


def composer_unit(duration: str, run: Run) -> str:
    """The unit that composer counts a duration in."""
    state = run.state(0)
    return SCHEDULER._convert_time(duration, state).unit.value


@parity
@given(run=runs, milestones=st.lists(durations, max_size=4), gamma=gammas, ssr=ratios)
def test_multi_step_is_that_of_composer(run, milestones, gamma, ssr):
    """Milestones in any order and unit, some of them together."""
    compare("MultiStepScheduler", run, milestones, gamma, ssr=ssr)


@parity
@given(run=runs, alpha=alphas, t_max=durations, ssr=ratios)
def test_constant_is_that_of_composer(run, alpha, t_max, ssr):
    """A jump at t_max."""
    compare("ConstantScheduler", run, alpha, t_max, ssr=ssr)


@parity
@given(run=runs, alpha_i=alphas, alpha_f=alphas, t_max=durations, ssr=ratios)
def test_linear_is_that_of_composer(run, alpha_i, alpha_f, t_max, ssr):
    """Up and down."""
    compare("LinearScheduler", run, alpha_i, alpha_f, t_max, ssr=ssr)


@parity
@given(
    run=runs, gamma=st.sampled_from([0.1, 0.5, 1.0, 0.9, 0.0, 1.1]), period=durations, ssr=ratios
)
def test_exponential_is_that_of_composer(run, gamma, period, ssr):
    """Down and up, for ever."""
    compare("ExponentialScheduler", run, gamma, period, ssr=ssr)


@parity
@given(run=runs, t_max=durations, alpha_f=alphas, ssr=ratios)
def test_cosine_is_that_of_composer(run, t_max, alpha_f, ssr):
    """To the floor, which holds."""
    compare("CosineAnnealingScheduler", run, t_max, alpha_f, ssr=ssr)


@settings(parity, max_examples=80)
@given(
    run=st.sampled_from([Run("3ep"), Run("150ba"), Run("700sp"), Run("3333tok")]),
    t_0=durations,
    t_mult=st.sampled_from([1.0, 2, 1.5, 1.1, 3, 0.9, 0.5]),
    alpha_f=alphas,
    ssr=ratios,
)
def test_restarts_are_those_of_composer(run, t_0, t_mult, alpha_f, ssr):
    """Truncated cycles; those that shrink to nothing are rejected where composer raises."""
    args = t_0, t_mult, alpha_f
    compare("CosineAnnealingWarmRestartsScheduler", run, *args, ssr=ssr, past=0)


@parity
@given(
    run=runs,
    power=st.sampled_from([0, 0.5, 1, 2.0, 3]),
    t_max=durations,
    alpha_f=alphas,
    ssr=ratios,
)
def test_polynomial_is_that_of_composer(run, power, t_max, alpha_f, ssr):
    """Powers of the time left, 0 among them."""
    compare("PolynomialScheduler", run, power, t_max, alpha_f, ssr=ssr)


@parity
@given(
    run=runs,
    t_warmup=durations,
    milestones=st.lists(durations, max_size=3),
    gamma=gammas,
    scale=st.booleans(),
    ssr=ratios,
)
def test_multi_step_with_warmup_is_that_of_composer(run, t_warmup, milestones, gamma, scale, ssr):
    """Milestones within the warmup too."""
    name = "MultiStepWithWarmupScheduler"
    compare(name, run, t_warmup, milestones, gamma, scale, ssr=ssr)


long = st.sampled_from(
    ["1dur", "1dur", "2dur", "30ba", "40ep", "185sp", "900tok", "29ba", "0.9dur"]
)


@settings(parity, max_examples=60)
@given(run=runs, t_warmup=durations, alpha=alphas, t_max=long, scale=st.booleans(), ssr=ratios)
def test_constant_with_warmup_is_that_of_composer(run, t_warmup, alpha, t_max, scale, ssr):
    """A warmup to alpha, which holds past t_max."""
    compare("ConstantWithWarmupScheduler", run, t_warmup, alpha, t_max, scale, ssr=ssr)


@settings(parity, max_examples=60)
@given(
    run=runs,
    t_warmup=durations,
    alpha_i=alphas,
    alpha_f=alphas,
    t_max=long,
    scale=st.booleans(),
    ssr=ratios,
)
def test_linear_with_warmup_is_that_of_composer(run, t_warmup, alpha_i, alpha_f, t_max, scale, ssr):
    """Warmups of 0, of all, and scaled ones."""
    args = t_warmup, alpha_i, alpha_f, t_max, scale
    compare("LinearWithWarmupScheduler", run, *args, ssr=ssr)


@settings(parity, max_examples=60)
@given(run=runs, t_warmup=durations, t_max=long, alpha_f=alphas, scale=st.booleans(), ssr=ratios)
def test_cosine_with_warmup_is_that_of_composer(run, t_warmup, t_max, alpha_f, scale, ssr):
    """Likewise."""
    args = t_warmup, t_max, alpha_f, scale
    compare("CosineAnnealingWithWarmupScheduler", run, *args, ssr=ssr)


@settings(parity, max_examples=60)
@given(
    run=runs,
    t_warmup=durations,
    power=st.sampled_from([0, 1, 2.0]),
    t_max=long,
    alpha_f=alphas,
    scale=st.booleans(),
    ssr=ratios,
)
def test_polynomial_with_warmup_is_that_of_composer(
    run, t_warmup, power, t_max, alpha_f, scale, ssr
):
    """Likewise."""
    args = t_warmup, power, t_max, alpha_f, scale
    compare("PolynomialWithWarmupScheduler", run, *args, ssr=ssr)


def test_epochs_are_batches():
    """An "ep" duration is smooth within epochs: composer turns it into batches at once."""
    run = Run("10ep")
    wanted = run.rates(1.0, SCHEDULER.LinearScheduler(t_max="10ep"), 1.0, 100)
    assert len(set(wanted)) == 100
    assert_parity(composer.LinearScheduler(1.0, t_max="10ep", horizon=run.horizon), wanted)


def test_the_trainer_is_a_step_late():
    """It steps schedulers, then advances the timestamp: `.shift(1)`.

    The loop is that of composer.trainer, around composer's own compiled scheduler.
    """
    run = Run("12ba")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    state = run.state(0)
    state.optimizers = [optimizer]
    compiled = SCHEDULER.compile_composer_scheduler(SCHEDULER.LinearScheduler(), state)
    used = []
    for _ in range(12):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        compiled.step()
        state.timestamp = state.timestamp.to_next_batch(samples=6, tokens=30)
    assert used[:3] == [1.0, 1.0, pytest.approx(11 / 12)]
    assert_parity(composer.LinearScheduler(1.0, horizon=run.horizon).shift(1), used)


def test_a_truncated_milestone():
    """0.29 * 100 is 28.999999999999996, and int() of that 28."""
    run = Run("100ba")
    rates = run.rates(1.0, SCHEDULER.MultiStepScheduler(["0.29dur"]), 1.0, 100)
    exact = composer.MultiStepScheduler(1.0, ["0.29dur"], horizon=run.horizon)
    meant = composer.MultiStepScheduler(1.0, ["0.29dur"], horizon=run.horizon, exact=False)
    assert rates.index(min(rates)) == 28
    assert_parity(exact, rates)
    assert meant.boundaries.tolist() == [29]
    also = composer.MultiStepScheduler(1.0, ["0.07dur"], horizon=run.horizon, exact=False)
    assert also.boundaries.tolist() == [7]


def test_truncated_cycles():
    """int(1.1 * 5) is 5: cycles that should grow stay as they are."""
    run = Run("60ba")
    args: Any = ("5ba", 1.1)
    scheduler = SCHEDULER.CosineAnnealingWarmRestartsScheduler(*args)
    steps = np.arange(60)
    exact = composer.CosineAnnealingWarmRestartsScheduler(1.0, *args, horizon=run.horizon)
    assert_parity(exact, run.rates(1.0, scheduler, 1.0, 60))
    assert np.flatnonzero(exact.is_restart(steps)).tolist() == list(range(5, 60, 5))
    meant = composer.CosineAnnealingWarmRestartsScheduler(
        1.0, *args, horizon=run.horizon, exact=False
    )
    ends = np.cumsum(5 * 1.1 ** np.arange(8))
    assert np.flatnonzero(meant.is_restart(steps)).tolist() == np.ceil(ends[ends < 59]).tolist()


def test_shrinking_cycles():
    """Composer raises where a cycle is truncated to nothing; exact=False stops at one step."""
    run = Run("60ba")
    args: Any = ("8ba", 0.5)
    with pytest.raises(ValueError, match="has decayed to 0"):
        run.rates(1.0, SCHEDULER.CosineAnnealingWarmRestartsScheduler(*args), 1.0, 60)
    with pytest.raises(ValueError, match="t_mult must be such that no cycle"):
        composer.CosineAnnealingWarmRestartsScheduler(1.0, *args, horizon=run.horizon)
    meant = composer.CosineAnnealingWarmRestartsScheduler(
        1.0, *args, 0.1, horizon=run.horizon, exact=False
    )
    assert np.flatnonzero(meant.is_restart(np.arange(60))).tolist() == [8, 12, 14]
    np.testing.assert_allclose(meant(np.arange(15, 60)), 0.1, rtol=1e-6)


@pytest.mark.parametrize("ssr", [0.5, 2.0])
def test_scaled_warmup(ssr):
    """composer PR 3941: the ramp is stretched, but not the time it lasts; then a jump."""
    run = Run("40ba")
    scheduler = SCHEDULER.CosineAnnealingWithWarmupScheduler("10ba", "80ba", scale_warmup=True)
    rates = run.rates(1.0, scheduler, ssr, 40)
    more: Any = {"scale_warmup": True, "horizon": run.horizon, "scale_schedule_ratio": ssr}
    build = composer.CosineAnnealingWithWarmupScheduler
    assert_parity(build(1.0, "10ba", "80ba", **more), rates)
    ramp = min(9 / (10 * ssr), 1.0)
    assert rates[9:11] == [pytest.approx(ramp), 1.0]
    meant = np.asarray(build(1.0, "10ba", "80ba", **more, exact=False)(np.arange(40)))
    end = int(10 * ssr)
    np.testing.assert_allclose(meant[: end + 1], np.arange(end + 1) / end, rtol=1e-6)
    assert np.all(np.diff(meant[end:]) < 0)


def test_a_constant_that_ends():
    """alpha ends at the end of training, where the rate jumps; without exact it holds."""
    run = Run("10ba")
    rates = run.rates(1.0, SCHEDULER.ConstantScheduler(0.5), 1.0, 12)
    assert rates == [0.5] * 10 + [1.0] * 2
    assert_parity(composer.ConstantScheduler(1.0, 0.5, horizon=run.horizon), rates)
    meant = composer.ConstantScheduler(1.0, 0.5, horizon=run.horizon, exact=False)
    np.testing.assert_array_equal(meant(np.arange(12)), 0.5)
    before = composer.ConstantScheduler(1.0, 0.5, "5ba", horizon=run.horizon, exact=False)
    np.testing.assert_array_equal(before([4, 5]), [0.5, 1.0])


def test_a_real_warmup():
    """0.15 of 10 batches: composer takes 1, exact=False 1.5."""
    run = Run("10ba")
    scheduler = SCHEDULER.LinearWithWarmupScheduler("0.15dur")
    exact = composer.LinearWithWarmupScheduler(1.0, "0.15dur", horizon=run.horizon)
    assert_parity(exact, run.rates(1.0, scheduler, 1.0, 12))
    meant = composer.LinearWithWarmupScheduler(1.0, "0.15dur", horizon=run.horizon, exact=False)
    np.testing.assert_allclose(meant([0, 1, 2, 10]), [0, 1 / 1.5, 8 / 8.5, 0], rtol=1e-6)
    short = composer.LinearScheduler(1.0, t_max="0.05dur", horizon=run.horizon, exact=False)
    np.testing.assert_array_equal(short([0, 1]), [1.0, 0.0])  # half a batch, which composer rejects


@pytest.mark.parametrize("name", ["sp", "tok"])
def test_short_batches(name):
    """Samples of a kept short batch are not counted; exact=False takes batches for equal."""
    horizon = anneal.Horizon(
        "2ep", batch_size=4, examples_per_epoch=10, remainder="keep", tokens_per_example=1
    )
    assert composer.CosineAnnealingScheduler(1.0, "1ep", horizon=horizon)(3) == 0
    with pytest.raises(ValueError, match="horizon must be of equal batches"):
        composer.CosineAnnealingScheduler(1.0, f"10{name}", horizon=horizon)
    meant = composer.CosineAnnealingScheduler(1.0, f"12{name}", horizon=horizon, exact=False)
    assert meant(3) == 0


H = anneal.Horizon("4ep", batch_size=4, examples_per_epoch=40)
BAD = [
    (lambda: composer.LinearScheduler(1.0, t_max="30sec", horizon=H), "t_max", "seconds"),
    (lambda: composer.LinearScheduler(1.0, t_max="1h30m", horizon=H), "t_max", "wall-clock"),
    (lambda: composer.LinearScheduler(1.0, t_max="10s", horizon=H), "t_max", "wall-clock"),
    (lambda: composer.LinearScheduler(1.0, t_max="3iter", horizon=H), "t_max", "iterations"),
    (lambda: composer.LinearScheduler(1.0, t_max="5", horizon=H), "t_max", "time string"),
    (lambda: composer.LinearScheduler(1.0, t_max="xba", horizon=H), "t_max", "time string"),
    (lambda: composer.LinearScheduler(1.0, t_max=0.5, horizon=H), "t_max", "time string"),
    (lambda: composer.LinearScheduler(1.0, t_max="1.5ep", horizon=H), "t_max", "whole number"),
    (lambda: composer.LinearScheduler(1.0, t_max="nandur", horizon=H), "t_max", "finite"),
    (lambda: composer.LinearScheduler(1.0, t_max="-1ba", horizon=H), "t_max", "not negative"),
    (lambda: composer.LinearScheduler(1.0, t_max="0ba", horizon=H), "t_max", "longer"),
    (lambda: composer.LinearScheduler(1.0, t_max=-3, horizon=H), "t_max", "whole number"),
    (lambda: composer.LinearScheduler(1.0, t_max="9tok", horizon=H), "tokens_per_example", "given"),
    (lambda: composer.LinearScheduler(1.0, alpha_i=-1.0, horizon=H), "alpha_i", "at least 0"),
    (lambda: composer.LinearScheduler(math.nan, horizon=H), "base_lr", "finite"),
    (lambda: composer.LinearScheduler(1.0, horizon=10), "horizon", "Horizon"),
    (
        lambda: composer.LinearScheduler(1.0, horizon=H, scale_schedule_ratio=0.0),
        "scale_schedule_ratio",
        "above 0",
    ),
    (
        lambda: composer.LinearScheduler(
            1.0, horizon=anneal.Horizon("1.5ep", batch_size=2, examples_per_epoch=4)
        ),
        "horizon",
        "of a whole total",
    ),
    (
        lambda: composer.LinearScheduler(
            1.0,
            horizon=anneal.Horizon(
                "2ep", batch_size=4, examples_per_epoch=10, accumulation_steps=3
            ),
        ),
        "horizon",
        "steps per epoch",
    ),
    (lambda: composer.StepScheduler(1.0, "1ep", -0.1, horizon=H), "gamma", "at least 0"),
    (lambda: composer.MultiStepScheduler(1.0, "1ep", horizon=H), "milestones", "a list"),
    (lambda: composer.ConstantScheduler(1.0, math.inf, horizon=H), "alpha", "finite"),
    (lambda: composer.ExponentialScheduler(1.0, math.nan, horizon=H), "gamma", "finite"),
    (lambda: composer.PolynomialScheduler(1.0, -1, horizon=H), "power", "at least 0"),
    (
        lambda: composer.CosineAnnealingWarmRestartsScheduler(1.0, "1ep", 0.0, horizon=H),
        "t_mult",
        "above 0",
    ),
    (
        lambda: composer.LinearWithWarmupScheduler(1.0, "8sp", horizon=H),
        "t_warmup",
        "in the unit of t_max",
    ),
    (
        lambda: composer.LinearWithWarmupScheduler(1.0, "1ep", t_max="39ba", horizon=H),
        "t_max",
        "at least the length of training",
    ),
    (
        lambda: composer.CosineAnnealingWithWarmupScheduler(
            1.0, "1ba", "9dur", scale_warmup=True, horizon=H, scale_schedule_ratio=0.5
        ),
        "t_warmup",
        "longer, to be scaled",
    ),
]


@pytest.mark.parametrize(("build", "name", "rule"), BAD)
def test_a_bad_argument_is_named(build, name, rule):
    """One sentence: object, argument, rule, value, remedy."""
    with pytest.raises(ValueError, match=rf": {name} must be .*{rule}.*, got .*; .*\."):
        build()


def test_a_schedule_goes_into_optax_and_through_jit():
    """Base rates may be tracers."""
    schedule = composer.CosineAnnealingWithWarmupScheduler(1e-3, "0.1dur", horizon=H)
    optimizer = optax.sgd(schedule)
    params = jax.numpy.zeros(3)
    with jax.numpy_dtype_promotion("standard"):  # as Optax needs
        optimizer.update(params, optimizer.init(params))
    assert jax.jit(lambda lr: composer.LinearScheduler(lr, horizon=H)(20))(0.5) == 0.25


def test_many_cycles_share_a_program():
    """The program does not grow with the number of cycles."""

    def size(steps: int) -> int:
        rate = composer.CosineAnnealingWarmRestartsScheduler(
            1.0, 3, 1.5, horizon=anneal.Horizon(steps)
        )
        return len(str(jax.make_jaxpr(rate.value_at)(3)).splitlines())

    assert size(60) == size(6000)
