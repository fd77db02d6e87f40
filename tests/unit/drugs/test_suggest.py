import pytest

from smm4h_core.drugs.lexicon import Drug, DrugName, build_lexicon
from smm4h_core.drugs.suggest import suggest_names

LEXICON = build_lexicon(
    (Drug("sertraline", None, ""), Drug("zopiclone", None, "")),
    [
        DrugName(name, drug, "en", "brand", "s")
        for name, drug in [
            ("sertraline", "sertraline"),
            ("zoloft", "sertraline"),
            ("zolofts", "sertraline"),
            ("zopiclone", "zopiclone"),
        ]
    ],
)


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ("ZOLFOT", ("zoloft",)),
        ("sertralin", ("sertraline",)),
        ("zopiclne", ("zopiclone",)),
        ("xyz", ()),
        ("", ()),
        ("zz", ()),
    ],
)
def test_suggest_names_gives_the_most_like_of_each_drug(wrong: str, names: tuple[str, ...]) -> None:
    assert suggest_names(wrong, LEXICON) == names


def test_suggest_names_gives_no_more_than_asked() -> None:
    assert len(suggest_names("zoplone", LEXICON, num_names=0)) == 0
