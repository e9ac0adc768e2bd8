"""How exact schedules are under jit, ours and Optax's: errors, NaN, recompilations."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

import anneal_jax as anneal

HORIZONS = [3, 5, 7, 10, 30, 41, 100, 300, 500, 1000, 2000, 3000, 8000, 10_000, 10**5, 10**6, 10**7]
POWERS = [0.3, 0.5, 0.7, 0.9, 1.5, 2.5]
LAST = 1000  # the last steps of the horizon that are looked at


def _late(horizon: int) -> np.ndarray:
    return np.arange(max(horizon - LAST, 0), horizon + 3)


def _not_finite(make: Callable) -> int:
    """How many (horizon, power) pairs give a NaN or a negative rate near the end."""
    bad = 0
    for horizon in HORIZONS:
        for power in POWERS:
            values = np.asarray(
                jax.jit(jax.vmap(make(horizon, power)))(jnp.asarray(_late(horizon)))
            )
            bad += bool(np.any(~np.isfinite(values) | (values < 0)))
    return bad


def _worst(make: Callable) -> float:
    """The largest relative error of a cosine to 0 over all horizons."""
    worst = 0.0
    for horizon in HORIZONS:
        t = _late(horizon)
        values = np.asarray(jax.jit(jax.vmap(make(horizon)))(jnp.asarray(t)), np.longdouble)
        half = np.longdouble("1.5707963267948966192313")
        exact = np.sin(half * np.maximum(horizon - t, 0) / np.longdouble(horizon)) ** 2
        some = exact > 0
        worst = max(worst, float(np.max(np.abs(values[some] / exact[some] - 1))))
    return worst


def rows() -> list[tuple[str, str, str]]:
    """(what, figure, goal) for the report."""
    total = len(HORIZONS) * len(POWERS)
    polynomial = "polynomial to 0 under jit: NaN or negative near the end"
    cosine = "cosine to 0 under jit: worst relative error"
    return [
        (f"{polynomial}, ours", f"{_not_finite(_our_polynomial)} of {total}", "0"),
        (f"{polynomial}, Optax", f"{_not_finite(_optax_polynomial)} of {total}", ""),
        (f"{cosine}, ours", f"{_worst(lambda n: anneal.Cosine(1.0, 0.0, n)):.1e}", "1e-6"),
        (f"{cosine}, Optax", f"{_worst(lambda n: optax.cosine_decay_schedule(1.0, n)):.1e}", ""),
    ]


def _our_polynomial(horizon: int, power: float) -> Callable:
    return anneal.Polynomial(1.0, 0.0, horizon, power)


def _optax_polynomial(horizon: int, power: float) -> Callable:
    return optax.polynomial_schedule(1.0, 0.0, power, horizon)
