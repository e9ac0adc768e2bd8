"""What NumPy makes of a program is what XLA makes of it: ports are compared by the former."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax.ports import composer, jax_trainers, optax, torch
from tests.numpy_eval import evaluate
from tests.peers import COUNT, value_at, values

SCHEDULES = {
    "segments and tables": optax.piecewise_interpolate_schedule("cosine", 0.3, {2: 3.0, 40: 0.1}),
    "moments between steps": torch.OneCycleLR(0.1, total_steps=50, pct_start=0.37),
    "triangles": torch.CyclicLR(0.01, 0.1, 5, 8, mode="exp_range", gamma=0.99),
    "cycles": jax_trainers.levanter(0.1, 150, "inv", warmup=5, cycles=4),
    "units": composer.ExponentialScheduler(0.1, 0.5, "7ba", horizon=anneal.Horizon(100)),
}


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("name", SCHEDULES)
def test_values_are_those_of_the_compiled_program(name, x64):
    """But for rounding: a bit or two of an operation, of either library."""
    schedule = SCHEDULES[name]
    with jax.enable_x64(x64):
        compiled = np.asarray(schedule(np.arange(COUNT)), np.float64)
    by_numpy = values(schedule, COUNT, x64)
    assert len(np.unique(by_numpy)) > 20
    tolerance = 1e-13 if x64 else 1e-6
    np.testing.assert_allclose(by_numpy, compiled, rtol=tolerance, atol=tolerance * 0.1)
    one = value_at(schedule, 9)
    assert one.shape == ()
    assert float(one) == pytest.approx(compiled[9], rel=1e-6)


def test_operations_that_numpy_has_otherwise():
    """Those without a rule, and kinds of operations that a rule does not know, are done by JAX."""

    @jax.jit
    def program(x, n):
        table = jnp.cumsum(x) + jnp.sort(x)[::-1]
        steps = jax.lax.while_loop(lambda i: i < 3, lambda i: i + 1, n)
        whole = jax.lax.div(-7 * steps, n) - 7 // n
        return table.at[1].set(0.5) + whole.astype(x.dtype) + jnp.round(10 * x) / 4

    x, n = jnp.array([0.25, 3.0, 0.45]), jnp.int32(2)
    np.testing.assert_allclose(evaluate(program, x, n), program(x, n), rtol=1e-6)
