"""A post's text, made harmless to look at: no character of it commands a terminal or a page."""

from __future__ import annotations

import re

_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"}
"""The characters that Unicode has to picture the controls of ASCII."""
_UNSEEN = re.compile(
    "[\x80-\x9f"  # controls; terminals take U+009B for the beginning of a command
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # order of writing, also of what follows
    "\u2028\u2029"  # line ends that not every program takes for one
    "\ufff9-\ufffb\U000e0001"  # annotations of text, which terminals hide
    "\ud800-\udfff]"  # halves of surrogate pairs, which UTF-8 cannot hold
)
REPLACEMENT = "\ufffd"


def make_printable(text: str) -> str:
    r"""The text with a picture for each character that would act rather than be seen.

    Code point for code point, so that spans of the text are spans of the answer. Controls of ASCII
    become their pictures (``␛``), all others ``�``; a tab stays, and every line end is ``\n``.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", " \n").replace("\r", "\n")
    return _UNSEEN.sub(REPLACEMENT, text.translate({**_PICTURES, 0x7F: 0x2421}))
