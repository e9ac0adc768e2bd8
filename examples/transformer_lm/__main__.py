"""Train it: `python -m examples.transformer_lm`."""

from ..command_line import leave
from .train import main

if __name__ == "__main__":
    leave(main())
