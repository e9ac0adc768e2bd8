"""What the gallery shows: a line of code for every public schedule, by the family it belongs to.

The drawing is what the line builds. `tests/test_site.py` compares the names with the public ones.
"""

from typing import NamedTuple

import anneal_jax as anneal


class Shape(NamedTuple):
    """A schedule of the gallery."""

    code: str
    names: tuple[str, ...]  # public names whose place this is; the first one titles it
    steps: int | None = None  # to draw; None: the schedule's own

    def schedule(self) -> anneal.Schedule:
        return eval(self.code, {"anneal": anneal})

    @property
    def shown(self) -> int:
        length = self.steps or self.schedule().steps
        assert length is not None, f"{self.names[0]} has no end: give steps"
        return int(length)


def _shape(names: str, code: str, steps: int | None = None) -> Shape:
    return Shape(code, tuple(names.split()), steps)


SEGMENTS = [
    _shape("Linear", "anneal.Linear(3e-4, 0.0, steps=1000)"),
    _shape("Cosine", "anneal.Cosine(3e-4, 3e-5, steps=1000)"),
    _shape("Polynomial", "anneal.Polynomial(3e-4, 0.0, steps=1000, power=2.0)"),
    _shape("Exponential", "anneal.Exponential(3e-4, 3e-6, steps=1000)"),
    _shape("OneMinusSqrt", "anneal.OneMinusSqrt(3e-4, 0.0, steps=1000)"),
    _shape("OneMinusSquare", "anneal.OneMinusSquare(3e-4, 0.0, steps=1000)"),
    _shape("ShiftedExponential", "anneal.ShiftedExponential(3e-4, 0.0, steps=1000, base=9.0)"),
    _shape("Logarithmic", "anneal.Logarithmic(0.0, 3e-4, steps=1000)"),
    _shape("Rex", "anneal.Rex(3e-4, 0.0, steps=1000)"),
    _shape("Tanh", "anneal.Tanh(3e-4, 0.0, steps=1000)"),
    _shape("Harmonic", "anneal.Harmonic(3e-4, 3e-5, steps=1000)"),
    _shape("Span", "anneal.Span(anneal.Linear(3e-4, 0.0, 1), begin=99.5, end=900.5)", 1000),
    _shape("k_decay", "anneal.k_decay(anneal.Cosine(3e-4, 0.0, steps=1000), k=2.0)"),
]
OPEN_ENDED = [
    _shape("Constant", "anneal.Constant(3e-4)", 1000),
    _shape("InverseSqrt", "anneal.InverseSqrt(3e-4, timescale=100)", 1000),
    _shape("InversePower", "anneal.InversePower(3e-4, timescale=100, power=0.8)", 1000),
    _shape("InverseTime", "anneal.InverseTime(3e-4, decay_steps=100, decay_rate=1.0)", 1000),
    _shape(
        "ExponentialDecay",
        "anneal.ExponentialDecay(3e-4, decay_steps=100, decay_rate=0.7, staircase=True)",
        1000,
    ),
    _shape(
        "Function as_schedule", "anneal.as_schedule(lambda step: 3e-4 / (1 + step // 250))", 1000
    ),
]
TABLES = [
    _shape("PiecewiseConstant", "anneal.PiecewiseConstant([300, 600], [3e-4, 1e-4, 3e-5])", 1000),
    _shape("Interpolated", "anneal.Interpolated([0, 200, 600, 1000], [0.0, 3e-4, 1e-4, 0.0])"),
    _shape("Triangular", 'anneal.Triangular(3e-5, 3e-4, up_steps=100, mode="triangular2")', 1000),
    _shape("CosineWave", "anneal.CosineWave(3e-4, 3e-5, decay_steps=250)", 1000),
    _shape("CyclicPolynomial", "anneal.CyclicPolynomial(3e-4, 0.0, decay_steps=250)", 1000),
    _shape("Chebyshev", "anneal.Chebyshev(1e-4, steps=64, lower=0.05)", 63),
]
RECIPES = [
    _shape("warmup_cosine", "anneal.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)"),
    _shape(
        "warmup_stable_decay",
        "anneal.warmup_stable_decay(3e-4, warmup_steps=50, decay_steps=200, total_steps=1000)",
    ),
    _shape("warmup_linear", "anneal.warmup_linear(3e-4, warmup_steps=100, total_steps=1000)"),
    _shape(
        "warmup_polynomial",
        "anneal.warmup_polynomial(3e-4, warmup_steps=100, total_steps=1000, power=2.0)",
    ),
    _shape("warmup_constant", "anneal.warmup_constant(3e-4, warmup_steps=100)", 1000),
    _shape("warmup_inverse_sqrt", "anneal.warmup_inverse_sqrt(3e-4, warmup_steps=100)", 1000),
    _shape("noam", "anneal.noam(model_size=512, warmup_steps=4000)", 20_000),
    _shape(
        "warmup_multi_step",
        "anneal.warmup_multi_step(3e-4, 50, boundaries=[500, 750], factors=[0.3, 0.3])",
        1000,
    ),
    _shape(
        "deepseek_steps", "anneal.deepseek_steps(3e-4, warmup_steps=50, total_steps=1000)", 1000
    ),
    _shape(
        "trapezoid",
        "anneal.trapezoid(3e-4, warmup_steps=100, decay_steps=300, total_steps=1000)",
    ),
    _shape("flat_cosine", "anneal.flat_cosine(3e-4, flat_steps=500, total_steps=1000)"),
    _shape(
        "warmup_stable_decay_cycles",
        "anneal.warmup_stable_decay_cycles(3e-4, 50, decay_steps=100, periods=[400, 300, 300])",
    ),
    _shape(
        "cosine_restarts",
        "anneal.cosine_restarts(3e-4, cycle_steps=140, cycles=3, steps_factor=2, value_factor=0.7)",
    ),
    _shape("one_cycle", "anneal.one_cycle(3e-4, total_steps=1000)"),
    _shape("one_cycle_momentum", "anneal.one_cycle_momentum(0.85, 0.95, total_steps=1000)"),
    _shape(
        "with_cooldown",
        "anneal.with_cooldown(anneal.warmup_constant(3e-4, 50), start=700, decay_steps=300)",
    ),
    _shape(
        "linear_scaling",
        "anneal.linear_scaling(1e-4, anneal.PiecewiseConstant([300, 600], [256, 512, 1024]), 256)",
        1000,
    ),
    _shape(
        "sqrt_scaling",
        "anneal.sqrt_scaling(1e-4, anneal.PiecewiseConstant([300, 600], [256, 512, 1024]), 256)",
        1000,
    ),
]
COMPOSITION = [
    _shape(
        "join Join",
        "anneal.join([anneal.Linear(0.0, 3e-4, 100), anneal.Rex(3e-4, 0.0, 900)])",
    ),
    _shape(
        "repeat Repeat",
        "anneal.repeat(anneal.Linear(3e-4, 0.0, 200), cycles=5, value_factor=0.8)",
    ),
    _shape(
        "Sum",
        "anneal.Linear(2e-4, 0.0, 1000) + anneal.Triangular(0.0, 1e-4, up_steps=50)",
        1000,
    ),
    _shape(
        "Product",
        "anneal.Linear(1.0, 0.2, 1000) * anneal.Triangular(1e-4, 3e-4, up_steps=50)",
        1000,
    ),
    _shape("Power", "anneal.Cosine(0.02, 0.002, 1000) ** 2"),
    _shape(
        "minimum Minimum", "anneal.minimum(3e-4, anneal.InversePower(6e-2, 1, power=1.0))", 1000
    ),
    _shape("maximum Maximum", "anneal.maximum(5e-5, anneal.Cosine(3e-4, 0.0, 1000))"),
    _shape("Clip", "anneal.Cosine(4e-4, 0.0, 1000).clip(5e-5, 3e-4)"),
    _shape("Shift", "anneal.Linear(3e-4, 0.0, 700).shift(300)"),
    _shape("Reverse", "anneal.OneMinusSqrt(3e-4, 0.0, 1000).reverse()"),
    _shape("Every", "anneal.Cosine(3e-4, 0.0, steps=10).every(100)"),
    _shape("Until", "anneal.InverseSqrt(3e-4, timescale=100).until(500)", 1000),
    _shape("Noise", "anneal.Linear(3e-4, 0.0, 1000).noise(key=0, std=0.1)"),
]

FAMILIES = {
    "Recipes": ("Whole plans by name: each is a composition of the parts further down.", RECIPES),
    "Segments": (
        "From one value to another in so many steps; then the end value holds. Warmups are the "
        "same shapes upwards, or `.reverse()`.",
        SEGMENTS,
    ),
    "Open-ended": (
        "Without a last step: `until`, `clip` and `with_cooldown` end them.",
        OPEN_ENDED,
    ),
    "Tables and waves": ("Given values at given steps, and shapes that come back.", TABLES),
    "Composition": ("What makes one schedule of others, exactly.", COMPOSITION),
}
SHAPES = [shape for _, family in FAMILIES.values() for shape in family]
