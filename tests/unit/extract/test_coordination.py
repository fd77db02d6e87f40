import pytest

from smm4h_core.extract.coordination import split_coordination
from smm4h_core.extract.dictionary import build_term_matcher, load_ade_terms
from smm4h_core.types import Mention, Span

TERMS = build_term_matcher(load_ade_terms("en") | load_ade_terms("ru"))


def split(text: str, *, with_terms: bool = True) -> list[str]:
    """What becomes of a mention amid a post, `...` where it is not contiguous."""
    post = f"so: {text}!"
    mention = Mention(Span(4, 4 + len(text)), text)
    found = split_coordination(mention, post, TERMS if with_terms else None)
    for each in found:
        quoted = [post[part.start : part.end] for part in each.parts]
        assert each.text == " ".join(quoted)
        assert each.type == "ADE"
    return [" ... ".join(post[p.start : p.end] for p in each.parts) for each in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pain in arms and legs", ["pain in arms", "pain in ... legs"]),
        ("pain in my arms and legs", ["pain in my arms", "pain in my ... legs"]),
        ("pain in arms and in legs", ["pain in arms", "pain ... in legs"]),
        (
            "numbness of hands, feet and lower lip",
            ["numbness of hands", "numbness of ... feet", "numbness of ... lower lip"],
        ),
        ("hot and cold flashes", ["hot ... flashes", "cold flashes"]),
        ("muscle/joint pain", ["muscle ... pain", "joint pain"]),
        ("head, neck & back pain", ["head ... pain", "neck ... pain", "back pain"]),
        ("swollen feet and hands", ["swollen feet", "swollen ... hands"]),
        ("loss of appetite or sex drive", ["loss of appetite", "loss of ... sex drive"]),
        ("боль в руках и ногах", ["боль в руках", "боль в ... ногах"]),
        (
            "сухость во рту, носу и горле",
            ["сухость во рту", "сухость во ... носу", "сухость во ... горле"],
        ),
        ("головная и зубная боль", ["головная ... боль", "зубная боль"]),
        ("сухость глаз и кожи", ["сухость глаз", "сухость ... кожи"]),
        ("боли в мышцах и в суставах", ["боли в мышцах", "боли ... в суставах"]),
        # An effect by itself shares no head.
        ("pain in arms and nausea", ["pain in arms and nausea"]),
        ("nausea and stomach pain", ["nausea and stomach pain"]),
        ("severe nausea and vomiting", ["severe nausea and vomiting"]),
        ("тошнота и головная боль", ["тошнота и головная боль"]),
        # Nothing to take apart, or nothing that the patterns know.
        ("dry mouth", ["dry mouth"]),
        ("nausea and vomiting", ["nausea and vomiting"]),
        ("up and down and up", ["up and down and up"]),
        ("and", ["and"]),
        ("pain and", ["pain and"]),
        ("lower back and neck pain", ["lower back and neck pain"]),
        ("felt weird. hot and cold", ["felt weird. hot and cold"]),
        ("pain in arms and numbness in legs", ["pain in arms and numbness in legs"]),
        ("!!", ["!!"]),
    ],
)
def test_split_coordination_shares_the_head(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_split_coordination_without_terms_takes_more_apart() -> None:
    assert split("nausea and stomach pain", with_terms=False) == [
        "nausea ... pain",
        "stomach pain",
    ]


def test_split_coordination_leaves_a_discontinuous_mention() -> None:
    parts = (Span(0, 7), Span(17, 21))
    mention = Mention(Span(0, 21), "pain in legs", fragments=parts)
    assert split_coordination(mention, "pain in arms and legs") == (mention,)
