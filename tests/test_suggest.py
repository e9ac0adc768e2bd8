"""Suggestions of a range test against fastai's own functions, and against cases done by hand.

fastai imports more than need be installed, so the few definitions that count are run from its
source: `Learner.lr_find` around a fit that brings the curve, and the four rules it calls.
"""

import ast
import collections
import contextlib
import functools
import importlib.util
import pathlib
import re
import types
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from anneal_jax.search._suggest import (
    Suggestions,
    _longest_descent,
    _slide,
    _steep,
    _valley,
    smoothed,
    suggestions,
)
from tests.peers import peer

# torch's tensors in a NumPy function, where fastai makes its plot's marks
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__")

many = settings(max_examples=300, deadline=None)
RULES = Suggestions._fields
SHAPES = ("valley", "falling", "rising", "flat", "steps", "noise", "diverging")


def _on_floats(valley: Any) -> Any:
    """Its two loops take seconds on a tensor; floats of the same values compare the same."""

    @functools.wraps(valley)
    def quick(rates: Any, losses: Any, planned: int) -> Any:
        return valley(rates, losses.tolist(), planned)

    return quick


@functools.cache
def fastai() -> Any:
    """fastai's definitions of the rules, the search around them and the smoothed loss."""
    torch = peer("torch")
    found = importlib.util.find_spec("fastai")
    if found is None:
        pytest.skip("fastai is not installed: pip install 'anneal_jax[ports]'")
    root = pathlib.Path((found.submodule_search_locations or [""])[0])
    space: dict[str, Any] = {"torch": torch, "np": np, "collections": collections}
    space |= {
        "partial": functools.partial,
        "patch": lambda function: function,
        "tensor": torch.tensor,
        "to_np": lambda tensor: tensor.numpy(),
        "to_detach": lambda tensor: tensor.detach(),
        "tuplify": tuple,
        "Learner": object,
        "Metric": object,
        "LRFinder": lambda **_: None,
        "SuggestionMethod": types.SimpleNamespace(Valley=None),
    }
    wanted = {"callback/schedule.py": {*RULES, "lr_find"}, "learner.py": {"AvgSmoothLoss"}}
    for file, names in wanted.items():
        nodes = ast.parse((root / file).read_text(encoding="utf-8")).body
        kept = [node for node in nodes if getattr(node, "name", None) in names]
        exec(ast.unparse(ast.Module(kept, [])), space)
    space["valley"] = _on_floats(space["valley"])
    return types.SimpleNamespace(**space)


def found_by_fastai(rates: np.ndarray, losses: np.ndarray, planned: int) -> Suggestions:
    """What `lr_find` returns after a fit that recorded this curve."""
    learner = types.SimpleNamespace(
        dls=types.SimpleNamespace(train=range(10)),
        no_logging=contextlib.nullcontext,
        fit=lambda *_, **__: None,
        recorder=types.SimpleNamespace(lrs=rates.tolist(), losses=losses.tolist()),
    )
    rules = tuple(getattr(fastai(), name) for name in RULES)
    found = fastai().lr_find(learner, num_it=planned, show_plot=False, suggest_funcs=rules)
    return Suggestions(**found._asdict())


def rule_of_fastai(name: str, rates: np.ndarray, losses: np.ndarray) -> float:
    tensors = (fastai().torch.tensor(x.astype(np.float32)) for x in (rates, losses))
    return float(getattr(fastai(), name)(*tensors, len(losses))[0])


def shape_of(shape: str, count: int, noise: np.ndarray) -> np.ndarray:
    x = np.linspace(-3.0, 1.5, count)
    smooth = {
        "valley": x**2 / 4,
        "falling": -np.tanh(x),
        "rising": np.exp(x) / 3,
        "flat": np.full(count, 2.3),
        "steps": np.round(np.sin(2 * x), 1),
        "noise": np.zeros(count),
        "diverging": 2 - np.tanh(x + 1) + np.exp(6 * (x - 1)),
    }
    return smooth[shape] + noise


@st.composite
def curves(draw: st.DrawFn, least: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Rates and losses of many forms; noise also none, and also coarse, which makes ties."""
    count = draw(st.integers(least, 300))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    noise = draw(st.sampled_from([0.0, 1e-3, 0.03, 0.5])) * random.normal(size=count)
    losses = shape_of(draw(st.sampled_from(SHAPES)), count, noise)
    digits = draw(st.sampled_from([1, 2, 16]))
    spaced = draw(st.sampled_from([np.geomspace, np.linspace]))
    return spaced(draw(st.sampled_from([1e-7, 1e-3])), 10.0, count), losses.round(digits)


def same_rate(rates: np.ndarray, got: float, wanted: float) -> bool:
    """Whether both are the same entry of `rates`: fastai's is rounded to float32."""
    assert got in rates
    assert np.all(np.diff(rates.astype(np.float32)) > 0)  # so that a rate stands for its index
    return float(np.float32(got)) == wanted


def as_steep(rates: np.ndarray, losses: np.ndarray, got: float, wanted: float) -> bool:
    """Whether both rates are the steepest, as far as float32 tells.

    Where the slopes of two intervals differ by less than the last bits of the logarithms that
    they are divided by, the library's logarithm decides which is less.
    """
    if same_rate(rates, got, wanted):
        return True
    logs = np.log(rates.astype(np.float32).astype(np.float64))
    slopes = np.diff(losses.astype(np.float32)) / np.diff(logs)
    unsure = np.spacing(np.abs(logs).max().astype(np.float32)) * 2 / np.diff(logs).min()
    at = [int(np.abs(rates - rate).argmin()) for rate in (got, wanted)]
    return bool(np.all(slopes[at] <= slopes.min() + 2 * unsure * np.abs(slopes[at])))


def trimmed(rates: np.ndarray, losses: np.ndarray, planned: int) -> tuple[np.ndarray, np.ndarray]:
    rates, losses = rates[planned // 10 : -5], losses[planned // 10 : -5]
    count = np.isnan(losses).argmax() if np.isnan(losses).any() else len(losses)
    return rates[:count], losses[:count]


@many
@given(curve=curves(), more=st.sampled_from([0, 1, 7, 100]), tail=st.sampled_from([0, 0, 1, 9]))
def test_fastai_suggests_the_same(curve: Any, more: int, tail: int) -> None:
    """Trimming, the cut at NaN and the four rules; a stopped test too."""
    rates, losses = curve
    losses[len(losses) - tail :] = np.nan
    planned = len(rates) + more
    left = trimmed(rates, losses, planned)
    if len(left[1]) < 16:
        with pytest.raises(ValueError, match="lr_range_test: losses must be numbers at 16"):
            suggestions(rates, losses, planned)
        with pytest.raises((IndexError, ValueError, RuntimeError)):  # by which slide or argmin fail
            found_by_fastai(rates, losses, planned)
        return
    got, wanted = suggestions(rates, losses, planned), found_by_fastai(rates, losses, planned)
    assert same_rate(rates, got.valley, wanted.valley)
    assert same_rate(rates, got.slide, wanted.slide)
    assert float(np.float32(rates[rates / 10 == got.minimum][0])) / 10 == wanted.minimum
    assert as_steep(*left, got.steep, wanted.steep)


@many
@given(curves(least=2))
def test_short_curves_give_the_same_valley_and_steep(curve: Any) -> None:
    """The rules that have an answer for any length give fastai's."""
    rates, losses = curve
    single = losses.astype(np.float32)
    valley, steep = rates[_valley(single)], rates[_steep(rates, single)]
    assert same_rate(rates, valley, rule_of_fastai("valley", rates, losses))
    assert as_steep(rates, losses, steep, rule_of_fastai("steep", rates, losses))


@many
@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, 5.0, np.inf]), min_size=1, max_size=25))
@example([1.0])
@example([2.0, 1.0])  # starts at -1: the last rate
def test_valley_breaks_ties_as_fastai_does(values: list[float]) -> None:
    """Among equally long descents, and at the ends of the curve."""
    losses = np.array(values, np.float32)
    rates = np.arange(1.0, len(losses) + 1)
    assert rates[_valley(losses)] == rule_of_fastai("valley", rates, losses)


@many
@given(curves(least=16), st.sampled_from([1e-3, 0.05, 1.0, 1e3]))
def test_slide_stops_where_fastai_does(curve: Any, scale: float) -> None:
    """For slopes below, around and above the threshold, down to a single window."""
    rates, losses = curve
    losses = losses * scale
    got = rates[_slide(losses.astype(np.float32))]
    assert same_rate(rates, got, rule_of_fastai("slide", rates, losses))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=60),
    st.sampled_from([0.98, 0.98, 0.9, 0.3, 0.0]),
)
@example([2.0, 1.0, np.nan, 1.0], 0.98)
@example([2.0, 1.0, np.inf, 1.0, 1.0], 0.98)
def test_smoothing_is_fastai_s(losses: list[float], beta: float) -> None:
    """To the rounding of its float32 mean; NaN where it has one."""
    torch = fastai().torch
    metric = fastai().AvgSmoothLoss(beta=beta)
    wanted = []
    for loss in losses:
        metric.accumulate(types.SimpleNamespace(loss=torch.tensor(loss)))
        wanted.append(float(metric.value))
    got = smoothed(np.array(losses, np.float32), beta)
    largest = np.max(np.abs(losses), initial=1e-30, where=np.isfinite(losses))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=5e-5 * largest)


def test_smoothing_by_hand() -> None:
    """Weights 1/2, 1/4, ... over their sum; the first mean is the first loss."""
    got = smoothed(np.array([8.0, 2.0, 5.0]), 0.5)
    np.testing.assert_allclose(got, [8.0, 4.0, (4 * 5 + 2 * 2 + 8) / 7], rtol=1e-15)


def test_smoothing_goes_along_the_last_axis_in_double() -> None:
    """Every curve of a population by itself, whatever the dtype; a constant stays what it is."""
    population = np.array([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]], np.float32)
    got = smoothed(population, 0.98)
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got[0], smoothed(population[0], 0.98))
    np.testing.assert_allclose(got[1], 3.0, rtol=1e-14)
    np.testing.assert_array_equal(smoothed(population, 0.0), population)


@pytest.mark.parametrize(
    ("losses", "descent", "index"),
    [
        ([1, 1, 1, 1], (0, 1), 0),  # none: starts at 0, not at -1
        ([2, 1, 3, 3], (1, 2), -1),  # starts at -1, and no whole third
        ([9, 8, 7, 6, 5, 4, 3, 2, 1], (8, 9), -1 + 3 + 1),
        ([5, 9, 8, 6, 7, 3, 4, 4], (5, 4), 1 + 1 + 0),  # 9 8 6 3 (or 9 8 7 3): first to end
    ],
)
def test_valley_by_hand(losses: list[int], descent: tuple[int, int], index: int) -> None:
    """Start, a third and the half of a third, rounded down."""
    single = np.array(losses, np.float32)
    assert _longest_descent(single) == descent
    assert _valley(single) == index


def test_steep_is_per_factor_in_the_rate() -> None:
    """3 down over a factor of 2 beats 4 down over a factor of 3; from 0, no factor is finite."""
    losses = np.array([9.0, 5.0, 4.5, 1.5], np.float32)
    assert _steep(np.array([1.0, 3.0, 4.0, 8.0]), losses) == 2
    assert _steep(np.array([1.0, 3.0, 4.0, 9.0]), losses) == 2  # -3.64, -1.74, -3.70
    assert _steep(np.array([1.0, 3.0, 4.0, 9.5]), losses) == 0  # ..., -3.47
    assert _steep(np.array([0.0, 1.0, 2.0, 3.0]), losses) == 2


def test_slide_by_hand() -> None:
    """Slopes 15 points apart: the window stops at the first, from the end, that are alike."""
    bent = np.maximum(np.arange(40.0) - 30, 0).astype(np.float32)  # slope 0, 1/2 at 30, then 1
    # Windows (24, 39) back to (15, 30) see a bend; (14, 29) sees none.
    assert _slide(bent) == 15
    assert _slide(np.zeros(40, np.float32)) == 24  # the first window whatever its slopes
    assert _slide(np.arange(16.0, dtype=np.float32) ** 2) == 0  # the only window


def test_all_four_by_hand() -> None:
    """Points 10 to 94 of 100 count: a fall of 1 each, of 3 at one, to a floor, then a rise."""
    rates = np.arange(1.0, 101.0)
    losses = np.full(100, 40.0)
    losses[10:51] = 90.0 - np.arange(41)  # down 1 at a time
    losses[50:95] = 20.0  # down 31 from 49 to 50, then flat
    losses[90:] = 80.0  # what the last five have is dropped, this rise is not
    losses[:10] = losses[95:] = -1000.0
    got = suggestions(rates, losses, 100)
    # 41 points fall, 10 to 50: start at 9, 13 for the third, 6 for its half.
    assert got.valley == rates[9 + 13 + 6]
    assert got.steep == rates[49]
    assert got.minimum == rates[50] / 10
    # Slopes 0 at the end; 30 at 89 and 90; -16 at 49, -15.5 at 50; -1 before. From the end,
    # windows (79, 94), (78, 93), ... are alike at once.
    assert got.slide == rates[79]


def test_losses_beyond_float32_are_infinite() -> None:
    """Without a warning, and without a suggestion there."""
    losses = np.append(np.linspace(3.0, 1.0, 30), [1e300] * 6)
    found = suggestions(np.geomspace(1e-6, 1.0, 36), losses, 36)
    assert np.all(np.isfinite(found))
    assert found.minimum == np.geomspace(1e-6, 1.0, 36)[29] / 10


@pytest.mark.parametrize(
    ("recorded", "nan_from", "left"), [(30, None, 15), (4, None, 0), (0, None, 0), (100, 12, 2)]
)
def test_too_few_points_are_one_sentence(recorded: int, nan_from: int | None, left: int) -> None:
    """What is missing, how much is there, and what to do."""
    losses = np.ones(recorded)
    if nan_from is not None:
        losses[nan_from:] = np.nan
    sentence = (
        "lr_range_test: losses must be numbers at 16 steps or more, not counting the first 10 "
        f"and the last 5, got {left}; take more steps, or a smaller start."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        suggestions(np.linspace(0.1, 1.0, recorded), losses, 100)


def test_sixteen_points_are_enough() -> None:
    """The fewest that are read."""
    rates = np.geomspace(1e-5, 1.0, 31)
    assert suggestions(rates, np.linspace(3.0, 1.0, 31), 100).slide == rates[10]
