"""Recipes of JAX trainers, against their formulas, written out in double precision.

The formulas are those of Levanter's `OptimizerConfig.lr_scheduler`, MaxText's and big_vision's
`create_learning_rate_schedule`, and T5X's `create_learning_rate_scheduler`; Optax stands in them
where it does in the trainers.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import assume, example, given, settings, strategies as st

from anneal_jax.ports import jax_trainers as ours
from tests.peers import assert_parity, parity

STEPS = np.arange(130)
Curve = Callable[[Any], Any]
few = settings(parity, max_examples=20)  # where structures vary


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
                   exponent: float, timescale: float, tokens: tuple) -> Curve:  # fmt: skip
    if kind == "constant":
        return optax.constant_schedule(peak)
    if kind == "cosine":
        return optax.cosine_decay_schedule(peak, fall, ratio, exponent)
    if kind == "linear":
        return optax.linear_schedule(peak, low, fall)
    if kind == "inv_sqrt":
        return lambda n: jnp.maximum(
            peak * jnp.minimum(1.0, 1 / jnp.sqrt(jnp.maximum(n + rise, 1) / timescale)), low
        )
    if kind == "inv":
        return lambda n: jnp.maximum(
            peak * jnp.minimum(1.0, 1 / ((peak / low - 1) * jnp.maximum(n, 1) / fall + 1)), low
        )
    batch, length, a, b = tokens
    # float, as int32 would overflow: see the test of that
    return lambda n: jnp.minimum(peak, batch * a * jnp.power(1.0 * n * batch * length, b))


def levanter_formula(peak, total, kind="cosine", warmup=0.01, decay=None, rewarmup=0.0,
                     min_lr_ratio=0.1, cycle_length=None, cycles=None, haps=None, cooldown=None,
                     exponent=1.0, timescale=10000, tokens=(4, 128, 4.6, -0.51)):  # fmt: skip
    last = 0 if cooldown is None else levanter_steps(cooldown, total)
    ends = levanter_ends(total - last, cycle_length, cycles, haps)
    low, came_from = peak * min_lr_ratio, 0.0
    curves: list[Any] = []
    until: list[int] = []
    curve, fall = None, 0
    for index, (start, end) in enumerate(pairwise(ends)):
        rise = levanter_steps(rewarmup if index else warmup, end - start)
        if rise:
            curves.append(optax.linear_schedule(came_from, peak, rise))
            until.append(start + rise)
        fall = end - start - rise if decay is None else levanter_steps(decay, end - start)
        flat = end - start - rise - fall
        if flat:
            curves.append(optax.constant_schedule(peak))
            until.append(start + rise + flat)
        curve = levanter_curve(kind, peak, low, min_lr_ratio, rise, fall, exponent, timescale, tokens)  # noqa: E501  # fmt: skip
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
    if "tokens" in arguments:
        names = ("batch_size", "seq_length", "a", "b")
        arguments |= dict(zip(names, arguments.pop("tokens"), strict=True))
    assert_parity(ours.levanter(peak, total, kind, **arguments), wanted)


DURATIONS = st.sampled_from([0.0, 0.01, 0.1, 0.29, 3, 7, 12])
DECAYS = st.sampled_from([None, 0.0, 0.1, 0.5, 5, 11, 1])
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
def test_levanter(kind, peak, warmup, decay, rewarmup, ratio, cycles):
    assume(kind != "cosine" or decay != 0.0)  # Optax rejects it
    more = {"warmup": warmup, "decay": decay, "rewarmup": rewarmup, "min_lr_ratio": ratio}
    levanter_both(kind, peak, 100, **more, **cycles)


@few
@given(st.sampled_from(["inv_sqrt", "inv", "power"]), DURATIONS, DECAYS, DURATIONS, RATIOS, CYCLES)
def test_levanter_decays_of_levanter(kind, warmup, decay, rewarmup, ratio, cycles):
    assume(kind != "power" or decay != 0.0)  # divides by zero there
    assume(kind != "inv" or decay != 0.0 or ratio != 1.0)  # 0 / 0 there
    more = {"warmup": warmup, "decay": decay, "rewarmup": rewarmup, "min_lr_ratio": ratio}
    if kind == "power":
        more["tokens"] = (4, 128, 4.6, -0.51)
    if kind == "inv_sqrt":
        more["timescale"] = 9
    levanter_both(kind, 0.1, 100, **more, **cycles)


@few
@given(st.sampled_from([1, 5, 7.5, 40, 10_000]), st.sampled_from([0.0, 5, 20]))
def test_levanter_inverse_square_root(timescale, warmup):
    more = {"warmup": warmup, "min_lr_ratio": 0.3}
    levanter_both("inv_sqrt", 0.1, 100, timescale=timescale, **more)


@few
@given(st.sampled_from([(4, 128, 4.6, -0.51), (1, 1, 0.3, -1.0), (64, 4096, 1e-4, -0.3)]),
       st.sampled_from([6e-4, 0.1, 10.0]))  # fmt: skip
@example((4, 128, 1e9, -0.51), 1e-9)
def test_levanter_power(tokens, peak):
    levanter_both("power", peak, 100, warmup=5, tokens=tokens)


@few
@given(st.sampled_from([0.1, 10, 0.0]), st.sampled_from(["cosine", "linear", "constant"]), CYCLES)
def test_levanter_with_a_cooldown(cooldown, kind, cycles):
    assume(cycles not in ({"cycle_length": [40, 60]}, {"haps": [30, 100]}))  # then too long
    levanter_both(kind, 0.1, 100, warmup=5, cooldown=cooldown, **cycles)


@few
@given(st.sampled_from([0.5, 1.0, 3.0]))
def test_levanter_cosine_exponent(exponent):
    levanter_both("cosine", 0.1, 100, warmup=5, exponent=exponent)


@pytest.mark.parametrize("warmup", [120, 100])
def test_a_warmup_as_long_as_the_training(warmup):
    levanter_both("linear", 0.1, 100, warmup=warmup)
    with pytest.raises(ValueError, match="the decay of a cycle must be"):
        ours.levanter(0.1, 100, warmup=warmup)


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


def test_a_decay_that_is_too_long_cuts_the_warmup():
    levanter_both("linear", 0.1, 100, warmup=30, decay=90)
    levanter_both("linear", 0.1, 100, warmup=30, decay=40, cycles=4)
    levanter_both("linear", 0.1, 100, warmup=3, decay=120)
    with pytest.raises(ValueError, match="warmup and decay must be within the cycle"):
        ours.levanter(0.1, 100, "linear", warmup=30, decay=90, exact=False)


def test_fractions_are_cut_from_floats():
    """0.29 of 100 steps are 28 there."""
    levanter_both("linear", 0.1, 100, warmup=0.29)
    exact, meant = (
        ours.levanter(0.1, 100, "linear", warmup=0.29, exact=exact) for exact in (True, False)
    )
    assert float(exact(28)) > float(meant(28))
    assert float(meant(29)) == pytest.approx(0.1)


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
        curves.append(optax.linear_schedule(0.0, peak, rise - 1))
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
@given(st.sampled_from([0.1, 3e-5]), st.integers(1, 120),
       st.sampled_from([-1, 1, 10, 50, 100, 120]), FRACTIONS, st.sampled_from([0.0, 0.1, 1.5]),
       st.sampled_from(["cosine", "wsd"]), FRACTIONS,
       st.sampled_from(["linear", "cosine"]))  # fmt: skip
@example(0.1, 100, -1, 0.01, 0.1, "wsd", 0.01, "linear")
@example(0.1, 100, -1, 0.01, 0.1, "wsd", 0.01, "cosine")
@example(0.1, 120, 100, 0.29, 0.1, "cosine", 0.1, "linear")
def test_maxtext(peak, steps, total, warmup, final, kind, wsd, style):
    assume(kind == "cosine" or warmup + wsd <= 1)  # MaxText rejects it
    maxtext_both(peak, steps, total, warmup, final, kind, wsd, style)


def test_maxtext_reaches_its_ends_a_step_early_and_then_zero():
    schedule = ours.maxtext(1.0, 120, 100)
    np.testing.assert_allclose(schedule([0, 9, 99, 100, 119]), [0, 1, 0.1, 0, 0], rtol=1e-6)


def test_maxtext_rises_after_its_end():
    """Where no zeros follow, the cosine goes on; exact=False holds the floor."""
    maxtext_both(0.1, 50)
    exact, meant = (ours.maxtext(0.1, 50, exact=exact) for exact in (True, False))
    assert float(exact(80)) > 0.05
    np.testing.assert_allclose(meant([49, 50, 80]), 0.01, rtol=1e-6)


def test_maxtext_phases_of_one_step():
    """A warmup of one step has the rate 0, a linear decay of one step the peak."""
    arguments = (1.0, 100, -1, 0.01, 0.1, "wsd", 0.01)
    maxtext_both(*arguments)
    exact, meant = (ours.maxtext(*arguments, exact=exact) for exact in (True, False))
    np.testing.assert_allclose(exact([0, 1, 99]), [0, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(meant([0, 1, 99]), [1, 1, 0.1], rtol=1e-6)


def test_maxtext_cuts_fractions_from_floats():
    exact, meant = (ours.maxtext(1.0, 100, -1, 0.29, exact=exact) for exact in (True, False))
    maxtext_both(1.0, 100, -1, 0.29)
    assert float(exact(27)) == float(meant(28)) == 1.0
    assert float(meant(27)) < 1.0


# --- big_vision ---------------------------------------------------------------------------------


def big_vision_formula(base, total, batch=None, kind="stair", scale=False, rise=0, fall=0, **kw):
    def formula(t: Any) -> Any:
        rate = base * batch / 256 if scale else base
        done = np.clip((t - rise) / (total - rise), 0, 1)
        if kind in ("linear", "polynomial"):
            end = kw.get("end", kw.get("linear_end", 0))
            rate = end + (rate - end) * (1 - done) ** kw.get("power", 1)
        elif kind == "cosine":
            rate = rate * 0.5 * (1 + np.cos(np.pi * done))
        elif kind == "rsqrt":
            scale_of_time = kw.get("timescale", 10_000)
            if "timescale_examples" in kw:
                scale_of_time = kw["timescale_examples"] / batch
            shift = kw.get("shift", 0)
            rate = rate / np.sqrt(1 + (np.maximum(t - rise, 0) + shift) / scale_of_time)
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
    formula = big_vision_formula(base, total, 100, kind, scale, rise, fall, **more)
    more = more | {"warmup_steps": rise, "cooldown_steps": fall}
    schedule = ours.big_vision(base, total, 100, None, kind, scale, **more)
    agrees(schedule, formula)


UNITS = st.sampled_from(
    [({"steps": 7}, 7), ({"examples": 730}, 7), ({"examples": 750}, 8), ({"examples": 1}, 1),
     ({"examples": 0}, 0), ({"epochs": 0.5}, 6), ({"epochs": 0.75}, 9), ({"percent": 0.1}, 10),
     ({"percent": 0.001}, 1), ({"percent": 0.0}, 0)]
)  # fmt: skip


@few
@given(UNITS, UNITS)
def test_big_vision_units(warmup, cooldown):
    """Rounded to the nearest (halves to even), at least 1 unless 0; 100 in a batch, 1250 in all."""
    given_units = {f"warmup_{unit}": value for unit, value in warmup[0].items()}
    given_units |= {f"cooldown_{unit}": value for unit, value in cooldown[0].items()}
    formula = big_vision_formula(0.1, 100, 100, "cosine", False, warmup[1], cooldown[1])
    agrees(ours.big_vision(0.1, 100, 100, 1250, "cosine", **given_units), formula)


def test_big_vision_falls_below_zero_after_its_cooldown():
    formula = big_vision_formula(0.1, 60, kind="rsqrt", fall=20)
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
        (lambda: ours.levanter(0.1, 100, decay=0.0), "the decay of a cycle must be"),
        (
            lambda: ours.levanter(0.1, 9, "power", decay=0.0, batch_size=1, seq_length=1),
            "the decay of a cycle must be",
        ),
        (lambda: ours.levanter(0.1, 100, "power"), "batch_size"),
        (lambda: ours.levanter(0.1, 100, "inv", min_lr_ratio=0.0), "min_lr_ratio"),
        (lambda: ours.levanter(0.1, 100, b=0.5), "-b must be"),
        (lambda: ours.levanter(math.nan, 100), "learning_rate must be"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
