"""The curve of a schedule in few points, none of its extremes lost.

A picture has about a thousand columns. In each, a few steps tell all that can be seen: the first
and the last, the least and the largest, and those on both sides of every join and restart. Up to
`ALL` steps each one is asked. Of more, a grid, the joins that the composition names
and the restarts (found by bisection, in columns with many the outer ones) make a first sample;
then each column's extremes are searched for between their neighbours.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ._evaluation import as_step, cycles, evaluate
from ._pieces import pieces
from ._schedule import Schedule

ALL = 2**17  # steps that are asked one by one
COLUMNS = 1024
_CHUNK = 2**14  # steps in one call: always as many, so that a schedule is compiled once
_DENSE = 8  # steps of the grid in a column, and within a cycle
_JOINS = 4 * COLUMNS  # at most, that are looked at one by one
_SIDES = 4  # of joins and restarts in a column, on average: more are not kept for their own sake
_ROUNDS = 12  # at most: each one narrows the place of an extreme by more than 4


def asked(schedule: Schedule, steps: np.ndarray) -> np.ndarray:
    """float64, the values at steps of one axis."""
    return _in_chunks(evaluate, schedule, steps).astype(np.float64)


def begun(schedule: Schedule, steps: np.ndarray) -> np.ndarray:
    """int64, the cycles at steps of one axis."""
    if not schedule.has_restarts:
        return np.zeros(len(steps), np.int64)
    return _in_chunks(cycles, schedule, steps).astype(np.int64)


def _in_chunks(ask: Callable[..., Any], schedule: Schedule, steps: np.ndarray) -> np.ndarray:
    answers = []
    for begin in range(0, len(steps), _CHUNK):
        chunk = steps[begin : begin + _CHUNK]
        padded = np.pad(chunk, (0, _CHUNK - len(chunk)), mode="edge")
        answers.append(np.asarray(ask(schedule, as_step(padded)))[: len(chunk)])
    return np.concatenate(answers) if answers else np.zeros(0)


def sampled(
    schedule: Schedule, end: int, begin: int = 0, columns: int = COLUMNS
) -> tuple[np.ndarray, np.ndarray]:
    """Steps from `begin` to `end`, both included, and the values there.

    Of every one of the `columns` equal parts the extremes are among them, the first and the last of
    its steps, and both sides of every join and restart (unless these are more than columns).

    Args:
      schedule: one schedule whose numbers are known.
      end: the last step.
      begin: the first step.
      columns: number of parts.

    Returns:
      int64[n], steps that increase, and float64[n].
    """
    arrays = schedule.as_arrays()
    joins = _joins(schedule, begin, end)
    edges = _edges(begin, end, columns)
    fresh = restarts(arrays, edges)
    sides = np.concatenate([joins - 1, joins, fresh - 1, fresh, [begin, end]])
    if end - begin <= ALL:
        steps = np.arange(begin, end + 1)
        values = asked(arrays, steps)
    else:
        grid = np.linspace(begin, end, _DENSE * columns + 1).astype(np.int64)
        bounds = np.array([begin, *fresh, end])
        inside = np.linspace(bounds[:-1], bounds[1:], _DENSE).astype(np.int64).ravel()
        steps = np.unique(np.concatenate([grid, sides, inside]))
        steps = steps[(steps >= begin) & (steps <= end)]
        steps, values = _refined(arrays, steps, asked(arrays, steps), edges)
    kept = telling(steps, values, columns)
    if len(sides) <= _SIDES * columns:
        kept |= np.isin(steps, sides)
    return steps[kept], values[kept]


def _edges(begin: int, end: int, columns: int) -> np.ndarray:
    return np.unique(np.linspace(begin, end, columns + 1).astype(np.int64))


def _joins(schedule: Schedule, begin: int, end: int) -> np.ndarray:
    """The steps at which pieces begin."""
    found = np.array([piece.begin for piece in pieces(schedule, end + 1, _JOINS)], np.int64)
    return found[(found > begin) & (found <= end)]


def restarts(schedule: Schedule, edges: np.ndarray) -> np.ndarray:
    """Steps at which cycles begin: all, or in each column the two first and the two last."""
    if not schedule.has_restarts:
        return edges[:0]
    at = begun(schedule, edges)
    first, last = int(at[0]), int(at[-1])
    if last - first <= _JOINS:
        wanted = np.arange(first + 1, last + 1)
        low, high = np.full(len(wanted), edges[0]), np.full(len(wanted), edges[-1])
    else:
        wanted = np.stack([at[:-1] + 1, at[:-1] + 2, at[1:] - 1, at[1:]])
        inside = (wanted > at[:-1]) & (wanted <= at[1:])
        low, high = (np.broadcast_to(x, wanted.shape)[inside] for x in (edges[:-1], edges[1:]))
        wanted = wanted[inside]
    return _first_reaching(schedule, wanted, low, high)


def _first_reaching(
    schedule: Schedule, wanted: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """The first step after `low` whose cycle is at least the one wanted, known to be by `high`."""
    while len(wanted) and np.any(high - low > 1):
        middle = low + (high - low) // 2
        reached = begun(schedule, middle) >= wanted
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.unique(high)


def _columns(steps: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Where in `steps`, which increase, each column begins that holds any."""
    column = np.minimum(np.searchsorted(edges, steps, side="right") - 1, max(len(edges) - 2, 0))
    return np.flatnonzero(np.diff(column, prepend=-1))


def _extremes(values: np.ndarray, firsts: np.ndarray) -> np.ndarray:
    """Where the least and the largest value of each column first stand."""
    counts = np.diff(firsts, append=len(values))
    found = []
    for best in (np.minimum, np.maximum):
        hits = np.flatnonzero(values == np.repeat(best.reduceat(values, firsts), counts))
        found.append(hits[np.searchsorted(hits, firsts)])
    return np.unique(np.concatenate(found))


def telling(steps: np.ndarray, values: np.ndarray, columns: int) -> np.ndarray:
    """Which steps are the first, the last, the least or the largest of their column.

    Args:
      steps: int[n], increasing.
      values: float[n].
      columns: number of equal parts of the steps.
    """
    edges = _edges(int(steps[0]), int(steps[-1]), columns)
    kept = np.zeros(len(steps), bool)
    firsts = _columns(steps, edges)
    kept[firsts] = kept[firsts - 1] = True  # (of the first column: the last step of all)
    kept[_extremes(values, firsts)] = True
    return kept


def _refined(
    schedule: Schedule, steps: np.ndarray, values: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """More steps, about the extremes of each column, until no step is left between."""
    for _ in range(_ROUNDS):
        tops = _extremes(values, _columns(steps, edges))
        tops = tops[(tops > 0) & (tops < len(steps) - 1)]
        low, high = steps[tops - 1], steps[tops + 1]
        level = (values[tops - 1] == values[tops]) & (values[tops] == values[tops + 1])
        open_ = (high - low > 2) & ~level
        if not np.any(open_):
            break
        more = np.linspace(low[open_], high[open_], _DENSE + 2).astype(np.int64).ravel()
        more = np.setdiff1d(more, steps)
        if not len(more):
            break
        order = np.argsort(np.concatenate([steps, more]), kind="stable")
        found = np.concatenate([values, asked(schedule, more)])
        steps, values = np.concatenate([steps, more])[order], found[order]
    return steps, values
