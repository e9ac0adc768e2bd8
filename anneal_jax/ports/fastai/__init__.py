"""fastai.callback.schedule and the fits of its Learner, as of fastai 2.8.12.

fastai's schedules are functions of a position from 0 to 1, which its Learner passes as
`iter / n_iter`. Here a `Sched` is laid over a number of steps instead: what is
`SchedCos(1.0, 0.0)(pos)` there is `SchedCos(1.0, 0.0)(total_steps)(step)` here. The fits take
`n_epoch` and the rate as there and `steps_per_epoch`, and return a `Fit` of two schedules.

With `exact` the last of `T` updates is at position `(T - 1) / T`, short of the end, and a joint
falls on the step at which fastai's float32 comparison puts it. Without, the last update is at
position 1 and joints fall on whole steps. Past the end the end value holds.
"""

from anneal_jax.ports.fastai._fits import (
    Fit as Fit,
    fine_tune as fine_tune,
    fit_flat_cos as fit_flat_cos,
    fit_one_cycle as fit_one_cycle,
    fit_sgdr as fit_sgdr,
)
from anneal_jax.ports.fastai._scheds import (
    Sched as Sched,
    SchedCos as SchedCos,
    SchedExp as SchedExp,
    SchedLin as SchedLin,
    SchedNo as SchedNo,
    SchedPoly as SchedPoly,
    combine_scheds as combine_scheds,
    combined_cos as combined_cos,
)
