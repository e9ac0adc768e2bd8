"""Warm restarts, whose lengths are not rounded."""

from itertools import pairwise

import numpy as np

from ... import _checks
from ..._numerics import MAX_STEP, Number
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine
from ...schedules._span import Span
from ...schedules._waves import CosineWave
from .._arguments import given_number, whole_steps
from .._common import between
from ._parts import positive

_MOST_CYCLES = 2**14
_LARGEST = 1e30  # growth ends there, for float32 too
_FAR = 1e18  # steps: as good as for ever, and squares of it are finite


def CosineDecayRestarts(
    initial_learning_rate: Number,
    first_decay_steps: Number,
    t_mul: float = 2.0,
    m_mul: float = 1.0,
    alpha: float = 0.0,
    name: str | None = "SGDRDecay",
    *,
    exact: bool = True,
) -> Schedule:
    """Cosine annealing with warm restarts; core `cosine_restarts`, with lengths not rounded.

    Cycle `i` is `first_decay_steps * t_mul**i` long, for ever. It falls to `alpha *
    initial_learning_rate` from `initial_learning_rate * ((1 - alpha) * m_mul**i + alpha)`.
    Cycles are laid out up to step 2**31 - 1; the one that is under way there begins at a whole
    step.

    Args:
      initial_learning_rate: at step 0.
      first_decay_steps: above 0; whole if `t_mul` is 1.
      t_mul: 1, or above it by so much that 16,384 cycles fill all steps. Below 1, Keras gives NaN
        from step `first_decay_steps / (1 - t_mul)` on, and an error is raised here.
      m_mul: at least 0.
      alpha: the floor of all cycles, as a part of `initial_learning_rate`.
      name: ignored.
      exact: whether, as in Keras, a rounded logarithm finds the cycle (so that some restarts come
        one step late, after one step at the floor) and peaks are as above. False: restarts are
        where they belong, and peaks are `initial_learning_rate * m_mul**i`, or the floor, if it
        is above that.

    Example:
        >>> from anneal_jax.ports import keras
        >>> schedule = keras.CosineDecayRestarts(1.0, 2, m_mul=0.5)
        >>> print(schedule([0, 1, 2, 4, 6]).round(3))
        [1.   0.5  0.5  0.25 0.25]
    """
    del name
    owner = "CosineDecayRestarts"
    initial = given_number(owner, "initial_learning_rate", initial_learning_rate)
    first = positive(owner, "first_decay_steps", first_decay_steps)
    m_mul = given_number(owner, "m_mul", m_mul, least=0)
    alpha = given_number(owner, "alpha", alpha)
    remedy = "cycles that shrink come to an end: use anneal_jax.cosine_restarts(cycles=...)"
    t_mul = given_number(owner, "t_mul", t_mul, least=1, remedy=remedy)
    if not _checks.known(first, t_mul, m_mul, alpha):
        rule, remedy = "known numbers", "use anneal_jax.cosine_restarts, which takes traced ones"
        _checks.fail(owner, "t_mul, m_mul, alpha and the steps", rule, t_mul, remedy)

    if t_mul == 1:
        whole_steps(owner, "first_decay_steps", first)
        return _equal_cycles(initial, first, m_mul, alpha, exact)
    moments, firsts = _geometric_cycles(owner, first, t_mul, exact)
    heights = _heights(len(firsts), m_mul, alpha, exact)
    parts: list[Schedule] = [
        Span(Cosine(height, 0.0, 1), begin, end).shift(-start)
        for height, (begin, end), start in zip(heights, pairwise(moments), firsts, strict=True)
        if end <= MAX_STEP
    ]
    if len(parts) < len(firsts):  # the last runs on beyond the last step
        part = MAX_STEP / (moments[-1] - moments[-2])
        parts.append(CosineWave(heights[-1], 0.0, MAX_STEP, part).until(MAX_STEP))
    falls = join(parts, firsts[1:], restarts=True)
    return _above(falls, initial, (1 - alpha) if exact else 1.0, alpha)


def _above(falls: Schedule, initial: Number, part: float, alpha: float) -> Schedule:
    """Cosines above the floor; of either sign."""
    scaled = falls * (part * initial)
    return scaled if alpha == 0 else scaled + alpha * initial


def _heights(count: int, m_mul: float, alpha: float, exact: bool) -> list[float]:
    """The peaks of the cycles above their floor, in units of its place."""
    with np.errstate(over="ignore"):
        factors = np.minimum(m_mul ** np.arange(float(count)), _LARGEST)
    return (factors if exact else np.maximum(factors - alpha, 0.0)).tolist()


def _equal_cycles(initial: Number, steps: int, m_mul: float, alpha: float, exact: bool) -> Schedule:
    """Cycles of one length, for ever."""
    if m_mul == 1:
        return between(lambda a, b: Cosine(a, b, steps).repeat(), initial, alpha * initial)
    fall = Cosine(1.0, 0.0, steps)
    falls = fall.repeat(value_factor=m_mul) if m_mul > 0 else join([fall, Constant(0.0)])
    if exact:
        return _above(falls, initial, 1 - alpha, alpha)
    rises = Cosine(0.0, 1.0, steps).repeat()
    return (falls + rises * alpha).clip(lower=alpha) * initial


def _geometric_cycles(
    owner: str, first: float, t_mul: float, exact: bool
) -> tuple[list[float], list[int]]:
    """The moments between the cycles that begin before step 2**31, and each one's first step."""
    count = np.log1p((t_mul - 1) * MAX_STEP / first) / np.log(t_mul)
    if count > _MOST_CYCLES:
        rule = f"1, or so far above it that {_MOST_CYCLES} cycles fill 2**31 steps"
        _checks.fail(owner, "t_mul", rule, t_mul, "use 1 for cycles that do not grow")
    with np.errstate(over="ignore"):
        sums = (1.0 - t_mul ** np.arange(int(count) + 3.0)) / (1.0 - t_mul)
    moments = np.minimum(first * sums, _FAR)
    if not exact:  # 10 steps and then 11 end at 21, whatever the double of 1.1 says
        near = np.round(moments)
        moments = np.where(np.abs(moments - near) < 1e-6, near, moments)
    moments = moments[: np.count_nonzero(moments < MAX_STEP) + 1]
    firsts = np.ceil(moments[:-1])
    if exact:
        firsts = _found_at(firsts, first, t_mul)
    return moments.tolist(), firsts.astype(int).tolist()


def _found_at(begins: np.ndarray, first: float, t_mul: float) -> np.ndarray:
    """The step at which Keras finds itself in each cycle: within one of where it begins."""
    near = np.maximum(begins[:, None] + np.array([-1.0, 0.0, 1.0]), 0.0)
    index = np.floor(np.log(1.0 - near / first * (1.0 - t_mul)) / np.log(t_mul))
    reached = index >= np.arange(len(begins))[:, None]
    late = np.where(reached.any(axis=1), np.argmax(reached, axis=1), 2)
    return np.take_along_axis(near, late[:, None], axis=1)[:, 0]
