"""The other entries: schedules without end, tables, and what composes schedules of others."""

from .registry import RECIPES, RISING, SEGMENTS, SHAPES, WARM, Entry

STAIRS = {"no": "", "yes": ", staircase=True"}
WARMED = ("warmup_steps <= total_steps",)
LINE = "anneal.Linear(0.0, high, warmup_steps)"
FALL = "anneal.Cosine(high, low, steps)"

OPEN_ENDED = {
    "InverseSqrt": Entry(
        "anneal.InverseSqrt(peak_value, timescale, offset=delay)",
        "1 / sqrt(time)",
        view="delay + 10 * timescale",
    ),
    "InverseTime": Entry(
        "anneal.InverseTime(peak_value, cycle_steps, decay_rate{staircase})",
        "1 / time",
        view="10 * cycle_steps",
        choices={"staircase": STAIRS},
    ),
    "InversePower": Entry(
        "anneal.InversePower(peak_value, timescale, power, offset=delay)",
        "a power of 1 / time",
        view="delay + 10 * timescale",
        changes={"power": 0.51},
    ),
    "ExponentialDecay": Entry(
        "anneal.ExponentialDecay(peak_value, cycle_steps, decay_rate{staircase})",
        "a constant ratio per step, without end",
        view="6 * cycle_steps",
        choices={"staircase": STAIRS},
    ),
    "Triangular": Entry(
        "anneal.Triangular(low, high, up_steps, down_steps{mode})",
        "cyclical rates: up and down",
        view="4 * (up_steps + down_steps)",
        choices={
            "mode": {
                "triangular": "",
                "triangular2": ', mode="triangular2"',
                "exp_range": ', mode="exp_range", gamma=gamma',
            }
        },
    ),
    "CosineWave": Entry(
        "anneal.CosineWave(high, low, total_steps, halves=halves)",
        "a cosine that swings on",
    ),
    "CyclicPolynomial": Entry(
        "anneal.CyclicPolynomial(high, low, cycle_steps, power=power)",
        "polynomial decay, each cycle longer",
        view="6 * cycle_steps",
    ),
    "Chebyshev": Entry(
        "anneal.Chebyshev(scale, {steps}, lower=least_factor)",
        "large and small steps in a stable order",
        choices={"steps": {str(2**k): str(2**k) for k in (5, 4, 3, 6, 7)}},
    ),
}

TABLES = {
    "PiecewiseConstant": Entry(
        "anneal.PiecewiseConstant([first_boundary, second_boundary],"
        " [first_value, second_value, third_value])",
        "values that change at steps",
        RISING,
        view="1.3 * second_boundary",
    ),
    "Interpolated": Entry(
        "anneal.Interpolated([0, first_boundary, second_boundary],"
        " [first_value, second_value, third_value], {shape})",
        "any shape through given points",
        RISING,
        view="1.1 * second_boundary",
        choices={"shape": {k: v for k, v in SHAPES.items() if k != "Polynomial"}},
        changes={"first_value": 0.0, "second_value": 3e-4},
    ),
}

COMPOSED = {
    "join": Entry(
        f"anneal.join([{LINE}, anneal.Constant(high, flat_steps), {FALL}])", "one after another"
    ),
    "Join": Entry(
        f"anneal.join([{LINE}, {FALL}], [offset])", "one after another, from given steps on"
    ),
    "repeat": Entry(
        f"anneal.repeat({FALL}, cycles, value_factor=value_factor)",
        "cycles of any schedule",
        changes={"steps": {"default": 2_000, "least": 1, "most": 100_000}},
    ),
    "Repeat": Entry(
        f"anneal.repeat({FALL}, periods=[first_period, second_period, third_period],"
        " value_factor=value_factor)",
        "cycles of given lengths",
        changes={"steps": {"default": 2_000, "least": 1, "most": 100_000}},
    ),
    "Sum": Entry(f"anneal.Sum({WARM}, low)", "a sum", WARMED),
    "Product": Entry(
        f"anneal.Product({WARM}, anneal.Triangular(0.5, 1.0, up_steps, down_steps))",
        "a product",
        WARMED,
        changes={"up_steps": 500, "down_steps": 500},
    ),
    "Power": Entry(f"anneal.Power({WARM}, exponent)", "a power", WARMED, changes={"exponent": 1.2}),
    "Clip": Entry(
        f"anneal.Clip({WARM}, lower_bound, upper_bound)",
        "kept between bounds",
        (*WARMED, "lower_bound <= upper_bound"),
    ),
    "Maximum": Entry(f"anneal.Maximum({WARM}, low)", "the larger of two", WARMED),
    "maximum": Entry(f"anneal.maximum({WARM}, low)", "the larger of two", WARMED),
    "Minimum": Entry(f"anneal.Minimum({WARM}, upper_bound)", "the smaller of two", WARMED),
    "minimum": Entry(f"anneal.minimum({WARM}, upper_bound)", "the smaller of two", WARMED),
    "Shift": Entry(f"anneal.Shift({WARM}, offset)", "later", WARMED),
    "Every": Entry(
        "anneal.Every(anneal.Cosine(peak_value, end_value, cycles), interval)",
        "once per epoch",
        changes={"cycles": {"default": 20, "most": 100}},
    ),
    "Until": Entry(f"anneal.Until({WARM}, end)", "ended early", WARMED),
    "Reverse": Entry("anneal.Reverse(anneal.OneMinusSqrt(high, low, steps))", "backwards in time"),
    "Span": Entry(
        "anneal.Span(anneal.Cosine(high, low, 1), begin, end, power=power)",
        "a segment between two moments",
        ("begin < end",),
        changes={"begin": 1_000},
    ),
    "Noise": Entry(
        f"anneal.Noise({WARM}, key, {{distribution}}limit=limit, begin=begin)",
        "seeded noise on any schedule",
        WARMED,
        choices={"distribution": {"normal": "std=std, ", "uniform": 'distribution="uniform", '}},
    ),
    "as_schedule": Entry("anneal.as_schedule(value)", "a number as a schedule", view="1000"),
}

GROUPS = {
    "Recipes": RECIPES,
    "Segments": SEGMENTS,
    "Without end, and waves": OPEN_ENDED,
    "Tables": TABLES,
    "Compositions": COMPOSED,
}
ENTRIES = {name: entry for group in GROUPS.values() for name, entry in group.items()}
PRESETS = {
    "Cosine with warmup": ("warmup_cosine", {}, {}),
    "WSD": ("warmup_stable_decay", {}, {}),
    "SGDR": ("cosine_restarts", {"warmup_steps": 0}, {}),
    "One cycle": ("one_cycle", {}, {}),
}
