"""Search spaces: what hyperparameters may be; grids and random draws of them."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import _checks


@dataclasses.dataclass(frozen=True)
class Uniform:
    """A real number from `low` to `high`, any as likely."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _checks.number("Uniform", "low", self.low)
        _checks.number("Uniform", "high", self.high, above=self.low)

    def at(self, share: float) -> float:
        """The number at a share from 0 to 1 of the range."""
        return self.low + share * (self.high - self.low)

    def points(self, count: int) -> list[Any]:
        """`count` numbers, evenly."""
        return [self.at(share) for share in np.linspace(0, 1, count)]


@dataclasses.dataclass(frozen=True)
class LogUniform:
    """A real number from `low` to `high`, every order of magnitude as likely: rates, decays."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _checks.number("LogUniform", "low", self.low, above=0)
        _checks.number("LogUniform", "high", self.high, above=self.low)

    def at(self, share: float) -> float:
        """The number at a share from 0 to 1 of the orders of magnitude."""
        return float(np.clip(self.low * (self.high / self.low) ** share, self.low, self.high))

    def points(self, count: int) -> list[Any]:
        """`count` numbers, each the same factor above the one before."""
        return np.geomspace(self.low, self.high, count).tolist()


@dataclasses.dataclass(frozen=True)
class Integers:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        _checks.steps("Integers", "low", self.low, remedy="pass a whole number")
        _checks.steps(
            "Integers", "high", self.high, least=self.low + 1, remedy="pass such a number"
        )

    def at(self, share: float) -> int:
        """The number at a share from 0 to 1 of the range."""
        return min(self.low + int(share * (self.high - self.low + 1)), self.high)

    def points(self, count: int) -> list[Any]:
        """`count` numbers, as evenly as may be; fewer if there are no more."""
        return sorted({round(float(x)) for x in np.linspace(self.low, self.high, count)})


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of some options (words or numbers)."""

    options: tuple[Any, ...]

    def __init__(self, options: Sequence[Any]):
        found = _checks.items("Choice", "options", options, "options")
        if not found:
            _checks.fail("Choice", "options", "at least one", options, "pass some")
        object.__setattr__(self, "options", tuple(found))

    def at(self, share: float) -> Any:
        """The option at a share from 0 to 1."""
        return self.options[min(int(share * len(self.options)), len(self.options) - 1)]

    def points(self, count: int) -> list[Any]:
        """All options."""
        del count
        return list(self.options)


Dimension = Uniform | LogUniform | Integers | Choice
Space = Mapping[str, Dimension]


def grid(space: Space, points: int | Mapping[str, int]) -> list[dict[str, Any]]:
    """Every combination of some values of each dimension.

    Args:
      space: from names to `Uniform`, `LogUniform`, `Integers` or `Choice`.
      points: how many values of each, or by name; of a `Choice`, always all.

    Returns:
      Dictionaries of one value each, the last name varying fastest.

    Example:
        >>> from anneal_jax.search import Choice, LogUniform, grid
        >>> grid({"peak": LogUniform(0.01, 1.0), "warmup": Choice([0, 10])}, points=2)[:2]
        [{'peak': 0.01, 'warmup': 0}, {'peak': 0.01, 'warmup': 10}]
    """
    check_space("grid", space)
    counts = points if isinstance(points, Mapping) else dict.fromkeys(space, points)
    for name, count in counts.items():
        _checks.nearest("grid", "every name in points", name, space)
        _checks.steps("grid", f"points ({name})", count, least=1, remedy="count values")
    columns = [dimension.points(counts.get(name, 1)) for name, dimension in space.items()]
    return [dict(zip(space, row, strict=True)) for row in itertools.product(*columns)]


def draw(space: Space, count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Values at random, each dimension by itself.

    Args:
      space: as for `grid`.
      count: how many.
      seed: the same one gives the same values.

    Returns:
      `count` dictionaries of one value for each name.

    Example:
        >>> from anneal_jax.search import Uniform, draw
        >>> [f"{x['end']:.2f}" for x in draw({"end": Uniform(0.0, 1.0)}, 3)]
        ['0.64', '0.27', '0.04']
    """
    check_space("draw", space)
    _checks.steps("draw", "count", count, least=1, remedy="say how many")
    shares = np.random.default_rng(seed).random((count, len(space)))
    rows = (zip(space.items(), row, strict=True) for row in shares.tolist())
    return [{name: dimension.at(share) for (name, dimension), share in row} for row in rows]


def check_space(owner: str, space: Any) -> None:
    """Require names with dimensions."""
    fits = isinstance(space, Mapping) and space
    if not fits or not all(isinstance(x, Dimension) for x in space.values()):
        rule = "names with Uniform, LogUniform, Integers or Choice"
        _checks.fail(owner, "space", rule, space, "as in {'peak': LogUniform(1e-4, 1e-2)}")
