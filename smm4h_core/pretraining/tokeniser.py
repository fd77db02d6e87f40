"""SMILES into tokens: an open alphabet, in which every SMILES can be written."""

from __future__ import annotations

import string
from typing import Any

from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
"""RoBERTa's, at its ids 0 to 4."""

BRACKETED = (
    *("[C@H]", "[C@@H]", "[C@]", "[C@@]", "[nH]", "[N+]", "[O-]", "[n+]", "[N-]", "[NH+]"),
    *("[NH2+]", "[NH3+]", "[S@]", "[S@@]", "[P@]", "[P@@]", "[N@+]", "[N@@+]", "[S+]", "[P+]"),
    *("[2H]", "[Si]", "[Se]", "[Na+]", "[K+]", "[Cl-]", "[Br-]"),
)
"""Atoms in brackets that drugs have often enough to learn a token for; any other bracket is written
by its characters, so an isotope or a metal is rare but never unknown."""

TWO_LETTERS = ("Cl", "Br", "@@")
RINGS = tuple(f"%{number}" for number in range(10, 100))
"""Ring closures of two digits; one digit is a character."""

_CHARACTERS = tuple(string.ascii_letters + string.digits + "()[]=#$:-+/\\.@%*~")


def build_smiles_tokeniser(*, max_length: int) -> PreTrainedTokenizerFast:
    """Builds the tokeniser; the same call gives the same ids.

    The empty SMILES becomes ``<s> </s>``.

    Args:
        max_length: Most tokens of a SMILES, ``<s>`` and ``</s>`` included.
    """
    tokens = (*SPECIAL, *_CHARACTERS, *TWO_LETTERS, *BRACKETED, *RINGS)
    vocabulary = {token: place for place, token in enumerate(tokens)}
    backend = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106
    # Longest first: an alternation takes the first that fits.
    longest = sorted((*BRACKETED, *TWO_LETTERS), key=len, reverse=True)
    pattern = "|".join([*map(_escaped, longest), r"%[1-9][0-9]", "."])
    backend.pre_tokenizer = Split(Regex(pattern), behavior="isolated")
    backend.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        special_tokens=[(token, vocabulary[token]) for token in ("<s>", "</s>")],
    )
    names: dict[str, Any] = {
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    }
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend, model_max_length=max_length, **names
    )


def _escaped(token: str) -> str:
    return "".join(f"\\{letter}" if letter in "[]+-" else letter for letter in token)
