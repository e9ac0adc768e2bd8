"""What a sweep calls the numbers that varied, and how it draws losses over them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax.search import SweepResult
from anneal_jax.search._columns import columns_of
from anneal_jax.search.engine import stacked_plans

mpl.use("Agg")
P = np.array([0.1, 0.2, 0.4])
N = np.array([5, 9, 7])
# The recipe, and what varies by the name of the argument.
RECIPES: list[tuple[Callable[..., Any], dict[str, np.ndarray]]] = [
    (lambda p, n: anneal.warmup_cosine(p, n, 100), {"peak_value": P, "warmup_steps": N}),
    (lambda p, n: anneal.warmup_cosine(0.1, 3, 10 * n, end_value=p / 10), {
        "end_value": P / 10, "total_steps": 10 * N,
    }),
    (lambda p, n: anneal.warmup_linear(p, n, 100), {"peak_value": P, "warmup_steps": N}),
    (lambda p, n: anneal.warmup_polynomial(1.0, n, 100, power=p), {"warmup_steps": N, "power": P}),
    (lambda p, n: anneal.warmup_constant(p, n), {"peak_value": P, "warmup_steps": N}),
    (lambda p, n: anneal.warmup_inverse_sqrt(p, n), {"peak_value": P, "warmup_steps": N}),
    (lambda p, n: anneal.warmup_stable_decay(p, 5, n, 100), {"peak_value": P, "decay_steps": N}),
    (lambda p, n: anneal.warmup_stable_decay(p, n, 20, 99, cooldown=anneal.Cosine), {
        "peak_value": P, "warmup_steps": N,
    }),
    (lambda p, n: anneal.trapezoid(p, n, 20, 100), {"peak_value": P, "warmup_steps": N}),
    (lambda p, n: anneal.flat_cosine(p, n, 100), {"peak_value": P, "flat_steps": N}),
    (lambda p, n: anneal.one_cycle(p, 10 * n), {"peak_value": P, "total_steps": 10 * N}),
    # No recipe, or not all of its numbers can be read: by their places.
    (lambda p, n: anneal.Linear(0.0, 1.0, n).then(anneal.Cosine(p, 0.0, 90)), {
        "groups.0.steps": N, "groups.1.init_value": P,
    }),
    (lambda p, n: anneal.one_cycle(1.0, 10 * n, warmup_fraction=p), {
        "groups.0.steps.0": [5, 18, 28], "groups.0.steps.1": [45, 72, 42],
    }),
    (lambda p, n: anneal.Linear(p, 0.0, n), {"init_value": P, "schedule.steps": N}),
    (lambda p, n: anneal.warmup_cosine(p, n, 99) * p, {
        "first.groups.0.end_value": P, "first.groups.0.steps": N, "first.groups.1.steps": 99 - N,
    }),
]  # fmt: skip


def columns(plans: Any) -> dict[str, np.ndarray]:
    stacks = stacked_plans("sweep", plans)
    return columns_of("sweep", None, stacks, sum(len(stack.places) for stack in stacks))


@pytest.mark.parametrize(("make", "wanted"), RECIPES)
def test_columns_are_named_as_the_recipe_names_them(make: Any, wanted: Any) -> None:
    """By vmap, and in a list."""
    numbers = zip(P.tolist(), N.tolist(), strict=True)
    for plans in (jax.vmap(make)(jnp.array(P), jnp.array(N)), [make(p, n) for p, n in numbers]):
        found = columns(plans)
        assert list(found) == list(wanted)
        for name, values in wanted.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-6)


def test_names_within_plans_of_several_parts_and_structures() -> None:
    """A part's name comes in front; two recipes share a column where they share a name."""
    rates = jax.vmap(lambda p: anneal.warmup_cosine(p, 5, 100))(jnp.array(P))
    assert list(columns({"rate": rates, "decay": jnp.array(P)})) == ["decay", "rate.peak_value"]
    noisy = jax.vmap(lambda p: anneal.warmup_cosine(p, 5, 100).noise(jax.random.key(0), p))
    assert "scale.end_value" not in columns(noisy(jnp.array(P)))  # keys are no numbers
    both = [anneal.warmup_cosine(0.1, 5, 100), anneal.warmup_stable_decay(0.2, 5, 20, 100)]
    found = columns(both)
    assert found["group"].tolist() == [0, 1]
    np.testing.assert_allclose(found["peak_value"], [0.1, 0.2], rtol=1e-6)


def result(final: Any, seeds: int = 1, status: Any = None, **numbers: Any) -> SweepResult:
    """Of plans with these final losses."""
    final = np.asarray(final, float)
    plans = len(final) // seeds
    table = {
        "plan": np.repeat(np.arange(plans), seeds),
        **{name: np.repeat(x, seeds) for name, x in numbers.items()},
        "seed": np.tile(np.arange(seeds), plans),
        "steps": np.full(len(final), 9),
        "status": np.array(status or ["finished"] * len(final)),
        "final_loss": final,
    }
    curves = final[:, None] + np.arange(9.0)[::-1]
    return SweepResult(table, curves, None, np.zeros(0, int), "", ())


def points(ax: Any) -> list[list[float]]:
    """Where marks are, line by line."""
    lines = [line for line in ax.get_lines() if line.get_marker() == "o" and len(line.get_xdata())]
    return [[*map(float, line.get_ydata())] for line in lines]


def test_losses_lie_over_the_number_that_varied() -> None:
    """Means over seeds in its order, on a logarithmic axis; the best ringed."""
    ax = result([3, 1, 2, 2, 1, 1], seeds=2, peak=[1.0, 0.01, 0.1]).plot()
    assert (ax.get_xlabel(), ax.get_xscale(), ax.get_yscale()) == ("peak", "log", "linear")
    assert points(ax) == [[2.0, 1.0, 2.0], [1.0]]


def test_a_second_number_is_a_colour() -> None:
    """With a legend of its values; `x` says which comes first."""
    found = result([3, 1, 2, 4], peak=[1, 2, 1, 2], warmup_steps=[0, 0, 5, 5])
    ax = found.plot()
    assert points(ax) == [[3, 1], [2, 4], [1]]
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["0", "5"]
    assert legend.get_title().get_text() == "warmup steps"
    assert points(found.plot(x="warmup_steps")) == [[3, 2], [1, 4], [1]]


def test_what_diverged_does_not_set_the_limits() -> None:
    """It lies on the upper edge, as does what is far beyond the others."""
    status = ["finished"] * 5 + ["diverged"]
    final = [1.0, 1.2, 1.3, 1.5, 1e20, np.nan]
    ax = result(final, status=status, peak=[1, 2, 3, 4, 5, 6]).plot()
    assert points(ax) == [[1.0, 1.2, 1.3, 1.5], [1.0]]
    assert ax.get_ylim()[1] < 2
    (edge,) = [x for x in ax.get_lines() if x.get_marker() == 6 and len(x.get_xdata())]
    assert [*edge.get_xdata()] == [5, 6]
    high = result([1.0, 1e20], status=["finished"] * 2).plot_curves().get_ylim()[1]
    assert high < 1e20


def test_without_a_number_there_are_the_curves() -> None:
    """Of one plan with several seeds, and where all diverged."""
    assert result([1, 2], seeds=2).plot().get_xlabel() == "step"
    result([np.nan] * 2, status=["diverged"] * 2, peak=[1, 2]).plot()
    result([np.nan] * 2, status=["diverged"] * 2).plot()
    with pytest.raises(ValueError, match="plot_curves: smooth must be a whole number from 1"):
        result([1, 2]).plot_curves(smooth=0)
