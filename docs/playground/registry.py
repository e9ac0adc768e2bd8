"""Every public schedule on the page: one line of Python each.

The line is all there is to an entry. Its free names are the parameters, `{name}` a choice among
texts. It is evaluated with tracers to build the program, printed with numbers as the line to copy,
and read as a tree for the configuration (`lines.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHAPES = {
    shape: f"anneal.{shape}"
    for shape in ("Linear", "Cosine", "OneMinusSqrt", "OneMinusSquare", "Polynomial", "Logarithmic")
}
COOLDOWNS = {"OneMinusSqrt": ""} | {
    name: f", cooldown={text}" for name, text in SHAPES.items() if name != "OneMinusSqrt"
}
WARM = "anneal.warmup_cosine(peak_value, warmup_steps, total_steps)"
WARMED = "peak_value, warmup_steps=warmup_steps"
COOLED = f"{WARMED}, decay_steps=decay_steps, total_steps=total_steps"

POSITIVE = {
    "init_value": {"default": 3e-4, "least": 1e-8},
    "end_value": {"default": 3e-6, "least": 1e-8},
}
RISE = {"most": 0.5}


@dataclass(frozen=True)
class Entry:
    """A schedule: its line, what its numbers obey together, and how far to look."""

    line: str
    about: str  # a few words for the list
    rules: tuple[str, ...] = ()  # such as "warmup_steps + decay_steps <= total_steps"
    view: str | None = None  # steps to show of a schedule without end, in its parameters
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)  # to `PARAMETERS`


def _segment(name: str, about: str, *more: str, **changes: Any) -> Entry:
    given = "".join(f", {parameter}={parameter}" for parameter in more)
    line = f"anneal.{name}(init_value, end_value, steps{given})"
    return Entry(line, about, changes={"init_value": 3e-4} | changes)


WARMUP = ("warmup_steps <= total_steps",)
PHASES = ("warmup_steps + decay_steps <= total_steps",)
RISING = ("first_boundary < second_boundary",)
ENDS = ", init_value=init_value, end_value=end_value"

RECIPES = {
    "warmup_cosine": Entry(
        f"anneal.warmup_cosine({WARMED}, total_steps=total_steps{ENDS}, exponent=exponent)",
        "linear warmup, cosine decay",
        WARMUP,
    ),
    "warmup_linear": Entry(
        f"anneal.warmup_linear({WARMED}, total_steps=total_steps{ENDS})",
        "linear warmup, linear decay",
        WARMUP,
    ),
    "warmup_polynomial": Entry(
        f"anneal.warmup_polynomial({WARMED}, total_steps=total_steps{ENDS}, power=power)",
        "linear warmup, polynomial decay",
        WARMUP,
        changes={"power": 2.0},
    ),
    "warmup_constant": Entry(
        f"anneal.warmup_constant({WARMED}, init_value=init_value)",
        "linear warmup, then constant",
        view="10 * warmup_steps + 100",
    ),
    "warmup_inverse_sqrt": Entry(
        f"anneal.warmup_inverse_sqrt({WARMED}, timescale=timescale, init_value=init_value)",
        "linear warmup, 1/sqrt decay",
        view="warmup_steps + 10 * timescale",
    ),
    "noam": Entry(
        "anneal.noam(model_size, warmup_steps, factor=factor)",
        "the schedule of the first transformer",
        view="10 * warmup_steps",
        changes={"warmup_steps": {"default": 4_000, "least": 1}},
    ),
    "warmup_stable_decay": Entry(
        f"anneal.warmup_stable_decay({COOLED}{ENDS}{{cooldown}})",
        "WSD: warmup, plateau, cooldown",
        PHASES,
        choices={"cooldown": COOLDOWNS},
    ),
    "trapezoid": Entry(
        f"anneal.trapezoid({COOLED})",
        "warmup, plateau, linear cooldown",
        PHASES,
    ),
    "warmup_stable_decay_cycles": Entry(
        f"anneal.warmup_stable_decay_cycles({WARMED}, decay_steps=decay_steps,"
        f" periods=[first_period, second_period, third_period]{ENDS},"
        " rewarmup_steps=rewarmup_steps)",
        "WSD again and again",
        (
            "warmup_steps + decay_steps <= first_period",
            "rewarmup_steps + decay_steps <= second_period",
            "rewarmup_steps + decay_steps <= third_period",
        ),
        changes={"decay_steps": 1_000, "end_value": 3e-5},
    ),
    "flat_cosine": Entry(
        "anneal.flat_cosine(peak_value, flat_steps=flat_steps, total_steps=total_steps,"
        " end_value=end_value)",
        "constant, then a cosine decay",
        ("flat_steps <= total_steps",),
    ),
    "with_cooldown": Entry(
        "anneal.with_cooldown(anneal.warmup_inverse_sqrt(peak_value, warmup_steps,"
        " timescale=timescale), start, decay_steps, end_value=end_value{cooldown})",
        "any schedule, cooled down from a step on",
        choices={"cooldown": COOLDOWNS},
    ),
    "cosine_restarts": Entry(
        "anneal.cosine_restarts(peak_value, cycle_steps=cycle_steps{growth},"
        " value_factor=value_factor, end_value=end_value, warmup_steps=warmup_steps)",
        "SGDR: cosine with warm restarts",
        ("warmup_steps < cycle_steps",),
        view="6 * cycle_steps",
        choices={
            "growth": {
                "× 2, counted": ", cycles=cycles, steps_factor=2",
                "× 2, without end": ", steps_factor=2",
                "× 1.5, counted": ", cycles=cycles, steps_factor=1.5",
                "equal, counted": ", cycles=cycles",
                "equal, without end": "",
            },
        },
        changes={"warmup_steps": 50},
    ),
    "one_cycle": Entry(
        "anneal.one_cycle(peak_value, total_steps=total_steps, warmup_fraction=warmup_fraction,"
        " div_factor=div_factor, final_div_factor=final_div_factor{three_phase}{shape})",
        "1cycle: up to a large peak, then far down",
        choices={
            "three_phase": {"no": "", "yes": ", three_phase=True"},
            "shape": {"Cosine": "", "Linear": ", shape=anneal.Linear"},
        },
        changes={"peak_value": 1e-3, "warmup_fraction": RISE},
    ),
    "one_cycle_momentum": Entry(
        "anneal.one_cycle_momentum(base_momentum, max_momentum, total_steps=total_steps,"
        " warmup_fraction=warmup_fraction{three_phase}{shape})",
        "the momentum that goes with 1cycle",
        choices={
            "three_phase": {"no": "", "yes": ", three_phase=True"},
            "shape": {"Cosine": "", "Linear": ", shape=anneal.Linear"},
        },
        changes={"warmup_fraction": RISE},
    ),
    "warmup_multi_step": Entry(
        f"anneal.warmup_multi_step({WARMED}, boundaries=[first_boundary, second_boundary],"
        " factors=[first_factor, second_factor], init_value=init_value)",
        "linear warmup, then drops",
        ("warmup_steps < first_boundary", *RISING),
        view="1.3 * second_boundary",
    ),
    "deepseek_steps": Entry(
        f"anneal.deepseek_steps({WARMED}, total_steps=total_steps)",
        "warmup, drops at 80% and 90%",
        ("2 * warmup_steps <= total_steps",),
        changes={"total_steps": {"least": 20}},
    ),
    "linear_scaling": Entry(
        "anneal.linear_scaling(peak_value, anneal.PiecewiseConstant([first_boundary,"
        " second_boundary], [first_batch, second_batch, third_batch]), reference)",
        "a rate that follows the batch size",
        RISING,
        view="1.3 * second_boundary",
    ),
    "sqrt_scaling": Entry(
        "anneal.sqrt_scaling(peak_value, anneal.PiecewiseConstant([first_boundary,"
        " second_boundary], [first_batch, second_batch, third_batch]), reference)",
        "a rate that follows the root of the batch size",
        RISING,
        view="1.3 * second_boundary",
    ),
    "k_decay": Entry(
        "anneal.k_decay(anneal.Cosine(peak_value, end_value, steps), k)",
        "a segment that falls later",
        changes={"steps": {"least": 1}},
    ),
}

SEGMENTS = {
    "Linear": _segment("Linear", "a straight line"),
    "Cosine": _segment("Cosine", "half a cosine", "exponent"),
    "Polynomial": _segment("Polynomial", "a power of the time left", "power", power=2.0),
    "OneMinusSqrt": _segment("OneMinusSqrt", "1 - sqrt: a fast, then steady fall"),
    "OneMinusSquare": _segment("OneMinusSquare", "1 - square: a late fall"),
    "Exponential": _segment("Exponential", "a constant ratio per step", **POSITIVE),
    "ShiftedExponential": _segment("ShiftedExponential", "exponential, reaching zero", "base"),
    "Logarithmic": _segment("Logarithmic", "even in the logarithm of time"),
    "Harmonic": _segment("Harmonic", "even in 1 / value", **POSITIVE),
    "Rex": _segment("Rex", "reflected exponential"),
    "Tanh": _segment("Tanh", "a piece of tanh", "lower", "upper"),
    "Constant": Entry("anneal.Constant(value, steps)", "one value"),
    "Function": Entry(
        "anneal.Function(lambda step: peak_value * timescale / (timescale + step))",
        "any function of the step",
        view="10 * timescale",
    ),
}
