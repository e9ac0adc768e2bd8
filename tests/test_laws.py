"""Laws against their formulas, term by term, and against published figures."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax._exponential_sums import _exp, nodes_for, power_sums, reciprocal_sums
from anneal_jax.laws import FunctionalScalingLaw, Law, LevelLaw, MomentumLaw, MultiPowerLaw


@pytest.fixture(autouse=True, scope="module")
def double() -> Iterator[None]:
    """So that what is compared is not rounded to float32 when it is returned."""
    with jax.enable_x64(True):
        yield


LAWS: dict[str, Law] = {
    "level": LevelLaw(2.5, 0.5, 0.5, 300.0),
    "momentum": MomentumLaw(2.5, 0.5, 0.5, 0.3, 0.99),
    "multi-power": MultiPowerLaw(3.0405, 0.5247, 0.5079, 363.79, 2.0656, 0.5828, 0.6414),
    "multi-power, slow": MultiPowerLaw(3.0, 0.5, 0.5, 400.0, 0.5, 0.05, 0.2),
    "multi-power, less than linear": MultiPowerLaw(3.0, 0.5, 0.5, 400.0, 2.0, 0.6, 0.6, 0.6),
    "functional": FunctionalScalingLaw(2.5, 0.5, 0.5, 0.1, 5.0, 1.5, 1e-3),
    "functional, slow": FunctionalScalingLaw(2.5, 0.5, 0.5, 0.1, 5.0, 0.3, 1e-2),
}
STEPS = 120
RATES = {
    "cosine": anneal.warmup_cosine(3e-4, 10, STEPS),
    "wsd": anneal.warmup_stable_decay(1e-3, 10, 30, STEPS),
    "wild": np.exp(np.random.default_rng(0).normal(size=STEPS)) * 1e-3,
    "constant": np.full(STEPS, 1e-3),
}


def by_loops(law: Any, rates: np.ndarray, first: int = 0) -> np.ndarray:
    """The formula as it is written, from a first step on."""
    losses = []
    for t in range(first, len(rates)):
        total = rates[: t + 1].sum()
        falls = [0.0, *(rates[:-1] - rates[1:])][: t + 1]
        if isinstance(law, FunctionalScalingLaw):
            after = [rates[k + 1 : t + 1].sum() for k in range(t + 1)]
            noise = sum(
                r**2 * (law.delay + y) ** -law.decay for r, y in zip(rates, after, strict=False)
            )
            losses.append(
                law.floor + law.size * (law.start + total) ** -law.exponent + law.noise * noise
            )
            continue
        if isinstance(law, MultiPowerLaw):
            total = sum(3e-4 * (r / 3e-4) ** law.pace for r in rates[: t + 1])
        loss = law.floor + (law.size * total**-law.exponent if total else np.inf)
        if isinstance(law, LevelLaw):
            loss -= law.drop * (rates.max() - rates[t])
        elif isinstance(law, MomentumLaw):
            momenta = [
                sum(law.decay ** (i - k) * falls[k] for k in range(i + 1)) for i in range(t + 1)
            ]
            loss -= law.gain * sum(momenta)
        else:
            for k in range(1, t + 1):
                y = rates[k : t + 1].sum()
                kernel = (1 + law.speed * rates[k] ** -law.stretch * y) ** -law.decay
                loss -= law.gain * falls[k] * (1 - kernel)
        losses.append(loss)
    return np.array(losses)


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("name", LAWS)
def test_a_curve_is_the_formula(name: str, rates: str) -> None:
    """At every step: exactly term by term, and to 1e-6 in linear time."""
    law, given = LAWS[name], RATES[rates]
    values = np.asarray(given(np.arange(STEPS)) if callable(given) else given, float)
    wanted = by_loops(law, values)
    np.testing.assert_allclose(law(given, exact=True), wanted, rtol=1e-10)
    np.testing.assert_allclose(law(given), wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["multi-power", "functional"])
def test_long_runs(name: str) -> None:
    """In linear time, and without x64, to 1e-6 of the sums term by term."""
    schedule = anneal.warmup_cosine(3e-4, 300, 6_000)
    exact = LAWS[name](schedule, exact=True)
    np.testing.assert_allclose(LAWS[name](schedule)[1:], exact[1:], rtol=1e-6)
    with jax.enable_x64(False):
        single = LAWS[name](schedule)
        assert single.dtype == np.float32
    np.testing.assert_allclose(single[1:], exact[1:], rtol=1e-6)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("exponent", [0.05, 0.5, 1.0, 2.0])
def test_the_kernel_of_47_nodes(exponent: float, own: bool) -> None:
    """A single value fades as the power says, to 1e-6 of it, up to 4e5 times its scale."""
    rates = np.diff(np.geomspace(1e-2, 4e2, 400), prepend=0.0)
    values = np.eye(400)[0]
    given = [jnp.asarray(x) for x in (values, 1e3, exponent, rates)]
    y = np.cumsum(rates) - (0.0 if own else rates[0])
    np.testing.assert_allclose(power_sums(*given, 47, own=own), (1 + 1e3 * y) ** -exponent, 1e-6)


def test_the_rule_for_reciprocals() -> None:
    """A single value fades as 1 over the sum of the rates since, over 8 orders, to 1e-7."""
    rates = np.diff(np.geomspace(1e-4, 1e4, 400), prepend=0.0)
    values = np.eye(400)[0]
    found = reciprocal_sums(jnp.asarray(values), jnp.asarray(rates), nodes_for(rates))
    wanted = values[0] / (np.cumsum(rates) - rates[0])[1:]
    np.testing.assert_allclose(found[1:], wanted, rtol=1e-7)


def test_short_exponentials() -> None:
    """What sums are made of: 8e-9 of NumPy's, with a slope, from 0 to what no float64 holds."""
    x = -np.concatenate([[0.0], np.geomspace(1e-12, 700, 20_000)])
    with jax.enable_x64(True):
        np.testing.assert_allclose(_exp(jnp.asarray(x)), np.exp(x), rtol=8e-9)
        slopes = jax.vmap(jax.grad(_exp))(jnp.asarray(x))
        np.testing.assert_allclose(slopes, np.exp(x), rtol=8e-9)
        assert 0 <= _exp(jnp.float64(-np.inf)) < 1e-300


def test_published_figures() -> None:
    """The paper's fits at 25M and 100M parameters: the end of a cosine to 10%."""
    cosine = anneal.warmup_cosine(3e-4, 2_160, 24_000, end_value=3e-5)
    small = LAWS["multi-power"]
    large = MultiPowerLaw(2.6514, 0.6012, 0.4530, 437.95, 2.1325, 0.5979, 0.6552)
    assert float(small(cosine)[-1]) == pytest.approx(3.3152, abs=5e-5)
    assert float(large(cosine)[-1]) == pytest.approx(2.9900, abs=5e-5)


@pytest.mark.parametrize("name", LAWS)
def test_gradients(name: str) -> None:
    """By every parameter and by rates, with x64 off, against differences of the formula."""
    law = LAWS[name]
    rates = np.asarray(RATES["cosine"](np.arange(STEPS)), float)[1:]
    last = len(rates) - 1
    with jax.enable_x64(False):
        single: Any = jax.tree.map(jnp.asarray, law)
        by_law, by_rates = jax.grad(lambda w, r: w(r)[-1], argnums=(0, 1))(single, jnp.array(rates))
    leaves, structure = jax.tree.flatten(law)
    for k, (leaf, slope) in enumerate(zip(leaves, jax.tree.leaves(by_law), strict=True)):
        ends = []
        for factor in (1 + 1e-6, 1 - 1e-6):
            changed = [*leaves[:k], leaf * factor, *leaves[k + 1 :]]
            ends.append(by_loops(jax.tree.unflatten(structure, changed), rates, last)[0])
        assert float(slope) == pytest.approx(
            (ends[0] - ends[1]) / (2e-6 * leaf), rel=1e-3, abs=1e-6
        )
    for k in (0, 50, STEPS - 3):
        ends = []
        for factor in (1 + 1e-6, 1 - 1e-6):
            changed = rates.copy()
            changed[k] *= factor
            ends.append(by_loops(law, changed, last)[0])
        wanted = (ends[0] - ends[1]) / (2e-6 * rates[k])
        assert float(by_rates[k]) == pytest.approx(wanted, rel=1e-3, abs=1e-2)


@pytest.mark.parametrize("name", ["level", "momentum", "multi-power", "functional"])
def test_batches_and_jit(name: str) -> None:
    """`vmap` over rates and over laws is a loop; jit changes nothing; a curve to 0 is finite."""
    law = LAWS[name]
    other: Any = jax.tree.map(lambda x: 1.1 * x, law)
    laws: Any = jax.tree.map(lambda *both: jnp.array(both), law, other)
    rates = jnp.stack([jnp.full(50, 1e-3), jnp.linspace(1e-3, 0.0, 50)])
    many = jax.jit(jax.vmap(jax.vmap(lambda w, r: w(r), (None, 0)), (0, None)))(laws, rates)
    assert np.isfinite(many).all()
    for found, one in zip(many, (law, other), strict=True):
        for curve, row in zip(found, rates, strict=True):
            np.testing.assert_allclose(curve[:-1], one(row[:-1]), rtol=1e-6)


def test_a_momentum_that_does_not_fade_is_a_sum() -> None:
    """With a decay of 1 it is all that the rate has fallen by, to 1e-9 of it a step."""
    law: Any = MomentumLaw(0.0, 1e-12, 0.5, 1.0, 1.0)
    rates = np.geomspace(1e-3, 1e-5, STEPS)
    wanted = -np.cumsum(rates[0] - rates)
    np.testing.assert_allclose(law(rates)[1:], wanted[1:], rtol=1e-6)


def test_schedules_without_a_length_take_one() -> None:
    """And those with one may be cut."""
    law = LAWS["momentum"]
    np.testing.assert_allclose(law(anneal.Constant(1e-3), 50), law(np.full(50, 1e-3)), rtol=1e-7)
    whole, cut = law(RATES["cosine"]), law(RATES["cosine"], 70)
    np.testing.assert_allclose(cut, whole[:70], rtol=1e-7)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: MultiPowerLaw(3, 0.5, -0.5, 1, 1, 1, 1), "MultiPowerLaw: exponent must be a fin"),
        (lambda: MomentumLaw(3, 0, 0.5, 1), "MomentumLaw: size must be a finite number above 0"),
        (lambda: LevelLaw(np.nan, 1, 0.5, 1), "LevelLaw: floor must be a finite number"),
        (lambda: LAWS["level"]([0.1, -0.1]), "LevelLaw: rates must be positive and finite"),
        (lambda: LAWS["level"]([0.1, 0.0, 0.1]), "LevelLaw: rates must be positive and finite"),
        (lambda: LAWS["level"](anneal.Constant(0.1)), "LevelLaw: rates must be a schedule with"),
        (lambda: LAWS["level"]([0.1], exact=1), "LevelLaw: exact must be True or False"),
        (lambda: LAWS["level"]([0.1] * 3, 2), "rates must be a schedule, or the rates of 2 steps"),
        (lambda: LAWS["level"](RATES["wsd"], -5), "steps must be a whole number from 1 to"),
    ],
)
def test_bad_input_is_one_sentence(call: Any, words: str) -> None:
    """Which argument, the rule, what came, what to do."""
    with pytest.raises(ValueError) as error:
        call()
    assert words in str(error.value)


def test_a_law_is_abstract_without_its_losses() -> None:
    """It cannot be made, rather than fail when it is called."""
    with pytest.raises(TypeError, match="abstract method"):
        Law()  # pyright: ignore[reportAbstractUsage]
