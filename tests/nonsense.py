"""Nonsense for any argument of a port: it is taken, or refused in one sentence, and that is all."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

BAD = ["x", b"x", None, math.nan, math.inf, -1, -0.5, 1e300, 1e30, 1e-300, 2**31, True, 1j,
       [1, "x"], [3, 2], [[1]], (), {}, {"x": 1}, range(5), np.array([1.0, 2.0]), object(),
       [{"x": 1}], [{}]]  # fmt: skip


def assert_named(call: Callable[..., Any], given: dict[str, Any], argument: str) -> None:
    """Whatever is wrong with an argument is a short sentence that begins with the port's name."""
    refusals = [_refusal(call, given | {argument: bad}) for bad in BAD]
    for bad, said in zip(BAD, refusals, strict=True):
        assert said is None or said.startswith(f"{call.__name__}: "), (bad, said)
        assert said is None or len(said) < 300, (bad, said)
        assert said is None or "\n" not in said, (bad, said)
    assert refusals.count(None) < 2 / 3 * len(BAD)


def _refusal(call: Callable[..., Any], given: dict[str, Any]) -> str | None:
    """What the error says, if there is one; any other error passes through."""
    try:
        call(**given)
    except ValueError as error:
        return str(error)
    return None
