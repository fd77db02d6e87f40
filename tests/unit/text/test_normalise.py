import time
from itertools import pairwise

import pytest
from emoji import EMOJI_DATA
from hypothesis import given, settings
from hypothesis import strategies as st

from smm4h_core.text.emoji_words import EMOJI_WORDS, EmojiMode
from smm4h_core.text.normalise import Normalised, normalise

FAMILY = "👨\u200d👩\u200d👧"
SKULL_FLAG = "🏴\u200d☠\ufe0f"
FRAGMENTS = [
    *("😩", "💉🏽", "😂\ufe0f", FAMILY, SKULL_FLAG, "🇷🇺", "1\ufe0f\u20e3", "❤", "®", "🇷"),
    *(
        "\u200d",
        "\ufe0f",
        "\ufe0e",
        "\u20e3",
        "🏽",
        "\u0301",
        "\ud83d",
        "\ude29",
        "\x00",
        "\n",
        " ",
    ),
    *(
        "@",
        "@bob",
        "@username",
        "&amp;",
        "&amp;lt;",
        "&",
        "http://",
        "t.co/a1",
        "www.",
        "a.ru",
        "me@",
    ),
    *("(", ")", ".", ",", "…", "»", "/x", "pain", "боль", "é"),
]
texts = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(st.characters(), max_size=3))).map(
    "".join
)
modes: st.SearchStrategy[EmojiMode] = st.sampled_from(["map", "keep", "drop", "describe"])
posts = st.builds(
    lambda text, lang, emoji: normalise(text, lang=lang, emoji=emoji),
    texts,
    st.sampled_from(["en", "ru"]),
    modes,
)
# The pattern is compiled on the first call, which the deadline of a single example would count.
unhurried = settings(deadline=None)


def english(text: str, emoji: EmojiMode = "map") -> str:
    return normalise(text, lang="en", emoji=emoji).text


@pytest.mark.parametrize(
    "url",
    [
        "https://t.co/AbC123",
        "HTTP://example.com",
        "http://en.wikipedia.org/wiki/Mercury_(element)",
        "http://example.com:8080/a?b=1&amp;c=2#d",
        "https://ru.wikipedia.org/wiki/Аспирин",
        "www.example.com",
        "WWW.example.com/a,b;c",
        "t.co/abc",
        "pic.twitter.com/xyz1",
        "bit.ly/x",
        "youtu.be/a-B_c",
        "nhs.uk/medicines",
        "x.com/bob/status/17",
        "example.com",
        "сайт.рф",
        "boots.co.uk",
    ],
)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        *(("", ""), ("see ", ""), ("(", ")"), ("«", "»"), ('"', '".'), ("'", "'"), ("", "?!")),
        *(("", "…"), ("a:\n", ",\nb"), ("&quot;", "&quot;"), ("", " &amp; more")),
    ],
)
def test_normalise_replaces_a_url_without_the_punctuation_around_it(
    url: str, before: str, after: str
) -> None:
    expected = f"{before}link{after}".replace("&quot;", '"').replace("&amp;", "&")
    assert english(f"{before}{url}{after}") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("off my meds.I slept", "meds.And/or", "т.е. и т.д.", "боль.Потом", "3.5mg", "37.5/75 mg"),
        *("2 a.m./p.m.", "mg.kg/day", "word.to/from", "leaflet.pdf", "e.g. this", "Ph.D.", "A...b"),
        *(
            "bob@example.com",
            "bob.ru@mail.com",
            "иван@mail.ru",
            "a-b@my-site.org",
            "https://",
            "://",
        ),
        *("bob@www.example.com", "http://…", "fine.Com"),
    ],
)
def test_normalise_leaves_what_only_looks_like_a_url_or_a_mention(text: str) -> None:
    assert english(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("painpic.twitter.com/a1", "pain link"),
        ("lookhttps://t.co/a1", "look link"),
        ("https://t.co/a1Потом", "link Потом"),
        ("http://a.com/x😂", "link laughing"),
    ],
)
def test_normalise_parts_a_url_from_words_glued_to_it(text: str, expected: str) -> None:
    assert english(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@bob: hi", "@username: hi"),
        (".@Bob_1, (@x)", ".@username, (@username)"),
        ("@a_name_longer_than_fifteen!", "@username!"),
        ("RT@bob hi", "RT @username hi"),
        ("@bobпривет", "@username привет"),
        ("@username and @usernames", "@username and @username"),
        ("slept @ 2, @, @@", "slept @ 2, @, @@"),
        ("https://medium.com/@bob", "link"),
    ],
)
def test_normalise_replaces_mentions(text: str, expected: str) -> None:
    assert english(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R&amp;D", "R&D"),
        ("&lt;3 &gt; &quot;x&quot; &#39;", '<3 > "x" \''),
        ("&amp;amp; &amp;lt; &amp;amp;quot;", '& < "'),
        ("&nbsp; &copy; &amp &AMP; & &;", "&nbsp; &copy; &amp &AMP; & &;"),
    ],
)
def test_normalise_unescapes_what_twitter_escapes(text: str, expected: str) -> None:
    assert english(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ouch😩😩", "ouch crying crying"),
        ("😩ouch (😩)!", "crying ouch (crying)!"),
        ("💉🏽 😂\ufe0f", "injection laughing"),
        ("😩#adr", "crying #adr"),
        ("❤😩❤", "❤ crying ❤"),
        (f"{FAMILY}🇷🇺{SKULL_FLAG}1\ufe0f\u20e3", f"{FAMILY}🇷🇺{SKULL_FLAG}1\ufe0f\u20e3"),
    ],
)
def test_normalise_maps_listed_emoji_and_keeps_the_others(text: str, expected: str) -> None:
    assert english(text) == expected


def test_normalise_does_not_count_a_masked_mention_as_replaced() -> None:
    assert normalise("hi @username!", lang="en").replaced == ()


def test_normalise_maps_emoji_in_the_language_of_the_post() -> None:
    every = "💉💀💊🔬💤🚬😂😆😴😾😤😡😪😩😨😰💩"
    assert set(EMOJI_WORDS["en"]) == set(EMOJI_WORDS["ru"]) == set(every)
    assert normalise("боль😩 💉", lang="ru").text == "боль плач укол"


def test_normalise_keeps_emoji_when_asked() -> None:
    assert english("😩😂 @bob", "keep") == "😩😂 @username"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"a {FAMILY}, 🇷🇺💉🏽1\ufe0f\u20e3{SKULL_FLAG}!", "a , !"),
        ("pain😩😩bad", "pain bad"),
        ("pain😩, pain😩😩!", "pain, pain!"),
        ("pain😩😩", "pain"),
        ("1 # * Seroquel® ™ ❤\ufe0e", "1 # * Seroquel® ™ ❤\ufe0e"),
        ("Seroquel®\ufe0f", "Seroquel"),
    ],
)
def test_normalise_drops_whole_emoji_and_nothing_else(text: str, expected: str) -> None:
    assert english(text, "drop") == expected


def test_normalise_describes_emoji_by_name() -> None:
    assert english(f"a{FAMILY}b 🇷🇺", "describe") == "a family man woman girl b Russia"
    assert english("💉🏽", "describe") == "syringe medium skin tone"
    assert english("👩\u200d💊 🇽🇽", "describe") == "woman pill 🇽🇽"
    assert normalise("🇷🇺", lang="ru", emoji="describe").text == "флаг Россия"


def test_normalise_takes_each_emoji_of_the_package_as_one() -> None:
    for emoji in EMOJI_DATA:
        is_sign = len(emoji) == 1 and emoji < "\u2300"
        post = normalise(emoji, lang="en", emoji="drop")
        assert post.replaced == (() if is_sign else ((0, len(emoji)),)), emoji


@pytest.mark.parametrize("emoji", ["map", "keep", "drop", "describe"])
def test_normalise_never_deletes_the_letters_de(emoji: EmojiMode) -> None:
    # The lineage's emoji step passed a language code for a replacement and lost these letters.
    text = "depressed, decided to order codeine; dde"
    assert english(text, emoji) == text
    assert english(f"{text} ❤", emoji).startswith(text)


def test_normalise_returns_an_untouched_post_itself() -> None:
    text = "  No\ttrigger here…\r\n «т.е.» № 5 \x00\ud83d "
    assert normalise(text, lang="en") == Normalised(text, text)


@pytest.mark.parametrize(("lang", "emoji"), [("de", "map"), ("en", "delete"), (None, "map")])
def test_normalise_refuses_an_unknown_language_or_mode(lang: str, emoji: str) -> None:
    with pytest.raises(ValueError, match=r"expected (lang|emoji) to be one of"):
        normalise("plain", lang=lang, emoji=emoji)  # type: ignore[arg-type]


def test_projections_move_an_end_inside_a_replacement_outwards() -> None:
    post = normalise("ouch😩 from https://t.co/a1 now", lang="en")
    assert post.text == "ouch crying from link now"
    assert post.to_raw(0, 4) == (0, 4)
    assert post.to_raw(2, 7) == (2, 5)
    assert post.to_raw(18, 19) == (11, 26)
    assert post.to_raw(22, 25) == (27, 30)
    assert post.to_normalised(4, 5) == (4, 11)
    assert post.to_normalised(20, 30) == (17, 25)


def test_projections_pass_over_a_dropped_emoji() -> None:
    post = normalise("ab 😩❤ cd", lang="en", emoji="drop")
    assert post.text == "ab  cd"
    assert post.to_raw(0, 3) == (0, 3)
    assert post.to_raw(3, 6) == (5, 8)
    assert post.to_raw(2, 4) == (2, 6)
    assert post.to_normalised(3, 5) == (3, 3)


@pytest.mark.parametrize(("start", "end"), [(2, 2), (3, 1), (-1, 2), (0, 6)])
def test_projections_refuse_a_span_that_is_empty_or_outside(start: int, end: int) -> None:
    post = normalise("abcde", lang="en")
    with pytest.raises(ValueError, match=rf"<= 5, the length of the .*, got \[{start}, {end}\)"):
        post.to_raw(start, end)
    with pytest.raises(ValueError, match="the length of the post"):
        post.to_normalised(start, end)


@unhurried
@given(texts, modes)
def test_normalise_never_raises_and_keeps_the_post(text: str, emoji: EmojiMode) -> None:
    for lang in EMOJI_WORDS:
        assert normalise(text, lang=lang, emoji=emoji).raw == text


@unhurried
@given(posts)
def test_normalise_leaves_every_segment_between_replacements(post: Normalised) -> None:
    raw_ends = [0, *(i for stretch in post.replaced for i in stretch), len(post.raw)]
    ends = [0, *(i for stretch in post.replacements for i in stretch), len(post.text)]
    assert raw_ends == sorted(raw_ends) and ends == sorted(ends)
    untouched = list(zip(list(pairwise(raw_ends))[::2], list(pairwise(ends))[::2], strict=True))
    for (raw_start, raw_end), (start, end) in untouched:
        assert post.raw[raw_start:raw_end] == post.text[start:end]
        if start < end:
            assert post.to_raw(start, end) == (raw_start, raw_end)
            assert post.to_normalised(raw_start, raw_end) == (start, end)
            assert post.to_raw(start, start + 1) == (raw_start, raw_start + 1)


@unhurried
@given(posts)
def test_to_raw_is_monotone_and_within_the_post(post: Normalised) -> None:
    spans = [post.to_raw(i, i + 1) for i in range(len(post.text))]
    for (start, end), (next_start, next_end) in pairwise(spans):
        assert start <= next_start and end <= next_end
    assert all(0 <= start < end <= len(post.raw) for start, end in spans)


@unhurried
@given(posts, st.data())
def test_projections_there_and_back_cover_the_span(post: Normalised, data: st.DataObject) -> None:
    if not post.text:
        return
    start = data.draw(st.integers(0, len(post.text) - 1))
    end = data.draw(st.integers(start + 1, len(post.text)))
    there = post.to_raw(start, end)
    back_start, back_end = post.to_normalised(*there)
    assert back_start <= start and end <= back_end
    assert post.to_raw(back_start, back_end) == there


@pytest.mark.parametrize(
    "part",
    [
        *("&amp;", "a.", "a-", "(http://a.b/", "http://a.b/(", "http://x/..", "@", "😩\u200d"),
        *("\ufe0f", "www.", "http://a.b/&amp;"),
    ],
)
def test_normalise_takes_linear_time_on_hostile_posts(part: str) -> None:
    started_s = time.perf_counter()
    english(part * (50_000 // len(part)), "drop")
    assert time.perf_counter() - started_s < 5


def test_normalise_describes_a_long_chain_of_joined_emoji_in_linear_time() -> None:
    chain = "\u200d".join(["👩", "💊"] * 10_000)
    start = time.thread_time()
    described = english(chain, "describe")
    # A fifth of a second; the square of the length took a minute.
    assert time.thread_time() - start < 5
    assert described == " ".join(["woman", "pill"] * 10_000)
