"""What axolotl's files mean: its own names of schedules, floors and warmups.

As of axolotl's sources of July 24, 2026 (commit 067b021).
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from ... import _checks
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Harmonic, Linear, Polynomial
from .. import _arguments, _settings
from . import _cosines
from ._warmup import left, warmed

_OWNER = "from_training_arguments"
_FLOOR, _PART, _QUADRATIC = "cosine_min_lr_ratio", "cosine_constant_lr_ratio", "lr_quadratic_warmup"
_READ_WITH = {_FLOOR: ("cosine", "rex"), _PART: ("cosine",), _QUADRATIC: ("cosine",)}
_OWN = {"lr_scheduler", "num_epochs", "micro_batch_size", *_READ_WITH}
_PHASES = ("warmup", "anneal")
_REFUSED = ("jagged_restart_steps", "relora_steps")
_WITH_THEM = [f"{name.removesuffix('steps')}{p}_steps" for name in _REFUSED for p in _PHASES]
READ = ("lr_scheduler", *_READ_WITH, *_REFUSED, *_WITH_THEM)


def wrote(given: Mapping[str, Any]) -> bool:
    """Whether a file is one of axolotl's."""
    return not _OWN.isdisjoint(given)


def warmup(given: Mapping[str, Any], steps: Any, ratio: Any, total: int) -> int:
    """The steps of the warmup; never one."""
    if "warmup_steps" not in given:
        by_ratio = "warmup_ratio" in given
        steps = int(ratio * total) if by_ratio else min(int(0.03 * total), 100)
    return 2 if steps == 1 else int(steps)


def shapes(given: Mapping[str, Any], name: Any) -> bool:
    """Whether the schedule is one that Transformers has no name for."""
    for key in _REFUSED:
        if given.get(key):
            remedy = "there is no port of such restarts; compose them with Schedule.repeat"
            _checks.fail(_OWNER, key, "left out", given[key], remedy)
    _checks.flag(_OWNER, _QUADRATIC, given.get(_QUADRATIC, False))
    found = [key for key in _READ_WITH if given.get(key)]
    for key in found:
        if name not in _READ_WITH[key]:
            remedy = "axolotl does not read it with another; leave it out"
            _checks.fail(_OWNER, key, "given with 'cosine' alone", name, remedy)
    if _PART in found and _FLOOR not in found:
        _checks.fail(_OWNER, _PART, f"given with {_FLOOR}", given[_PART], "add that")
    if _QUADRATIC in found and len(found) > 1:
        remedy = "axolotl reads one of them; leave the other out"
        _checks.fail(_OWNER, _QUADRATIC, f"given without {found[0]}", True, remedy)
    return bool(found) or (wrote(given) and name in ("one_cycle", "rex"))


def build(
    given: Mapping[str, Any],
    name: str,
    rate: Any,
    warmup: int,
    total: int,
    more: Mapping[str, Any],
    exact: bool,
) -> Schedule:
    """The schedule that axolotl builds."""
    if name == "one_cycle":
        _one_cycle(rate, warmup, total, more)
    if more:
        remedy = "axolotl does not read it with another; leave it out"
        _checks.fail(_OWNER, "lr_scheduler_kwargs", "given with 'one_cycle' alone", name, remedy)
    bounds: dict[str, Any] = {"least": 0, "most": 1}
    floor = rate * _settings.number(_OWNER, _FLOOR, given.get(_FLOOR, 0.0), **bounds)
    if name == "rex":
        return _rex(rate, warmup, total, floor, exact)
    if given.get(_QUADRATIC):
        rise = Polynomial(rate, 0.0, warmup, power=2.0).reverse()
        steps = left(warmup, total)
        return join([rise, _cosines.get_cosine_schedule_with_warmup(rate, 0, steps, exact=exact)])
    if not given.get(_PART):
        cosine = _cosines.get_cosine_with_min_lr_schedule_with_warmup
        return cosine(rate, warmup, total, min_lr_rate=given[_FLOOR], exact=exact)
    part = _settings.number(_OWNER, _PART, given[_PART], **bounds)
    if int(total * part) <= warmup:
        rule, remedy = "beyond the warmup", "the decay ends at that part of all steps; raise it"
        _checks.fail(_OWNER, _PART, rule, part, remedy)
    return warmed(rate, warmup, Cosine(rate, floor, int(total * part) - warmup))


def _one_cycle(rate: Any, warmup: int, total: int, more: Mapping[str, Any]) -> NoReturn:
    """Say which schedule of torch it is."""
    total = _arguments.steps(_OWNER, "num_training_steps", total, least=1)
    given = {"pct_start": warmup / total} | dict(more)
    listed = "".join(f", {key}={value!r}" for key, value in given.items())
    call = f"anneal_jax.ports.torch.OneCycleLR({rate!r}, {total!r}{listed})"
    rule, remedy = "one of Transformers' or 'rex'", f"it is torch's: {call}"
    _checks.fail(_OWNER, "lr_scheduler", rule, "one_cycle", remedy)


def _rex(rate: Any, warmup: int, total: int, floor: Any, exact: bool) -> Schedule:
    """A fall by `z / (0.1 + 0.9 z)`, `z` the part that is left; axolotl begins at its step 1."""
    if warmup > total:
        remedy = "axolotl refuses it, too; shorten the warmup"
        _checks.fail(_OWNER, "warmup_steps", f"at most {total}, all steps", warmup, remedy)
    steps = total - warmup
    fall = floor + (rate - floor) * (10 - Harmonic(1.0, 10.0, steps)) / 9
    parts = [Linear(0.0, rate, warmup), fall if steps else Constant(rate), Constant(floor, 0)]
    whole = join(parts, [warmup, max(total, warmup + 1)])
    return whole.shift(-1) if exact else whole
