import pytest

from smm4h_core.drugs.glued import GluedNames
from smm4h_core.drugs.lexicon import DrugName

KNOWN = {
    name: DrugName(name, name, "en", kind, source)
    for name, kind, source in [
        ("seroquel", "brand", "curated"),
        ("seroquelxr", "brand", "curated"),
        ("paxil", "brand", "curated"),
        ("yaz", "brand", "curated"),
        ("iron", "ingredient", "curated"),
        ("photodyn", "synonym", "drug-named-entity-recognition 2.0.9"),
    ]
}
GLUED = GluedNames(KNOWN, {"iron"}, {"withdrawal", "amic", "pills"}, {"on", "the", "my", "i"})


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("onSeroquel", ["Seroquel"]),
        ("seroquel50mg", ["seroquel"]),
        ("SEROQUELandPaxil", ["Paxil"]),
        ("SeroquelXR300", ["SeroquelXR"]),
        ("MySeroquelMyPaxil", ["Seroquel", "Paxil"]),
        ("onYaz", ["Yaz"]),
        ("onyaz", []),  # too short where nothing parts it
        ("IronMan", []),
        ("onseroquel", ["seroquel"]),
        ("themypaxil", ["paxil"]),
        ("paxilon", []),  # an ending, no word
        ("ipaxil", []),
        ("norpaxil", []),
        ("paxilwithdrawal", []),  # no hashtag
        ("photodynthe", []),  # obscure
        ("on", []),
        ("x" * 300 + "Seroquel", []),
    ],
)
def test_glued_names_are_found_by_parts_or_among_small_words(word: str, names: list[str]) -> None:
    found = GLUED.find(word, word.lower())
    assert [word[start:end] for start, end, _ in found] == names
    assert all(name is KNOWN[word[start:end].lower()] for start, end, name in found)


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("paxilwithdrawal", ["paxil"]),
        ("imypaxilpills", ["paxil"]),
        ("seroquelxrwithdrawal", ["seroquelxr"]),  # the longest
        ("paxilzzzz", []),
        ("withdrawalpills", []),
    ],
)
def test_glued_names_of_hashtags_stand_among_any_words(word: str, names: list[str]) -> None:
    found = GLUED.find(word, word, is_hashtag=True)
    assert [word[start:end] for start, end, _ in found] == names


def test_glued_names_need_a_key_of_the_same_length() -> None:
    assert GLUED.find("onSeroquelß", "onseroquelss") == ()
