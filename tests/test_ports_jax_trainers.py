"""Recipes of JAX trainers, against their formulas, written out in double precision.

The formulas are those of Levanter's `OptimizerConfig.lr_scheduler` (marin-levanter 0.2.227, October
2026), MaxText's `create_learning_rate_schedule` (e591f30cb, 2026-08-22), big_vision's (0127fb6,
2025-05-19), and T5X's `create_learning_rate_scheduler` (cc342d4, 2026-04-21), each the newest when
they were last compared, in November 2026. Optax stands in them where it does in the trainers.
"""

import contextlib
import inspect
import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import assume, example, given, strategies as st

from anneal_jax.ports import jax_trainers as ours
from tests.nonsense import assert_named
from tests.peers import assert_parity, parity

STEPS = np.arange(130)
Curve = Callable[[Any], Any]


@contextlib.contextmanager
def double() -> Iterator[None]:
    """Where formulas run: in double precision, and with the promotion that Optax needs."""
    promotion = jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow")
    with jax.enable_x64(True), promotion[0], promotion[1]:
        yield


def agrees(schedule: Any, formula: Curve, peak: float | None = None) -> None:
    with double():
        wanted = np.broadcast_to(np.asarray(formula(STEPS), np.float64), STEPS.shape)
    assert_parity(schedule, wanted, peak)


# --- Levanter -----------------------------------------------------------------------------------


def levanter_steps(value: float, total: int) -> int:
    return int(value * total) if value <= 1 else int(value)


def levanter_ends(total: int, cycle_length: Any, cycles: Any, haps: Any) -> list[int]:
    if isinstance(cycle_length, list):
        inner = np.cumsum(cycle_length).tolist()
    elif cycle_length is not None:
        each = levanter_steps(cycle_length, total)
        inner = [i * each for i in range(1, total // each)]
    elif haps is not None:
        inner = list(haps)
    elif isinstance(cycles, int):
        inner = [int(total / cycles * (i + 1)) for i in range(cycles - 1)]
    else:
        inner = list(cycles or [])
    points = [0, *inner]
    return points if points[-1] == total else [*points, total]


def levanter_curve(kind: str, peak: float, low: float, ratio: float, rise: int, fall: int,
                   more: dict[str, Any]) -> Curve:  # fmt: skip
    if kind == "constant" or fall == 0:
        return optax.constant_schedule(peak)
    if kind == "cosine":
        return optax.cosine_decay_schedule(peak, fall, ratio, more.get("exponent", 1.0))
    if kind == "linear":
        return optax.linear_schedule(peak, low, fall)
    if kind == "polynomial":
        return optax.polynomial_schedule(peak, low, more.get("power", 2.0), fall)
    if kind == "inv_sqrt_decay":
        speed = more.get("decay_constant", 28.6)
        return lambda n: jnp.maximum(low, peak / jnp.sqrt(1 + speed * jnp.maximum(n, 0) / fall))
    if kind == "inv_sqrt":
        timescale = more.get("timescale", 10_000)
        return lambda n: jnp.maximum(
            peak * jnp.minimum(1.0, 1 / jnp.sqrt(jnp.maximum(n + rise, 1) / timescale)), low
        )
    if kind == "inv":
        return lambda n: jnp.maximum(
            peak * jnp.minimum(1.0, 1 / ((peak / low - 1) * jnp.maximum(n, 1) / fall + 1)), low
        )
    batch, length, a, b = (more[name] for name in ("batch_size", "seq_length", "a", "b"))
    # float, as int32 would overflow: see the test of that
    return lambda n: jnp.minimum(peak, batch * a * jnp.power(1.0 * n * batch * length, b))


def levanter_formula(peak, total, kind="cosine", warmup=0.01, decay=None, rewarmup=0.0,
                     min_lr_ratio=0.1, cycle_length=None, cycles=None, haps=None, cooldown=None,
                     **more):  # fmt: skip
    last = 0 if cooldown is None else levanter_steps(cooldown, total)
    ends = levanter_ends(total - last, cycle_length, cycles, haps)
    low, came_from = peak * min_lr_ratio, 0.0
    curves: list[Any] = []
    until: list[int] = []
    curve, fall = None, 0
    for index, (start, end) in enumerate(pairwise(ends)):
        rise = min(levanter_steps(rewarmup if index else warmup, end - start), end - start)
        if rise:
            curves.append(optax.linear_schedule(came_from, peak, rise))
            until.append(start + rise)
        fall = end - start - rise
        if decay is not None:
            fall = min(levanter_steps(decay, end - start), fall)
        flat = end - start - rise - fall
        if flat:
            curves.append(optax.constant_schedule(peak))
            until.append(start + rise + flat)
        curve = levanter_curve(kind, peak, low, min_lr_ratio, rise, fall, more)
        came_from = curve(fall)
        curves.append(curve)
        until.append(end)
    if last:
        curves.append(optax.linear_schedule(came_from, low, last))
    return optax.join_schedules(curves, until) if len(curves) > 1 else curves[0]


def levanter_both(kind: str, peak: float, total: int, **arguments: Any) -> None:
    with double():
        formula = levanter_formula(peak, total, kind, **arguments)
        wanted = np.asarray(formula(STEPS), np.float64) * np.ones(len(STEPS))
    assert_parity(ours.levanter(peak, total, kind, **arguments), wanted)


DURATIONS = st.sampled_from([0.0, 0.01, 0.1, 0.29, 3, 7, 12, 45, 1])
DECAYS = st.sampled_from([None, 0.0, 0.1, 0.5, 5, 11, 60, 1])
CYCLES = st.sampled_from(
    [{}, {"cycles": 1}, {"cycles": 3}, {"cycles": 7}, {"cycles": [20, 50]}, {"haps": [30, 100]},
     {"cycle_length": 30}, {"cycle_length": 25}, {"cycle_length": 0.3}, {"cycle_length": 1},
     {"cycle_length": 200}, {"cycle_length": [20, 30]}, {"cycle_length": [40, 60]}]
)  # fmt: skip
RATIOS = st.sampled_from([0.1, 0.5, 1.0, 1.3])


@parity
@given(st.sampled_from(["cosine", "linear", "constant"]), st.sampled_from([0.1, 6e-4]), DURATIONS,
       DECAYS, DURATIONS, RATIOS | st.just(0.0), CYCLES)  # fmt: skip
@example("linear", 0.1, 0.0, 0.0, 3, 0.1, {"cycles": 3})
@example("cosine", 0.1, 45, None, 12, 0.1, {"cycles": 7})
def test_levanter(kind, peak, warmup, decay, rewarmup, ratio, cycles):
    more = {"warmup": warmup, "decay": decay, "rewarmup": rewarmup, "min_lr_ratio": ratio}
    levanter_both(kind, peak, 100, **more, **cycles)


def tokens(batch_size: int, seq_length: int, a: float, b: float) -> dict[str, Any]:
    return {"batch_size": batch_size, "seq_length": seq_length, "a": a, "b": b}


OWN_DECAYS = st.sampled_from(
    [("inv_sqrt", {"timescale": 9}), ("inv", {}), ("power", tokens(4, 128, 4.6, -0.51)),
     ("polynomial", {}), ("polynomial", {"power": 0.5}), ("inv_sqrt_decay", {}),
     ("inv_sqrt_decay", {"decay_constant": 0.3})]
)  # fmt: skip


@parity
@given(OWN_DECAYS, DURATIONS, DECAYS, DURATIONS, RATIOS, CYCLES)
def test_levanter_decays_of_levanter(decay_and_more, warmup, decay, rewarmup, ratio, cycles):
    kind, more = decay_and_more
    more = more | {"warmup": warmup, "decay": decay, "rewarmup": rewarmup, "min_lr_ratio": ratio}
    levanter_both(kind, 0.1, 100, **more, **cycles)


@parity
@given(st.sampled_from([1, 5, 7.5, 10_000]) | st.floats(1, 90), st.sampled_from([0.0, 5, 20]))
def test_levanter_inverse_square_root(timescale, warmup):
    more = {"warmup": warmup, "min_lr_ratio": 0.3}
    levanter_both("inv_sqrt", 0.1, 100, timescale=timescale, **more)


@parity
@given(st.tuples(st.sampled_from([1, 4, 64]), st.sampled_from([1, 128, 4096]),
                 st.sampled_from([4.6, 0.3]), st.floats(-1.5, -0.2)),
       st.sampled_from([6e-4, 0.1, 10.0]))  # fmt: skip
@example((4, 128, 1e9, -0.51), 1e-9)
@example((64, 4096, 1e-4, -0.1), 10.0)  # the step at which it leaves the peak is about 1e-38
def test_levanter_power(numbers, peak):
    levanter_both("power", peak, 100, warmup=5, **tokens(*numbers))


@parity
@given(st.sampled_from([0.1, 10, 0.0]), st.sampled_from(["cosine", "linear", "constant"]), CYCLES)
def test_levanter_with_a_cooldown(cooldown, kind, cycles):
    assume(cycles not in ({"cycle_length": [40, 60]}, {"haps": [30, 100]}))  # then too long
    levanter_both(kind, 0.1, 100, warmup=5, cooldown=cooldown, **cycles)


@parity
@given(st.sampled_from([0.5, 1.0, 3.0]) | st.floats(0.1, 5))
def test_levanter_cosine_exponent(exponent):
    levanter_both("cosine", 0.1, 100, warmup=5, exponent=exponent)


@pytest.mark.parametrize("kind", ["cosine", "linear", "inv", "polynomial"])
@pytest.mark.parametrize(
    "arguments",
    [{"warmup": 120}, {"warmup": 100}, {"warmup": 30, "decay": 90}, {"warmup": 3, "decay": 120},
     {"warmup": 30, "decay": 40, "cycles": 4}, {"rewarmup": 60, "cycles": 4}],
)  # fmt: skip
def test_phases_longer_than_their_cycle_are_cut(kind, arguments):
    """The warmup to the cycle, the decay to what it leaves; nothing before them changes."""
    levanter_both(kind, 0.1, 100, **arguments)
    assert float(ours.levanter(0.1, 100, kind, warmup=120)(99)) == pytest.approx(0.099)


def test_one_is_all_of_it():
    """A duration of 1 is a fraction: the whole training warms up."""
    levanter_both("linear", 0.1, 100, warmup=1)
    assert float(ours.levanter(0.1, 100, "linear", warmup=1)(50)) == pytest.approx(0.05)


def test_the_last_cycle_takes_what_is_left_over():
    """100 steps in cycles of 30: 30, 30, 40; exact=False: 30, 30, 30, 10."""
    levanter_both("linear", 0.1, 100, warmup=0.0, cycle_length=30)
    exact, meant = (
        ours.levanter(0.1, 100, "linear", warmup=0.0, cycle_length=30, exact=exact)
        for exact in (True, False)
    )
    assert np.flatnonzero(exact.is_restart(STEPS)).tolist() == [30, 60]
    assert np.flatnonzero(meant.is_restart(STEPS)).tolist() == [30, 60, 90]


def test_ends_of_cycles_are_cut_from_floats():
    """The 11th of 22 cycles in 30 steps ends at 15, and there at 14: 30 / 22 * 11 is below 15."""
    more: dict[str, Any] = {"warmup": 0.0, "cycles": 22}
    levanter_both("linear", 0.1, 30, **more)
    exact, meant = (
        ours.levanter(0.1, 30, "linear", **more, exact=exact) for exact in (True, False)
    )
    assert exact.is_restart(14)
    assert not exact.is_restart(15)
    assert np.flatnonzero(meant.is_restart(STEPS)).tolist() == [30 * i // 22 for i in range(1, 22)]


def test_inv_skips_its_first_value():
    """Its step 0 reads as step 1, so without a warmup the peak is never reached."""
    levanter_both("inv", 0.1, 100, warmup=0.0)
    exact, meant = (
        ours.levanter(0.1, 100, "inv", warmup=0.0, exact=exact) for exact in (True, False)
    )
    assert float(exact(0)) == float(exact(1)) < 0.1
    np.testing.assert_allclose(meant([0, 1, 100]), [0.1, float(exact(1)), 0.01], rtol=1e-6)


@pytest.mark.parametrize("kind", ["linear", "inv_sqrt_decay", "inv"])
def test_any_number_of_equal_cycles(kind):
    """Fifty million of them are built at once, begin where they should, and are counted."""
    more: dict[str, Any] = {"warmup": 5, "rewarmup": 2, "exact": False}
    few, many = (ours.levanter(0.1, n, kind, cycle_length=20, **more) for n in (110, 10**9 + 10))
    assert many.cycle(10**9) == 5 * 10**7
    assert np.flatnonzero(few.is_restart(np.arange(110))).tolist() == [20, 40, 60, 80, 100]
    np.testing.assert_array_equal(few.cycle(np.arange(110)), np.arange(110) // 20)
    late = np.arange(40)
    np.testing.assert_allclose(many(10**9 - 30 + late), few(70 + late), rtol=1e-6)
    assert ours.levanter(0.1, 10**9, kind, cycles=10**8, **more).cycle(10**9 - 1) == 10**8 - 1


def test_fractions_are_cut_from_floats():
    """0.29 of 100 steps are 28 there."""
    levanter_both("linear", 0.1, 100, warmup=0.29)
    exact, meant = (
        ours.levanter(0.1, 100, "linear", warmup=0.29, exact=exact) for exact in (True, False)
    )
    assert float(exact(28)) > float(meant(28))
    assert float(meant(29)) == pytest.approx(0.1)
    long = ours.levanter(0.1, 10**9, "linear", warmup=0.1, exact=False)
    assert float(long(10**8)) == pytest.approx(0.1)


def test_levanter_counts_tokens_in_32_bits():
    """By its formula the rate is NaN beyond 2**31 tokens; here it is not."""
    with jax.numpy_dtype_promotion("standard"):
        tokens = jnp.asarray(600, jnp.int32) * 1024 * 4096
        rate = jnp.minimum(1.0, 1024 * 4.6 * tokens**-0.51)
    assert jnp.isnan(rate)
    more: dict[str, Any] = {"batch_size": 1024, "seq_length": 4096, "warmup": 0.0}
    schedule = ours.levanter(1.0, 1000, "power", **more)
    wanted = min(1.0, 1024 * 4.6 * (600.0 * 1024 * 4096) ** -0.51)
    np.testing.assert_allclose(schedule(600), wanted, rtol=1e-6)


# --- MaxText ------------------------------------------------------------------------------------


def maxtext_formula(peak, steps, total=-1, warmup=0.1, final=0.1, kind="cosine", wsd=0.1,
                    style="linear"):  # fmt: skip
    total = steps if total == -1 else total
    steps = total if steps == -1 else steps
    low, rise = peak * final, int(total * warmup)

    def cosine(length: int) -> Curve:
        def curve(n: Any) -> Any:
            done = n / (length - 1) if length > 1 else 1.0
            weight = 0.5 * (jnp.cos(jnp.pi * done) + 1)
            return peak * weight + low * (1 - weight)

        return curve

    curves: list[Any] = []
    until: list[int] = []
    if rise > 0:
        curves.append(optax.linear_schedule(0.0, peak, rise))
        until.append(rise)
    if kind == "cosine":
        if total - rise > 0:
            curves.append(cosine(total - rise))
            until.append(total)
    else:
        fall = int(total * wsd)
        flat = total - rise - fall
        if flat > 0:
            curves.append(optax.constant_schedule(peak))
            until.append(rise + flat)
        if fall > 0:
            linear = optax.linear_schedule(peak, low, fall - 1)
            curves.append(linear if style == "linear" else cosine(fall))
            until.append(rise + flat + fall)
    if steps > total:
        curves.append(optax.constant_schedule(0.0))
        until.append(total)
    return optax.join_schedules(curves, until)


def maxtext_both(*arguments: Any) -> None:
    with double():
        formula = maxtext_formula(*arguments)
    agrees(ours.maxtext(*arguments), formula, arguments[0])


FRACTIONS = st.sampled_from([0.0, 0.01, 0.02, 0.1, 0.29, 0.5, 1.0])


@parity
@given(st.sampled_from([0.1, 3e-5]), st.integers(1, 120) | st.just(-1),
       st.sampled_from([-1, 1, 10, 50, 100, 120]), FRACTIONS, st.sampled_from([0.0, 0.1, 1.5]),
       st.sampled_from(["cosine", "wsd"]), FRACTIONS,
       st.sampled_from(["linear", "cosine"]))  # fmt: skip
@example(0.1, 100, -1, 0.01, 0.1, "wsd", 0.01, "linear")
@example(0.1, 100, -1, 0.01, 0.1, "wsd", 0.01, "cosine")
@example(0.1, 120, 100, 0.29, 0.1, "cosine", 0.1, "linear")
@example(0.1, -1, 100, 0.29, 0.1, "cosine", 0.1, "linear")
def test_maxtext(peak, steps, total, warmup, final, kind, wsd, style):
    assume((steps, total) != (-1, -1))
    assume(kind == "cosine" or warmup + wsd <= 1)  # MaxText rejects it
    maxtext_both(peak, steps, total, warmup, final, kind, wsd, style)


def test_maxtext_ends_a_step_early_and_then_zero():
    """The warmup takes its whole length, 10 steps; the decay one fewer than its 90."""
    schedule = ours.maxtext(1.0, 120, 100)
    np.testing.assert_allclose(schedule([0, 9, 10]), [0, 0.9, 1], rtol=1e-6)
    np.testing.assert_allclose(schedule([99, 100, 119]), [0.1, 0, 0], rtol=1e-6)


def test_maxtext_takes_either_length_from_the_other():
    """-1, in either place."""
    assert ours.maxtext(0.1, -1, 100) == ours.maxtext(0.1, 100, -1) == ours.maxtext(0.1, 100, 100)


def test_maxtext_rises_after_its_end():
    """Where no zeros follow, the cosine goes on; exact=False holds the floor."""
    maxtext_both(0.1, 50)
    exact, meant = (ours.maxtext(0.1, 50, exact=exact) for exact in (True, False))
    assert float(exact(80)) > 0.05
    np.testing.assert_allclose(meant([49, 50, 80]), 0.01, rtol=1e-6)


def test_maxtext_decay_of_one_step():
    """If linear, it stays at the peak."""
    arguments = (1.0, 100, -1, 0.01, 0.1, "wsd", 0.01)
    maxtext_both(*arguments)
    exact, meant = (ours.maxtext(*arguments, exact=exact) for exact in (True, False))
    np.testing.assert_allclose(exact([0, 1, 99]), [0, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(meant([0, 1, 99]), [0, 1, 0.1], rtol=1e-6)


def test_maxtext_cuts_fractions_from_floats():
    exact, meant = (ours.maxtext(1.0, 100, -1, 0.29, exact=exact) for exact in (True, False))
    maxtext_both(1.0, 100, -1, 0.29)
    assert float(exact(28)) == float(meant(29)) == 1.0
    assert float(meant(28)) < 1.0


# --- big_vision ---------------------------------------------------------------------------------


def big_vision_steps(name, kw, total, batch, data, default=0):
    """A duration in its unit, as steps; what is below 0 does not count as given."""
    unit, value = next(
        (
            (unit, kw[f"{name}_{unit}"])
            for unit in ("steps", "examples", "epochs", "percent")
            if kw.get(f"{name}_{unit}", -1) >= 0
        ),
        ("steps", default),
    )
    if unit == "steps":
        return value
    exact = {"examples": lambda: value / batch, "epochs": lambda: value * (data / batch),
             "percent": lambda: value * total}[unit]()  # fmt: skip
    return max(1, round(exact)) if exact else 0


def big_vision_formula(base, total, batch=None, data=None, kind="stair", scale=False, **kw):
    rise, fall = (big_vision_steps(name, kw, total, batch, data) for name in ("warmup", "cooldown"))

    def formula(t: Any) -> Any:
        rate = base * batch / 256 if scale else base
        done = np.clip((t - rise) / (total - rise), 0, 1)
        if kind in ("linear", "polynomial"):
            end = kw.get("end", kw.get("linear_end", 0))
            rate = end + (rate - end) * (1 - done) ** kw.get("power", 1)
        elif kind == "cosine":
            rate = rate * 0.5 * (1 + np.cos(np.pi * done))
        elif kind == "rsqrt":
            times = [big_vision_steps(name, kw, total, batch, data, kw.get(name, default))
                     for name, default in (("timescale", 10_000), ("shift", 0))]  # fmt: skip
            rate = rate / np.sqrt(1 + (np.maximum(t - rise, 0) + times[1]) / times[0])
        else:
            index = np.searchsorted(np.array(kw.get("steps", [])), t + 1)
            rate = rate * np.array([1.0, *kw.get("mults", [])])[index]
        if rise:
            rate = rate * np.minimum(1, t / rise)
        if fall:
            rate = rate * np.minimum(1, (total - t) / fall)
        return rate

    return formula


DECAY_KINDS = st.sampled_from(
    [("linear", {}), ("linear", {"linear_end": 0.02}), ("polynomial", {"end": 0.5, "power": 2}),
     ("cosine", {}), ("rsqrt", {}), ("rsqrt", {"timescale": 7, "shift": 3}),
     ("rsqrt", {"timescale_examples": 900}),
     ("stair", {"steps": [10, 40, 40, 70], "mults": [0.5, 0.2, 0.1, 0.7]}),
     ("stair", {}), ("stair", {"steps": [0], "mults": [0.3, 0.1]})]
)  # fmt: skip


@parity
@given(st.sampled_from([0.1, 1e-3]), st.integers(2, 120), DECAY_KINDS, st.sampled_from([0, 1, 10]),
       st.sampled_from([0, 1, 13, 150]), st.booleans())  # fmt: skip
def test_big_vision(base, total, kind_and_more, rise, fall, scale):
    kind, more = kind_and_more
    rise = min(rise, total - 1)
    more = more | {"warmup_steps": rise, "cooldown_steps": fall}
    formula = big_vision_formula(base, total, 100, None, kind, scale, **more)
    schedule = ours.big_vision(base, total, 100, None, kind, scale, **more)
    agrees(schedule, formula)


UNITS = [{"steps": 7}, {"examples": 730}, {"examples": 750}, {"examples": 1}, {"epochs": 0.5},
         {"epochs": 0.75}, {"percent": 0.1}, {"percent": 0.001}, {"percent": 0.125},
         {"steps": 3, "examples": -1}]  # fmt: skip
NONE = [{}, {"examples": 0}, {"percent": 0.0}, {"steps": -1}]


@parity
@given(*[st.sampled_from(UNITS + NONE)] * 2, st.sampled_from([*UNITS, {}, {"epochs": -1}]),
       st.sampled_from([*UNITS, *NONE, {"steps": 2.5}]))  # fmt: skip
@example({}, {}, {"examples": 930}, {})
@example({}, {}, {"percent": 0.05}, {"epochs": 0.3})
def test_big_vision_units(warmup, cooldown, timescale, shift):
    """Rounded to the nearest (halves to even), at least 1 unless 0; 100 in a batch, 1250 in all."""
    given_units: dict[str, Any] = {"timescale": 11, "shift": 4}  # where there is no unit
    given_units |= {
        f"{name}_{unit}": value
        for name, units in zip(
            ("warmup", "cooldown", "timescale", "shift"),
            (warmup, cooldown, timescale, shift),
            strict=True,
        )
        for unit, value in units.items()
    }
    arguments: Any = (0.1, 100, 100, 1250, "rsqrt")
    agrees(
        ours.big_vision(*arguments, **given_units), big_vision_formula(*arguments, **given_units)
    )


def test_big_vision_runs_of_one_step():
    """For debugging and evaluation, a warmup of any length may stand in the configuration."""
    for kind in ("cosine", "linear", "rsqrt", "stair"):
        assert float(ours.big_vision(0.1, 1, decay_type=kind, warmup_steps=10_000)(0)) == 0.0
        assert np.isfinite(ours.big_vision(0.1, 0, decay_type=kind, warmup_steps=5)(0))


def test_big_vision_falls_below_zero_after_its_cooldown():
    formula = big_vision_formula(0.1, 60, kind="rsqrt", cooldown_steps=20)
    more: dict[str, Any] = {"decay_type": "rsqrt", "cooldown_steps": 20}
    agrees(ours.big_vision(0.1, 60, **more), formula)
    assert float(ours.big_vision(0.1, 60, **more)(100)) < 0
    np.testing.assert_array_equal(ours.big_vision(0.1, 60, **more, exact=False)([60, 61, 100]), 0)


def test_big_vision_drops_durations_that_it_cannot_convert():
    """There `warmup_epochs` without a data size is no warmup; here it is an error."""
    with pytest.raises(ValueError, match="data_size must be given"):
        ours.big_vision(0.1, 100, 32, decay_type="cosine", warmup_epochs=5)


def test_big_vision_does_not_scale_its_end():
    more: dict[str, Any] = {"decay_type": "linear", "end": 0.01}
    schedule = ours.big_vision(0.1, 100, 512, scale_with_batchsize=True, **more)
    np.testing.assert_allclose(schedule([0, 100]), [0.2, 0.01], rtol=1e-6)


# --- T5X ----------------------------------------------------------------------------------------


def t5x_formula(factors, base, warmup, by, every, cycle, offset, least):
    def formula(t: Any) -> Any:
        t = np.maximum(0, t - offset)
        rate = np.ones(len(t))
        for name in (n.strip() for n in factors.split("*")):
            if name == "constant":
                rate = rate * base
            elif name == "linear_warmup":
                rate = rate * np.minimum(1.0, t / warmup)
            elif name == "linear_decay":
                rate = rate * base * np.minimum(t / warmup, 1.0 + by * (warmup - t))
            elif name == "rsqrt_decay":
                rate = rate / np.sqrt(np.maximum(t, warmup))
            elif name == "rsqrt_normalized_decay":
                rate = rate * np.sqrt(warmup) / np.sqrt(np.maximum(t, warmup))
            elif name == "decay_every":
                rate = rate * float(by) ** (t // every)
            else:
                done = np.maximum(0.0, (t - warmup) / cycle)
                rate = rate * np.maximum(0.0, 0.5 * (1.0 + np.cos(np.pi * (done % 1.0))))
        return np.maximum(rate, least)

    return formula


FACTORS = ["constant", "linear_warmup", "linear_decay", "rsqrt_decay", "rsqrt_normalized_decay",
           "decay_every", "cosine_decay"]  # fmt: skip
PRODUCTS = st.sampled_from(
    [*FACTORS, "constant * linear_warmup * rsqrt_decay", "constant*linear_warmup * cosine_decay",
     "constant * linear_warmup * decay_every * decay_every", "linear_decay * cosine_decay",
     "constant * constant * rsqrt_normalized_decay"]
)  # fmt: skip


@parity
@given(PRODUCTS, st.sampled_from([0.5, 1e-3, 0.0]), st.sampled_from([1, 10, 40]),
       st.sampled_from([0.5, 0.013, 0.0, 1.01]), st.sampled_from([1, 7, 30]),
       st.sampled_from([1, 7, 30]), st.sampled_from([0, 9]),
       st.sampled_from([1e-8, 0.0, 0.01]))  # fmt: skip
def test_t5x(factors, base, warmup, by, every, cycle, offset, least):
    arguments = (factors, base, warmup, by, every, cycle, offset, least)
    agrees(ours.t5x(*arguments), t5x_formula(*arguments))


def test_t5x_has_a_least_rate_at_step_0():
    assert float(ours.t5x(warmup_steps=10)(0)) == pytest.approx(1e-8)
    assert float(ours.t5x(warmup_steps=10, min_learning_rate=0.0)(0)) == 0.0


# --- What is rejected ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ours.t5x("constant * linear_warmp"), "did you mean 'linear_warmup'"),
        (lambda: ours.t5x("linear_decay * linear_decay"), "linear_decay must be a factor once"),
        (lambda: ours.t5x(warmup_steps=0), "warmup_steps must be"),
        (lambda: ours.t5x(base_learning_rate=math.nan), "base_learning_rate must be"),
        (lambda: ours.t5x(steps_per_cycle=0), "steps_per_cycle must be"),
        (lambda: ours.t5x(step_offset=-1), "step_offset must be"),
        (lambda: ours.t5x(min_learning_rate=-1), "min_learning_rate must be"),
        (lambda: ours.big_vision(0.1, 100, decay_type="cosin"), "did you mean 'cosine'"),
        (lambda: ours.big_vision(0.1, 100, decay_type="cosine", power=2), "an argument must be"),
        (lambda: ours.big_vision(0.1, 100, warmup_step=2), "did you mean 'warmup_steps'"),
        (lambda: ours.big_vision(0.1, 100, warmup_steps=100), "the warmup must be below"),
        (
            lambda: ours.big_vision(0.1, 100, warmup_steps=1, warmup_percent=0.1),
            "only one of warmup_steps and warmup_percent",
        ),
        (lambda: ours.big_vision(0.1, 100, warmup_percent=1.5), "warmup_percent must be"),
        (lambda: ours.big_vision(0.1, 100, scale_with_batchsize=True), "batch_size must be given"),
        (lambda: ours.big_vision(0.1, 100, steps=[5], mults=[]), "mults must be one for each"),
        (lambda: ours.big_vision(math.nan, 100), "base must be"),
        (lambda: ours.maxtext(0.1, 100, lr_schedule_type="cosin"), "did you mean 'cosine'"),
        (lambda: ours.maxtext(0.1, 100, warmup_steps_fraction=2), "warmup_steps_fraction must be"),
        (lambda: ours.maxtext(0.1, 0), "steps must be"),
        (lambda: ours.maxtext(0.1, 9, -2), "learning_rate_schedule_steps must be"),
        (lambda: ours.maxtext(0.1, -1), "steps or learning_rate_schedule_steps must be given"),
        (
            lambda: ours.maxtext(0.1, 9, -1, 0.6, 0.1, "wsd", 0.6),
            "must not exceed 1",
        ),
        (lambda: ours.levanter(0.1, 100, "cosne"), "did you mean 'cosine'"),
        (lambda: ours.levanter(0.1, 100, warmup=1.5), "warmup must be"),
        (lambda: ours.levanter(0.1, 100, warmup=-1), "warmup must be"),
        (lambda: ours.levanter(0.1, 100, cycles=2, cycle_length=3), "only one of cycle_length and"),
        (lambda: ours.levanter(0.1, 100, cycle_length=0.001), "cycle_length in steps must be"),
        (lambda: ours.levanter(0.1, 100, cycle_length=[60, 60]), "cycle_length must be increasing"),
        (lambda: ours.levanter(0.1, 100, cycles=[60, 20]), "cycles must be increasing"),
        (lambda: ours.levanter(0.1, 100, cycles=0), "cycles must be"),
        (lambda: ours.levanter(0.1, 100, cycles=101), "cycles must be at most num_train_steps=100"),
        (lambda: ours.levanter(0.1, 10**9, cycles=1001), "cycles must be at most 1000 where"),
        (lambda: ours.levanter(0.1, 10**9, cycles=10**9 - 1), "cycles must be at most 1000 where"),
        (lambda: ours.levanter(0.1, 10**9, cycles=[*range(1, 1002)]), "a list of at most 1000"),
        (lambda: ours.levanter(0.1, 100, cooldown=100), "cooldown in steps must be below"),
        (lambda: ours.levanter(0.1, 100, "power"), "batch_size"),
        (lambda: ours.levanter(0.1, 100, "inv", min_lr_ratio=0.0), "min_lr_ratio"),
        (lambda: ours.levanter(0.1, 100, b=0.5), "levanter: b must be a finite number below 0"),
        (lambda: ours.levanter(math.nan, 100), "learning_rate must be"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


CALLS: dict[Callable[..., Any], dict[str, Any]] = {
    ours.levanter: {"learning_rate": 0.1, "num_train_steps": 100},
    ours.maxtext: {"learning_rate": 0.1, "steps": 100},
    ours.big_vision: {"base": 0.1, "total_steps": 100},
    ours.t5x: {"factors": " * ".join(n for n in FACTORS)},
}
MORE = {  # the choices under which arguments are read
    "exponent": {"lr_schedule": "cosine"},
    "power": {"lr_schedule": "polynomial", "decay_type": "linear"},
    "timescale": {"lr_schedule": "inv_sqrt", "decay_type": "rsqrt"},
    "decay_constant": {"lr_schedule": "inv_sqrt_decay"},
    "mults": {"steps": [3]},
    **{name: {"decay_type": "linear"} for name in ("end", "linear_end")},
    **{
        name: {"lr_schedule": "power", "batch_size": 8, "seq_length": 8}
        for name in ("a", "b", "batch_size", "seq_length")
    },
}
UNIT_NAMES = [f"{name}_{unit}" for name in ("warmup", "cooldown", "timescale", "shift")
              for unit in ("steps", "examples", "epochs", "percent")]  # fmt: skip


def read_by(port: Callable[..., Any]) -> list[str]:
    names = [p.name for p in inspect.signature(port).parameters.values() if p.name != "kw"]
    if port is ours.big_vision:
        names += ["power", "end", "linear_end", "timescale", "shift", "steps", "mults", *UNIT_NAMES]
    return names


@pytest.mark.parametrize(
    ("port", "name"), [(port, name) for port in CALLS for name in read_by(port)]
)
def test_nonsense_in_any_argument_is_one_sentence(port, name):
    """It is taken, or refused in a sentence that begins with the port; nothing else happens."""
    given = dict(CALLS[port])
    for key, value in MORE.get(name, {}).items():
        if key in read_by(port):
            given[key] = value
    if name.startswith(("timescale_", "shift_")):
        given["decay_type"] = "rsqrt"
    if port is ours.big_vision:
        given |= {"batch_size": 8, "data_size": 80}
    assert_named(port, given, name)


@pytest.mark.parametrize(
    ("port", "length"),
    [*((port, [*CALLS[port]][1]) for port in (ours.levanter, ours.maxtext, ours.big_vision)),
     *((ours.levanter, name) for name in ("warmup", "decay", "cycles", "cycle_length"))],
)  # fmt: skip
def test_a_traced_length_is_refused(port, length):
    """Phases of whole steps hang on it."""

    def value(n):
        return port(**(CALLS[port] | {length: n}))(3)

    with pytest.raises(ValueError, match=f"{length} must be known when the schedule is built"):
        jax.eval_shape(value, 100)
