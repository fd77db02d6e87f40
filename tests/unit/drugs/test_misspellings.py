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


@pytest.mark.parametrize("name", ["zoloft", "seroque", "cymbalta", "citalopram", "глюкофажлон"])
def test_nearest_finds_every_swap_and_every_lost_letter(name: str) -> None:
    index = MisspellingIndex([name])
    for place in range(1, len(name) - 1):
        swapped = name[:place] + name[place + 1] + name[place] + name[place + 2 :]
        assert index.nearest(swapped) == (name,), swapped
    for place in range(1, len(name)):
        shorter = name[:place] + name[place + 1 :]
        assert index.nearest(shorter) == ((name,) if len(shorter) >= MIN_LETTERS else ())


def test_nearest_tells_apart_letters_that_share_a_low_byte() -> None:
    # U+0131, dotless i, and U+0431, б, end alike; so does no letter of one script.
    index = MisspellingIndex(["абвгдеж"])
    assert index.nearest("абвгдеж".replace("б", "\u0131")) == ()
    assert index.nearest("абвгдеж") == ("абвгдеж",)


@given(st.text("abc", max_size=7), st.text("abc", max_size=7), st.integers(0, 3))
def test_edit_distance_up_to_a_bound_agrees_with_a_plain_table(
    one: str, other: str, most: int
) -> None:
    table = {(i, 0): i for i in range(len(one) + 1)}
    table |= {(0, j): j for j in range(len(other) + 1)}
    for i, a in enumerate(one, 1):
        for j, b in enumerate(other, 1):
            ways = [table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a != b)]
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                ways.append(table[i - 2, j - 2] + 1)
            table[i, j] = min(ways)
    right = table[len(one), len(other)]
    assert edit_distance(one, other) == right
    assert min(edit_distance(one, other, most=most), most + 1) == min(right, most + 1)


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
