"""The recipes of JAX trainers: Levanter, MaxText, big_vision and T5X.

These trainers are no packages to install beside this one, so what is here is compared with their
formulas, written out from their sources as of November 2026, in double precision. Which commit of
each that is, and when its schedule last changed, is in `docs/coming_from_jax_trainers.md`.
"""

from anneal_jax.ports.jax_trainers._big_vision import (
    big_vision as big_vision,
)
from anneal_jax.ports.jax_trainers._levanter import (
    levanter as levanter,
)
from anneal_jax.ports.jax_trainers._maxtext import (
    maxtext as maxtext,
)
from anneal_jax.ports.jax_trainers._t5x import (
    t5x as t5x,
)
