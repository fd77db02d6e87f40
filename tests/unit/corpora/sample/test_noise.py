from random import Random

from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.corpora.sample.noise import Piece, add_noise, assemble, draw_link
from smm4h_core.corpora.sample.phrases import read_phrases

SLANG = read_phrases("en").slang
PIECES = (
    Piece("because of "),
    Piece("Seroquel", "DRUG"),
    Piece(" and you know "),
    Piece("going to sleep 🤦🏽‍♂️ for 14 hours", "ADE", "HP:0001262"),
)


def test_assemble_counts_offsets_in_code_points() -> None:
    text, mentions = assemble((Piece("🤷‍♀️ "), Piece("сыпь", "ADE", "HP:0000988"), Piece("!")))
    assert text == "🤷‍♀️ сыпь!"
    assert (mentions[0].span.start, mentions[0].span.end) == (5, 9)


@given(st.integers(0, 10**6), st.sampled_from(["plain", "bad", "good", "unsure", "sober"]))
def test_add_noise_keeps_every_mention_and_its_text(seed: int, mood: str) -> None:
    pieces = add_noise(PIECES, SLANG, Random(seed), mood=mood)  # type: ignore[arg-type]
    text, mentions = assemble(pieces)
    assert [mention.type for mention in mentions] == ["DRUG", "ADE"]
    assert mentions[1].concept_id == "HP:0001262"
    for mention in mentions:
        assert text[mention.span.start : mention.span.end] == mention.text


def test_add_noise_never_touches_a_link() -> None:
    link = draw_link(Random(1))
    for seed in range(200):
        pieces = add_noise((Piece("Buy it "), Piece(link)), SLANG, Random(seed), mood="sober")
        assert any(piece.text == link for piece in pieces)


def test_add_noise_of_a_sober_author_adds_no_chatter() -> None:
    for seed in range(200):
        text, _ = assemble(add_noise(PIECES, SLANG, Random(seed), mood="sober"))
        assert "@" not in text
        assert not any(text.lower().startswith(opener + " ") for opener in SLANG.openers)


def test_add_noise_puts_no_slang_before_a_review() -> None:
    for seed in range(200):
        text, _ = assemble(add_noise((Piece("Taken daily."),), SLANG, Random(seed), mood="good"))
        assert not any(text.lower().startswith(opener + " ") for opener in SLANG.openers)


def test_add_noise_makes_every_sort_of_noise() -> None:
    posts = [assemble(add_noise(PIECES, SLANG, Random(s), mood="bad"))[0] for s in range(300)]
    clean = "".join(piece.text for piece in PIECES)
    for sign in ("@someone_", "#Seroquel", "&amp;", "https://t.co/", "BECAUSE", "cuz", "lol"):
        assert any(sign in post for post in posts), sign
    assert any(post[: len(clean)] == clean for post in posts)
    assert any("roquel" in post and "seroquel" not in post.lower() for post in posts)
