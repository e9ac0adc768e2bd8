"""Search spaces: what hyperparameters may be; grids and random draws of them."""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .. import _checks

_MOST = 10**6  # sets of hyperparameters in one list


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
        _unbox(self)
        _checks.number("Uniform", "low", self.low, double=True)
        _checks.number("Uniform", "high", self.high, above=self.low, double=True)

    def at(self, share: float) -> float:
        """The value below which `share` (0 to 1) of the distribution lies."""
        _check_share(self, share)
        value = (1 - share) * self.low + share * self.high  # (their difference may be infinite)
        return min(max(value, self.low), self.high)

    def points(self, count: int) -> list[float]:
        """`count` values from `low` to `high`, equally far apart."""
        return [self.at(share) for share in _shares(self, count)]


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
        _unbox(self)
        _checks.number("LogUniform", "low", self.low, above=0, double=True)
        _checks.number("LogUniform", "high", self.high, above=self.low, double=True)

    def at(self, share: float) -> float:
        """The value below which `share` (0 to 1) of the distribution lies."""
        _check_share(self, share)
        value = self.low ** (1 - share) * self.high**share  # (their ratio may be infinite)
        return float(min(max(value, self.low), self.high))

    def points(self, count: int) -> list[float]:
        """`count` values from `low` to `high`, each by the same factor above the one before."""
        return [self.at(share) for share in _shares(self, count)]


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
        _unbox(self)
        _checks.steps("Integers", "low", self.low, remedy="pass a whole number")
        _checks.steps(
            "Integers", "high", self.high, least=self.low + 1, remedy="pass such a number"
        )

    def at(self, share: float) -> int:
        """The value at `share` (0 to 1) of the distribution."""
        _check_share(self, share)
        return min(self.low + int(share * (self.high - self.low + 1)), self.high)

    def points(self, count: int) -> list[int]:
        """`count` values from `low` to `high`, nearly equally far apart, or all there are."""
        apart = self.high - self.low
        return sorted({self.low + round(share * apart) for share in _shares(self, count)})


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
        _check_share(self, share)
        return self.options[min(int(share * len(self.options)), len(self.options) - 1)]

    def points(self, count: int) -> list[Any]:
        """All options, whatever the count."""
        del count
        return list(self.options)


def _unbox(dimension: Any) -> None:
    """Python numbers in place of arrays without axes."""
    for name in ("low", "high"):
        object.__setattr__(dimension, name, _checks.unboxed(getattr(dimension, name)))


def _shares(dimension: Any, count: int) -> list[float]:
    """`count` shares of a distribution from 0 to 1, equally far apart."""
    _checks.steps(type(dimension).__name__, "count", count, remedy="count values")
    return np.linspace(0, 1, count).tolist()


def _check_share(dimension: Any, share: float) -> None:
    _checks.number(type(dimension).__name__, "share", share, least=0, most=1)


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
    sizes = [
        len(x.options) if isinstance(x, Choice) else counts.get(name, 1)
        for name, x in space.items()
    ]
    if (size := math.prod(sizes)) > _MOST:
        rule = f"so few that there are at most {_MOST:,} combinations"
        _checks.fail("grid", "points", rule, f"{size:,}", "take fewer, or draw at random")
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
    if count > _MOST:
        _checks.fail("draw", "count", f"at most {_MOST:,}", count, "draw them part by part")
    check_seed("draw", seed)
    return list(draws(space, count, seed))


def draws(space: Space, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """What `draw` returns, one after the other."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        shares = random.random(len(space)).tolist()
        yield {name: x.at(share) for (name, x), share in zip(space.items(), shares, strict=True)}


def check_seed(owner: str, seed: Any) -> None:
    """Require a whole number, not negative."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        _checks.fail(owner, "seed", "a whole number from 0 up", seed, "pass such a number")


def check_space(owner: str, space: Any) -> None:
    """Require names with dimensions."""
    fits = isinstance(space, Mapping) and space and all(isinstance(name, str) for name in space)
    if not fits or not all(isinstance(x, Dimension) for x in space.values()):
        rule = "names with Uniform, LogUniform, Integers or Choice"
        _checks.fail(owner, "space", rule, space, "as in {'peak': LogUniform(1e-4, 1e-2)}")
