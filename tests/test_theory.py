"""Bounds against the formula term by term, transfer against closed forms, refinement."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import minimize

import anneal_jax as anneal
from anneal_jax import theory


@pytest.fixture(autouse=True, scope="module")
def double() -> Iterator[None]:
    """So that what is compared is not rounded to float32 when it is returned."""
    with jax.enable_x64(True):
        yield


def usual(rates: Any, norms: Any, distance: float, end: int) -> float:
    """The bound after `end` steps as papers have it, in 40 digits."""
    mpmath.mp.dps = 40
    r = [mpmath.mpf(float(x)) for x in rates[:end]]
    g = [mpmath.mpf(float(x)) for x in np.broadcast_to(norms, len(rates))[:end]]
    q = [(a * b) ** 2 for a, b in zip(r, g, strict=True)]
    total = mpmath.fsum(r)
    value = (mpmath.mpf(distance) ** 2 + mpmath.fsum(q)) / (2 * total)
    for k in range(end - 1):
        after, now = mpmath.fsum(r[k + 1 :]), mpmath.fsum(r[k:])
        value += r[k] / after * mpmath.fsum(q[k:]) / now / 2
    return float(value)


STEPS = 60
T = np.arange(STEPS)
RATES = {
    "linear": 1 - T / STEPS,
    "cosine": 0.5 + 0.5 * np.cos(np.pi * T / STEPS),
    "constant": np.ones(STEPS),
    "small": np.full(STEPS, 1e-9),
    "wild": np.exp(np.random.default_rng(0).normal(size=STEPS) * 4),
    "over 16 orders": np.geomspace(1.0, 1e-16, STEPS),
}


@pytest.mark.parametrize("name", RATES)
def test_the_curve_is_the_formula(name: str) -> None:
    """At every step, to 1e-6, with norms and a distance."""
    norms = 1 + np.random.default_rng(1).random(STEPS)
    bound = theory.last_iterate_bound(RATES[name], norms, 3.0)
    wanted = [usual(RATES[name], norms, 3.0, end) for end in range(1, STEPS + 1)]
    np.testing.assert_allclose(bound.curve, wanted, rtol=1e-6)


LAST_OF_TRACED = jax.jit(lambda rates: theory.last_iterate_bound(rates).curve[-1])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(1e-6, 1e3), min_size=STEPS, max_size=STEPS))
def test_any_rates(rates: list[float]) -> None:
    """To 1e-6, jitted with rates that are not known, too."""
    wanted = usual(rates, 1.0, 1.0, STEPS)
    traced = LAST_OF_TRACED(jnp.array(rates))
    for found in (theory.last_iterate_bound(np.array(rates)).curve[-1], traced):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_the_whole_curve_of_many_steps() -> None:
    """Linear decay: its last value has a closed form, by harmonic numbers."""
    count = 100_000
    bound = theory.last_iterate_bound(1 - np.arange(count) / count)
    # Rates are m / n for m = n, ..., 1, and the sum after rate m is (m - 1) m / (2 n).
    m = np.arange(2, count + 1, dtype=np.longdouble)
    noise = (1 / count + (m**2 / count**2 / ((m - 1) * m / (2 * count))).sum()) / 2
    np.testing.assert_allclose(float(bound.noise[-1]), float(noise), rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "value", "scale"),
    [
        (lambda n: anneal.Linear(1.0, 0.0, n), 2.001, 1.00),
        (lambda n: anneal.Cosine(1.0, 0.0, n), 2.061, 0.971),
        (lambda n: anneal.warmup_stable_decay(1.0, 0, n // 5, n), 2.127, 0.542),
        (
            lambda n: anneal.warmup_stable_decay(1.0, 0, n // 5, n, cooldown=anneal.Linear),
            2.161,
            0.514,
        ),
        (lambda n: anneal.Cosine(1.0, 0.1, n), 2.214, 0.821),
        (lambda n: anneal.Constant(1.0).until(n), 3.284, 0.305),
    ],
)
def test_a_table_of_shapes(shape: Callable[[int], Any], value: float, scale: float) -> None:
    """Tuned bound and rate at 10,000 steps, times or over the root of the steps."""
    bound = theory.last_iterate_bound(shape(10_000))
    assert float(bound.tuned) * 100 == pytest.approx(value, abs=1e-3)
    assert float(bound.scale) * 100 == pytest.approx(scale, abs=1e-3)


def test_descent_on_the_bound_finds_linear_decay() -> None:
    """From constant rates: to within .01 of the peak, but for the last twentieth.

    (There the lowest bound has larger rates: of two steps' rates, the second is .71 of the sum.)
    """
    count = 200
    start = np.log(np.full(count, 0.1))

    @jax.jit
    def objective(logs: jax.Array) -> Any:
        return jax.value_and_grad(lambda x: theory.last_iterate_bound(jnp.exp(x)).curve[-1])(logs)

    found = minimize(
        lambda x: tuple(np.asarray(v, float) for v in objective(jnp.array(x))),
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-9},
    )
    rates = np.exp(found.x)
    line = 1 - np.arange(count) / count
    np.testing.assert_allclose((rates / rates[0])[:190], line[:190], atol=0.01)
    assert 0.98 < found.fun / float(theory.last_iterate_bound(line).tuned) < 1


def test_gradients_without_double_precision() -> None:
    """The rates' gradient, by differences of the formula, with x64 off."""
    rates = RATES["cosine"]
    with jax.enable_x64(False):
        grad = jax.grad(lambda r: theory.last_iterate_bound(r).curve[-1])(jnp.array(rates))
    for k in (0, 10, STEPS - 1):
        up, down = rates.copy(), rates.copy()
        up[k], down[k] = rates[k] * (1 + 1e-6), rates[k] * (1 - 1e-6)
        slope = (usual(up, 1, 1, STEPS) - usual(down, 1, 1, STEPS)) / (up[k] - down[k])
        assert float(grad[k]) == pytest.approx(slope, rel=1e-4)


def test_a_warmup_from_zero() -> None:
    """Steps that move nothing leave the bound infinite, and later ones as they were."""
    rates = np.concatenate([[0.0, 0.0], RATES["linear"]])
    curve = theory.last_iterate_bound(rates).curve
    assert np.isinf(curve[:2]).all()
    np.testing.assert_allclose(
        curve[2:], theory.last_iterate_bound(RATES["linear"]).curve, rtol=1e-6
    )


def test_transfer() -> None:
    """The ratio of the bound's own best peaks; lengths by an exponent."""
    wsd = anneal.warmup_stable_decay(1.0, 0, 2_000, 10_000, cooldown=anneal.Linear)
    cosine = anneal.Cosine(2e-3, 0.0, 10_000)
    assert theory.transfer_peak(cosine, wsd) == pytest.approx(2e-3 * 0.514 / 0.971, rel=2e-3)
    assert theory.transfer_peak(cosine, 5.0 * wsd, 1.0) == pytest.approx(0.5294, rel=2e-3)
    short = anneal.Cosine(1.0, 0.0, 2_500)
    assert theory.transfer_peak(short, cosine, 1.0) == pytest.approx(0.5, rel=1e-3)
    assert theory.transfer_peak(short, cosine, 1.0, exponent=0.25) == pytest.approx(
        0.5**0.5, rel=1e-3
    )


def test_a_sweep_of_one_shape_tells_the_best_peak_of_another() -> None:
    """Runs that obey the bound give back its numbers, and the best peaks."""
    shapes = [anneal.Linear(1.0, 0.1, 300), anneal.warmup_stable_decay(1.0, 0, 60, 300)]

    def final(schedule: Any) -> float:
        bound = theory.last_iterate_bound(schedule)
        return 2.5 + 0.3 * float(bound.distance[-1]) + 4.0 * float(bound.noise[-1])

    runs = [peak * shapes[0] for peak in (0.003, 0.01, 0.03, 0.1)]
    fit = theory.fit_sweep(runs, [final(run) for run in runs])
    assert fit == pytest.approx((2.5, 0.3, 4.0), rel=1e-4)
    peaks = np.geomspace(1e-3, 0.1, 2001)
    best = peaks[np.argmin([final(peak * shapes[1](np.arange(300))) for peak in peaks[::10]]) * 10]
    assert fit.best_peak(shapes[1]) == pytest.approx(best, rel=0.03)
    assert fit.loss(0.01 * shapes[1]) == pytest.approx(final(0.01 * shapes[1]), rel=1e-5)


def test_the_exponent_across_horizons() -> None:
    """Exact data give the exponent and no interval; noise is covered as often as it should be."""
    steps = np.array([1e3, 2e3, 4e3, 8e3, 1.6e4])
    exact = theory.horizon_exponent(steps, 0.3 * steps**-0.4)
    assert exact == pytest.approx((0.4, 0.4, 0.4), abs=1e-6)
    draw = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        noisy = 0.3 * steps**-0.4 * np.exp(0.1 * draw.normal(size=5))
        _, low, high = theory.horizon_exponent(steps, noisy, confidence=0.8)
        covered += low < 0.4 < high
    assert 0.74 < covered / 400 < 0.86


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_constant_norms_refine_to_linear_decay(norm: str) -> None:
    """Exactly, at every step, also where only every tenth norm was logged."""
    line = anneal.Linear(0.3, 0.0, 1000)
    for count, every in ((1001, 1), (101, 10)):
        schedule = theory.refine(np.full(count, 7.0), norm, peak_value=0.3, every=every)
        np.testing.assert_allclose(schedule(np.arange(1001)), line(np.arange(1001)), atol=1e-12)


def test_refinement_is_the_formula() -> None:
    """By loops, with a median that is repeated at the left and reflected at the right."""
    norms = 1 + np.random.default_rng(0).random(41) * np.linspace(1, 4, 41)
    half = 4
    padded = [norms[0]] * half + list(norms) + list(norms[::-1][:half])
    median = [float(np.median(padded[k : k + 2 * half + 1])) for k in range(41)]
    for norm, power in (("l1", 1), ("l2", 2)):
        w = [g**-power for g in median]
        raw = np.array([w[t] * sum(w[t + 1 :]) for t in range(41)])
        found = theory.refine(norms, norm, smoothing=0.1)(np.arange(41))
        np.testing.assert_allclose(found, raw / raw.max(), rtol=1e-6, atol=1e-9)


def test_a_refined_schedule_has_a_lower_bound() -> None:
    """Than linear decay, for the norms it was made from."""
    norms = np.linspace(1, 5, 200)
    refined = theory.refine(norms, "l2", 0.0)(np.arange(199))
    line = 1 - np.arange(199) / 199
    tuned = [float(theory.last_iterate_bound(r, norms[:199]).tuned) for r in (refined, line)]
    assert tuned[0] < 0.98 * tuned[1]


CALLS: list[tuple[Callable[[], Any], str]] = [
    (lambda: theory.last_iterate_bound([0.1, 0.0, 0.1]), "rates must be positive and finite"),
    (lambda: theory.last_iterate_bound([0.1, -0.1]), "rates must be positive and finite"),
    (lambda: theory.last_iterate_bound([0.1, np.nan]), "rates must be positive and finite"),
    (lambda: theory.last_iterate_bound([0.0, 0.0]), "rates must be positive and finite"),
    (lambda: theory.last_iterate_bound(anneal.Linear(1, 0, 9).then(anneal.Constant(0.0)), steps=12),
     "rates must be positive and finite"),
    (lambda: theory.last_iterate_bound([]), "rates must be an array of one rate for each step"),
    (lambda: theory.last_iterate_bound(0.1), "rates must be an array of one rate for each step"),
    (lambda: theory.last_iterate_bound(anneal.Constant(0.1)), "rates must be a schedule with a l"),
    (lambda: theory.last_iterate_bound(lambda t: 0.1), "rates must be a schedule of anneal_jax"),
    (lambda: theory.last_iterate_bound([0.1] * 3, [1.0, 2.0]), "grad_norms must be positive"),
    (lambda: theory.last_iterate_bound([0.1] * 3, 0.0), "grad_norms must be positive"),
    (lambda: theory.last_iterate_bound([0.1] * 3, distance=0.0), "distance must be a finite num"),
    (lambda: theory.transfer_peak([0.1] * 3, [0.1] * 3, -1.0), "peak_value must be a finite"),
    (lambda: theory.transfer_peak([0.1] * 3, [-0.1] * 3), "to_schedule must be positive"),
    (lambda: theory.fit_sweep([[0.1]] * 2, [3.0, 3.1]), "losses must be a finite number for each"),
    (lambda: theory.fit_sweep([[0.1]] * 3, [3.0, 3.1, np.nan]), "losses must be a finite number"),
    (lambda: theory.fit_sweep([[0.1], [0.2], [0.3]], [3.0, 2.9, 2.8]), "losses must be higher on"),
    (lambda: theory.horizon_exponent([10, 20], [1, 2]), "peaks must be as many as steps: three"),
    (lambda: theory.horizon_exponent([10] * 3, [1, 2, 3]), "peaks must be as many as steps"),
    (lambda: theory.horizon_exponent([10, 20, 30], [1, 2, -3]), "steps and peaks must be positive"),
    (lambda: theory.refine([1.0]), "grad_norms must be two or more positive finite numbers"),
    (lambda: theory.refine([1.0, 0.0]), "grad_norms must be two or more positive finite numbers"),
    (lambda: theory.refine([1.0, 2.0], "l3"), "norm must be one of"),
    (lambda: theory.refine([1.0, 2.0], smoothing=2), "smoothing must be a finite number"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "words"), CALLS)
def test_bad_input_is_one_sentence(call: Callable[[], Any], words: str) -> None:
    """Which argument, the rule, what came, what to do."""
    with pytest.raises(ValueError) as error:
        call()
    assert words in str(error.value)
