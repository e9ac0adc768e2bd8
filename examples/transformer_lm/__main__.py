"""Train it: `python -m examples.transformer_lm`."""

import sys

from .train import main

if __name__ == "__main__":
    sys.exit(main())
