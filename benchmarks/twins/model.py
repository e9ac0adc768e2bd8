"""What both sides train, and how much work that is."""

import math
from typing import NamedTuple


class Model(NamedTuple):
    """A model, its batch, and how it is measured. A round is `steps` training steps."""

    blocks: int = 4
    heads: int = 4
    width: int = 128
    block_size: int = 64
    batch: int = 12  # sequences; of a GPU with less memory, fewer
    vocabulary: int = 65
    dtype: str = "float32"  # of matrix products
    steps: int = 50
    attention: str = ""  # of the JAX side: another implementation than the example's
    compile: bool = False  # of the PyTorch side: by torch.compile, which takes a minute or two
    device: str = "cpu"  # or "gpu": whatever accelerator there is

    @property
    def tokens(self) -> int:
        """Of a step."""
        return self.batch * self.block_size

    def flops_per_token(self, parameters: int) -> float:
        """Of training, forward and backward, as PaLM counts them (arXiv 2204.02311, appendix B).

        Six for every weight of a matrix product (the embedding is looked up), and twelve for
        every pair of tokens and number of the stream in attention, whose causal half is not
        left out.
        """
        weights = parameters - self.vocabulary * self.width
        return 6 * weights + 12 * self.blocks * self.width * self.block_size

    def fitting(self, memory: int | None) -> "Model":
        """The same with the largest batch, halved as often as needed, that fits these bytes.

        By a rough count for attention whose scores are all stored; too large is noticed anyway.
        """
        if not memory:
            return self
        length = self.block_size
        block = 8 * self.heads * length**2 + 60 * self.width * length
        each = self.blocks * block + 12 * self.vocabulary * length
        most = max(1, int(0.65 * memory / each))
        return self._replace(batch=min(self.batch, 2 ** int(math.log2(most))))
