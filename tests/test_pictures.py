"""Pictures of schedules: what is drawn where, and what a notebook shows."""

from html.parser import HTMLParser
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

import anneal_jax as anneal
from anneal_jax.pictures._style import COLORS, count, line, number

mpl.use("Agg")
COSINE = anneal.warmup_cosine(3e-4, 100, 1_000, end_value=3e-5)
WSD = anneal.warmup_stable_decay(3e-4, 100, 200, 800)
RESTARTS = anneal.cosine_restarts(1.0, 100, cycles=3, steps_factor=2)


@pytest.fixture
def ax() -> Any:
    """Axes without pyplot, which tests would have to close."""
    return Figure().subplots()


def curves(ax: Any) -> list[Any]:
    """The lines that are no marks, those of a legend left out."""
    return [one for one in ax.get_lines() if len(one.get_xdata()) > 2]


def words(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


def legend(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_schedule_draws_itself(ax: Any) -> None:
    """In the axes that it gets, every step of it, its phases named."""
    assert COSINE.plot(ax) is ax
    (curve,) = curves(ax)
    np.testing.assert_array_equal(curve.get_xdata(), np.arange(1_001))
    np.testing.assert_allclose(curve.get_ydata(), COSINE(np.arange(1_001)), rtol=1e-6)
    assert words(ax) == ["Linear", "Cosine"]
    assert (ax.get_xlim(), ax.get_ylim()[0]) == ((0, 1000), 0)
    assert ax.get_legend() is None


def test_cycles_are_marked(ax: Any) -> None:
    RESTARTS.plot(ax)
    assert words(ax) == ["cycle 0", "cycle 1", "cycle 2"]
    marks = {one.get_xdata()[0] for one in ax.get_lines() if len(one.get_xdata()) == 2}
    assert marks == {100, 300}
    many = Figure().subplots()
    anneal.cosine_restarts(1.0, 10, cycles=10**6).plot(many)
    assert len(many.get_lines()) == 1


def test_several_are_told_apart(ax: Any) -> None:
    """By name, or by their formulas; the longest sets the axis."""
    anneal.plot({"a": COSINE, "b": WSD, "c": 1e-4}, ax)
    assert legend(ax) == ["a", "b", "c"]
    assert ax.get_xlim()[1] == 1_000
    assert len({(x.get_color(), str(x.get_linestyle())) for x in curves(ax)[:2]}) == 2
    other = anneal.plot([COSINE, WSD, COSINE * 2], Figure().subplots())
    assert legend(other) == ["Linear, Cosine [0]", "Linear, Constant, OneMinusSqrt",
                             "Linear, Cosine [2]"]  # fmt: skip
    assert words(other) == []
    function = anneal.plot(
        lambda step: jnp.float32(0.5) * jnp.float32(step), Figure().subplots(), steps=10
    )
    assert max(curves(function)[0].get_ydata()) == 5
    assert len({line(k) for k in range(4 * len(COLORS))}) == 4 * len(COLORS)


def test_time_is_counted_in_the_units_of_a_horizon() -> None:
    horizon = anneal.Horizon("3ep", batch_size=10, examples_per_epoch=1_000, tokens_per_example=7)
    wanted = {None: 3, "epoch": 3, "%": 100, "step": 300, "example": 3_000, "token": 21_000}
    for unit, end in wanted.items():
        ax = COSINE.plot(Figure().subplots(), horizon=horizon, unit=unit)
        assert ax.get_xlim()[1] == pytest.approx(end), unit
    with pytest.raises(ValueError, match='plot: unit must be "step" without a horizon'):
        COSINE.plot(Figure().subplots(), unit="epoch")
    with pytest.raises(ValueError, match="plot: unit must be one of"):
        COSINE.plot(Figure().subplots(), unit="tok", horizon=horizon)


def test_a_logarithmic_axis_leaves_zeros_out(ax: Any) -> None:
    anneal.warmup_cosine(1.0, 10, 1_000).plot(ax, log=True)
    assert ax.get_yscale() == "log"
    assert 1e-5 < ax.get_ylim()[0] < 2e-4


def test_a_second_axis_has_its_own_scale(ax: Any) -> None:
    anneal.one_cycle(1.0, 100).plot(ax, second={"momentum": anneal.Linear(0.95, 0.85, 100)})
    assert legend(ax) == ["learning rate", "momentum"]
    other = ax.figure.axes[1]
    assert other.get_ylabel() == "momentum"
    assert 0.8 < other.get_ylim()[0] < other.get_ylim()[1] < 1


def test_a_batch_is_a_fan(ax: Any) -> None:
    """Each member, up to 48 of them; and lists of a table are no batch."""
    peaks = jnp.geomspace(1e-4, 1e-3, 5)
    anneal.plot({"peaks": jax.vmap(lambda p: anneal.warmup_cosine(p, 5, 20))(peaks)}, ax)
    tops = [max(one.get_ydata()) for one in curves(ax)]
    np.testing.assert_allclose(tops, peaks, rtol=1e-6)
    assert legend(ax) == ["peaks (5)"]
    many = jax.vmap(lambda p: anneal.Linear(p, 0.0, 5))(jnp.arange(100.0)).plot(Figure().subplots())
    assert (len(curves(many)), legend(many)) == (48, ["Linear (100, 48 drawn)"])
    anneal.PiecewiseConstant([3, 5], [1.0, 2.0, 3.0]).plot(table := Figure().subplots())
    assert len(curves(table)) == 1


def broken(step: Any) -> Any:
    raise IndexError("no such thing")


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="plot: schedules must be schedules whose numbers are kn"):
        jax.jit(lambda p: anneal.Linear(p, 0.0, 5).plot() and 0)(1.0)
    with pytest.raises(ZeroDivisionError):  # the user's own error
        anneal.plot(lambda step: 1 / 0)
    with pytest.raises(IndexError, match="no such thing"):
        anneal.plot(broken)
    with pytest.raises(ValueError, match="plot: schedules must be at least one"):
        anneal.plot([])
    with pytest.raises(ValueError, match="plot: steps must be a whole number from 1"):
        COSINE.plot(steps=0)


class Reader(HTMLParser):
    """Checks that tags are closed in order; and gathers them, their attributes and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.labels: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.tags.append(tag)
        self.labels += [value for key, value in attrs if key == "aria-label"]

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    "schedule",
    [
        COSINE,
        RESTARTS,
        anneal.cosine_restarts(1.0, 2, cycles=10**9, end_value=0.1),
        anneal.cosine_restarts(1.0, 20, steps_factor=2).noise(0, 0.3),
        anneal.Constant(0.0),
        anneal.Linear(1.0, 0.0, 0),
        anneal.Constant(-1.0, 5),
        anneal.PiecewiseConstant(np.arange(1, 3_000), np.arange(3_000) % 7),
        WSD.repeat(4).noise(0, 0.3),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_a_notebook_shows_a_light_page(schedule: anneal.Schedule) -> None:
    """Well formed, in words too, with nothing to run or to fetch."""
    shown = schedule._repr_html_()
    assert shown is not None
    assert len(shown.encode()) < 15_000
    page = Reader(shown)
    assert {"script", "style", "link", "img", "iframe"} & set(page.tags) == set()
    assert "http" not in shown
    assert "url(" not in shown
    assert "nan" not in shown
    assert "peak" in page.labels[0]
    assert repr(schedule)[:500] in page.text


def test_a_notebook_tells_phases() -> None:
    text = Reader(COSINE._repr_html_() or "").text
    for told in ("Linear, Cosine: 1,000 steps", "peak 3e-4 at step 100", "0 → 3e-4", "10 %"):
        assert told in text
    assert "<b>" not in (anneal.as_schedule(named_like_a_tag)._repr_html_() or "")


def named_like_a_tag(step: Any) -> Any:
    return step * 0.0


named_like_a_tag.__qualname__ = "<b>"


def test_what_is_no_plain_schedule_shows_as_text() -> None:
    """A batch, tracers, and trees of shapes, shardings or nothing; without an error."""
    batch = jax.vmap(lambda p: anneal.warmup_cosine(p, 5, 20))(jnp.ones(3))
    shapes = jax.eval_shape(COSINE.as_arrays)
    shardings = jax.tree.map(lambda _: jax.sharding.SingleDeviceSharding(jax.devices()[0]), COSINE)
    nothing = eqx.filter(COSINE, False)
    for odd in (batch, shapes, shardings, nothing):
        assert odd._repr_html_() is None

    @jax.jit
    def traced(peak: Any) -> Any:
        assert anneal.Linear(peak, 0.0, 5)._repr_html_() is None
        return peak

    traced(1.0)


def test_numbers_are_short() -> None:
    shown = [number(x) for x in (0, 3e-4, 2.5e-5, 0.05, 1.0, 123456.0)]
    assert shown == ["0", "3e-4", "2.5e-5", "0.05", "1", "1.235e5"]
    assert [count(x) for x in (0, 800, 2_000, 10_000, 2.5e6, 3e11)] == [
        "0", "800", "2000", "10k", "2.5M", "300B",
    ]  # fmt: skip
