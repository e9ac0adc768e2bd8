"""Pictures of schedules: `anneal_jax.plot`, and what a notebook shows of one."""

from anneal_jax.pictures._plot import plot as plot
