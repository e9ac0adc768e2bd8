"""The bar of a long computation."""

from typing import Any

from . import _checks


def progress_bar(owner: str, total: int | None, unit: str, progress: bool) -> Any:
    """A bar on the standard error, where that is a terminal and `progress` asks for one."""
    _checks.flag(owner, "progress", progress)
    from tqdm import tqdm

    without_terminal = None  # tqdm's word for it
    return tqdm(total=total, desc=owner, unit=unit, disable=without_terminal if progress else True)
