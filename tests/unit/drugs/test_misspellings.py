import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.drugs.misspellings import MIN_LETTERS, MisspellingIndex, edit_distance

INDEX = MisspellingIndex(
    ["zoloft", "cymbalta", "citalopram", "amitriptyline", "сероквель", "лирика", "xanax", "a b"]
)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("zoloft", "zoloft", 0),
        ("zoloft", "zolfot", 1),
        ("zoloft", "zolofft", 1),
        ("zoloft", "soloft", 1),
        ("ca", "abc", 3),  # no letter is touched twice
    ],
)
def test_edit_distance_counts_edits(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == edit_distance(other, one) == distance


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("zoloft", ("zoloft",)),
        ("zolofft", ("zoloft",)),
        ("zolft", ()),  # five letters
        ("zolfot", ("zoloft",)),
        ("zalodt", ()),
        ("zolost", ()),  # another sound
        ("zolovt", ("zoloft",)),
        ("cymbata", ("cymbalta",)),
        ("simbalta", ()),  # another first letter
        ("citolapram", ("citalopram",)),
        ("citatopram", ("citalopram",)),  # long: one edit of any kind
        ("cidalobram", ("citalopram",)),  # two, of like sound
        ("cimalogram", ()),
        ("amitryptiline", ("amitriptyline",)),
        ("сираквель", ("сероквель",)),
        ("лирико", ("лирика",)),
        ("xanaxx", ()),  # names as short are not guessed
        ("", ()),
        ("zolof1t", ()),
        ("zo loft", ()),
        ("日本語日本語日", ()),
        ("z" * 200, ()),
    ],
)
def test_nearest_forgives_slips_of_spelling(word: str, names: tuple[str, ...]) -> None:
    assert INDEX.nearest(word) == names


def test_nearest_prefers_the_fewest_edits_and_orders_what_is_left() -> None:
    index = MisspellingIndex(["celobrex", "celabrex", "celebrix"])
    assert index.nearest("celebrex") == ("celabrex", "celebrix", "celobrex")
    assert index.nearest("celebrix") == ("celebrix",)


def test_index_of_nothing_knows_nothing() -> None:
    assert len(MisspellingIndex([])) == 0
    assert MisspellingIndex([]).nearest("zoloft") == ()


LETTERS = "abefkопт"


@given(st.lists(st.text(LETTERS, min_size=6, max_size=11), min_size=1, max_size=8), st.data())
def test_nearest_misses_no_name_within_one_edit(names: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names))
    place = data.draw(st.integers(1, len(name) - 1))
    extra = data.draw(st.text(LETTERS, max_size=1))
    wrong = name[:place] + extra + name[place:]
    near = MisspellingIndex(names).nearest(wrong)
    assert name in near or wrong in near or edit_distance(wrong, near[0]) == 1
    shorter = name[:place] + name[place + 1 :]
    if len(shorter) >= MIN_LETTERS:
        near = MisspellingIndex(names).nearest(shorter)
        assert name in near or edit_distance(shorter, near[0]) == 0
