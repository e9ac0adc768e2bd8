"""What recipes share: the lengths of phases, from the total."""

from .. import _checks
from .._numerics import Number, is_concrete


def rest(owner: str, total_steps: Number, **phases: Number) -> Number:
    """What `total_steps` leaves after the other phases; an error if they need more."""
    total_steps = _checks.whole(total_steps)
    _checks.steps(owner, "total_steps", total_steps, least=1)
    left = total_steps
    for name, steps in phases.items():
        _checks.steps(owner, name, _checks.whole(steps))
        left = left - _checks.whole(steps)
    if is_concrete(left) and left < 0:
        rule = f"at least {' + '.join(phases)} = {total_steps - left}"
        remedy = "it is the sum of all phases; raise it or shorten a phase"
        _checks.fail(owner, "total_steps", rule, total_steps, remedy)
    return left
