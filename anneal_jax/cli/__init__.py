"""The command line `anneal`: schedules shown, compared, converted; runs read and predicted.

Each command's module imports what it computes with where it is used: help and completion of
shells need no JAX.
"""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
      argv: its words; None: those that this process was called with.

    Returns:
      The exit code: 0; 1 for what cannot be done; 2 for words that cannot be understood.
    """
    try:
        from ._app import app
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("typer", "rich", "plotille"):
            raise
        print("anneal needs more packages: pip install 'anneal_jax[cli]'", file=sys.stderr)
        return 1
    try:
        app(None if argv is None else list(argv), prog_name="anneal")
    except SystemExit as stopped:
        return stopped.code if isinstance(stopped.code, int) else 1
    return 0
