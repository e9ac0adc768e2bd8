"""A scheduler's state in a whole checkpoint: of Lightning, of a training script."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ... import _checks

_DEEPEST = 3  # dicts and lists around it


_FIELDS = {"last_epoch", "base_lrs", "_last_lr", "_step_count"}  # of all that have no others inside


class Saved(NamedTuple):
    """A scheduler's state, and the optimizer's groups if they lie beside it."""

    state: Mapping[str, Any]
    param_groups: Any


def saved(checkpoint: Mapping[str, Any]) -> Saved:
    """The one state of a scheduler that a dict is, or holds."""
    if _is_state(checkpoint):
        return Saved(checkpoint, None)
    found = dict(_inside(checkpoint, _is_state))
    if not found and not _FIELDS.isdisjoint(checkpoint):
        return Saved(checkpoint, None)  # of which something is missing
    if len(found) != 1:
        rule = "the state_dict of a scheduler, or a checkpoint with one of them"
        keys = list(found or checkpoint)
        remedy = "pass the one that is meant" if found else "pass scheduler.state_dict()"
        _checks.fail("from_scheduler", "scheduler", rule, keys, remedy)
    groups = [value["param_groups"] for _, value in _inside(checkpoint, _has_groups)]
    (state,) = found.values()
    return Saved(state, groups[0] if len(groups) == 1 else None)


def _is_state(value: Mapping[str, Any]) -> bool:
    """Whether this is what `state_dict` of a scheduler returns."""
    return "_schedulers" in value or {"last_epoch", "base_lrs"} <= value.keys()


def _has_groups(value: Mapping[str, Any]) -> bool:
    return "param_groups" in value


def _inside(
    value: Any, wanted: Callable[[Mapping[str, Any]], bool], path: str = "", depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """The wanted dicts in a checkpoint, and where they stand."""
    is_dict = isinstance(value, Mapping)
    if is_dict and path and wanted(value):
        yield path, value
    elif depth < _DEEPEST:
        for key, inner in value.items() if is_dict else enumerate(value):
            if isinstance(inner, Mapping | list | tuple):
                yield from _inside(inner, wanted, f"{path}[{key!r}]", depth + 1)
