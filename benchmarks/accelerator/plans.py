"""How often a train step is compiled while plans change: the benchmark of all devices."""

from collections.abc import Iterator

from benchmarks import recompilations

from .measurements import Clock, Measurement, Row


def measurements(quick: bool) -> Iterator[Measurement]:
    """One: it takes seconds."""
    del quick
    yield Measurement("compilations while plans change", _rows)


def _rows(clock: Clock) -> Iterator[Row]:
    del clock
    yield from (Row(*row) for row in recompilations.rows())
