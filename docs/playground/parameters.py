"""The numbers that schedules are given on the page, by name: what they are and their ranges.

The ranges are those in which every schedule of `registry.py` accepts them; what more than one
number decides, such as a sum of phases, is a rule of the entry.
"""

from typing import Any, Literal, NamedTuple

Kind = Literal["value", "real", "duration", "count"]


class Parameter(NamedTuple):
    """A number on the page: a float ("value" in rates, "real") or a whole number."""

    kind: Kind
    default: float
    least: float
    most: float

    @property
    def whole(self) -> bool:
        return self.kind in ("duration", "count")


def _value(default: float, most: float = 10.0, least: float = 0.0) -> Parameter:
    return Parameter("value", default, least, most)


def _real(default: float, least: float, most: float) -> Parameter:
    return Parameter("real", default, least, most)


def _steps(default: int, least: int = 0, most: int = 1_000_000) -> Parameter:
    return Parameter("duration", default, least, most)


def _count(default: int, least: int, most: int) -> Parameter:
    return Parameter("count", default, least, most)


PARAMETERS: dict[str, Parameter] = {
    "peak_value": _value(3e-4),
    "init_value": _value(0.0),
    "end_value": _value(0.0),
    "value": _value(3e-4),
    "scale": _value(0.1, least=1e-8),
    "high": _value(3e-4),
    "low": _value(3e-5),
    "lower_bound": _value(5e-5),
    "upper_bound": _value(2e-4),
    "base_momentum": _value(0.85, most=1.0),
    "max_momentum": _value(0.95, most=1.0),
    "first_value": _value(3e-4),
    "second_value": _value(1e-4),
    "third_value": _value(3e-5),
    "total_steps": _steps(10_000, 1),
    "steps": _steps(10_000),
    "warmup_steps": _steps(500),
    "decay_steps": _steps(2_000),
    "flat_steps": _steps(7_000),
    "rewarmup_steps": _steps(100),
    "cycle_steps": _steps(1_000, 1, 100_000),
    "up_steps": _steps(1_000, 1),
    "down_steps": _steps(1_000, 1),
    "first_boundary": _steps(3_000, 1),
    "second_boundary": _steps(7_000, 1),
    "first_period": _steps(3_000, 1),
    "second_period": _steps(3_000, 1),
    "third_period": _steps(4_000, 1),
    "start": _steps(7_000),
    "begin": _steps(0),
    "end": _steps(6_000, 1),
    "offset": _steps(2_000, 0),
    "interval": _steps(500, 1),
    "timescale": _real(1_000.0, 1.0, 1e6),
    "delay": _real(0.0, 0.0, 1e6),
    "exponent": _real(1.0, 0.1, 5.0),
    "power": _real(1.0, 0.1, 5.0),
    "k": _real(2.0, 0.1, 10.0),
    "base": _real(2.0, 1.001, 1_000.0),
    "lower": _real(-7.0, -20.0, 0.0),
    "upper": _real(3.0, 0.1, 20.0),
    "least_factor": _real(0.05, 0.001, 1.0),
    "halves": _real(4.0, 0.1, 100.0),
    "decay_rate": _real(0.5, 0.001, 1.0),
    "gamma": _real(0.9998, 0.9, 1.0),
    "cycles": _count(4, 1, 8),
    "steps_factor": _real(2.0, 1.0, 3.0),
    "value_factor": _real(0.7, 0.01, 2.0),
    "floor_factor": _real(1.0, 0.01, 2.0),
    "warmup_fraction": _real(0.3, 0.0, 1.0),
    "div_factor": _real(25.0, 1.0, 1_000.0),
    "final_div_factor": _real(1e4, 1.0, 1e6),
    "model_size": _real(512.0, 1.0, 1e5),
    "factor": _real(1.0, 0.001, 100.0),
    "first_factor": _real(0.3, 0.0, 1.0),
    "second_factor": _real(0.1, 0.0, 1.0),
    "first_batch": _real(256.0, 1.0, 65_536.0),
    "second_batch": _real(512.0, 1.0, 65_536.0),
    "third_batch": _real(1_024.0, 1.0, 65_536.0),
    "reference": _real(256.0, 1.0, 65_536.0),
    "std": _real(0.1, 0.001, 1.0),
    "limit": _real(0.67, 0.01, 1.0),
    "key": _count(0, 0, 9_999),
}


def changed(name: str, change: Any) -> Parameter:
    """The parameter of this name with another default, or with other fields by name."""
    fields = change if isinstance(change, dict) else {"default": change}
    return PARAMETERS[name]._replace(**fields)
