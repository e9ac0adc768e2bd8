"""Parity with the real timm, where it is installed."""

import math
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import anneal_jax as anneal
from anneal_jax.ports import timm
from anneal_jax.ports.timm._parts import randn
from tests.peers import assert_parity, parity, peer, values

theirs = peer("timm.scheduler", package="timm")
torch = pytest.importorskip("torch", reason="timm needs it")


def optimizer(base_lr: float) -> Any:
    """Something with a learning rate."""
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base_lr)


def rates(scheduler: Any, count: int) -> list[Any]:
    """The rates of the first steps, as they are after `step(t)`."""
    step = scheduler.step if scheduler.t_in_epochs else scheduler.step_update
    found = []
    for t in range(count):
        step(t)
        found.append(scheduler.optimizer.param_groups[0]["lr"])
    return found


def wanted(name: str, base_lr: float, count: int, **arguments: Any) -> list[Any]:
    """The first rates of a scheduler of timm."""
    return rates(getattr(theirs, name)(optimizer(base_lr), **arguments), count)


def check(name: str, base_lr: float, count: int, **arguments: Any) -> None:
    """Our schedule is theirs, and rejected where theirs is."""
    reference = wanted(name, base_lr, count, **arguments)
    schedule = getattr(timm, name)(base_lr, **arguments)
    assert_parity(schedule, reference)


warmups = st.fixed_dictionaries(
    {
        "warmup_t": st.sampled_from([0, 1, 3, 10, 2.5, 30]),
        "warmup_lr_init": st.sampled_from([0.0, 0.01, 0.5]),
        "warmup_prefix": st.booleans(),
    }
)
cycles = st.fixed_dictionaries(
    {
        "t_initial": st.sampled_from([1, 2, 3, 5, 10, 10.0, 33, 2.5, 0.7]),
        "lr_min": st.sampled_from([0.0, 1e-3, 0.2]),
        "cycle_mul": st.sampled_from([1, 1.0, 2, 3.0, 1.5, 1.1, 10]),
        "cycle_decay": st.sampled_from([1, 0.5, 0.1]),
        "cycle_limit": st.sampled_from([0, 1, 1, 2, 4]),
    }
)
bends = st.sampled_from([1.0, 1, 0.5, 1.5, 2])
bases = st.sampled_from([0.1, 1.0, 3e-4])
noises = st.fixed_dictionaries(
    {
        "noise_range_t": st.sampled_from([None, (3, 20), [0, 191], 15, 2.5, (-3, 4.5)]),
        "noise_pct": st.sampled_from([0.67, 0.05, 2.0]),
        "noise_std": st.sampled_from([1.0, 0.3, 0.0]),
        "noise_seed": st.sampled_from([42, 0, None, 2**32 - 5, 2**40, -3]),
    }
)


@parity
@given(base_lr=bases, cycle=cycles, warmup=warmups, k_decay=bends)
def test_cosine(base_lr: float, cycle: Any, warmup: Any, k_decay: float) -> None:
    """Restarts, missed ones too, warmups over and before it, and the end."""
    check("CosineLRScheduler", base_lr, 190, k_decay=k_decay, **cycle, **warmup)


@parity
@given(
    base_lr=bases,
    cycle=cycles,
    warmup=warmups,
    k_decay=bends,
    power=st.sampled_from([0.5, 0.1, 0.9, 1, 2]),
)
def test_poly(base_lr: float, cycle: Any, warmup: Any, k_decay: float, power: float) -> None:
    """As the cosine, and the root of what rounding leaves at a missed restart."""
    arguments = {"power": power, "k_decay": k_decay, **cycle, **warmup}
    reference = wanted("PolyLRScheduler", base_lr, 190, **arguments)
    floor = cycle.get("lr_min", 0.0)
    reference = [floor if isinstance(x, complex) else x for x in reference]
    assert_parity(timm.PolyLRScheduler(base_lr, **arguments), reference)


@parity
@given(
    base_lr=bases,
    cycle=cycles,
    warmup=warmups,
    bounds=st.sampled_from([(-7.0, 3.0), (-6, 4), (-1.0, 0.5), (0.1, 2.0), (-20.0, 20.0)]),
)
def test_tanh(base_lr: float, cycle: Any, warmup: Any, bounds: tuple[float, float]) -> None:
    """Ends that are missed, and a warmup that rises to where the tangent is."""
    lb, ub = bounds
    check("TanhLRScheduler", base_lr, 190, lb=lb, ub=ub, **cycle, **warmup)


@parity
@given(
    base_lr=bases,
    decay_t=st.sampled_from([1, 2, 30, 7, 2.5, 0.7, 0.1, 33.3, 1000]),
    decay_rate=st.sampled_from([0.1, 0.5, 1, 0.0, 1.1, 0.97]),
    warmup=warmups,
)
def test_step(base_lr: float, decay_t: float, decay_rate: float, warmup: Any) -> None:
    """Stairs, also of lengths that are not whole, before and below a warmup."""
    count = 60 if decay_rate > 1 and decay_t < 1 else 190
    check("StepLRScheduler", base_lr, count, decay_t=decay_t, decay_rate=decay_rate, **warmup)


@parity
@given(
    base_lr=bases,
    decay_t=st.lists(st.sampled_from([0, 1, 2, 10, 10, 11, 2.5, 40, 150, 500]), max_size=4),
    decay_rate=st.sampled_from([0.1, 0.5, 1, 0.0, 2.0]),
    warmup=warmups,
)
def test_multi_step(base_lr: float, decay_t: Any, decay_rate: float, warmup: Any) -> None:
    """Milestones one step early, doubled ones, and those that are passed at the start."""
    milestones = sorted(decay_t)
    check("MultiStepLRScheduler", base_lr, 190, decay_t=milestones, decay_rate=decay_rate, **warmup)


@parity
@given(
    base_lr=bases,
    length=st.sampled_from([(100, 20), (10, 10), (1, 1), (30.5, 12.5), (170, 1), (5, 0.5)]),
    lr_min=st.sampled_from([0.0, 1e-3, 0.2]),
    stable=st.sampled_from(["constant", "rsqrt", "power"]),
    decay_fn=st.sampled_from(["linear", "1-sqrt", "cosine", "power", "exp", "own", "signed"]),
    numbers=st.sampled_from([(0.5, 0.5, 0.1), (0.9, 2.0, 1e-4), (0.3, 1, 0.9)]),
    warmup=st.tuples(st.sampled_from([0, 1, 15, 2.5]), st.sampled_from([0.0, 0.3])),
)
def test_wsd(
    base_lr: float,
    length: Any,
    lr_min: float,
    stable: str,
    decay_fn: str,
    numbers: Any,
    warmup: Any,
) -> None:
    """Every stable function with every decay, and with functions of one's own."""
    own = {"own": lambda q: (1 - q) ** 3 + 0.1, "signed": lambda q: 1 - 2 * q}
    stable_power, decay_power, decay_ratio = numbers
    check(
        "WSDLRScheduler",
        base_lr,
        190,
        t_initial=length[0],
        decay_t=length[1],
        lr_min=lr_min,
        stable_fn=stable,
        stable_timescale=12.0 if warmup[0] == 0 else None,
        stable_power=stable_power,
        decay_fn=own.get(decay_fn, decay_fn),
        decay_power=decay_power,
        decay_ratio=decay_ratio,
        warmup_t=warmup[0],
        warmup_lr_init=warmup[1],
    )


def test_randn_is_that_of_torch() -> None:
    """Bit for bit: many seeds, those beyond 32 bits too, and the second of a pair."""
    seeds = [*range(1000), *(2**32 + d for d in (-1, 0, 5)), 2**40 + 3, 2**63 - 1, -1, -(2**63)]
    for seed in seeds:
        draw, generator = randn(seed), torch.Generator().manual_seed(seed)
        for _ in range(5):
            assert next(draw) == torch.randn(1, generator=generator).item()


@parity
@given(noise=noises, prefix=st.booleans())
def test_noise(noise: Any, prefix: bool) -> None:
    """The same rates as with torch's generator, in ranges with and without an end."""
    shape = {"t_initial": 60, "lr_min": 0.1, "warmup_t": 5, "warmup_prefix": prefix}
    reference = wanted("CosineLRScheduler", 1.0, 190, **shape, **noise)
    assert_parity(timm.CosineLRScheduler(1.0, **shape, **noise, total_steps=190), reference)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("TanhLRScheduler", {"t_initial": 30}),
        ("PolyLRScheduler", {"t_initial": 30}),
        ("StepLRScheduler", {"decay_t": 30, "decay_rate": 0.5}),
        ("MultiStepLRScheduler", {"decay_t": [30], "decay_rate": 0.5}),
        ("WSDLRScheduler", {"t_initial": 30, "decay_t": 10, "lr_min": 0.1}),
    ],
)
def test_every_scheduler_takes_noise(name: str, arguments: Any) -> None:
    """By the same arguments."""
    check(name, 0.1, 100, noise_range_t=(10, 90), noise_seed=7, **arguments)


def test_noise_without_an_end_stops_with_the_last_cycle() -> None:
    """Unless `total_steps` says otherwise; timm's goes on."""
    given = {"t_initial": 20, "lr_min": 0.1, "noise_range_t": 5}
    reference = wanted("CosineLRScheduler", 1.0, 40, **given)
    assert_parity(timm.CosineLRScheduler(1.0, **given), reference[:20] + [0.1] * 20)
    assert_parity(timm.CosineLRScheduler(1.0, **given, total_steps=40), reference)


# --- Quirks: what is theirs, and what was meant ------------------------------------------------


@pytest.mark.parametrize(
    ("name", "t_initial", "cycle_mul", "missed"),
    [
        ("CosineLRScheduler", 1, 3, 121),  # the fifth restart, whatever t_initial is
        ("CosineLRScheduler", 1, 10, 111),  # the third
        ("TanhLRScheduler", 16, 1.25, 61),
        ("PolyLRScheduler", 25, 1.2, 91),
        ("PolyLRScheduler", 45, 1.4, 108),  # here timm's rate is complex
    ],
)
def test_timm_misses_restarts_by_rounding(
    name: str, t_initial: int, cycle_mul: float, missed: int
) -> None:
    """`floor(log(...))`: with `exact` they come a step late, without at their step."""
    given = {"t_initial": t_initial, "cycle_mul": cycle_mul, "cycle_limit": 6, "lr_min": 0.01}
    reference = wanted(name, 1.0, 190, **given)
    assert abs(reference[missed] - 0.01) < 0.01
    real = [0.01 if isinstance(x, complex) else x for x in reference]
    schedule = getattr(timm, name)(1.0, **given)
    assert_parity(schedule, real)
    assert schedule.is_restart(missed + 1)
    meant = getattr(timm, name)(1.0, **given, exact=False)
    assert float(meant(missed)) == pytest.approx(1.0)
    assert meant.is_restart(missed)


def test_restarts_of_real_lengths_come_at_the_next_step() -> None:
    """The cycles themselves begin between two steps, with and without `exact`."""
    given = {"t_initial": 10, "cycle_mul": 1.1, "cycle_limit": 3}
    for exact in (True, False):
        schedule = timm.CosineLRScheduler(1.0, **given, exact=exact)
        assert np.flatnonzero(schedule.is_restart(np.arange(60))).tolist() == [10, 21]
        assert schedule.steps == math.ceil(33.1)


def test_a_rate_of_timm_may_be_complex() -> None:
    """A root of a number that rounding put below 0, where a restart is missed; ours is lr_min."""
    given = {"t_initial": 45, "cycle_mul": 1.4, "cycle_limit": 3, "lr_min": 0.01}
    assert isinstance(wanted("PolyLRScheduler", 1.0, 109, **given)[108], complex)
    assert float(timm.PolyLRScheduler(1.0, **given)(108)) == pytest.approx(0.01)


def test_k_decay_of_timm_may_fail_at_a_restart() -> None:
    """A root of a time that rounding put below 0: no rate at all; ours is the peak."""
    given = {"t_initial": 25, "cycle_mul": 1.2, "cycle_limit": 3, "k_decay": 1.5}
    assert isinstance(wanted("PolyLRScheduler", 1.0, 56, **given)[55], complex)
    with pytest.raises(TypeError):
        wanted("CosineLRScheduler", 1.0, 56, **given)
    assert float(timm.PolyLRScheduler(1.0, **given)(55)) == 1.0
    assert float(timm.CosineLRScheduler(1.0, **given)(55)) == 1.0


def test_the_floor_holds_after_a_last_step_that_was_rounded() -> None:
    """The root of what rounding leaves is there for one step."""
    given = {"t_initial": 25, "cycle_mul": 1.2, "cycle_limit": 3, "k_decay": 3, "power": 0.1}
    reference = wanted("PolyLRScheduler", 1.0, 100, **given)
    assert reference[91] > 0.01
    assert reference[92] == 0
    schedule = timm.PolyLRScheduler(1.0, **given)
    np.testing.assert_allclose(values(schedule, 100, True)[[91, 92]], reference[91:93], rtol=1e-12)
    assert_parity(schedule, reference)
    assert schedule.steps == 92


def test_without_a_prefix_the_rate_jumps_after_the_warmup() -> None:
    """The schedule runs below the warmup; only that of Tanh is met."""
    given = {"t_initial": 20, "warmup_t": 10, "warmup_prefix": False}
    cosine = timm.CosineLRScheduler(1.0, **given)
    assert_parity(cosine, wanted("CosineLRScheduler", 1.0, 30, **given))
    assert float(cosine(9)) == pytest.approx(0.9)
    assert float(cosine(10)) == pytest.approx(0.5)
    tanh = timm.TanhLRScheduler(1.0, lb=-2.0, ub=2.0, **given)
    assert np.diff(values(tanh, 11, False)).min() > 0


def test_tanh_misses_its_ends() -> None:
    """With `exact`; without, they are hit, and nothing falls at the end."""
    given = {"t_initial": 20, "lb": -1.0, "ub": 1.0, "lr_min": 0.1}
    reference = wanted("TanhLRScheduler", 1.0, 30, **given)
    assert_parity(timm.TanhLRScheduler(1.0, **given), reference)
    assert reference[0] < 0.9
    assert reference[19] - reference[20] > 0.1
    meant = values(timm.TanhLRScheduler(1.0, **given, exact=False), 30, False)
    assert meant[0] == 1.0
    assert meant[19] - meant[20] < 0.05
    np.testing.assert_allclose(meant[20:], 0.1, rtol=1e-6)


def test_tanh_without_exact_is_met_by_its_warmup() -> None:
    """In the middle of the second cycle too."""
    given = {"t_initial": 10, "warmup_t": 15, "cycle_limit": 2, "cycle_decay": 0.5}
    schedule = timm.TanhLRScheduler(1.0, lb=-1.0, ub=1.0, **given, exact=False)
    assert float(schedule(15)) == pytest.approx(0.25)
    assert float(schedule(14)) == pytest.approx(0.25 * 14 / 15)


def test_milestones_come_one_step_early() -> None:
    """#2745, #2753, #2806; without `exact` they are those of torch."""
    given = {"decay_t": [5, 9], "decay_rate": 0.5}
    assert_parity(
        timm.MultiStepLRScheduler(1.0, **given), wanted("MultiStepLRScheduler", 1.0, 20, **given)
    )
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer(1.0), [5, 9], gamma=0.5)
    reference = []
    for _ in range(20):
        reference.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        scheduler.step()
    assert_parity(timm.MultiStepLRScheduler(1.0, **given, exact=False), reference)


def test_before_the_first_call_an_optimizer_of_timm_holds_the_base_rate() -> None:
    """Not the value at 0: the port's step 0 is that of `step(0)`."""
    held = optimizer(1.0)
    scheduler = theirs.TanhLRScheduler(held, t_initial=10, lb=-1.0, ub=1.0)
    assert held.param_groups[0]["lr"] == 1.0
    ours = timm.TanhLRScheduler(1.0, t_initial=10, lb=-1.0, ub=1.0)
    assert float(ours(0)) == pytest.approx(rates(scheduler, 1)[0])


def test_timm_fails_where_cycles_shrink() -> None:
    """At `t_initial / (1 - cycle_mul)`; we refuse them from the start."""
    with pytest.raises(ValueError, match=r"math domain error|positive input"):
        wanted("CosineLRScheduler", 1.0, 21, t_initial=10, cycle_mul=0.5, cycle_limit=2)
    for name in ("CosineLRScheduler", "TanhLRScheduler", "PolyLRScheduler"):
        with pytest.raises(ValueError, match=f"{name}: cycle_mul must be"):
            getattr(timm, name)(1.0, t_initial=10, cycle_mul=0.5)


# --- The factory -------------------------------------------------------------------------------

NAMES = ["cosine", "tanh", "step", "multistep", "poly", "wsd", "rsqrt", "constant", "none"]
runs = st.fixed_dictionaries(
    {
        "num_epochs": st.sampled_from([10, 6, 20]),
        "decay_epochs": st.sampled_from([None, 3, 0.25, 5.0]),
        "decay_milestones": st.sampled_from([(2, 5), [3]]),
        "cooldown_epochs": st.sampled_from([0, 3]),
        "decay_rate": st.sampled_from([0.1, 0.5]),
        "min_lr": st.sampled_from([0.0, 0.01]),
        "warmup_lr": st.sampled_from([1e-5, 0.05]),
        "warmup_epochs": st.sampled_from([2, 3]),
        "warmup_prefix": st.booleans(),
        "noise": st.sampled_from([None, None, [0.4, 0.9], [0.4], 0.5]),
        "cycle_mul": st.sampled_from([1.0, 1.0, 2.0]),
        "cycle_limit": st.sampled_from([1, 3]),
        "k_decay": st.sampled_from([1.0, 1.5]),
        "decay_fn": st.sampled_from([None, "cosine"]),
        "stable_timescale": st.sampled_from([None, 4]),
        "updates_per_epoch": st.sampled_from([0, 4]),
    }
)


@pytest.mark.parametrize("sched", NAMES)
@settings(parity, max_examples=5)  # times nine
@given(run=runs)
def test_create_scheduler(sched: str, run: Any) -> None:
    """By name, in epochs or updates: the same rates, and the same number of epochs."""
    run = run | {"step_on_epochs": run["updates_per_epoch"] == 0}
    held = optimizer(0.5)
    scheduler, epochs = theirs.create_scheduler_v2(held, sched=sched, **run)
    schedule, ours = timm.create_scheduler(sched, 0.5, **run)
    assert ours == epochs
    count = min(epochs * max(run["updates_per_epoch"], 1), 190)
    assert_parity(schedule, [0.5] * count if scheduler is None else rates(scheduler, count))


ARGS: list[dict[str, Any]] = [
    {"sched": "cosine"},
    {"sched": "cosine", "epochs": 20, "min_lr": 0.01, "lr_k_decay": 1.5, "warmup_lr": 0.0},
    {"sched": "cosine", "epochs": 9, "lr_noise": [0.3, 0.8], "lr_noise_pct": 0.5, "seed": 5},
    {"sched": "cosine", "epochs": 9, "sched_on_updates": True, "warmup_prefix": True},
    {"sched": "tanh", "epochs": 9, "lr_cycle_limit": 2, "lr_cycle_mul": 2.0, "warmup_epochs": 0},
    {"sched": "poly", "epochs": 9, "decay_rate": 0.9, "lr_cycle_decay": 0.5, "lr_cycle_limit": 2},
    {"sched": "step", "decay_epochs": 2.4, "decay_rate": 0.97, "sched_on_updates": True},
    {"sched": "multistep", "decay_milestones": [8, 20], "lr_noise_std": 0.1, "lr_noise": 0.1},
    {"sched": "wsd", "epochs": 40, "decay_epochs": 0.3, "lr_decay_fn": "linear"},
    {"sched": "rsqrt", "epochs": 40, "lr_stable_timescale": 3, "sched_on_updates": True},
    {"sched": "constant"},
]


@pytest.mark.parametrize("args", ARGS, ids=str)
def test_from_args(args: dict[str, Any]) -> None:
    """The arguments of the training script, those that are missing too, in optimizer steps."""
    scheduler, epochs = theirs.create_scheduler(
        SimpleNamespace(**args), optimizer(0.1), updates_per_epoch=3
    )
    on_updates = args.get("sched_on_updates", False)
    count = min(epochs, 63)
    reference = rates(scheduler, 3 * count) if on_updates else np.repeat(rates(scheduler, count), 3)
    assert_parity(timm.from_args(args, 0.1, steps_per_epoch=3), reference)


def test_from_args_of_none() -> None:
    """The rate is left alone."""
    assert timm.from_args({"sched": "none"}, 0.1, 3) == anneal.Constant(0.1).every(3)


@pytest.mark.parametrize(("metric", "mode"), [("loss", "min"), ("top1", "max")])
def test_plateau_is_sent_to_what_sees_a_metric(metric: str, mode: str) -> None:
    """With the arguments that it takes there."""
    call = rf"reduce_on_plateau\(mode='{mode}', factor=0.1, patience=10, min_scale=0.01 / 0.1\)"
    args = {"sched": "plateau", "min_lr": 0.01, "eval_metric": metric}
    with pytest.raises(ValueError, match=call):
        timm.from_args(args, 0.1, steps_per_epoch=3)


def test_unknown_names_list_the_nearest() -> None:
    """And a missing one is asked for."""
    with pytest.raises(ValueError, match="did you mean 'cosine'"):
        timm.create_scheduler("cosin", 0.1)
    with pytest.raises(ValueError, match='"sched" in it'):
        timm.from_args({"epochs": 3}, 0.1, 3)


# --- Bad input, and what JAX needs -------------------------------------------------------------

NAN = float("nan")
BAD: list[tuple[str, str, dict[str, Any]]] = [
    ("CosineLRScheduler", "base_lr", {"base_lr": NAN, "t_initial": 5}),
    ("CosineLRScheduler", "base_lr", {"base_lr": -1.0, "t_initial": 5}),
    ("CosineLRScheduler", "t_initial", {"t_initial": 0}),
    ("CosineLRScheduler", "t_initial", {"t_initial": NAN}),
    ("CosineLRScheduler", "lr_min", {"t_initial": 5, "lr_min": -0.1}),
    ("CosineLRScheduler", "cycle_mul", {"t_initial": 5, "cycle_mul": NAN}),
    ("CosineLRScheduler", "cycle_decay", {"t_initial": 5, "cycle_decay": -1.0}),
    ("CosineLRScheduler", "cycle_limit", {"t_initial": 5, "cycle_limit": -1}),
    ("CosineLRScheduler", "cycle_limit", {"t_initial": 5, "cycle_limit": 1.5}),
    ("CosineLRScheduler", "cycle_limit", {"t_initial": 5, "cycle_limit": 10**6}),
    ("CosineLRScheduler", "cycle_limit", {"t_initial": 5, "cycle_mul": 9, "cycle_limit": 50}),
    ("CosineLRScheduler", "warmup_t", {"t_initial": 5, "warmup_t": -1}),
    ("CosineLRScheduler", "warmup_lr_init", {"t_initial": 5, "warmup_lr_init": NAN}),
    ("CosineLRScheduler", "k_decay", {"t_initial": 5, "k_decay": 0.0}),
    ("CosineLRScheduler", "noise_pct", {"t_initial": 5, "noise_range_t": 0, "noise_pct": 0.0}),
    ("CosineLRScheduler", "noise_pct", {"t_initial": 5, "noise_range_t": 0, "noise_pct": 1e-9}),
    ("CosineLRScheduler", "noise_std", {"t_initial": 5, "noise_range_t": 0, "noise_std": NAN}),
    ("CosineLRScheduler", "noise_seed", {"t_initial": 5, "noise_range_t": 0, "noise_seed": 2**64}),
    ("CosineLRScheduler", "noise_seed", {"t_initial": 5, "noise_range_t": 0, "noise_seed": 1.5}),
    ("CosineLRScheduler", "noise_range_t", {"t_initial": 5, "noise_range_t": NAN}),
    ("CosineLRScheduler", "noise_range_t", {"t_initial": 5, "noise_range_t": (1, 2, 3)}),
    ("CosineLRScheduler", "noise_range_t", {"t_initial": 5, "noise_range_t": (1, 2**30)}),
    ("CosineLRScheduler", "total_steps", {"t_initial": 5, "total_steps": -1}),
    ("PolyLRScheduler", "power", {"t_initial": 5, "power": 0.0}),
    ("PolyLRScheduler", "t_initial", {"t_initial": -3}),
    ("TanhLRScheduler", "ub", {"t_initial": 5, "lb": 3.0, "ub": 3.0}),
    ("TanhLRScheduler", "ub", {"t_initial": 5, "lb": -30.0, "ub": 30.0}),
    ("TanhLRScheduler", "lb", {"t_initial": 5, "lb": NAN}),
    ("StepLRScheduler", "decay_t", {"decay_t": 0}),
    ("StepLRScheduler", "decay_t", {"decay_t": 2.5, "decay_rate": 0.99999999}),
    ("StepLRScheduler", "decay_rate", {"decay_t": 3, "decay_rate": -0.5}),
    ("StepLRScheduler", "total_steps", {"decay_t": 3, "noise_range_t": 5}),
    ("MultiStepLRScheduler", "decay_t", {"decay_t": [5, 3]}),
    ("MultiStepLRScheduler", "decay_t", {"decay_t": [NAN]}),
    ("MultiStepLRScheduler", "decay_t", {"decay_t": 5}),
    ("WSDLRScheduler", "t_initial", {"t_initial": 0, "decay_t": 1}),
    ("WSDLRScheduler", "decay_t", {"t_initial": 5, "decay_t": 0}),
    ("WSDLRScheduler", "decay_t", {"t_initial": 5, "decay_t": 6}),
    ("WSDLRScheduler", "lr_min", {"t_initial": 5, "decay_t": 1, "lr_min": -1.0}),
    ("WSDLRScheduler", "stable_fn", {"t_initial": 5, "decay_t": 1, "stable_fn": "sqrt"}),
    ("WSDLRScheduler", "stable_timescale", {"t_initial": 5, "decay_t": 1, "stable_fn": "rsqrt"}),
    ("WSDLRScheduler", "stable_power", {"t_initial": 5, "decay_t": 1, "stable_power": 0.0}),
    ("WSDLRScheduler", "decay_fn", {"t_initial": 5, "decay_t": 1, "decay_fn": "cos"}),
    ("WSDLRScheduler", "decay_fn", {"t_initial": 5, "decay_t": 1, "decay_fn": lambda q: NAN}),
    ("WSDLRScheduler", "decay_power", {"t_initial": 5, "decay_t": 1, "decay_power": 0.0}),
    ("WSDLRScheduler", "decay_ratio", {"t_initial": 5, "decay_t": 1, "decay_ratio": 1.0}),
    ("create_scheduler", "updates_per_epoch", {"sched": "cosine", "step_on_epochs": False}),
    ("create_scheduler", "num_epochs", {"sched": "cosine", "num_epochs": NAN}),
    ("create_scheduler", "num_epochs", {"sched": "wsd", "num_epochs": 5, "warmup_epochs": 5}),
    ("create_scheduler", "decay_epochs", {"sched": "wsd", "num_epochs": 5, "decay_epochs": 9}),
    ("create_scheduler", "cooldown_epochs", {"sched": "cosine", "cooldown_epochs": -1}),
]


@pytest.mark.parametrize(("name", "argument", "arguments"), BAD)
def test_bad_input_is_named(name: str, argument: str, arguments: dict[str, Any]) -> None:
    """In one sentence: object, argument, rule, value, remedy."""
    with pytest.raises(ValueError, match=rf"^{name}: .*{argument}.* must be") as caught:
        getattr(timm, name)(**{"base_lr": 0.1} | arguments)
    assert "got" in str(caught.value)


def test_rates_may_be_traced() -> None:
    """A sweep over base rates and floors is one program, with a gradient."""
    given = {"t_initial": 5, "cycle_mul": 2, "cycle_limit": 2, "cycle_decay": 0.5, "warmup_t": 2}

    def built(base_lr: Any, lr_min: Any) -> list[anneal.Schedule]:
        return [
            timm.CosineLRScheduler(base_lr, lr_min=lr_min, **given),
            timm.TanhLRScheduler(base_lr, lr_min=lr_min, **given),
            timm.WSDLRScheduler(base_lr, 10, 5, lr_min, stable_fn="rsqrt", warmup_t=2),
            timm.MultiStepLRScheduler(base_lr, [3], 0.5),
        ]

    def seventh(base_lr: Any, lr_min: Any) -> Any:
        return jnp.stack([s.value_at(jnp.int32(7)) for s in built(base_lr, lr_min)])

    found = jax.jit(jax.vmap(seventh))(jnp.array([1.0, 2.0]), jnp.array([0.1, 0.2]))
    np.testing.assert_allclose(found[1], [s(7) for s in built(2.0, 0.2)], rtol=1e-6)
    np.testing.assert_allclose(found[1], 2 * found[0], rtol=1e-6)
    assert np.isfinite(jax.jit(jax.jacfwd(seventh))(jnp.float32(1.0), 0.1)).all()


def test_programs_do_not_grow_with_cycles() -> None:
    """Cycles of one shape are one part of the program."""

    def size(limit: int) -> int:
        given = {"t_initial": 5, "cycle_mul": 1.1, "cycle_limit": limit}
        schedule = timm.CosineLRScheduler(1.0, **given)
        return str(jax.make_jaxpr(schedule.value_at)(jnp.int32(3))).count("\n")

    assert size(40) == size(4)
