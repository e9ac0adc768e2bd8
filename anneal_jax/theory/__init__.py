"""What theory says of a schedule before it is run: bounds, the best peak, refinement.

For SGD on convex problems the last iterate's error is bounded by a formula of the rates alone.
On real runs the bound's *shape* holds surprisingly well: it ranks schedules, and its best peak
for one schedule tells the best peak for another. Rates are what is scaled: `rates = scale * shape`.
"""

from anneal_jax.theory._horizon_exponent import (
    Exponent as Exponent,
    horizon_exponent as horizon_exponent,
)
from anneal_jax.theory._last_iterate import (
    Bound as Bound,
    last_iterate_bound as last_iterate_bound,
)
from anneal_jax.theory._refine import (
    refine as refine,
)
from anneal_jax.theory._sweep_fit import (
    SweepFit as SweepFit,
    fit_sweep as fit_sweep,
)
from anneal_jax.theory._transfer import (
    transfer_peak as transfer_peak,
)
