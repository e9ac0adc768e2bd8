"""Horizon: the length of training, and what 5%, 2 epochs or 1.5 billion tokens are in steps.

Schedules count optimizer steps and nothing else. People think in epochs, examples and
tokens, and how many of those a step consumes depends on batch size, gradient accumulation and
data parallelism. That arithmetic is done here, once, in exact fractions.
"""

import dataclasses
import math
import re
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeVar

from . import _checks
from ._numerics import MAX_STEP

_UNITS = {
    "%": ("%", "percent"),
    "step": ("step", "steps", "st"),
    "epoch": ("epoch", "epochs", "ep"),
    "example": ("example", "examples", "ex", "sample", "samples"),
    "batch": ("batch", "batches", "ba"),
    "token": ("token", "tokens", "tok"),
}
_UNIT_OF = {spelling: unit for unit, spellings in _UNITS.items() for spelling in spellings}
_MULTIPLES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12}
_DURATION = re.compile(
    r"\s*(\d[\d_]{0,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,2})?)\s*([kKMBGT]?)\s*(%|[a-z]*)\s*"
)  # (an exponent of more digits would ask for numbers that take minutes to write out)
S = TypeVar("S", bound=Callable[..., Any])
_LOADERS = ("drop", "keep", "carry")


@dataclasses.dataclass(frozen=True)
class Horizon:
    """The length of training, and the conversion of epochs, examples and tokens to steps.

    `horizon(duration)` turns a duration into whole optimizer steps. A duration is a string of a
    number, optionally a multiple (`k`, `M`, `B` or `G`, `T`), and a unit: `"500steps"` (`st`),
    `"2ep"` (`epochs`), `"10_000ex"` (`examples`, `samples`), `"400ba"` (`batches`),
    `"1.5Btok"` (`tokens`), `"5%"` of the total. A Python int already counts optimizer steps.
    Results are rounded to the nearest step, halves upwards, but a positive duration is at least
    one step.

    One optimizer step takes `batch_size * accumulation_steps * data_parallel` examples.

    Args:
      total: length of training, in any unit but percent; an int counts optimizer steps.
      batch_size: examples in one batch on one data-parallel replica (in one call of the loss). If
        `accumulation_steps` and `data_parallel` are 1, that is the usual batch size.
      examples_per_epoch: size of the data set in examples.
      tokens_per_example: sequence length in tokens.
      accumulation_steps: batches whose gradients are accumulated into one optimizer step
        (the `every_k_schedule` of `optax.MultiSteps`).
      data_parallel: replicas that each take a batch of their own at the same time.
      remainder: what the data loader does with an incomplete batch at the end of an epoch:
        `"drop"` it, `"keep"` it as a short batch, or `"carry"` it over into the next epoch.
      accumulation_remainder: what the train loop does where an epoch ends in the middle of an
        accumulation: `"carry"` it on into the next epoch (`optax.MultiSteps`), `"keep"` it as a
        step of fewer batches (Transformers' `Trainer`), or `"drop"` it.

    Raises:
      ValueError: if a size is not a whole number of at least 1, the total is below one step, a unit
        is unknown or missing, or the size that a unit needs was not given.

    Example:
        >>> import anneal_jax as anneal
        >>> h = anneal.Horizon(total="3ep", examples_per_epoch=50_000, batch_size=256)
        >>> h.total_steps, h("5%"), h("1ep"), h("25_600ex"), h(100)
        (585, 29, 195, 100, 100)
        >>> schedule = anneal.warmup_cosine(3e-4, h("5%"), h("100%"))
        >>> anneal.Horizon(
        ...     "2Btok",
        ...     batch_size=8,
        ...     tokens_per_example=1024,
        ...     data_parallel=4,
        ...     accumulation_steps=2,
        ... ).total_steps
        30518
    """

    total: str | int
    batch_size: int | None = None
    examples_per_epoch: int | None = None
    tokens_per_example: int | None = None
    accumulation_steps: int = 1
    data_parallel: int = 1
    remainder: str = "drop"
    accumulation_remainder: str = "carry"

    def __post_init__(self) -> None:
        for name in ("remainder", "accumulation_remainder"):
            _checks.nearest("Horizon", name, getattr(self, name), _LOADERS)
        for field in dataclasses.fields(self)[:-2]:
            size = _checks.integer(getattr(self, field.name))
            object.__setattr__(self, field.name, size)
            if (
                field.name != "total"
                and size is not None
                and (not isinstance(size, int) or isinstance(size, bool) or size < 1)
            ):
                remedy = "give a count of at least 1"
                _checks.fail("Horizon", field.name, "a positive whole number", size, remedy)
        if isinstance(self.total, str) and self.total.strip().endswith(_UNITS["%"]):
            remedy = "say how long the whole is, in steps, epochs, examples or tokens"
            _checks.fail("Horizon", "total", "an absolute duration", self.total, remedy)
        if self.total_steps < 1:
            _checks.fail("Horizon", "total", "at least one step", self.total, "lengthen it")

    @property
    def total_steps(self) -> int:
        """The length of training in optimizer steps."""
        return self(self.total)

    @property
    def examples_per_step(self) -> int:
        """Examples that one optimizer step consumes, over all replicas and accumulated batches."""
        batch_size = self._size("batch_size", "examples, epochs or tokens")
        return batch_size * self.accumulation_steps * self.data_parallel

    @property
    def steps_per_epoch(self) -> Fraction:
        """Optimizer steps in one pass over the data: a fraction, as a step may span two epochs."""
        examples = self._size("examples_per_epoch", "epochs")
        batch = self._size("batch_size", "epochs") * self.data_parallel
        batches = Fraction(examples, batch)
        if self.remainder != "carry":
            batches = Fraction(
                examples // batch if self.remainder == "drop" else -(-examples // batch)
            )
        if not batches:
            rule = f"at least one batch of {batch} where the remainder is dropped"
            _checks.fail("Horizon", "examples_per_epoch", rule, examples, 'or use remainder="keep"')
        steps = batches / self.accumulation_steps
        if self.accumulation_remainder == "carry":
            return steps
        steps = Fraction(math.ceil(steps) if self.accumulation_remainder == "keep" else int(steps))
        if not steps:
            rule = f"at most the {batches} batches of an epoch where a remainder is dropped"
            remedy = 'or use accumulation_remainder="keep"'
            _checks.fail("Horizon", "accumulation_steps", rule, self.accumulation_steps, remedy)
        return steps

    def __call__(self, duration: str | int) -> int:
        """`duration` in optimizer steps.

        Args:
          duration: a string such as `"5%"`, `"2ep"` or `"1.5Btok"`; an int counts steps already.

        Returns:
          A whole number of optimizer steps, from 0 to 2**31 - 1.

        Raises:
          ValueError: if `duration` has no unit or an unknown one, is too long, or the size that its
            unit needs was not given.
        """
        duration = _checks.integer(duration)
        if isinstance(duration, int) and not isinstance(duration, bool):
            _checks.steps("Horizon", "the duration", duration)
            return duration
        amount, unit = self._parsed(duration)
        exact = amount * self._steps_per(unit)
        steps = max(int(exact + Fraction(1, 2)), 1 if exact > 0 else 0)
        if steps > MAX_STEP:
            _checks.fail("Horizon", "the duration", "below 2**31 steps", duration, "shorten it")
        return steps

    def check(self, schedule: S) -> S:
        """`schedule` itself, with a warning if it does not end where training does.

        Args:
          schedule: any schedule; one without an end always fits.

        Returns:
          The schedule.

        Example:
            >>> import anneal_jax as anneal
            >>> h = anneal.Horizon(total=1_000)
            >>> schedule = h.check(anneal.warmup_cosine(3e-4, h("5%"), h("100%")))
        """
        told = self.misfit(schedule)
        if told:
            warnings.warn(f"Horizon: {told}; build it with horizon('100%').", stacklevel=2)
        return schedule

    def misfit(self, schedule: Callable[..., Any]) -> str:
        """What happens where a schedule does not end with training; "" if it does, or has no end.

        A schedule one step shorter fits, too: the last step then takes its end value.
        """
        steps, total = _checks.whole(getattr(schedule, "steps", None)), self.total_steps
        if not isinstance(steps, int) or total - 1 <= steps <= total:
            return ""
        end = float(schedule(steps))
        if steps < total:
            return f"the schedule ends at step {steps} of {total}, and holds {end:.4g} from there"
        last = float(schedule(total - 1))
        return (
            f"training ends at step {total} of the schedule's {steps}, at {last:.4g}, not {end:.4g}"
        )

    def examples(self, steps: int) -> int:
        """Examples seen after `steps` optimizer steps."""
        return steps * self.examples_per_step

    def tokens(self, steps: int) -> int:
        """Tokens seen after `steps` optimizer steps."""
        return self.examples(steps) * self._size("tokens_per_example", "tokens")

    def epochs(self, steps: int) -> float:
        """Passes over the data after `steps` optimizer steps."""
        return float(steps / self.steps_per_epoch)

    def _parsed(self, duration: object) -> tuple[Fraction, str]:
        rule = "a number with a unit"
        if not isinstance(duration, str):
            remedy = "a fraction or a count? Write '5%', or a whole int for steps"
            _checks.fail("Horizon", "the duration", rule, duration, remedy)
        match = _DURATION.fullmatch(duration)
        if match is None:
            remedy = "write it like '500steps', '2ep', '10_000ex', '1.5Btok' or '5%'"
            _checks.fail("Horizon", "the duration", rule, duration, remedy)
        number, multiple, unit = match.groups()
        if not unit:
            remedy = "add steps, ep, ex, ba, tok or %"
            _checks.fail("Horizon", "the duration", rule, duration, remedy)
        _checks.nearest("Horizon", "the unit of a duration", unit, _UNIT_OF)
        return Fraction(number.replace("_", "")) * _MULTIPLES[multiple], _UNIT_OF[unit]

    def _steps_per(self, unit: str) -> Fraction:
        if unit == "%":
            return Fraction(self.total_steps, 100)
        if unit == "epoch":
            return self.steps_per_epoch
        if unit == "batch":
            return Fraction(1, self.accumulation_steps)
        if unit == "step":
            return Fraction(1)
        tokens = self._size("tokens_per_example", "tokens") if unit == "token" else 1
        return Fraction(1, self.examples_per_step * tokens)

    def _size(self, name: str, needed_for: str) -> int:
        size = getattr(self, name)
        if size is None:
            _checks.fail("Horizon", name, f"given to count in {needed_for}", None, "pass it")
        return size
