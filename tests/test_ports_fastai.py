"""anneal_jax.ports.fastai against the functions of the installed fastai.

Not all that fastai imports need be installed: its own source of schedule.py runs here in a
namespace that holds what it uses, most of it from fastcore, and `tensor` and the optimizer's
`set_hyper` from fastai's source too. Its `Learner.fit` is replaced by the loop that records.
"""

import ast
import importlib.util
import math
import pathlib
from typing import Any

import jax
import numpy as np
import optax
import pytest
from hypothesis import assume, given, settings, strategies as st

import anneal_jax as anneal
from anneal_jax.ports import fastai
from tests.peers import assert_parity, parity, peer, values


def _source(module: str) -> str:
    found = importlib.util.find_spec("fastai")
    if found is None or importlib.util.find_spec("fastcore") is None:
        pytest.skip(
            "fastai is not installed: pip install 'anneal_jax[ports]'", allow_module_level=True
        )
    root = pathlib.Path((found.submodule_search_locations or [""])[0])
    return (root / module).read_text(encoding="utf-8")


def _only(source: str, *names: str) -> str:
    """The definitions of these names alone."""
    kept = [node for node in ast.parse(source).body if getattr(node, "name", None) in names]
    return ast.unparse(ast.Module(kept, []))


torch = peer("torch")


class Learner:
    """What the fits use of fastai's Learner; `fit` records what each update gets."""

    moms = (0.95, 0.85, 0.95)

    def __init__(self, steps_per_epoch: int, groups: int = 2) -> None:
        self.n_iter = steps_per_epoch
        self.opt = _FASTAI["_BaseOptimizer"]()
        self.opt.param_lists = [[]] * groups
        self.opt.hypers = [{"lr": 0.0, "mom": 0.0} for _ in range(groups)]
        self.rates: list[list[float]] = []
        self.momenta: list[float] = []

    def freeze(self) -> None:
        """Which parameters are trained is not what is tested."""

    unfreeze = freeze

    def fit(self, n_epoch: int, cbs: Any, start_epoch: int = 0, **_: Any) -> None:
        """TrainEvalCallback's progress, added up over an epoch; ParamScheduler's updates."""
        (callback,) = cbs
        callback.opt = self.opt
        for epoch in range(start_epoch, n_epoch):
            progress = epoch / n_epoch
            for _ in range(self.n_iter):
                callback.pct_train = progress
                callback.before_batch()
                self.rates.append([hyper["lr"] for hyper in self.opt.hypers])
                self.momenta.append(self.opt.hypers[-1]["mom"])
                progress += 1.0 / (self.n_iter * n_epoch)


def _load() -> dict[str, Any]:
    space: dict[str, Any] = {}
    tensors, optimizers, schedules = map(
        _source, ("torch_core.py", "optimizer.py", "callback/schedule.py")
    )
    exec(
        "from fastcore.all import *\nimport collections, functools, math, numbers, tempfile", space
    )
    exec("import pandas as pd, numpy as np, torch\nfrom numpy import array, ndarray", space)
    exec("from torch import Tensor, as_tensor", space)
    exec(_only(tensors, "tensor", "_array2tensor"), space)
    exec(_only(optimizers, "_BaseOptimizer"), space)
    space |= {"Learner": Learner, "Callback": object, "Recorder": type("Recorder", (), {})}
    lines = schedules.splitlines()
    exec("\n".join(line for line in lines if not line.startswith("from .")), space)
    return space


_FASTAI = _load()

counts = st.sampled_from([1, 2, 3, 5, 7, 10, 16])
rates = st.sampled_from([1.0, 3e-4, 0.1])
pcts = st.sampled_from([0.0, 0.25, 0.3, 1 / 3, 0.5, 0.75, 0.99, 1.0])


def ran(method: str, *args: Any, steps_per_epoch: int, **kwargs: Any) -> Learner:
    learner = Learner(steps_per_epoch)
    getattr(learner, method)(*args, **kwargs)
    return learner


def wanted(sched: Any, total: int) -> list[float]:
    """What fastai's schedule gives at every position `t / total`."""
    return [float(sched(t / total)) for t in range(total)]


def assert_near(schedule: anneal.Schedule, reference: Any, share: float) -> None:
    """As assert_parity, but for positions that fastai rounds to float32.

    Half a unit in the last place of positions below 1 is 3e-8, of which a phase makes a
    fraction of its own share, and a cosine at most pi/2 of it in value.
    """
    reference = np.asarray(reference, np.float64)
    for x64 in (False, True):
        tolerance = 1e-7 / share + (0 if x64 else 1e-6)
        error = np.abs(values(schedule, len(reference), x64) - reference)
        assert error.max() <= tolerance * np.abs(reference).max(), (x64, int(error.argmax()))


def in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make fastai's positions double, the joints still those that it rounds to float32."""

    def tensor(shares: Any) -> Any:
        single = torch.tensor([float(share) for share in shares], dtype=torch.float32)
        knots = torch.cumsum(single, 0).double()
        return torch.diff(knots, prepend=torch.zeros(1, dtype=torch.float64))  # exact, as its sum

    monkeypatch.setitem(_FASTAI, "tensor", tensor)


SHAPES = ["SchedLin", "SchedCos", "SchedNo", "SchedExp"]


@parity
@given(name=st.sampled_from(SHAPES), ends=st.tuples(rates, rates), total=counts)
def test_a_sched_is_that_of_fastai(name, ends, total):
    """All four shapes, up, down and level, at every position t / total and at the end."""
    theirs, ours = _FASTAI[name](*ends), getattr(fastai, name)(*ends)
    assert_parity(ours(total), [*wanted(theirs, total), float(theirs(1.0))])


@parity
@given(ends=st.tuples(rates, rates), power=st.sampled_from([0.5, 1, 2, 2.5, 3]), total=counts)
def test_sched_poly_is_that_of_fastai(ends, power, total):
    """A power of the position, not of what remains."""
    theirs = _FASTAI["SchedPoly"](*ends, power)
    assert_parity(fastai.SchedPoly(*ends, power)(total), [*wanted(theirs, total), ends[1]])


@pytest.mark.parametrize("name", ["SchedLin", "SchedCos", "SchedNo"])
def test_a_sched_of_negative_values(name):
    """fastai takes any numbers."""
    for ends in ((-1.0, 1.0), (-0.5, -2.0)):
        theirs, ours = _FASTAI[name](*ends), getattr(fastai, name)(*ends)
        assert_parity(ours(10), wanted(theirs, 10))


@st.composite
def shares(draw: st.DrawFn) -> list[float]:
    """Lists whose sum is 1.0 as Python adds them, zeros among them."""
    weights = draw(st.lists(st.sampled_from([0, 1, 1, 2, 3, 5]), min_size=1, max_size=5))
    total = sum(weights) or 1
    found = [weight / total for weight in weights]
    found[-1] += 1.0 - sum(found)
    return found


@settings(parity, max_examples=60)
@given(pcts=shares(), total=counts, data=st.data())
def test_combine_scheds_is_that_of_fastai(pcts, total, data):
    """Any shapes for any shares, empty ones too, with jumps between them."""
    assume(sum(pcts) == 1.0 and min(pcts) >= 0)
    names = [data.draw(st.sampled_from(SHAPES[:2])) for _ in pcts]
    ends = [data.draw(st.tuples(rates, rates)) for _ in pcts]
    theirs = [_FASTAI[name](*pair) for name, pair in zip(names, ends, strict=True)]
    ours = [getattr(fastai, name)(*pair) for name, pair in zip(names, ends, strict=True)]
    schedule = fastai.combine_scheds(pcts, ours)(total)
    reference = wanted(_FASTAI["combine_scheds"](pcts, theirs), total)
    assert_near(schedule, reference, min(pct for pct in pcts if pct > 0))


@pytest.mark.parametrize("total", [7, 30])
def test_combined_scheds_nest(total):
    """A combined one is one like the others, its positions rounded twice."""
    outer = [0.3, 0.7]
    theirs = _FASTAI["combined_cos"](0.4, 0.1, 1.0, 0.5), _FASTAI["SchedCos"](0.2, 0.0)
    ours = fastai.combined_cos(0.4, 0.1, 1.0, 0.5), fastai.SchedCos(0.2, 0.0)
    for order in (slice(None), slice(None, None, -1)):
        reference = wanted(_FASTAI["combine_scheds"](outer, theirs[order]), total)
        assert_near(fastai.combine_scheds(outer, ours[order])(total), reference, 0.1)


@parity
@given(pct=pcts, values_=st.tuples(rates, rates, rates), total=counts)
def test_combined_cos_is_that_of_fastai(pct, values_, total):
    """All shares from 0 to 1."""
    reference = wanted(_FASTAI["combined_cos"](pct, *values_), total)
    assert_near(fastai.combined_cos(pct, *values_)(total), reference, min(pct or 1, 1 - pct or 1))


@parity
@given(
    n_epoch=counts,
    steps=counts,
    lr_max=rates,
    divs=st.sampled_from([(25.0, 1e5), (1.0, 1.0), (0.5, 10.0)]),
    pct=pcts,
    moms=st.sampled_from([(0.95, 0.85, 0.95), (0.8, 0.9, 0.7)]),
)
def test_fit_one_cycle_is_that_of_fastai(n_epoch, steps, lr_max, divs, pct, moms):
    """Rate and momentum, update by update."""
    steps = min(steps, 190 // n_epoch)
    args = (n_epoch, lr_max, *divs, pct)
    learner = ran("fit_one_cycle", *args, moms=moms, steps_per_epoch=steps)
    fit = fastai.fit_one_cycle(*args, moms, steps_per_epoch=steps)
    share = min(pct or 1, 1 - pct or 1)
    assert_near(fit.lr, [rate[-1] for rate in learner.rates], share)
    assert_near(fit.mom, learner.momenta, share)


def test_fit_one_cycle_in_double(monkeypatch):
    """With fastai's positions in double, to 1e-12: nothing but rounding is between us."""
    in_double(monkeypatch)
    for pct in (0.0, 0.25, 0.3, 0.99, 1.0):
        learner = ran("fit_one_cycle", 6, 1e-3, pct_start=pct, steps_per_epoch=31)
        fit = fastai.fit_one_cycle(6, 1e-3, pct_start=pct, steps_per_epoch=31)
        assert_parity(fit.lr, [rate[-1] for rate in learner.rates])
        assert_parity(fit.mom, learner.momenta)


@parity
@given(n_epoch=counts, steps=counts, lr=rates, div_final=st.sampled_from([1e5, 1.0, 0.5]), pct=pcts)
def test_fit_flat_cos_is_that_of_fastai(n_epoch, steps, lr, div_final, pct):
    """Flat, then down (or up)."""
    steps = min(steps, 190 // n_epoch)
    learner = ran("fit_flat_cos", n_epoch, lr, div_final, pct, steps_per_epoch=steps)
    fit = fastai.fit_flat_cos(n_epoch, lr, div_final, pct, steps_per_epoch=steps)
    assert fit.mom is None
    assert_near(fit.lr, [rate[-1] for rate in learner.rates], min(pct or 1, 1 - pct or 1))


@settings(parity, max_examples=60)
@given(
    n_cycles=st.sampled_from([1, 2, 3, 4, 5]),
    cycle_len=st.sampled_from([1, 2, 3]),
    mult=st.sampled_from([0, 2, 3, 4]),
    steps=st.sampled_from([1, 2, 3, 5, 7]),
    lr_max=rates,
)
def test_fit_sgdr_is_that_of_fastai(n_cycles, cycle_len, mult, steps, lr_max):
    """Restarts on fastai's steps, those that its float32 sums move too."""
    lengths = [cycle_len * mult**i * steps for i in range(n_cycles)]
    assume(sum(lengths) <= 190)
    learner = ran("fit_sgdr", n_cycles, cycle_len, lr_max, mult, steps_per_epoch=steps)
    fit = fastai.fit_sgdr(n_cycles, cycle_len, lr_max, mult, steps_per_epoch=steps)
    assert fit.mom is None
    assert_near(fit.lr, [rate[-1] for rate in learner.rates], lengths[0] / sum(lengths))


@parity
@given(
    epochs=st.sampled_from([0, 1, 2, 5]),
    freeze_epochs=st.sampled_from([0, 1, 3]),
    steps=st.sampled_from([1, 2, 7, 20]),
    lr_mult=st.sampled_from([100.0, 1.0, 2.6**4]),
    pct=pcts,
    div=st.sampled_from([5.0, 25.0]),
    groups=st.sampled_from([2, 3, 5]),
)
def test_fine_tune_is_that_of_fastai(epochs, freeze_epochs, steps, lr_mult, pct, div, groups):
    """Both cycles, for every group."""
    assume(epochs + freeze_epochs > 0)
    learner = Learner(steps, groups)
    learner.fine_tune(epochs, 2e-3, freeze_epochs, lr_mult, pct, div)
    share = min(pct or 1, 1 - pct or 1, 0.01)
    for group in (0, 1, -1):
        args = (epochs, 2e-3, freeze_epochs, lr_mult, pct, div)
        fit = fastai.fine_tune(*args, steps_per_epoch=steps, groups=groups, group=group)
        assert_near(fit.lr, [rate[group] for rate in learner.rates], share)
        assert_near(fit.mom, learner.momenta, share)


def test_a_restart_a_step_late():
    """float32 sums: 1/7 + 2/7 lies above 3/7; the update there has a rate near 0."""
    learner = ran("fit_sgdr", 3, 1, 1.0, steps_per_epoch=1)
    assert learner.rates[3][-1] == pytest.approx(0.0, abs=1e-6)
    exact = fastai.fit_sgdr(3, 1, 1.0, steps_per_epoch=1).lr
    meant = fastai.fit_sgdr(3, 1, 1.0, steps_per_epoch=1, exact=False).lr
    steps = np.arange(8)
    assert exact(3) == pytest.approx(0.0, abs=1e-6)
    assert np.flatnonzero(exact.is_restart(steps)).tolist() == [1, 4]
    assert meant(3) == 1.0
    assert np.flatnonzero(meant.is_restart(steps)).tolist() == [1, 3]
    assert meant(7) == 0.0


def test_equal_cycles():
    """cycle_mult=1: fastai divides by zero; without exact, cycles are equal."""
    with pytest.raises(ZeroDivisionError):
        ran("fit_sgdr", 3, 1, 1.0, 1, steps_per_epoch=4)
    with pytest.raises(ValueError, match="fit_sgdr: cycle_mult must be another number than 1"):
        fastai.fit_sgdr(3, 1, 1.0, 1, steps_per_epoch=4)
    fit = fastai.fit_sgdr(3, 1, 1.0, 1, steps_per_epoch=4, exact=False)
    assert np.flatnonzero(fit.lr.is_restart(np.arange(13))).tolist() == [4, 8]
    np.testing.assert_array_equal(fit.lr(np.arange(4)), fit.lr(np.arange(8, 12)))
    assert fit.lr(12) == 0.0


def test_the_end_and_the_peak_are_reached():
    """fastai's last update is before the end, its peak between two; exact=False has both."""
    learner = ran("fit_one_cycle", 1, 1.0, pct_start=0.3, steps_per_epoch=5)
    exact = fastai.fit_one_cycle(1, 1.0, pct_start=0.3, steps_per_epoch=5).lr(np.arange(6))
    meant = fastai.fit_one_cycle(1, 1.0, pct_start=0.3, steps_per_epoch=5, exact=False)
    assert max(rate[-1] for rate in learner.rates) < 0.99
    assert learner.rates[-1][-1] > 0.1
    np.testing.assert_allclose(exact[:5], [rate[-1] for rate in learner.rates], atol=1e-6)
    assert exact[5] == np.float32(1e-5)
    rate = np.asarray(meant.lr(np.arange(8)))
    assert rate.max() == 1.0
    assert rate[4] == rate[7] == np.float32(1e-5)
    assert meant.mom(4) == np.float32(0.95)
    assert meant.mom(1) == np.float32(0.85)


def test_start_epoch():
    """Epochs skipped; fit_flat_cos ignores it, and with exact so do we."""
    learner = ran("fit_one_cycle", 4, 1.0, start_epoch=2, steps_per_epoch=5)
    fit = fastai.fit_one_cycle(4, 1.0, start_epoch=2, steps_per_epoch=5)
    assert_near(fit.lr, [rate[-1] for rate in learner.rates], 0.25)
    learner = ran("fit_sgdr", 2, 1, 1.0, start_epoch=1, steps_per_epoch=5)
    fit = fastai.fit_sgdr(2, 1, 1.0, start_epoch=1, steps_per_epoch=5)
    assert_near(fit.lr, [rate[-1] for rate in learner.rates], 1 / 3)
    learner = ran("fit_flat_cos", 4, 1.0, start_epoch=3, steps_per_epoch=5)
    fit = fastai.fit_flat_cos(4, 1.0, start_epoch=3, steps_per_epoch=5)
    assert len(learner.rates) == 20
    assert_near(fit.lr, [rate[-1] for rate in learner.rates], 0.25)
    meant = fastai.fit_flat_cos(4, 1.0, start_epoch=3, steps_per_epoch=5, exact=False)
    whole = fastai.fit_flat_cos(4, 1.0, steps_per_epoch=5, exact=False)
    np.testing.assert_array_equal(meant.lr(np.arange(5)), whole.lr(np.arange(15, 20)))


@pytest.mark.parametrize("exact", [True, False])
def test_shares_that_do_not_add_up(exact):
    """fastai asserts that the sum of the shares is 1.0 to the last digit."""
    halves = [fastai.SchedLin(0.0, 1.0)] * 2
    for bad in ([0.5, 0.25], [0.5, 0.5 - 1e-16], [1.5, -0.5]):
        with pytest.raises(AssertionError):
            _FASTAI["combine_scheds"](bad, [None, None])
        with pytest.raises(ValueError, match="combine_scheds: pcts must be"):
            fastai.combine_scheds(bad, halves)(4, exact=exact)


def test_meant_joints_fall_on_whole_steps():
    """Without exact every part begins at its start and ends at its end."""
    parts = [fastai.SchedLin(0.0, 1.0), fastai.SchedNo(1.0, 1.0), fastai.SchedCos(1.0, 0.0)]
    schedule = fastai.combine_scheds([0.3, 0.4, 0.3], parts)(10, exact=False)
    expected = [0, 1 / 3, 2 / 3, 1, 1, 1, 1, 0.75, 0.25, 0, 0]
    np.testing.assert_allclose(schedule(np.arange(11)), expected, atol=1e-6)


BAD = [
    (lambda: fastai.fit_one_cycle(0, 1.0, steps_per_epoch=1), "n_epoch"),
    (lambda: fastai.fit_one_cycle(1.5, 1.0, steps_per_epoch=1), "n_epoch"),
    (lambda: fastai.fit_one_cycle(1, math.nan, steps_per_epoch=1), "lr_max"),
    (lambda: fastai.fit_one_cycle(1, 1.0, steps_per_epoch=0), "steps_per_epoch"),
    (lambda: fastai.fit_one_cycle(1, 1.0, div=0.0, steps_per_epoch=1), "div"),
    (lambda: fastai.fit_one_cycle(1, 1.0, div_final=-1.0, steps_per_epoch=1), "div_final"),
    (lambda: fastai.fit_one_cycle(1, 1.0, pct_start=1.1, steps_per_epoch=1), "pct_start"),
    (lambda: fastai.fit_one_cycle(1, 1.0, moms=(0.9, 0.8), steps_per_epoch=1), "moms"),
    (lambda: fastai.fit_one_cycle(1, 1.0, start_epoch=-1, steps_per_epoch=1), "start_epoch"),
    (lambda: fastai.fit_flat_cos(1, -1.0, steps_per_epoch=1), "lr"),
    (lambda: fastai.fit_flat_cos(1, 1.0, div_final=0, steps_per_epoch=1), "div_final"),
    (lambda: fastai.fit_flat_cos(1, 1.0, pct_start=math.nan, steps_per_epoch=1), "pct_start"),
    (lambda: fastai.fit_sgdr(0, 1, 1.0, steps_per_epoch=1), "n_cycles"),
    (lambda: fastai.fit_sgdr(1, 0.5, 1.0, steps_per_epoch=1), "cycle_len"),
    (lambda: fastai.fit_sgdr(2, 1, 1.0, 1.5, steps_per_epoch=1), "cycle_mult"),
    (lambda: fastai.fit_sgdr(2, 1, 1.0, -2, steps_per_epoch=1), "cycle_mult"),
    (lambda: fastai.fine_tune(0, freeze_epochs=0, steps_per_epoch=1), "freeze_epochs"),
    (lambda: fastai.fine_tune(-1, steps_per_epoch=1), "epochs"),
    (lambda: fastai.fine_tune(1, lr_mult=0, steps_per_epoch=1), "lr_mult"),
    (lambda: fastai.fine_tune(1, base_lr=math.inf, steps_per_epoch=1), "base_lr"),
    (lambda: fastai.fine_tune(1, groups=1, steps_per_epoch=1), "groups"),
    (lambda: fastai.fine_tune(1, groups=3, group=3, steps_per_epoch=1), "group"),
    (lambda: fastai.SchedLin(math.nan, 1.0), "start"),
    (lambda: fastai.SchedCos(0.0, math.inf), "end"),
    (lambda: fastai.SchedNo(math.nan, 0.0), "start"),
    (lambda: fastai.SchedExp(0.0, 1.0), "start"),
    (lambda: fastai.SchedExp(1.0, 0.0), "end"),
    (lambda: fastai.SchedPoly(0.0, 1.0, -1), "power"),
    (lambda: fastai.SchedLin(0.0, 1.0)(0), "total_steps"),
    (lambda: fastai.combined_cos(1.1, 0.0, 1.0, 0.0), "pct"),
    (lambda: fastai.combine_scheds([1.0], []), "scheds"),
    (lambda: fastai.combine_scheds([1.0], [lambda pos: pos]), "scheds"),
]


@pytest.mark.parametrize(("build", "name"), BAD)
def test_a_bad_argument_is_named(build, name):
    """One sentence: object, argument, rule, value, remedy."""
    with pytest.raises(ValueError, match=rf": {name} must be .*, got .*; .*\."):
        build()


def test_a_fit_goes_into_optax_and_through_jit():
    """Both schedules in inject_hyperparams; rates may be tracers."""
    fit = fastai.fit_one_cycle(1, 1e-3, steps_per_epoch=10)
    optimizer = anneal.inject_hyperparams(optax.adam)(learning_rate=fit.lr, b1=fit.mom)
    state = optimizer.init(jax.numpy.zeros(3))
    with jax.numpy_dtype_promotion("standard"):  # as Optax needs
        optimizer.update(jax.numpy.ones(3), state)
    peak = jax.jit(lambda lr: fastai.fit_flat_cos(1, lr, steps_per_epoch=4).lr(0))
    assert peak(0.5) == 0.5


def test_many_cycles_share_a_program():
    """The program does not grow with the number of cycles."""

    def size(cycles: int) -> int:
        rate = fastai.fit_sgdr(cycles, 1, 1.0, steps_per_epoch=4).lr
        return len(str(jax.make_jaxpr(rate.value_at)(3)).splitlines())

    assert size(3) == size(12)
