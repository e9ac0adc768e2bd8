"""What users write: pyright accepts every line. Nothing here is run."""

from typing import Any, assert_type

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

import anneal_jax as anneal
from anneal_jax import laws, ports, search, theory


def recipes() -> list[anneal.Schedule]:
    """Every recipe, with the numbers that people write: floats, ints, options by name."""
    base = anneal.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
    return [
        base,
        anneal.warmup_constant(1, 10, init_value=0),
        anneal.warmup_linear(3e-4, 100, 1000, init_value=1e-6, end_value=0),
        anneal.warmup_cosine(3e-4, 100, 1000, init_value=0.0, end_value=3e-5, exponent=2),
        anneal.warmup_polynomial(3e-4, 100, 1000, end_value=0.0, power=0.5),
        anneal.warmup_inverse_sqrt(1e-3, 4000, timescale=4000.0, init_value=0.0),
        anneal.noam(512, warmup_steps=4000, factor=2.0),
        anneal.warmup_stable_decay(3e-4, 100, 200, 1000, end_value=0.0, cooldown=anneal.Linear),
        anneal.warmup_stable_decay_cycles(
            3e-4, 100, 200, [1000, 2000], end_value=0.0, rewarmup_steps=10
        ),
        anneal.trapezoid(3e-4, 100, 200, total_steps=1000),
        anneal.cosine_restarts(1.0, 100, cycles=5, steps_factor=2, value_factor=0.75),
        anneal.cosine_restarts(1.0, cycle_steps=100, cycles=None, end_value=0.1, warmup_steps=10),
        anneal.one_cycle(1.0, 1000, warmup_fraction=0.3, three_phase=True, shape=anneal.Linear),
        anneal.one_cycle_momentum(0.85, 0.95, 1000, warmup_fraction=0.3),
        anneal.flat_cosine(1.0, flat_steps=720, total_steps=1000, end_value=1e-5),
        anneal.warmup_multi_step(0.1, 5, boundaries=[30, 60, 80], factors=[0.1, 0.1, 0.1]),
        anneal.warmup_multi_step(0.1, 5, (30, 60), np.array([0.1, 0.2]).tolist()),
        anneal.deepseek_steps(4.2e-4, 2000, total_steps=100_000),
        anneal.with_cooldown(base, start=800, decay_steps=100, end_value=0.0),
        anneal.linear_scaling(0.1, anneal.PiecewiseConstant([100], [256, 512]), 256),
        anneal.sqrt_scaling(base, 1024, reference=256),
    ]


def numbers() -> list[anneal.Schedule]:
    """A number may come from NumPy, from JAX, or be traced."""
    rates, lengths = np.geomspace(1e-4, 1e-2, 3), np.array([10, 100])
    return [
        anneal.Linear(np.float32(0.0), rates[0], lengths[1]),
        anneal.Linear(np.float64(0.0), float(rates[0]), int(lengths[1])),
        anneal.Cosine(jnp.float32(1.0), jnp.array(0.0), jnp.int32(10)),
        anneal.warmup_cosine(jnp.array(3e-4), jnp.asarray(5), np.int64(100)),
        anneal.warmup_cosine(np.array(3e-4), np.array(5), 100),
        anneal.Constant(jnp.ones(())),
    ]


def traced() -> None:
    """Hyperparameters under vmap, grad and jit, lengths too."""
    steps = jnp.arange(1000)
    peaks, warmups = jnp.array([1e-4, 3e-4]), jnp.array([10, 100])

    def curve(peak: jax.Array, warmup: jax.Array) -> jax.Array:
        return anneal.warmup_cosine(peak, warmup, 1000)(steps)

    curves = jax.vmap(curve)(peaks, warmups)
    plans = jax.vmap(lambda peak: anneal.warmup_cosine(peak, 10, 100))(peaks)
    best = jax.tree.map(lambda leaf: leaf[0], plans)
    slope = jax.grad(lambda peak: anneal.Linear(0.0, peak, 10)(5))(1.0)
    rate = jax.jit(lambda schedule, step: schedule(step))(best, 7)
    del curves, slope, rate


def evaluation() -> None:
    """A schedule is asked about a step or about steps, and answers with arrays."""
    schedule = anneal.Linear(0.0, 1.0, steps=4).then(anneal.Cosine(1.0, 0.0, steps=4))
    assert_type(schedule(0), jax.Array)
    assert_type(schedule([0, 2, 4]), jax.Array)
    assert_type(schedule(np.arange(9)), jax.Array)
    assert_type(schedule(jnp.arange(9, dtype=jnp.uint8)), jax.Array)
    assert_type(schedule(np.int64(3)), jax.Array)
    cycle, restart = schedule.cycle(350), schedule.is_restart(jnp.arange(10))
    length: int = int(schedule.steps or 0)
    arrays = schedule.as_arrays()
    del cycle, restart, length, arrays


def composition() -> list[anneal.Schedule]:
    """Shapes after shapes, and arithmetic."""
    cycle = anneal.Linear(0.0, 1e-3, steps=10).then(anneal.Cosine(1e-3, 0.0, steps=90))
    a, b = anneal.Linear(1.0, 0.0, 10), anneal.Exponential(1.0, 0.1, 10)
    return [
        anneal.join([a, b, cycle]),
        anneal.join([a, b, cycle], boundaries=[100, 900]),
        anneal.join((a, b), boundaries=np.array([5]).tolist(), restarts=True),
        cycle.then(a, b),
        cycle.repeat(),
        cycle.repeat(3, steps_factor=2, value_factor=0.5),
        cycle.repeat(periods=[100, 200], floor=a, floor_factor=0.5),
        anneal.repeat(cycle, 3, steps_factor=1.5),
        cycle.clip(1e-5, 1e-3).clip(lower=0.0).clip(upper=1),
        cycle.shift(100).shift(-5).stretch(2).stretch(0.5).reverse(),
        cycle.every(1251).until(10_000),
        cycle.noise(jax.random.key(0), 0.1),
        0.1 * cycle + a * b - 1,
        -a / 2 + b**0.5 + 1 - a,
        anneal.minimum(a, 0.5),
        anneal.maximum(a, jnp.float32(0.1)),
        anneal.Span(anneal.Linear(0.0, 1.0, 1), 0, 8.5),
        anneal.k_decay(anneal.Cosine(1.0, 0.0, 10), 1.5),
        anneal.as_schedule(0.1) + anneal.as_schedule(optax.constant_schedule(1.0)),
        anneal.PiecewiseConstant([30, 60], values=[1.0, 0.1, 0.01]),
        anneal.PiecewiseConstant.from_factors(1.0, [30, 60], [0.1, 0.1]),
        anneal.InverseSqrt(1.0, timescale=100),
        anneal.ExponentialDecay(1.0, 100, 0.9, staircase=True),
        anneal.Triangular(0.1, 1.0, up_steps=10, down_steps=20, mode="triangular2"),
    ]


def pictures() -> None:
    """Drawing into one's own axes, and the key figures."""
    schedule, ax = anneal.Linear(1.0, 0.0, 10), Figure().subplots()
    h = anneal.Horizon("3ep", examples_per_epoch=10, batch_size=1)
    schedule.plot(ax, steps=20, log=True).set_title("a title")
    anneal.plot([schedule, 0.1], ax, horizon=h, unit="%", second={"momentum": 0.9 * schedule})
    anneal.plot({"a": schedule, "b": schedule / 2}, ax, marks=False)
    phases: list[str] = [phase.kind for phase in anneal.summary(schedule, steps=5).phases]
    del phases


class Smoothstep(anneal.Blend):
    """A segment of one's own: what the first value still weighs, and what the last one does."""

    def shape(self, progress: anneal.Progress) -> tuple[jax.Array, jax.Array]:
        q, r = progress.q, progress.r
        return r * r * (3 - 2 * r), q * q * (3 - 2 * q)


def units() -> anneal.Schedule:
    """Lengths in the units one thinks in."""
    h = anneal.Horizon(
        total="3ep", examples_per_epoch=50_000, batch_size=256, tokens_per_example=1024
    )
    assert_type(h("5%"), int)
    schedule = anneal.warmup_stable_decay(3e-4, h("2%"), h("20%"), h("100%"))
    return anneal.warmup_cosine(3e-4, h("1.5Mtok"), h("100%")).then(schedule.shift(h("2ep")))


def training() -> dict[str, Any]:
    """A train loop, its chain of transformations, and a change of plan."""
    schedule = anneal.warmup_cosine(3e-4, 100, 1000)
    restarts = anneal.cosine_restarts(1e-3, cycle_steps=100, cycles=5)
    plain: optax.Schedule = schedule
    tx = optax.chain(
        optax.clip_by_global_norm(1.0),
        anneal.inject_hyperparams(optax.adamw)(
            learning_rate=schedule, weight_decay=anneal.Linear(0.1, 0.0, 1000), b1=0.9
        ),
        anneal.reduce_on_plateau(patience=50, factor=0.5),
        anneal.average_params("ema", decay=0.99),
        anneal.snapshots(restarts, keep=3),
    )
    params = {"w": jnp.ones(3)}

    def loss(params: dict[str, jax.Array], batch: jax.Array) -> jax.Array:
        return jnp.mean((batch @ params["w"]) ** 2)

    @jax.jit
    def step(params: dict[str, jax.Array], state: Any, batch: jax.Array) -> Any:
        value, grads = jax.value_and_grad(loss)(params, batch)
        updates, state = tx.update(grads, state, params, value=value)
        return optax.apply_updates(params, updates), state, value

    state = tx.init(params)
    for _ in range(10):
        params, state, _value = step(params, state, jnp.ones((8, 3)))
    state = anneal.with_schedules(state, learning_rate=anneal.warmup_cosine(3e-4, 100, 2000))
    smooth = anneal.averaged_params(state)
    del plain, smooth
    return anneal.hyperparams(state)


def transformations() -> list[optax.GradientTransformation]:
    """The rest of the Optax side."""
    rate = anneal.cosine_restarts(1e-3, cycle_steps=100, cycles=5)
    return [
        optax.adamw(rate),
        optax.chain(optax.scale_by_adam(), anneal.scale_by_learning_rate(rate)),
        anneal.reset_on_restart(
            anneal.partition_by_path(
                {"embed": 0.1, "head": anneal.Constant(3e-3), "bias": None, ".*": 1.0},
                rate,
                inner=optax.scale_by_adam(),
            ),
            rate,
        ),
        anneal.layerwise_decay(rate, 0.8),
        anneal.greedy(patience=10, factor=0.9),
        anneal.hypergradient(anneal.inject_hyperparams(optax.sgd)(rate), 1e-3),
        anneal.average_params("uniform", start=100),
        anneal.average_params("window", window=5, every=10),
        anneal.average_params("uniform", every="cycle", schedule=rate),
        anneal.accumulate(optax.adamw(rate), every=4),
        anneal.accumulate(optax.adamw(rate), every=anneal.PiecewiseConstant([10], [1, 2])),
    ]


def hyperparameters() -> list[optax.GradientTransformationExtraArgs]:
    """Any argument of an optimizer may be a schedule, of one of one's own too."""
    rate = anneal.warmup_cosine(3e-4, 100, 1000)
    momentum = anneal.one_cycle_momentum(0.85, 0.95, 1000)

    def mine(learning_rate: float, weight_decay: float = 0.0) -> optax.GradientTransformation:
        return optax.adamw(learning_rate, weight_decay=weight_decay)

    return [
        anneal.inject_hyperparams(optax.adamw)(rate),
        anneal.inject_hyperparams(optax.adamw)(3e-4, b1=0.9, mu_dtype=jnp.bfloat16, nesterov=True),
        anneal.inject_hyperparams(optax.adamw)(rate, b1=momentum, mu_dtype=jnp.bfloat16),
        anneal.inject_hyperparams(optax.adamw, static_args="mask")(
            rate, mask=lambda params: jax.tree.map(lambda p: p.ndim > 1, params)
        ),
        anneal.inject_hyperparams(optax.sgd)(learning_rate=rate, momentum=momentum),
        anneal.inject_hyperparams(optax.sgd)(lambda step: 0.1 / (1 + step), momentum=0.9),
        anneal.inject_hyperparams(optax.clip_by_global_norm)(anneal.Linear(1.0, 0.1, 100)),
        anneal.inject_hyperparams(mine)(rate, weight_decay=anneal.Linear(0.1, 0.0, 1000)),
    ]


def resumed() -> Any:
    """A saved state in edited code."""
    tx = anneal.inject_hyperparams(optax.adamw)(anneal.warmup_cosine(3e-4, 100, 1000))
    built = tx.init(jnp.ones(3))
    state = anneal.resume({"count": 3}, built)
    return anneal.resume(state, built, plans="saved")


def data() -> anneal.Schedule:
    """To plain data and back."""
    config = anneal.to_config(anneal.warmup_cosine(3e-4, 100, 1000))
    h = anneal.Horizon(total=1000)
    return anneal.from_config(config) + anneal.from_config(
        {"kind": "warmup_cosine", "peak_value": 3e-4, "warmup_steps": "5%", "total_steps": "100%"},
        horizon=h,
    )


def rooms() -> None:
    """Names of other frameworks, the search for numbers, laws and bounds."""
    schedule = ports.torch.OneCycleLR(1e-3, total_steps=1000)
    other = ports.optax.warmup_cosine_decay_schedule(0.0, 1e-3, 100, 1000)
    trained = search.Training.from_loss(
        lambda w, batch: jnp.mean((batch @ w) ** 2), optax.sgd, jnp.zeros(3)
    )
    batches = jnp.ones((100, 8, 3))
    found = search.lr_range_test(trained, batches, low=1e-4, progress=False)
    plans = jax.vmap(lambda peak: anneal.warmup_cosine(peak, 10, 100))(jnp.geomspace(0.01, 1, 16))
    swept = search.sweep(trained, plans, batches, progress=False)
    bound = theory.last_iterate_bound(schedule(jnp.arange(100)))
    law = laws.MultiPowerLaw
    del other, found, swept, bound, law
