"""The fits of fastai's Learner."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine
from .. import _arguments
from ._scheds import SchedCos, combined, combined_cos, shares


class Fit(NamedTuple):
    """What a fit schedules: `optax.adam(fit.lr)`, or `inject_hyperparams` for both."""

    lr: Schedule
    mom: Schedule | None  # Adam's b1, the momentum of SGD; None: left as it is


def fit_one_cycle(
    n_epoch: IntScalarLike,
    lr_max: RealScalarLike,
    div: RealScalarLike = 25.0,
    div_final: RealScalarLike = 1e5,
    pct_start: RealScalarLike = 0.25,
    moms: Sequence[RealScalarLike] = (0.95, 0.85, 0.95),
    start_epoch: IntScalarLike = 0,
    *,
    steps_per_epoch: IntScalarLike,
    exact: bool = True,
) -> Fit:
    """Learner.fit_one_cycle: the rate up and down in cosines, the momentum down and up.

    The floor is `lr_max / div_final` (torch's OneCycleLR divides by both).

    Args:
      n_epoch: number of epochs, at least 1.
      lr_max: rate at the peak.
      div: peak over the first rate.
      div_final: peak over the last rate.
      pct_start: share of the rise, from 0 to 1.
      moms: first, middle and last momentum.
      start_epoch: number of epochs skipped: step 0 is the first of this one.
      steps_per_epoch: number of updates in an epoch.
      exact: whether joints and the end are where fastai's are. False: the peak and the end are
        reached, on whole steps.

    Raises:
      ValueError: if a count is not whole, a divisor not above 0, or `pct_start` no share.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> fit = fastai.fit_one_cycle(2, 1.0, pct_start=0.5, steps_per_epoch=4)
        >>> print(fit.lr([0, 4, 6, 8]).round(3), f"{fit.mom(0):.2f}, {fit.mom(4):.2f}")
        [0.04 1.   0.5  0.  ] 0.95, 0.85
    """
    owner = "fit_one_cycle"
    total, begin = _lengths(owner, n_epoch, start_epoch, steps_per_epoch)
    peak = _arguments.number(owner, "lr_max", lr_max, least=0)
    down, last = _arguments.numbers(owner, {"above": 0}, div=div, div_final=div_final)
    share = _arguments.known(owner, "pct_start", pct_start, least=0, most=1)
    moms = _checks.items(owner, "moms", moms, "numbers")
    if len(moms) != 3:
        _checks.fail(owner, "moms", "three numbers", moms, "give first, middle and last")
    rate = combined_cos(share, peak / down, peak, peak / last)
    momentum = combined_cos(share, *moms)
    return Fit(*(_from(sched(total, exact=exact), begin) for sched in (rate, momentum)))


def fit_flat_cos(
    n_epoch: IntScalarLike,
    lr: RealScalarLike,
    div_final: RealScalarLike = 1e5,
    pct_start: RealScalarLike = 0.75,
    start_epoch: IntScalarLike = 0,
    *,
    steps_per_epoch: IntScalarLike,
    exact: bool = True,
) -> Fit:
    """Learner.fit_flat_cos: `lr`, and from `pct_start` on a cosine to `lr / div_final`.

    Args:
      n_epoch: number of epochs, at least 1.
      lr: rate of the flat part.
      div_final: `lr` over the last rate.
      pct_start: share of the flat part, from 0 to 1.
      start_epoch: number of epochs skipped; fastai ignores it, and so does `exact`.
      steps_per_epoch: number of updates in an epoch.
      exact: whether the end is fastai's. False: it is reached, and `start_epoch` counts.

    Raises:
      ValueError: as `fit_one_cycle`.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> fit = fastai.fit_flat_cos(2, 1.0, pct_start=0.5, steps_per_epoch=4)
        >>> print(fit.lr([0, 4, 6, 8]).round(3), fit.mom)
        [1.  1.  0.5 0. ] None
    """
    owner = "fit_flat_cos"
    total, begin = _lengths(owner, n_epoch, start_epoch, steps_per_epoch)
    flat = _arguments.number(owner, "lr", lr, least=0)
    last = flat / _arguments.number(owner, "div_final", div_final, above=0)
    share = _arguments.known(owner, "pct_start", pct_start, least=0, most=1)
    rate = combined_cos(share, flat, flat, last)(total, exact=exact)
    return Fit(_from(rate, 0 if exact else begin), None)


def fit_sgdr(
    n_cycles: IntScalarLike,
    cycle_len: IntScalarLike,
    lr_max: RealScalarLike,
    cycle_mult: IntScalarLike = 2,
    start_epoch: IntScalarLike = 0,
    *,
    steps_per_epoch: IntScalarLike,
    exact: bool = True,
) -> Fit:
    """Learner.fit_sgdr: cosines from `lr_max` to 0, each `cycle_mult` times as long.

    With `exact`, a restart can come a step late, where fastai's float32 sums put it (after
    cycles 1 and 2 of 3 with `cycle_mult=2`); the update before it then has a rate near 0.

    Args:
      n_cycles: number of cycles, at least 1.
      cycle_len: number of epochs in the first cycle.
      lr_max: rate at the peak.
      cycle_mult: length of a cycle over that of the one before; whole, at least 0; not 1 with
        `exact`, where fastai divides by zero.
      start_epoch: number of epochs skipped.
      steps_per_epoch: number of updates in an epoch.
      exact: whether restarts are where fastai's float32 sums put them. False: on the steps where
        cycles end, also for equal cycles.

    Raises:
      ValueError: if a count is out of its range.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> fit = fastai.fit_sgdr(2, cycle_len=1, lr_max=1.0, steps_per_epoch=2)
        >>> print(fit.lr([0, 1, 2, 4, 6]).round(3))
        [1.  0.5 1.  0.5 0. ]
    """
    owner = "fit_sgdr"
    count = _arguments.steps(owner, "n_cycles", n_cycles, least=1)
    first = _arguments.steps(owner, "cycle_len", cycle_len, least=1)
    factor = _arguments.steps(owner, "cycle_mult", cycle_mult, least=0 if exact else 1)
    peak = _arguments.number(owner, "lr_max", lr_max, least=0)
    if exact and factor == 1:
        rule = "another number than 1, by which fastai divides by zero"
        _checks.fail(owner, "cycle_mult", rule, 1, "pass exact=False for equal cycles")
    lengths = [first * factor**i for i in range(count)]
    epochs = sum(lengths)
    total, begin = _lengths(owner, epochs, start_epoch, steps_per_epoch)
    if exact:
        parts = [SchedCos(peak, 0.0)] * count
        pcts, parts = shares(owner, [n / epochs for n in lengths], parts)
        rate = combined(pcts, parts, restarts=True)(total)
    else:
        cycle = Cosine(peak, 0.0, total // epochs * first)
        rate = cycle.repeat(count, steps_factor=factor)
    return Fit(_from(rate, begin), None)


def fine_tune(
    epochs: IntScalarLike,
    base_lr: RealScalarLike = 2e-3,
    freeze_epochs: IntScalarLike = 1,
    lr_mult: RealScalarLike = 100.0,
    pct_start: RealScalarLike = 0.3,
    div: RealScalarLike = 5.0,
    *,
    steps_per_epoch: IntScalarLike,
    div_final: RealScalarLike = 1e5,
    moms: Sequence[RealScalarLike] = (0.95, 0.85, 0.95),
    groups: IntScalarLike = 2,
    group: int = -1,
    exact: bool = True,
) -> Fit:
    """Learner.fine_tune: one cycle with the body frozen, then one with all of it.

    The first has `base_lr` at its peak and `pct_start=0.99`; the second `base_lr / 2` for the
    head and `base_lr / 2 / lr_mult` for the first group, the others between them in equal
    ratios. Freezing is yours to do (`anneal_jax.partition_by_path`): for groups before the last,
    the first cycle here is that of fastai, which uses it for their normalization layers only.

    Args:
      epochs: number of epochs with everything trained.
      base_lr: peak of the head's first cycle.
      freeze_epochs: number of epochs with the head alone trained; 0: no such cycle.
      lr_mult: rate of the last group over that of the first.
      pct_start: share of the rise in the second cycle.
      div: peak over first rate in the second; it is 25 in the first.
      steps_per_epoch: number of updates in an epoch.
      div_final: as in `fit_one_cycle`, for both cycles.
      moms: first, middle and last momentum of both cycles.
      groups: number of groups of parameters, at least 2 as in fastai.
      group: number of the group that this is for, from 0; -1: the last, the head.
      exact: as in `fit_one_cycle`.

    Raises:
      ValueError: as `fit_one_cycle`, or if there is no such group.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> fit = fastai.fine_tune(2, 1.0, steps_per_epoch=10)
        >>> body = fastai.fine_tune(2, 1.0, steps_per_epoch=10, group=0)
        >>> print(fit.lr([10, 16, 30]).round(3), body.lr([10, 16, 30]).round(4))
        [0.1 0.5 0. ] [0.001 0.005 0.   ]
    """
    owner = "fine_tune"
    after = _arguments.steps(owner, "epochs", epochs)
    before = _arguments.steps(owner, "freeze_epochs", freeze_epochs, least=0 if after else 1)
    each = _arguments.steps(owner, "steps_per_epoch", steps_per_epoch, least=1)
    rate = _arguments.number(owner, "base_lr", base_lr, least=0)
    ratio = _arguments.number(owner, "lr_mult", lr_mult, above=0)
    count = _arguments.steps(owner, "groups", groups, least=2)
    if not (isinstance(group, int) and -count <= group < count):
        rule = f"from {-count} to {count - 1}, for groups={count}"
        _checks.fail(owner, "group", rule, group, "count groups from 0")
    body = count - 1 - group % count  # how many groups before the head
    frozen = rate / 10 if body else rate
    peak = rate / 2 / ratio ** (body / (count - 1))
    common: dict[str, Any] = {"steps_per_epoch": each, "exact": exact}
    common |= {"div_final": div_final, "moms": moms}
    fits = [
        fit_one_cycle(n, lr, pct_start=pct, div=d, **common)
        for n, lr, pct, d in [(before, frozen, 0.99, 25.0), (after, peak, pct_start, div)]
        if n
    ]
    starts = [before * each] * (len(fits) - 1)
    return Fit(*(join(list(parts), starts) for parts in zip(*fits, strict=True)))


def _lengths(owner: str, n_epoch: Any, start_epoch: Any, steps_per_epoch: Any) -> tuple[int, int]:
    """All steps, and how many of them are skipped."""
    epochs = _arguments.steps(owner, "n_epoch", n_epoch, least=1)
    skipped = _arguments.steps(owner, "start_epoch", start_epoch)
    each = _arguments.steps(owner, "steps_per_epoch", steps_per_epoch, least=1)
    return _arguments.steps(owner, "n_epoch times steps_per_epoch", epochs * each), skipped * each


def _from(schedule: Schedule, begin: int) -> Schedule:
    return schedule.shift(-begin) if begin else schedule
