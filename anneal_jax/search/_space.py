"""Search spaces: what hyperparameters may be; grids and random draws of them."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import _checks


@dataclasses.dataclass(frozen=True)
class Uniform:
    """A real number, uniformly distributed.

    Args:
      low: least value.
      high: largest value, above `low`.

    Example:
        >>> from anneal_jax.search import Uniform
        >>> Uniform(0.0, 1.0).points(3)
        [0.0, 0.5, 1.0]
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _checks.number("Uniform", "low", self.low)
        _checks.number("Uniform", "high", self.high, above=self.low)

    def at(self, share: float) -> float:
        """The value below which `share` (0 to 1) of the distribution lies."""
        return self.low + share * (self.high - self.low)

    def points(self, count: int) -> list[float]:
        """`count` values from `low` to `high`, equally far apart."""
        return [self.at(share) for share in np.linspace(0, 1, count).tolist()]


@dataclasses.dataclass(frozen=True)
class LogUniform:
    """A positive real number whose logarithm is uniformly distributed: a rate, a weight decay.

    Args:
      low: least value, above 0.
      high: largest value, above `low`.

    Example:
        >>> from anneal_jax.search import LogUniform
        >>> LogUniform(0.01, 1.0).points(3)
        [0.01, 0.1, 1.0]
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _checks.number("LogUniform", "low", self.low, above=0)
        _checks.number("LogUniform", "high", self.high, above=self.low)

    def at(self, share: float) -> float:
        """The value below which `share` (0 to 1) of the distribution lies."""
        return float(np.clip(self.low * (self.high / self.low) ** share, self.low, self.high))

    def points(self, count: int) -> list[float]:
        """`count` values from `low` to `high`, each by the same factor above the one before."""
        return np.geomspace(self.low, self.high, count).tolist()


@dataclasses.dataclass(frozen=True)
class Integers:
    """A whole number, uniformly distributed.

    Args:
      low: least value, 0 or more.
      high: largest value, above `low`.

    Example:
        >>> from anneal_jax.search import Integers
        >>> Integers(0, 10).points(3)
        [0, 5, 10]
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        _checks.steps("Integers", "low", self.low, remedy="pass a whole number")
        _checks.steps(
            "Integers", "high", self.high, least=self.low + 1, remedy="pass such a number"
        )

    def at(self, share: float) -> int:
        """The value at `share` (0 to 1) of the distribution."""
        return min(self.low + int(share * (self.high - self.low + 1)), self.high)

    def points(self, count: int) -> list[int]:
        """`count` values from `low` to `high`, nearly equally far apart, or all there are."""
        return sorted({round(float(x)) for x in np.linspace(self.low, self.high, count)})


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of several options, all equally likely.

    Args:
      options: list of values of any type; an Optuna study takes words, numbers and None.

    Example:
        >>> from anneal_jax.search import Choice
        >>> Choice(["cosine", "linear"]).points(1)
        ['cosine', 'linear']
    """

    options: tuple[Any, ...]

    def __init__(self, options: Sequence[Any]):
        found = _checks.items("Choice", "options", options, "options")
        if not found:
            _checks.fail("Choice", "options", "at least one", options, "pass some")
        object.__setattr__(self, "options", tuple(found))

    def at(self, share: float) -> Any:
        """The option at `share` (0 to 1) of the distribution."""
        return self.options[min(int(share * len(self.options)), len(self.options) - 1)]

    def points(self, count: int) -> list[Any]:
        """All options, whatever the count."""
        del count
        return list(self.options)


Dimension = Uniform | LogUniform | Integers | Choice
Space = Mapping[str, Dimension]


def grid(space: Space, points: int | Mapping[str, int]) -> list[dict[str, Any]]:
    """Every combination of evenly spaced values of the dimensions.

    Args:
      space: dictionary from names to `Uniform`, `LogUniform`, `Integers` or `Choice`.
      points: number of values of each dimension, or a dictionary from names to such numbers (1
        for names that it leaves out); all options of a `Choice` are taken.

    Returns:
      Dictionaries from names to values, the last name varying fastest.

    Raises:
      ValueError: for what is no space, names that it does not have, counts below 1, and a count
        for a `Choice`.

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
        if isinstance(points, Mapping) and isinstance(space[name], Choice):
            rule = "left out for a Choice, whose options are all taken"
            _checks.fail("grid", f"points ({name})", rule, count, "choose options in the space")
    columns = [dimension.points(counts.get(name, 1)) for name, dimension in space.items()]
    return [dict(zip(space, row, strict=True)) for row in itertools.product(*columns)]


def draw(space: Space, count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Independent random draws from the space.

    Args:
      space: dictionary from names to `Uniform`, `LogUniform`, `Integers` or `Choice`.
      count: number of draws.
      seed: seed of the random numbers.

    Returns:
      `count` dictionaries from names to values.

    Raises:
      ValueError: for what is no space, and a count below 1.

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
