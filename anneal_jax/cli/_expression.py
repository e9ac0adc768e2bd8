"""A schedule written as an expression: what `_meaning.py` reads, printed."""

from collections.abc import Mapping
from typing import Any

from ..schedules import Schedule, to_config
from ..schedules._builders import arguments, builders


def expression(schedule: Schedule) -> str:
    """The expression of a schedule; `schedule_of` reads an equal one from it.

    Raises:
      ValueError: where `to_config` does.
    """
    return _call(to_config(schedule))


def _call(config: Mapping[str, Any]) -> str:
    kinds = arguments(builders()[config["kind"]])
    given = {k: v for k, v in config.items() if k not in ("kind", "version")}
    inner = ", ".join(f"{name}={_value(v, kinds[name].kind)}" for name, v in given.items())
    return f"{config['kind']}({inner})"


def _value(value: Any, kind: str) -> str:
    if isinstance(value, Mapping):
        return _call(value)
    if isinstance(value, list):
        return f"[{', '.join(_value(v, kind) for v in value)}]"
    if isinstance(value, str) and kind not in ("shape", "class"):
        return f'"{value}"'
    return str(value)
