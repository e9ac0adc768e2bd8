"""The fits of fastai's Learner."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ... import _checks
from ..._numerics import Number
from ...schedules._join import join
from ...schedules._repeat import repeat
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine
from ._scheds import SchedCos, combined, combined_cos, shares


class Fit(NamedTuple):
    """What a fit schedules: `optax.adam(fit.lr)`, or `inject_hyperparams` for both."""

    lr: Schedule
    mom: Schedule | None  # Adam's b1, the momentum of SGD; None: left as it is


def fit_one_cycle(
    n_epoch: int,
    lr_max: Number,
    div: Number = 25.0,
    div_final: Number = 1e5,
    pct_start: float = 0.25,
    moms: Sequence[Number] = (0.95, 0.85, 0.95),
    start_epoch: int = 0,
    *,
    steps_per_epoch: int,
    exact: bool = True,
) -> Fit:
    """Learner.fit_one_cycle: the rate up and down in cosines, the momentum down and up.

    The floor is `lr_max / div_final` (torch's OneCycleLR divides by both).

    Args:
      n_epoch: at least 1.
      lr_max: the peak.
      div: the peak over the first rate.
      div_final: the peak over the last.
      pct_start: the share of the rise, from 0 to 1.
      moms: first, middle and last momentum.
      start_epoch: epochs skipped: step 0 is the first of this one.
      steps_per_epoch: updates in an epoch.
      exact: False: the peak and the end are reached, on whole steps.

    Raises:
      ValueError: if a count is not whole, a divisor not above 0, or `pct_start` no share.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> fit = fastai.fit_one_cycle(2, 1.0, pct_start=0.5, steps_per_epoch=4)
        >>> print(fit.lr([0, 4, 6, 8]).round(3), f"{fit.mom(0):.2f}, {fit.mom(4):.2f}")
        [0.04 1.   0.5  0.  ] 0.95, 0.85
    """
    owner = "fit_one_cycle"
    total = _total(owner, n_epoch, start_epoch, steps_per_epoch)
    _checks.number(owner, "lr_max", lr_max, least=0)
    _checks.number(owner, "div", div, above=0)
    _checks.number(owner, "div_final", div_final, above=0)
    _checks.number(owner, "pct_start", pct_start, least=0, most=1)
    moms = _checks.items(owner, "moms", moms, "numbers")
    if len(moms) != 3:
        _checks.fail(owner, "moms", "three numbers", moms, "give first, middle and last")
    rate = combined_cos(pct_start, lr_max / div, lr_max, lr_max / div_final)
    momentum = combined_cos(pct_start, *moms)
    begin = start_epoch * steps_per_epoch
    return Fit(*(_from(sched(total, exact=exact), begin) for sched in (rate, momentum)))


def fit_flat_cos(
    n_epoch: int,
    lr: Number,
    div_final: Number = 1e5,
    pct_start: float = 0.75,
    start_epoch: int = 0,
    *,
    steps_per_epoch: int,
    exact: bool = True,
) -> Fit:
    """Learner.fit_flat_cos: `lr`, and from `pct_start` on a cosine to `lr / div_final`.

    Args:
      n_epoch: at least 1.
      lr: the flat rate.
      div_final: `lr` over the last rate.
      pct_start: the flat share, from 0 to 1.
      start_epoch: epochs skipped; fastai ignores it, and so does `exact`.
      steps_per_epoch: updates in an epoch.
      exact: False: the end is reached, and `start_epoch` counts.

    Raises:
      ValueError: as `fit_one_cycle`.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> fit = fastai.fit_flat_cos(2, 1.0, pct_start=0.5, steps_per_epoch=4)
        >>> print(fit.lr([0, 4, 6, 8]).round(3), fit.mom)
        [1.  1.  0.5 0. ] None
    """
    owner = "fit_flat_cos"
    total = _total(owner, n_epoch, start_epoch, steps_per_epoch)
    _checks.number(owner, "lr", lr, least=0)
    _checks.number(owner, "div_final", div_final, above=0)
    _checks.number(owner, "pct_start", pct_start, least=0, most=1)
    rate = combined_cos(pct_start, lr, lr, lr / div_final)(total, exact=exact)
    return Fit(_from(rate, 0 if exact else start_epoch * steps_per_epoch), None)


def fit_sgdr(
    n_cycles: int,
    cycle_len: int,
    lr_max: Number,
    cycle_mult: int = 2,
    start_epoch: int = 0,
    *,
    steps_per_epoch: int,
    exact: bool = True,
) -> Fit:
    """Learner.fit_sgdr: cosines from `lr_max` to 0, each `cycle_mult` times as long.

    With `exact`, a restart can come a step late, where fastai's float32 sums put it (after
    cycles 1 and 2 of 3 with `cycle_mult=2`); the update before it then has a rate near 0.

    Args:
      n_cycles: at least 1.
      cycle_len: epochs in the first.
      lr_max: the peak.
      cycle_mult: whole, at least 0; not 1 with `exact`, where fastai divides by zero.
      start_epoch: epochs skipped.
      steps_per_epoch: updates in an epoch.
      exact: False: restarts on the steps where cycles end, of equal cycles too.

    Raises:
      ValueError: if a count is out of its range.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> fit = fastai.fit_sgdr(2, cycle_len=1, lr_max=1.0, steps_per_epoch=2)
        >>> print(fit.lr([0, 1, 2, 4, 6]).round(3))
        [1.  0.5 1.  0.5 0. ]
    """
    owner = "fit_sgdr"
    _checks.steps(owner, "n_cycles", n_cycles, least=1)
    _checks.steps(owner, "cycle_len", cycle_len, least=1)
    _checks.steps(owner, "cycle_mult", cycle_mult, least=0 if exact else 1)
    _checks.number(owner, "lr_max", lr_max, least=0)
    if exact and cycle_mult == 1:
        rule = "another number than 1, by which fastai divides by zero"
        _checks.fail(owner, "cycle_mult", rule, 1, "pass exact=False for equal cycles")
    lengths = [cycle_len * cycle_mult**i for i in range(n_cycles)]
    total = _total(owner, sum(lengths), start_epoch, steps_per_epoch)
    if exact:
        parts = [SchedCos(lr_max, 0.0)] * n_cycles
        pcts, parts = shares(owner, [n / sum(lengths) for n in lengths], parts)
        rate = combined(pcts, parts, restarts=True)(total)
    else:
        rate = repeat(Cosine(lr_max, 0.0, cycle_len * steps_per_epoch), n_cycles, cycle_mult)
    return Fit(_from(rate, start_epoch * steps_per_epoch), None)


def fine_tune(
    epochs: int,
    base_lr: Number = 2e-3,
    freeze_epochs: int = 1,
    lr_mult: Number = 100.0,
    pct_start: float = 0.3,
    div: Number = 5.0,
    *,
    steps_per_epoch: int,
    div_final: Number = 1e5,
    moms: Sequence[Number] = (0.95, 0.85, 0.95),
    groups: int = 2,
    group: int = -1,
    exact: bool = True,
) -> Fit:
    """Learner.fine_tune: one cycle with the body frozen, then one with all of it.

    The first has `base_lr` at its peak and `pct_start=0.99`; the second `base_lr / 2` for the
    head and `base_lr / 2 / lr_mult` for the first group, the others between them in equal
    ratios. Freezing is yours to do (`anneal_jax.partition_by_path`): for groups before the last,
    the first cycle here is that of fastai, which uses it for their normalization layers only.

    Args:
      epochs: with everything trained.
      base_lr: peak for the head in the first cycle.
      freeze_epochs: with the head alone trained; 0: no such cycle.
      lr_mult: last group's rate over the first group's.
      pct_start: share of the rise in the second cycle.
      div: peak over first rate in the second; it is 25 in the first.
      steps_per_epoch: updates in an epoch.
      div_final: as `fit_one_cycle`, for both cycles.
      moms: likewise.
      groups: how many groups of parameters there are, at least 2 as in fastai.
      group: which of them this is for, from 0; -1: the last, the head.
      exact: as `fit_one_cycle`.

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
    _checks.steps(owner, "epochs", epochs)
    _checks.steps(owner, "freeze_epochs", freeze_epochs, least=0 if epochs else 1)
    _checks.number(owner, "base_lr", base_lr, least=0)
    _checks.number(owner, "lr_mult", lr_mult, above=0)
    _checks.steps(owner, "groups", groups, least=2)
    if not (isinstance(group, int) and -groups <= group < groups):
        rule = f"from {-groups} to {groups - 1}, for groups={groups}"
        _checks.fail(owner, "group", rule, group, "count groups from 0")
    body = groups - 1 - group % groups  # how many groups before the head
    frozen = base_lr / 10 if body else base_lr
    peak = base_lr / 2 / lr_mult ** (body / (groups - 1))
    common: dict[str, Any] = {"steps_per_epoch": steps_per_epoch, "exact": exact}
    common |= {"div_final": div_final, "moms": moms}
    fits = [
        fit_one_cycle(n, lr, pct_start=pct, div=d, **common)
        for n, lr, pct, d in [(freeze_epochs, frozen, 0.99, 25.0), (epochs, peak, pct_start, div)]
        if n
    ]
    starts = [freeze_epochs * steps_per_epoch] * (len(fits) - 1)
    return Fit(*(join(list(parts), starts) for parts in zip(*fits, strict=True)))


def _total(owner: str, n_epoch: int, start_epoch: int, steps_per_epoch: int) -> int:
    _checks.steps(owner, "n_epoch", n_epoch, least=1)
    _checks.steps(owner, "start_epoch", start_epoch)
    _checks.steps(owner, "steps_per_epoch", steps_per_epoch, least=1)
    _checks.steps(owner, "n_epoch times steps_per_epoch", n_epoch * steps_per_epoch)
    return n_epoch * steps_per_epoch


def _from(schedule: Schedule, begin: int) -> Schedule:
    return schedule.shift(-begin) if begin else schedule
