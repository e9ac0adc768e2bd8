"""The objective of a fit: logarithms of losses, robustly; its slopes, and where to start."""

import copy
import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._types import Array
from ._fitted import normal_quantile
from ._law import Law
from ._past import Measured

_DELTA = 0.01  # of the Huber loss, of logarithms; spikes are beyond, a law's own misfit within
_LEAST = 0.05  # a loss below counts as this one, so that every trial has a logarithm


class Coordinates:
    """Between a law's parameters and a vector without bounds, of the same length.

    Parameters above 0 are exponentials of theirs, such between 0 and 1 are `1 - exp`, so that
    what matters of them, how far from 1, has a logarithm.
    """

    def __init__(self, kind: type[Law]) -> None:
        self.kind = kind
        self.names = [field.name for field in dataclasses.fields(kind)]

    def law(self, z: Any) -> Law:
        """The law at a vector."""
        return self.kind(**{name: self._inside(name, z[i]) for i, name in enumerate(self.names)})

    def vector(self, parameters: dict[str, Any]) -> np.ndarray:
        """The vector of a law's parameters."""
        return np.array([self.outside(name, float(parameters[name])) for name in self.names])

    def _inside(self, name: str, z: Any) -> Any:
        if name in self.kind.fractions:
            return -jnp.expm1(jnp.minimum(z, -1e-9))
        return jnp.exp(z) if name in self.kind.positive else z

    def outside(self, name: str, value: float) -> float:
        """The coordinate of one parameter."""
        if name in self.kind.fractions:
            return float(np.log1p(-value))
        return float(np.log(value)) if name in self.kind.positive else value


class Data(NamedTuple):
    """Runs as arrays; a pytree."""

    pasts: tuple[Measured, ...]
    logs: Array  # float[n], of all losses

    def residuals(self, law: Law) -> Array:
        """By how much the law's logarithms are above those of the losses."""
        losses = jnp.concatenate([law.losses(past) for past in self.pasts])
        return jnp.log(jnp.maximum(losses, _LEAST)) - self.logs


@functools.partial(jax.jit, static_argnums=0)
def _residuals(kind: type[Law], z: Array, data: Data) -> Array:
    return data.residuals(Coordinates(kind).law(z))


@functools.partial(jax.jit, static_argnums=0)
def _slopes(kind: type[Law], z: Array, data: Data) -> Array:
    return jax.jacfwd(lambda z: data.residuals(Coordinates(kind).law(z)))(z)


@functools.partial(jax.jit, static_argnums=0)
def _solved(kind: type[Law], others: Any, data: Data) -> tuple[Array, Array]:
    """For each of many values of the other parameters, the best of those a loss is linear in.

    Returns:
      float[many, linear], those, and float[many], the mean absolute residual.
    """
    names, tiny = kind.linear, 1e-300  # (for 0 where a parameter must be above it)

    def solve(other: dict[str, Array]) -> tuple[Array, Array]:
        def losses(one: str) -> Array:
            given = {name: jnp.where(name == one, 1.0, tiny) for name in names}
            return jnp.concatenate([kind(**other, **given).losses(p) for p in data.pasts])

        observed = jnp.exp(data.logs)
        columns = jnp.stack([losses(name) for name in names], axis=1) / observed[:, None]
        found = jnp.linalg.lstsq(columns, jnp.ones_like(observed))[0]
        ratio = jnp.sum(columns * found[None], axis=1)
        return found, jnp.mean(jnp.abs(jnp.log(jnp.maximum(ratio, 1e-3))))

    return jax.vmap(solve)(others)


class Objective:
    """What SciPy minimizes: Huber's losses of residuals, and a prior, as squares.

    Args:
      kind: the law.
      data: the runs.
      prior: for some names, centre and spread, in coordinates.
      weights: float[n], of the residuals.
    """

    def __init__(
        self, kind: type[Law], data: Data, prior: dict[str, tuple[float, float]], weights: Any
    ) -> None:
        self.kind, self.data = kind, data
        self.roots = np.sqrt(np.broadcast_to(weights, data.logs.shape))
        names = Coordinates(kind).names
        self.index = np.array([names.index(name) for name in prior], int)
        self.centre, self.spread = np.array([*prior.values()]).reshape(-1, 2).T
        self.pull = np.zeros((len(prior), len(names)))
        self.pull[np.arange(len(prior)), self.index] = 1 / self.spread

    def residuals(self, z: np.ndarray) -> np.ndarray:
        """Of the logarithms."""
        return np.asarray(_residuals(self.kind, z, self.data))

    def values(self, z: np.ndarray) -> np.ndarray:
        """Of which half the squares, summed up, is the objective."""
        r = self.residuals(z)
        far = np.sqrt(2 * _DELTA * np.maximum(np.abs(r), _DELTA) - _DELTA**2) * np.sign(r)
        robust = np.where(np.abs(r) <= _DELTA, r, far) / _DELTA
        return np.concatenate([self.roots * robust, (z[self.index] - self.centre) / self.spread])

    def slopes(self, z: np.ndarray) -> np.ndarray:
        """Of the values, by the vector."""
        r = np.maximum(np.abs(self.residuals(z)), _DELTA)
        slow = 1 / np.sqrt(2 * _DELTA * r - _DELTA**2)
        slopes = np.asarray(_slopes(self.kind, z, self.data))
        return np.concatenate([slopes * (self.roots * slow)[:, None], self.pull])

    def starts(self, guesses: dict[str, np.ndarray], count: int) -> list[np.ndarray]:
        """The best few vectors for many values of the parameters a loss is not linear in."""
        found, errors = map(np.array, _solved(self.kind, guesses, self.data))
        must = [name in self.kind.positive for name in self.kind.linear]
        errors = np.where((found[:, must] > 0).all(1), errors, np.inf)
        found[:, must] = np.maximum(found[:, must], 1e-8)
        coordinates, starts = Coordinates(self.kind), []
        for k in np.argsort(errors)[:count]:
            others = {name: values[k] for name, values in guesses.items()}
            linear = dict(zip(self.kind.linear, found[k], strict=True))
            starts.append(coordinates.vector({**others, **linear}))
        return starts

    def without(self, unseen: np.ndarray) -> "Objective":
        """The same without some of the losses."""
        other = copy.copy(self)
        other.roots = np.where(unseen, 0.0, self.roots)
        return other

    def drawn(self, blocks: np.ndarray, scale: float, rng: np.random.Generator) -> "Objective":
        """One that other data could have given.

        The blocks' weights are exponential variables (the Bayesian bootstrap), and the prior's
        centres are drawn from the prior. Its spread is for residuals of the size of `_DELTA`; in
        an objective that is all the same for smaller ones, it is as much smaller: `scale`.
        """
        other = copy.copy(self)
        other.roots = self.roots * np.sqrt(rng.exponential(size=blocks[-1] + 1)[blocks])
        other.centre = self.centre + scale * self.spread * rng.normal(size=len(self.spread))
        return other

    def scale(self, z: np.ndarray) -> float:
        """The standard deviation of residuals, by their median, in units of `_DELTA`; 1 at most."""
        size = np.median(np.abs(self.residuals(z))) / normal_quantile(0.5)
        return float(min(1.0, size / _DELTA))
