import re

import pytest

from smm4h_core.drugs.lexicon import load_lexicon
from smm4h_core.drugs.wiki_names import is_plain, names_in


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        ("prozac", ("prozac",)),
        ("mayzent&lt;ref name=&quot;fda pr&quot; /&gt;", ("mayzent",)),
        ("&lt;ref name=&quot;a&quot; /&gt; areplivir", ("areplivir",)),
        ("revanex&lt;ref&gt;{{cite web", ("revanex",)),
        ("page=48}}&lt;/ref&gt; servambutol", ("servambutol",)),
        ("&lt;ref&gt;{{cite book", ()),
        ("tuazolona&lt;br/&gt;", ("tuazolona",)),
        ("osphena; senshio", ("osphena", "senshio")),
        ("tradename = camoquin", ("camoquin",)),
        ("tradename =", ()),
        ("website=dailymed", ()),
        ("{{ubl", ()),
        ("[[cobicistat", ("cobicistat",)),
        ("abigan}}", ("abigan",)),
        ("''trodax''", ("trodax",)),
        ("...''more''", ()),
        ("4''-isovalerylspiramycin", ("4''-isovalerylspiramycin",)),
        ("4'' o methyldigoxin", ("4'' o methyldigoxin",)),
        ("epoetin alfa,", ("epoetin alfa",)),
        ("and emtricitabine)", ()),
        ("and veldex", ()),
        ("andexanet alfa", ("andexanet alfa",)),
        ("68ga)pentixafor", ()),
        ("benzo[a]pyrene (x)", ("benzo[a]pyrene (x)",)),
        ("([a)]", ()),
        ("otherbrufen", ()),
        ("template:infobox drug/doc", ()),
        ("oxfordâ\x80\x93astrazeneca covid-19 vaccine", ("oxford–astrazeneca covid-19 vaccine",)),
        ("gynã¤san", ("gynäsan",)),
        ("étiracétam", ("étiracétam",)),
        ("16.alpha.-x", ()),
        ("dyanavel&amp;nbsp;xr", ("dyanavel\xa0xr",)),
    ],
)
def test_names_in_cuts_names_out_of_markup(raw: str, names: tuple[str, ...]) -> None:
    assert names_in(raw) == names


def test_packaged_names_hold_no_markup() -> None:
    names = load_lexicon().names
    held = re.compile(r"\{\{|\}\}|\[\[|\]\]|[<>=|;]|&\w+;|^(?:and|or|with|и|или) ")
    assert [name for name in names if held.search(name) or not is_plain(name)] == []
