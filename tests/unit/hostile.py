"""What people and machines post that breaks programs, for every way into ours."""

from __future__ import annotations

HOSTILE = (
    *("", " \n\t", "\x00", "a\x00b", "\ud800 sick", "\x1b[31mrash", "\ufeffrash", "\u202egnitimov"),
    *(
        "🤮" * 10_000,
        "👨\u200d👩\u200d👧\u200d👦🏳️\u200d🌈" * 20,
        "🇩🇪🇷🇺🇬" * 30,
        "ra\u0301sh" * 50,
        "n" * 3000,
    ),
    *(
        "z\u0336\u0337\u0338" * 300,
        "e\u0301 é",
        "nausea\r\nand\u2028rash",
        "\x01\x1f\x7f\x85\x9f no sleep",
    ),
    *(
        "\u200br\u200ba\u200bs\u200bh",
        "ﬁts and ﬂu",
        "тошнит" * 400,
        "½ ǅ ß İ ŉ",
        "[SEP] rash [CLS] [MASK]",
    ),
)
MEGABYTE = "lyrica gave me no sleep\n" * 42_000
"""A million characters with as many mentions as a post can have."""
NOT_JSON = (
    *("", "{", "nul", '{"id": 1, "text": NaN}', '{"id": 1, "text": "\\ud"}', "[" * 100_000),
    *('{"id": ' + "9" * 5000 + ', "text": "a"}', '{"id": 1, "text": "a"} {}', "'a'"),
)
"""Lines that no parser takes for an object."""
WRONG_TYPES = (
    *("null", "[]", '"rash"', "7", '{"id": 1}', '{"text": "a"}', '{"id": 1, "text": null}'),
    *('{"id": 1, "text": 5}', '{"id": 1, "text": ["a"]}', '{"id": 1, "text": {"a": "b"}}'),
    *('{"id": 1.0, "text": "a"}', '{"id": true, "text": "a"}', '{"id": 1e999, "text": "a"}'),
    *('{"id": "", "text": "a"}', '{"id": [], "text": "a"}', '{"id": 1, "text": "a", "lang": "xx"}'),
    '{"id": 1, "text": "a", "lang": 5}',
)
"""Objects, and other JSON, that are no posts."""
