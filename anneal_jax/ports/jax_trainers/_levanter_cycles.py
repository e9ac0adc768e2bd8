"""The lengths of Levanter's cycles: equal ones are counted, so that there may be any number."""

from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import Any, NoReturn

from ... import _checks
from ..._types import RealScalarLike
from .. import _arguments
from ._durations import known_steps, part

_OWNER = "levanter"
_MOST = 1000  # different cycles, each of which is laid out
Run = tuple[int, int]  # a length, and how many cycles in a row have it


def count(name: str, value: RealScalarLike, steps: int, exact: bool) -> int:
    """A fraction of the steps, up to and including 1, or steps."""
    number = _arguments.known(_OWNER, name, value, least=0)
    if number <= 1:
        return part(steps, number, exact)
    return known_steps(_OWNER, name, number, remedy="fractions end at 1")


def runs(total: int, length: Any, cycles: Any, haps: Any, exact: bool) -> list[Run]:
    """All cycles; the last one is a run of its own, since it also says what comes after it."""
    given = {"cycle_length": length, "cycles": cycles, "haps": haps}
    given = {name: _checks.unboxed(x) for name, x in given.items() if x is not None}
    if len(given) > 1:
        _arguments.reject(_OWNER, f"only one of {' and '.join(given)} must be given.")
    for name, value in given.items():
        if _is_list(value):
            return _listed(name, list(value), total)
        if name == "cycle_length":
            return _long(value, total, exact)
        if name == "cycles":
            return _even(value, total, exact)
        _checks.items(_OWNER, name, value, "steps")
    return [(total, 1)]


def _is_list(x: Any) -> bool:
    """Whether it holds several numbers; a traced scalar only looks as if it did."""
    several = isinstance(x, Iterable) and not isinstance(x, str | bytes | dict)
    return several and getattr(x, "ndim", 1) > 0


def _long(length: Any, total: int, exact: bool) -> list[Run]:
    """Cycles of one length; there the last takes in the rest, meant is a shorter one more."""
    each = count("cycle_length", length, total, exact)
    _checks.steps(_OWNER, "cycle_length in steps", each, least=1)
    spare = 0 if exact else total % each > 0
    before = max(total // each + spare, 1) - 1
    return _runs(each, before, total)


def _even(cycles: Any, total: int, exact: bool) -> list[Run]:
    """A number of cycles of about one length."""
    number = known_steps(_OWNER, "cycles", cycles, least=1)
    if number > total:
        _checks.fail(_OWNER, "cycles", f"at most num_train_steps={total}", number, "pass fewer")
    if total % number == 0:
        return _runs(total // number, number - 1, total)
    if number > _MOST:
        rule = f"at most {_MOST} where it does not divide the {total} steps"
        _checks.fail(_OWNER, "cycles", rule, number, "give cycle_length")
    cut = range(1, number)
    return _between([int(total / number * i) if exact else total * i // number for i in cut], total)


def _listed(name: str, values: list[Any], total: int) -> list[Run]:
    """Cycles of listed lengths, or between listed ends."""
    if len(values) > _MOST:
        rule = f"a list of at most {_MOST} steps"
        _checks.fail(_OWNER, name, rule, f"{len(values)} of them", "give cycle_length")
    ends = [known_steps(_OWNER, name, step, least=1) for step in values]
    if name == "cycle_length":
        ends = list(accumulate(ends))
    for before, after in pairwise([0, *ends]):
        if after <= before:
            _reject(name, total, before, after)
    if ends and ends[-1] > total:
        _reject(name, total, *ends[-2:])
    return _between(ends, total)


def _between(ends: list[int], total: int) -> list[Run]:
    ends = [0, *ends, *([] if ends[-1:] == [total] else [total])]
    return [(after - before, 1) for before, after in pairwise(ends)]


def _runs(each: int, before: int, total: int) -> list[Run]:
    last = (total - before * each, 1)
    return [(each, before), last] if before else [last]


def _reject(name: str, total: int, *steps: int) -> NoReturn:
    rule = f"increasing ends of cycles, at most {total}"
    _checks.fail(_OWNER, name, rule, " then ".join(map(str, steps)), "correct it")
