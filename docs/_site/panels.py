"""Six schedules that show what can be said: the figure of the README and of the home page."""

import anneal_jax as anneal

TOTAL = 1000
PANELS = {
    "warmup_cosine": [anneal.warmup_cosine(1.0, 100, TOTAL, end_value=0.1)],
    "warmup_stable_decay": [anneal.warmup_stable_decay(1.0, 50, 250, TOTAL)],
    "cosine_restarts, growing": [
        anneal.cosine_restarts(
            1.0, 140, cycles=3, steps_factor=2, value_factor=0.75, end_value=0.05, warmup_steps=20
        )
    ],
    "one_cycle, and its momentum twin": [
        anneal.one_cycle(1.0, TOTAL),
        anneal.one_cycle_momentum(0.85, 0.95, TOTAL),
    ],
    "join: any shape after any other": [
        anneal.Logarithmic(0.0, 1.0, 150)
        .then(anneal.Constant(1.0, 250), anneal.Exponential(1.0, 0.2, 350))
        .then(anneal.Polynomial(0.2, 0.0, 250, power=0.5))
    ],
    "algebra: decay times cycles": [
        anneal.Linear(1.0, 0.2, TOTAL) * anneal.Triangular(0.4, 1.0, up_steps=60, down_steps=60)
    ],
}
