"""What recipes share: checks that name the recipe's own arguments, and the length that is left."""

from ... import _checks
from ..._numerics import Number, on_host


def rest(owner: str, name: str, total: Number, **phases: Number) -> Number:
    """The steps of `total` that the other phases leave; an error if they need more than it has."""
    total = _checks.whole(total)
    _checks.steps(owner, name, total, least=1)
    left = total
    for phase, steps in phases.items():
        _checks.steps(owner, phase, _checks.whole(steps))
        left = left - _checks.whole(steps)
    if on_host(left) and left < 0:
        rule = f"at least {' + '.join(phases)} = {total - left}"
        remedy = "it is the sum of all phases; raise it or shorten a phase"
        _checks.fail(owner, name, rule, total, remedy)
    return left


def check(owner: str, *, values: dict[str, Number], steps: dict[str, Number] | None = None) -> None:
    """Require values that are finite and not negative, and whole numbers of steps."""
    for name, value in values.items():
        _checks.number(owner, name, value, least=0)
    for name, count in (steps or {}).items():
        _checks.steps(owner, name, _checks.whole(count))
