import pytest

from smm4h_core.extract.stems import stem_word


@pytest.mark.parametrize(
    "forms",
    [
        "тошнота тошноты тошноту тошнотой Тошнотою",
        "боль боли болью болями",
        "головная головной головную головные",
        "сонливость сонливости сонливостью",
        "высыпания высыпание высыпаниями",
        "отёк отека отеки отеками",
        "кружится кружиться",
        "аллергическая аллергические аллергических",
    ],
)
def test_stem_word_unites_the_forms_of_a_russian_word(forms: str) -> None:
    assert len({stem_word(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        # Answers of the algorithm's public reference, one for each of its steps.
        *(("вагончик", "вагончик"), ("важность", "важност"), ("важнейшие", "важн")),
        *(
            ("валявшаяся", "валя"),
            ("вернувшись", "вернувш"),
            ("противоестественном", "противоестествен"),
        ),
        *(("длинными", "длин"), ("следующая", "след"), ("сон", "сон"), ("сплю", "сплю")),
    ],
)
def test_stem_word_is_snowballs(word: str, stem: str) -> None:
    assert stem_word(word) == stem


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        *(("Headaches", "headache"), ("allergies", "allergy"), ("rashes", "rashe")),
        *(("nauseous", "nauseous"), ("sickness", "sickness"), ("gas", "gas"), ("14", "14")),
    ],
)
def test_stem_word_takes_the_english_plural(word: str, stem: str) -> None:
    assert stem_word(word) == stem
