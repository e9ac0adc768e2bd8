"""Numbers as logs spell them."""

import math
import re
from typing import Any

_MISSING = {"", "-", "--", ".", "?", "na", "n/a", "#n/a", "none", "null", "nil", "no log"}
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$")
_TENSOR = re.compile(r"(?:tensor|array|Array|DeviceArray)\(([^,()\[\]]+)[^\[\]]*\)$")


def number(value: Any) -> float | None:
    """A cell as a number, infinity where it is none that is finite; None for a missing one.

    Raises:
      ValueError: for anything else.
    """
    if isinstance(value, float):  # (most cells, and there may be millions)
        return value if math.isfinite(value) else math.inf
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if is_missing(value):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    try:
        found = float(value) if not isinstance(value, str) else _spelled(value)
    except OverflowError:
        found = math.inf
    return found if math.isfinite(found) else math.inf


def _spelled(text: str) -> float:
    if "_" in text:  # Python's own spelling, which no log means
        raise ValueError
    try:
        return float(text)
    except ValueError:
        text = text.strip()
        found = _TENSOR.match(text)
        text = found[1] if found else text
        return float(text.replace(",", "") if _THOUSANDS.match(text) else text)


def is_missing(value: Any) -> bool:
    """Whether a cell says that nothing was logged."""
    if not isinstance(value, str):
        return value is None
    return len(value) < 10 and value.strip().lower() in _MISSING


def is_number(value: Any) -> bool:
    """Whether a cell is a number, finite or not."""
    try:
        return number(value) is not None
    except ValueError:
        return False
