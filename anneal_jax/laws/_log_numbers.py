"""Numbers as logs spell them."""

import math
import re
from typing import Any

_MISSING = {"", "-", "--", ".", "?", "na", "n/a", "#n/a", "none", "null", "nil", "missing"}
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$")
_TENSOR = re.compile(r"(?:tensor|array|Array|DeviceArray)\(([^,()\[\]]+)[^\[\]]*\)$")


def number(value: Any) -> float | None:
    """A cell as a number, infinity where it is none that is finite; None for a missing one.

    Raises:
      ValueError: for anything else.
    """
    if is_missing(value):
        return None
    if isinstance(value, list) and len(value) == 1:
        return number(value[0])
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    if isinstance(value, str):
        value = value.strip()
        if found := _TENSOR.match(value):
            value = found[1]
        if _THOUSANDS.match(value):
            value = value.replace(",", "")
        if "_" in value:  # Python's own spelling, which no log means
            raise ValueError
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    return value if math.isfinite(value) else math.inf


def is_missing(value: Any) -> bool:
    """Whether a cell says that nothing was logged."""
    return value is None or (isinstance(value, str) and value.strip().lower() in _MISSING)


def is_number(value: Any) -> bool:
    """Whether a cell is a number, finite or not."""
    try:
        return number(value) is not None
    except ValueError:
        return False
