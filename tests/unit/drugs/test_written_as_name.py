import pytest

from smm4h_core.drugs.written_as_name import is_written_as_name


@pytest.mark.parametrize(
    "text",
    [
        "I take [Sonata] for sleep",
        "then I [Sonata] at night",
        "on [SONATA] again",
        "Ambien, [Sonata], Lunesta",
        "Ambien/[Sonata]+Lunesta",
        "from Ambien to [Sonata]. Then",
        "[sonata] 10mg",
        "[sonata] 2.5 mg",
        "[оки] 80 мг",
        "выпила [Оки] и легла",
        "took #[Nix]",
        "(took [Nix])",
    ],
)
def test_a_capital_or_a_dose_tells_a_name(text: str) -> None:
    start, end = text.index("["), text.index("]") - 1
    assert is_written_as_name(text.replace("[", "").replace("]", ""), start, end)


@pytest.mark.parametrize(
    "text",
    [
        "[Sonata]",
        "[Sonata] is nice",
        "so. [Sonata] is nice",
        "so?!\n[Sonata] is nice",
        "a [sonata] by Bach",
        "the Moonlight [Sonata]",
        "his [Iron] Man",
        "Dr. [Nix] said",
        "I TOOK [SONATA] TODAY",
        "[sonata] 10 times",
        "[sonata] no 10 mg",
        "\N{BULLET} [Sonata]",
        "день [оки]",
    ],
)
def test_a_capital_with_another_reason_tells_nothing(text: str) -> None:
    start, end = text.index("["), text.index("]") - 1
    assert not is_written_as_name(text.replace("[", "").replace("]", ""), start, end)
