import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.drugs.finder import DrugFinder, build_finder, load_finder
from smm4h_core.drugs.lexicon import Drug, DrugName, Lexicon, build_lexicon, load_lexicon
from smm4h_core.drugs.names import normalise_name
from smm4h_core.types import DrugMention, Span

NAMES = [
    ("quetiapine", "quetiapine", "en", "ingredient"),
    ("seroquel", "quetiapine", "en", "brand"),
    ("seroquel xr", "quetiapine", "en", "brand"),
    ("сероквель", "quetiapine", "ru", "brand"),
    ("prozac", "fluoxetine", "en", "brand"),
    ("sonata", "zaleplon", "en", "brand"),
    ("соната", "zaleplon", "ru", "brand"),
    ("d3", "colecalciferol", None, "slang"),
    ("vitamin d3", "colecalciferol", "en", "synonym"),
]


def small_lexicon() -> Lexicon:
    drugs = [Drug(name, None, "") for name in ("fluoxetine", "zaleplon", "colecalciferol")]
    return build_lexicon(
        [Drug("quetiapine", "CCO", "test"), *drugs],
        [DrugName(name, drug, lang, kind, "test") for name, drug, lang, kind in NAMES],
    )


@pytest.fixture(scope="module")
def small() -> DrugFinder:
    return build_finder(small_lexicon(), common_words={"sonata", "соната", "prozed"})


@pytest.fixture(scope="module")
def finder() -> DrugFinder:
    return load_finder()


def found(finder: DrugFinder, text: str) -> list[tuple[str, str]]:
    mentions = finder.find(text)
    for mention in mentions:
        assert text[mention.span.start : mention.span.end] == mention.text
    return [(mention.text, mention.name) for mention in mentions]


def words(finder: DrugFinder, text: str) -> list[str]:
    return [text for text, _ in found(finder, text)]


def test_finder_gives_span_text_name_and_molecule(small: DrugFinder) -> None:
    assert small.find("on Seroquel") == (DrugMention(Span(3, 11), "Seroquel", "quetiapine", "CCO"),)
    assert small.find("on prozac")[0].smiles is None


def test_finder_takes_the_longest_name_and_each_mention_once(small: DrugFinder) -> None:
    text = "seroquel xr, then Seroquel; vitamin D3 and d3, seroquel  XR"
    assert words(small, text) == ["seroquel xr", "Seroquel", "vitamin D3", "d3", "seroquel  XR"]


@pytest.mark.parametrize(
    "text", ["", " ", "😀😀🎉", "\x00", "\ud800", "\u200f\u200f", "#", "@", "®"]
)
def test_finder_finds_nothing_in_nothing(small: DrugFinder, text: str) -> None:
    assert small.find(text) == ()


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("\ud800Prozac\udfff and \x00prozac\x00", ["Prozac", "prozac"]),
        ("\u202bProzac\u202c \u200fprozac\u200f", ["Prozac", "prozac"]),
        ("Pro\u200bzac® Prozac™", ["Pro\u200bzac", "Prozac"]),
        ("ＰＲＯＺＡＣ", ["ＰＲＯＺＡＣ"]),
        ("😀prozac😀", ["prozac"]),
        ("e\u0301 prozac", ["prozac"]),
        ("&amp;prozac&lt;", ["prozac"]),
        ("PROZAC’S, prozac's", ["PROZAC", "prozac"]),
        ("prozac/seroquel,prozac+seroquel", ["prozac", "seroquel", "prozac", "seroquel"]),
        ("Seroquel-XR seroquel\u2011xr", ["Seroquel-XR", "seroquel\u2011xr"]),
        ("seroquel, xr", ["seroquel"]),
        ("prozac_seroquel", ["prozac", "seroquel"]),
    ],
)
def test_finder_keeps_places_in_the_raw_post(
    small: DrugFinder, text: str, mentions: list[str]
) -> None:
    assert words(small, text) == mentions


@pytest.mark.parametrize(
    "text",
    [
        "@prozac hello",
        "hi @prozac_seroquel",
        "prozac@example.org",
        "me@prozac.com",
        "https://www.prozac.com/x?seroquel=1",
        "see www.prozac.com/seroquel",
        "prozac.com",
        "@сероквель",
    ],
)
def test_finder_takes_no_account_and_no_address_for_a_drug(small: DrugFinder, text: str) -> None:
    assert small.find(text) == ()


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("#Seroquel #prozac", ["Seroquel", "prozac"]),
        ("#seroquelwithdrawal onSeroquel seroquel50mg", ["seroquel", "Seroquel", "seroquel"]),
        ("#seroquelXR #SeroquelXR", ["seroquelXR", "SeroquelXR"]),
        ("ProzacAndSeroquel", ["Prozac", "Seroquel"]),
        ("theprozac", ["prozac"]),
        ("norprozac prozacoid", []),
        ("#SonataInTheNight", []),
    ],
)
def test_finder_finds_names_in_glued_words(
    small: DrugFinder, text: str, mentions: list[str]
) -> None:
    assert words(small, text) == mentions


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("seroquil serroquel serquel seroqule", ["seroquil", "serroquel", "serquel", "seroqule"]),
        ("prozaс prozak prozacs", ["prozak", "prozacs"]),  # the first ends in a Cyrillic letter
        ("сераквель сироквель", ["сераквель", "сироквель"]),
        ("prozed", []),  # a common word
        ("bozac", []),
        ("seroxat", []),
        ("sonatta", []),  # of a name that is a word, nothing is guessed
    ],
)
def test_finder_forgives_small_slips(small: DrugFinder, text: str, mentions: list[str]) -> None:
    assert words(small, text) == mentions


def test_finder_guesses_nothing_between_two_drugs() -> None:
    lexicon = build_lexicon(
        [Drug("a", None, ""), Drug("b", None, "")],
        [
            DrugName("celabra", "a", "en", "brand", "test"),
            DrugName("celobra", "b", "en", "brand", "test"),
        ],
    )
    assert build_finder(lexicon, common_words=set()).find("celebra") == ()


def test_finder_takes_an_ordinary_word_only_as_a_name(small: DrugFinder) -> None:
    assert words(small, "I take Sonata for sleep, sonata 10 mg") == ["Sonata", "sonata"]
    assert words(small, "a sonata. Sonata in C. Moonlight Sonata") == []
    assert words(small, "пью Сонату, играю сонату") == ["Сонату"]


def test_finder_leaves_russian_names_out_of_english_posts(small: DrugFinder) -> None:
    text = "сероквель prozac D3"
    assert [m.text for m in small.find(text, lang="en")] == ["prozac", "D3"]
    assert [m.text for m in small.find(text, lang="ru")] == ["сероквель", "prozac", "D3"]
    with pytest.raises(ValueError, match="expected lang to be one of en, ru, got 'de'"):
        small.find(text, lang="de")  # type: ignore[arg-type]


PIECES = st.sampled_from(
    [
        *("seroquel", "XR", "Vitamin", "d3", "ПРОЗАК", "prozac", "сероквель", "onSeroquel"),
        *("@", "#", " ", "-", "\u200b", "®", "\u0301", "ё", "ﬁ", "&amp;", "\ud800", "😀"),
        "http://x.ru/prozac",
    ]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join))
def test_finder_s_spans_are_ordered_apart_and_fold_to_a_name(text: str) -> None:
    # Names too short to be misspelt: what is found is exact, or a plural, or written as one word.
    lexicon = build_lexicon(
        [Drug("x", None, "")],
        [
            DrugName(name, "x", None, "brand", "test")
            for name in ("xr", "d3", "vitamin d3", "prozac", "fi")
        ],
    )
    exact = build_finder(lexicon, common_words={"vitamin", "сероквель"})
    known = {*lexicon.names, *(name.replace(" ", "") for name in lexicon.names)}
    done = 0
    for mention in exact.find(text):
        assert mention.span.start >= done
        done = mention.span.end
        assert mention.text == text[mention.span.start : mention.span.end]
        folded = normalise_name(mention.text).replace("-", " ").replace("'", " ")
        assert " ".join(folded.split()) in known or folded.startswith("proz")


SHARED = build_finder(small_lexicon(), common_words=set())


@given(st.text())
def test_finder_answers_any_text_and_twice_the_same(text: str) -> None:
    assert build_finder(small_lexicon(), common_words=set()).find(text) == SHARED.find(text)


def test_finder_forgets_words_without_changing_its_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("smm4h_core.drugs.finder.MAX_REMEMBERED", 10)
    finder = build_finder(small_lexicon(), common_words=set())
    before = finder.find("on seroquil, prozac")
    for part in range(7):
        finder.find(f"seroquel prozac xr {part}a {part}b {part}c")
        memory = finder._memory  # a word may stand in both parts
        assert len(memory.nothing) + len(memory.something) <= 12
        assert finder.find("on seroquil, prozac") == before
    assert len(before) == 2


def test_finder_sees_a_name_whose_first_word_another_thread_judges_meanwhile() -> None:
    class Late(dict):  # type: ignore[type-arg]
        """Answers that a word is unknown while somebody else is writing it down."""

        def __contains__(self, token: object) -> bool:
            known = super().__contains__(token)
            if token == "vitamin" and not known:
                finder._judge("vitamin")
            return known

    finder = build_finder(small_lexicon(), common_words=set())
    finder._memory = type(finder._memory)(set(), Late())
    assert [each.text for each in finder.find("vitamin d3")] == ["vitamin d3"]
    assert [each.text for each in finder.find("no vitamin d3")] == ["vitamin d3"]


def test_finder_is_one_for_several_threads(small: DrugFinder) -> None:
    texts = [f"day {n}: seroquil, then prozac" for n in range(300)]
    answers: list[list[int]] = []

    def search() -> None:
        answers.append([len(small.find(text)) for text in texts])

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [[2] * 300] * 4


def test_finder_reads_a_very_long_post(small: DrugFinder) -> None:
    start = time.perf_counter()
    assert len(small.find("seroquel " * 10_000)) == 10_000
    for text in ("a" * 100_000, "#" + "on" * 50_000, "é\u0301®" * 30_000, "сероквель" * 10_000):
        assert small.find(text) == ()
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("I was on seroquel xr for 3 weeks", [("seroquel xr", "quetiapine")]),
        ("Seroquel's #Seroquel", [("Seroquel", "quetiapine")] * 2),
        ("prozac/zoloft", [("prozac", "fluoxetine"), ("zoloft", "sertraline")]),
        ("Effexor-XR", [("Effexor-XR", "venlafaxine")]),
        ("после сероквеля", [("сероквеля", "quetiapine")]),
        ("лечилась прозаком", [("прозаком", "fluoxetine")]),
        ("феназепамом", [("феназепамом", "bromdihydrochlorphenylbenzodiazepine")]),
        ("Vitamin D3", [("Vitamin D3", "colecalciferol")]),
        ("#cymbaltawithdrawal", [("cymbalta", "duloxetine")]),
        ("5-HTP, 5htp", [("5-HTP", "5-hydroxytryptophan")]),
        ("St. John’s wort", [("St. John’s wort", "hypericum perforatum")]),
        ("st johns wort", [("st johns wort", "hypericum perforatum")]),
        ("но-шпу и но шпа", [("но-шпу", "drotaverine"), ("но шпа", "drotaverine")]),
        ("took iron 65 mg", [("iron", "iron")]),
        ("выпила Лирику", [("Лирику", "pregabalin")]),
    ],
)
def test_load_finder_knows_what_people_write(
    finder: DrugFinder, text: str, mentions: list[tuple[str, str]]
) -> None:
    assert found(finder, text)[: len(mentions)] == mentions


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ("cymbata", "duloxetine"),
        ("zolofft", "sertraline"),
        ("trazadone", "trazodone"),
        ("seroquil", "quetiapine"),
        ("citolapram", "citalopram"),
        ("amitryptiline", "amitriptyline"),
        ("феназипама", "bromdihydrochlorphenylbenzodiazepine"),
        ("сераквель", "quetiapine"),
        ("парацетомол", "paracetamol"),
    ],
)
def test_load_finder_reads_misspellings(finder: DrugFinder, wrong: str, name: str) -> None:
    assert found(finder, f"on {wrong}.") == [(wrong, name)]


@pytest.mark.parametrize(
    "text",
    [
        "starling starlings",
        "yes one ice focus",
        "relief today, boost, optimal speed",
        "iron man, Iron Man, Moonlight Sonata",
        "день сила свет оки соната",
        "clarity captain cortex program person concert alive",
        "clarinet heroine proverb moderate regained stream",
        "концерт концерты программа человек лирику морфема",
        "withdrawal nausea headache dizziness tremor insomnia",
        "тошнота слабость головокружение бессонница температура",
        "norfluoxetine осенне-зимний",
        "no more alcohol",
    ],
)
def test_load_finder_takes_no_ordinary_word_for_a_drug(finder: DrugFinder, text: str) -> None:
    assert found(finder, text) == []


@pytest.mark.parametrize("word", ["магнитолу", "калинами", "пассатами"])
def test_load_finder_takes_no_form_of_a_russian_word_for_a_slip(
    finder: DrugFinder, word: str
) -> None:
    assert finder._misspelt(word) is not None  # or the dictionary would not be asked
    assert finder.find(f"это {word}.", lang="ru") == ()


def test_load_finder_never_guesses_from_a_word_of_its_lists(finder: DrugFinder) -> None:
    lexicon = load_lexicon()
    ordinary = [word for word in sorted(finder._ordinary_words) if word.isalpha()]
    guessed = [word for word in ordinary[::23] if finder.find(word)]
    assert [word for word in guessed if word not in lexicon.names] == []
    assert len(ordinary) > 100_000


def test_load_finder_takes_a_table_of_the_user_s(tmp_path) -> None:
    table = tmp_path / "ours.tsv"
    table.write_text("name\tdrug\nZorblax\tprozac\nзорблакс\tprozac\n", encoding="utf-8")
    finder = load_finder([table])
    assert found(finder, "ZORBLAX, zorblas; зорблаксом") == [
        ("ZORBLAX", "fluoxetine"),
        ("zorblas", "fluoxetine"),
        ("зорблаксом", "fluoxetine"),
    ]
