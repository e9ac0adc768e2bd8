"""The text of the transformer example: what is held out, what tokens are, what a step sees."""

import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from examples.command_line import BadInput
from examples.transformer_lm import data, encoder, order, prepare, text as texts, tokenizer
from examples.transformer_lm.data import Tokens, batches
from examples.transformer_lm.tokenizer import BytePairs, Characters
from tests import example_runs

ROOT = Path(__file__).resolve().parent.parent
SHAKESPEARE = ROOT.parent / "shared/data/text/tinyshakespeare.txt"
KINDS = ("characters", "bpe")
# Unlike a real one: words and spaces of every kind, cut anywhere.
PROSE = "It's a  test:\r\n\n\tthe naïve 😀 one, \u3000of it…\n \n" * 40 + "the end, e\u0301\x00"


def load(*text, prepared=None, kind="characters", vocabulary=300, block_size=4):
    return data.load(text, prepared, kind, vocabulary, block_size)


@pytest.fixture
def prose(tmp_path):
    """Two files; the first ends inside a word."""
    files = tmp_path / "a", tmp_path / "b"
    for file, part in zip(files, (PROSE[:301], PROSE[301:]), strict=True):
        file.write_bytes(part.encode())
    return files


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks that cut characters, words and spaces."""
    monkeypatch.setattr(texts, "CHUNK", 7)
    monkeypatch.setattr(tokenizer, "PIECE", 5)


def prepared(files, out, *more):
    options = ("--text", *map(str, files), "--out", str(out), "--no-progress", *more)
    assert prepare.main(options) == 0
    return out


@pytest.fixture
def refused(capsys, tmp_path):
    def run(*text, more=()):
        options = ["--text", *map(str, text), "--out", str(tmp_path / "out"), "--no-progress"]
        return example_runs.refusal(prepare.main, [*options, *more], capsys)

    return run


class TestSplit:
    def test_no_paragraph_is_in_both_parts_and_none_is_there_twice(self):
        topics = texts.help_topics()
        train, validation = (part.split("\n\n") for part in texts.split_by_paragraph(topics))
        assert not set(train) & set(validation)
        assert len(set(train)) == len(train)
        assert len(set(validation)) == len(validation)
        assert {p.strip("\n") for p in topics} == set(train) | set(validation)
        assert 0.05 < len(validation) / (len(train) + len(validation)) < 0.15

    def test_a_paragraph_stays_in_its_part_whatever_stands_around_it(self):
        paragraphs = [f"paragraph {i}" for i in range(200)]
        held_out = set(texts.split_by_paragraph(paragraphs)[1].split("\n\n"))
        fewer = texts.split_by_paragraph(paragraphs[::-1][50:])[1].split("\n\n")
        assert set(fewer) == held_out & set(paragraphs[::-1][50:])

    def test_given_files_are_split_in_order(self, tmp_path):
        (tmp_path / "a").write_text("ab" * 30, encoding="utf-8")
        (tmp_path / "b").write_text("cé" * 20, encoding="utf-8")
        corpus = load(tmp_path / "a", tmp_path / "b")
        assert corpus.tokenizer == Characters("abcé")
        assert everything(corpus) == ("ab" * 30 + "cé" * 15, "cé" * 5)
        assert corpus.characters == 10

    def test_shakespeare_is_split_as_nanogpt_splits_it(self):
        if not SHAKESPEARE.exists():
            pytest.skip("needs ../shared/data, which only the project's own machines have")
        corpus = load(SHAKESPEARE)
        assert (len(corpus.train), len(corpus.validation)) == (1_003_854, 111_540)
        assert corpus.tokenizer.size == 65

    def test_the_digest_is_that_of_the_text_and_of_a_learnt_tokenizer(self, tmp_path):
        (tmp_path / "a").write_text("0123456789" * 10)
        text = "0123456789" * 9 + "\0" + "0123456789"
        assert load(tmp_path / "a").digest == hashlib.sha256(text.encode()).hexdigest()[:12]
        corpus = load(tmp_path / "a", kind="bpe", vocabulary=256)
        text += "\0" + corpus.tokenizer.to_json()
        assert corpus.digest == hashlib.sha256(text.encode()).hexdigest()[:12]

    def test_without_a_file_there_are_the_help_topics(self):
        corpus = load()
        assert everything(corpus) == texts.split_by_paragraph(texts.help_topics())
        assert corpus.characters == len(corpus.validation)


def everything(corpus):
    """The text of both parts."""
    parts = (tokens.at(np.array([0]), len(tokens))[0] for tokens in corpus[:2])
    return tuple(corpus.tokenizer.decode(part) for part in parts)


BYTE_PAIRS = BytePairs.train([PROSE], 400)


class TestTokenizer:
    def test_byte_pairs_restore_any_text(self):
        every = "".join(chr(i) for i in (*range(0x300), *range(0x300, 0x110000, 61)))
        every = every.encode(errors="ignore").decode()  # no half characters
        for text in ("", every, "lone \r and \r\n, \0, \ufeff, 👩‍👩‍👧, \uffff, e\u0301 \n\n"):
            assert BYTE_PAIRS.decode(BYTE_PAIRS.encode(text)) == text

    def test_byte_pairs_shorten_what_they_learnt_from(self):
        found = BYTE_PAIRS.encode(PROSE)
        assert found.max() < BYTE_PAIRS.size <= 400
        assert len(found) < len(PROSE.encode()) / 2

    def test_characters_are_indices_into_the_vocabulary(self):
        found = Characters("a😀é").encode("é😀a😀")
        assert found.tolist() == [2, 1, 0, 1]
        assert Characters("a😀é").decode(found) == "é😀a😀"

    @pytest.mark.parametrize("each", [Characters("a\n😀"), BYTE_PAIRS], ids=KINDS)
    def test_json_restores_it(self, each):
        restored = tokenizer.from_json(each.to_json())
        assert restored == each
        assert restored.size == each.size
        np.testing.assert_array_equal(restored.encode("a\n😀"), each.encode("a\n😀"))

    def test_tokens_are_as_narrow_as_the_vocabulary_allows(self):
        every = "".join(map(chr, range(0x10000, 0x20001)))
        for vocabulary, dtype in ((every[:-1], np.uint16), (every, np.uint32)):
            last = Characters(vocabulary).encode(vocabulary[-1])
            assert (last.dtype, last.tolist()) == (dtype, [len(vocabulary) - 1])

    @pytest.mark.parametrize("prompt", ["a b", "\U0010ffff", "\udc80"])
    def test_a_character_that_the_text_lacks(self, prompt):
        with pytest.raises(BadInput, match="every character must occur in the text"):
            Characters("ab").encode(prompt)

    def test_half_a_character(self):
        with pytest.raises(BadInput, match="text must be Unicode"):
            BYTE_PAIRS.encode("a\udc80")

    @pytest.mark.parametrize("json", ["", "{}", '{"version": 1}', "[]"])
    def test_json_of_something_else(self, json):
        with pytest.raises(BadInput, match="a tokenizer must be JSON"):
            tokenizer.from_json(json)

    def test_a_text_gives_the_same_tokens_however_it_comes_in_chunks(self, small_chunks):
        whole = BYTE_PAIRS._model.encode(PROSE).ids
        for length in (1, 7, 64):
            chunks = [PROSE[i : i + length] for i in range(0, len(PROSE), length)]
            assert np.concatenate([*BYTE_PAIRS.stream(chunks)]).tolist() == whole
            assert BytePairs.train(chunks, 400) == BYTE_PAIRS

    def test_a_text_without_spaces_does_not_pile_up(self, small_chunks):
        cut = list(tokenizer.pieces(itertools.repeat("x" * 50, 20)))
        assert "".join(cut) == "x" * 1000
        assert max(map(len, cut)) < 200


class TestBatches:
    def test_processes_and_resumed_runs_see_the_same(self):
        tokens = Tokens(np.arange(1000))
        whole = batches(tokens, 0, 0, 9, range(6), 6, 8)
        assert (whole.shape, whole.dtype) == ((9, 6, 9), np.int32)
        assert (np.diff(whole) == 1).all()
        for rows in (slice(2, 4), range(2, 4)):
            part = batches(tokens, 0, 5, 3, rows, 6, 8)
            np.testing.assert_array_equal(part, whole[5:8, 2:4])
        assert (batches(tokens, 1, 0, 9, range(6), 6, 8) != whole).mean() > 0.9
        assert (batches(tokens, -1, 0, 9, range(6), 6, 8) != whole).mean() > 0.9

    @pytest.mark.parametrize("length", [9, 10, 16, 17, 24, 25, 100])
    def test_every_token_is_learnt_from_and_predicted(self, length):
        drawn = batches(Tokens(np.arange(length)), 0, 0, 300, range(5), 5, 8)
        assert set(drawn[..., :-1].ravel()) == set(range(length - 1))
        assert set(drawn[..., 1:].ravel()) == set(range(1, length))

    def test_an_epoch_has_each_block_once_in_another_order(self):
        epochs = batches(Tokens(np.arange(8 * 101 + 3)), 0, 0, 40, range(50), 50, 8)
        epochs = epochs[..., :-1].reshape(20, 100, 8)  # batches divide epochs only here
        offsets = epochs.min((1, 2))
        for epoch, offset in zip(epochs, offsets, strict=True):
            assert sorted(epoch.ravel()) == list(range(offset, offset + 800))
        places = (epochs[..., 0] - offsets[:, None]) // 8
        assert len(set(offsets)) > 5
        assert (places[0] == np.arange(100)).mean() < 0.1
        assert (places[1:] == places[:-1]).mean() < 0.03

    @pytest.mark.parametrize("size", [1, 2, 3, 4])
    def test_every_order_of_blocks_is_as_likely(self, size):
        keys = order.mix(order.key_of(0), np.arange(12_000)).repeat(size)
        found = order.permute(keys, np.tile(np.arange(size), 12_000), size).reshape(-1, size)
        every, count = np.unique(found, axis=0, return_counts=True)
        assert every.tolist() == [list(p) for p in itertools.permutations(range(size))]
        np.testing.assert_allclose(count, 12_000 / len(every), rtol=0.2)

    def test_late_steps_do_not_overflow(self):
        late = batches(Tokens(np.arange(1000)), 0, 2**40, 2, range(6), 6, 8)
        assert (np.diff(late) == 1).all()

    def test_a_file_is_like_memory_and_leaves_none_behind(self, tmp_path):
        memory = np.arange(1000, dtype=np.uint32)
        memory.tofile(tmp_path / "tokens")
        tokens = Tokens(tmp_path / "tokens", "uint32")
        starts = np.array([0, 990, 3])
        np.testing.assert_array_equal(tokens.at(starts, 10), Tokens(memory).at(starts, 10))

        if not Path("/proc/self/statm").exists():
            pytest.skip("needs /proc to see this process's memory")
        resident = lambda: int(Path("/proc/self/statm").read_text().split()[1])  # noqa: E731
        with (tmp_path / "long").open("wb") as file:
            file.truncate(2**28)
        tokens = Tokens(tmp_path / "long")
        pages = np.arange(0, len(tokens), 2**15)  # of 64 kB, which a map loads at once
        tokens.at(pages[:9], 10)
        before = resident()
        tokens.at(pages, 10)
        assert resident() - before < 2**24 // 4096  # 16 MB; a map that stays grows to 256 MB

    def test_windows_predict_every_token_once(self):
        windows = data.windows(Tokens(np.arange(22)), 4)
        assert windows[:, 1:].ravel().tolist() == list(range(1, 21))
        assert windows[:, :-1].ravel().tolist() == list(range(20))
        assert data.windows(Tokens(np.arange(22)), 4, most=3)[:, 0].tolist() == [0, 4, 12]


class TestPrepare:
    @pytest.mark.parametrize("kind", KINDS)
    def test_it_gives_what_loading_the_text_gives(self, kind, prose, small_chunks, tmp_path):
        direct = load(*prose, kind=kind)
        folder = prepared(prose, tmp_path / "out", "--tokenizer", kind, "--vocabulary=300")
        corpus = load(prepared=folder)
        assert corpus[2:] == direct[2:]
        for found, expected in zip(corpus[:2], direct[:2], strict=True):
            np.testing.assert_array_equal(data.windows(found, 4), data.windows(expected, 4))
            assert len(found) == len(expected)
        assert "".join(everything(corpus)) == PROSE
        assert {path.name for path in folder.iterdir()} == set(prepare.FILES)

    def test_a_long_text_is_learnt_from_in_samples_all_over_it(self, monkeypatch, tmp_path):
        (tmp_path / "a").write_text("".join(f"{chr(97 + i)} " * 500 for i in range(20)))
        monkeypatch.setattr(texts, "CHUNK", 100)
        monkeypatch.setattr(prepare, "SAMPLE", 1000)
        taken = []

        def make(kind, characters, train, vocabulary):
            taken.extend(train)
            return Characters(characters)

        monkeypatch.setattr(prepare, "make", make)
        prepared([tmp_path / "a"], tmp_path / "out")
        assert sum(map(len, taken)) == 1000
        assert len({chunk[0] for chunk in taken}) == len(taken) == 10

    def test_an_earlier_corpus_stays_until_the_new_one_is_complete(
        self, capsys, prose, refused, monkeypatch, tmp_path
    ):
        folder = prepared(prose[:1], tmp_path / "out")
        before = load(prepared=folder).digest
        assert "without results of an earlier run" in refused(*prose)
        with monkeypatch.context() as patch:
            patch.setattr(encoder.Encoder, "digest", lambda _: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                prepared(prose, folder, "--overwrite")
        assert load(prepared=folder).digest == before
        assert {path.name for path in folder.iterdir()} == set(prepare.FILES)
        prepared(prose, folder, "--overwrite")
        assert load(prepared=folder).digest == load(*prose).digest

    def test_text_that_cannot_be_read(self, refused, small_chunks, tmp_path):
        assert "at least one file" in refused()
        assert "check the path" in refused(tmp_path / "nowhere.txt")
        assert "can be read more than once" in refused(tmp_path)
        (tmp_path / "empty").touch()
        assert "the empty file" in refused(tmp_path / "empty")
        assert not (tmp_path / "out").exists()
        (tmp_path / "latin1").write_bytes("é".encode() * 8 + "Köln".encode("latin-1"))
        assert "byte 0xf6 at 17" in refused(tmp_path / "latin1")
        (tmp_path / "cut").write_bytes("é".encode() * 8 + "é".encode()[:1])
        assert "byte 0xc3 at 16" in refused(tmp_path / "cut")

    def test_too_small_a_vocabulary(self, prose, refused):
        printed = refused(*prose, more=["--tokenizer=bpe", "--vocabulary=255"])
        assert "--vocabulary must be at least 256" in printed


class TestPrepared:
    """A folder that is not as `prepare` left it gets one sentence."""

    @pytest.mark.parametrize("name", prepare.FILES)
    def test_a_missing_file(self, name, prose, tmp_path):
        folder = prepared(prose, tmp_path / "out")
        (folder / name).unlink()
        self.rejected(folder, f"{name}: No such file")

    @pytest.mark.parametrize("name", ["train.bin", "validation.bin"])
    def test_a_truncated_file(self, name, prose, tmp_path):
        folder = prepared(prose, tmp_path / "out")
        size = (folder / name).stat().st_size
        (folder / name).write_bytes((folder / name).read_bytes()[:-3])
        self.rejected(folder, f"{name} of {size - 3} bytes instead of {size}")

    def test_another_tokenizer(self, prose, tmp_path):
        folder = prepared(prose, tmp_path / "out")
        (folder / "tokenizer.json").write_text(Characters("ab").to_json())
        self.rejected(folder, "2 tokens instead of")

    @pytest.mark.parametrize("edit", [{"dtype": "text"}, {"more": 1}, {"train_tokens": None}])
    def test_another_corpus_json(self, edit, prose, tmp_path):
        path = prepared(prose, tmp_path / "out") / "corpus.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | edit))
        self.rejected(path.parent, "corpus.json: ")
        path.write_text("")
        self.rejected(path.parent, "corpus.json: ")

    @staticmethod
    def rejected(folder, found):
        with pytest.raises(BadInput, match="prepare it again") as error:
            load(prepared=folder)
        assert found in str(error.value)

    def test_text_beside_it(self, prose, tmp_path):
        with pytest.raises(BadInput, match="must not both be given"):
            load(*prose, prepared=tmp_path)

    def test_too_short_for_a_block(self, prose, tmp_path):
        folder = prepared(prose, tmp_path / "out")
        for source, option in (({"prepared": folder}, "prepared"), ({}, "text")):
            with pytest.raises(BadInput, match=f"--{option} must leave more .* for validation"):
                load(*(() if source else prose), **source, block_size=len(PROSE) // 2)
        with pytest.raises(BadInput, match=r"block-size 300 tokens for training, got \d+"):
            load(prose[0], kind="bpe", block_size=300)
