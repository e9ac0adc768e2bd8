"""Encode a long text once, for any number of runs: `python -m examples.transformer_lm.prepare`.

    --text FILE … --out FOLDER                    one token for each character
    --text FILE … --out FOLDER --tokenizer bpe    byte pairs, learnt from the text

Then train with `--prepared FOLDER`. Neither takes more memory for a longer text.
"""

import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from .. import command_line
from ..command_line import BadInput, make_folder, reject
from . import text as texts
from .data import Prepared
from .encoder import Encoder
from .tokenizer import Kind, dtype_of, make

FILES = ("train.bin", "validation.bin", "tokenizer.json", "corpus.json")
SAMPLE = 100_000_000  # characters that byte pairs are learnt from, spread over a longer text


@dataclasses.dataclass(frozen=True)
class Options:
    """Encode a long text once, for any number of runs with --prepared."""

    text: tuple[Path, ...]  # UTF-8 files; their last tenth is held out for validation
    out: Path  # folder for train.bin, validation.bin, tokenizer.json and corpus.json
    tokenizer: Kind = "characters"  # what a token is; bpe: a frequent run of bytes
    vocabulary: int = 4096  # tokens of bpe
    overwrite: bool = False  # replace an earlier corpus in that folder
    progress: bool = True  # show the progress bar


def prepare(options: Options) -> Prepared:
    """Write the four files; returns what corpus.json says."""
    if not options.text:
        reject("text", "at least one file", "none", "name one")
    for path in options.text:
        if path.exists() and not path.is_file():
            reject("text", "files, which can be read more than once", path, "give a file")
        next(texts.read([path]))  # what cannot be read is told before anything is written
    # With --overwrite, an earlier corpus stays until the new one is complete.
    make_folder(options.out, () if options.overwrite else FILES, overwrite=False)

    characters, occurring = texts.survey(read(options, "characters"))
    cut = texts.train_length(characters)
    learnt = texts.between(read(options, "byte pairs"), 0, cut)
    sample = islice(learnt, 0, None, max(1, -(-cut // SAMPLE)))
    tokenizer = make(options.tokenizer, occurring, sample, options.vocabulary)
    encoder = Encoder(tokenizer)

    def write(path: Path, start: int, stop: int) -> int:
        count = 0
        with path.open("wb") as file:
            for tokens in encoder.part(texts.between(read(options, path.stem), start, stop)):
                file.write(tokens.tobytes())
                count += len(tokens)
        return count

    with replacing(options.out) as (train, validation, restores, vouches):
        sizes = write(train, 0, cut), write(validation, cut, characters), characters - cut
        restores.write_text(tokenizer.to_json(), "utf-8")
        source = ", ".join(str(path) for path in options.text)
        dtype = dtype_of(tokenizer.size).name
        facts = Prepared(encoder.digest(), source, dtype, tokenizer.size, *sizes)
        vouches.write_text(json.dumps(facts._asdict(), indent=2) + "\n", "utf-8")
    return facts


def read(options: Options, doing: str) -> Iterator[str]:
    """The text from its beginning, behind a progress bar."""
    chunks = sum(-(-path.stat().st_size // texts.CHUNK) for path in options.text)
    hidden = not options.progress
    text = texts.read(options.text)
    yield from tqdm(text, doing, chunks, unit="MiB", disable=hidden, leave=False)


@contextmanager
def replacing(folder: Path) -> Iterator[list[Path]]:
    """Paths to write `FILES` to; only once all are complete do they get their names.

    corpus.json, which vouches for the others, goes first and comes last.
    """
    parts = [folder / f"{name}.part" for name in FILES]
    try:
        yield parts
        (folder / FILES[-1]).unlink(missing_ok=True)
        for part, name in zip(parts, FILES, strict=True):
            part.replace(folder / name)
    except OSError as error:
        reject("out", "a folder with room to write", folder, f"choose another ({error.strerror})")
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        program = "python -m examples.transformer_lm.prepare"
        options = command_line.parse(Options, program, arguments)
        facts = prepare(options)
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped by hand; nothing was changed.", file=sys.stderr)
        return 130
    print(
        f"{facts.train_tokens:,} + {facts.validation_tokens:,} tokens held out, "
        f"{facts.vocabulary:,} different, hash {facts.digest}\n"
        f"written to {options.out}; train with --prepared {options.out}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
