"""Annotated mentions with their concepts: what linking learns from and is measured on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from smm4h_core.drugs.names import normalise_name
from smm4h_core.link.candidates import read_mention
from smm4h_core.link.contrast import Anchor
from smm4h_core.link.terminology import Term, Terminology, mention_terms
from smm4h_core.types import AnnotatedPost


@dataclass(frozen=True, slots=True)
class GoldMentions:
    """Mentions of some posts, in the posts' order."""

    texts: tuple[str, ...]
    """``(M,)`` their strings."""
    contexts: tuple[str, ...]
    """``(M,)`` the posts that they stand in."""
    concept_ids: tuple[str | None, ...]
    """``(M,)`` concepts, LLTs as their PT; None where NIL is right; a code as it stands where the
    terminology lacks it: such a mention cannot be linked rightly."""
    post_ids: tuple[str, ...]
    """``(M,)`` their posts' ids."""
    groups: tuple[str | None, ...]
    """``(M,)`` author, review or article of their posts."""
    num_unknown: int
    """Mentions whose code the terminology lacks, whether they are here or left out."""

    def __len__(self) -> int:
        return len(self.texts)

    def anchors(self, terminology: Terminology) -> tuple[Anchor, ...]:
        """Mentions that can be learnt from: not empty, of a concept that may be proposed."""
        return tuple(
            Anchor(text, concept_id, context)
            for mention, concept_id, context in zip(
                self.texts, self.concept_ids, self.contexts, strict=True
            )
            if (text := read_mention(mention))
            and concept_id is not None
            and concept_id in terminology.concepts
            and terminology.concepts[concept_id].is_proposed
        )


def read_gold(
    posts: Sequence[AnnotatedPost], terminology: Terminology, *, leave_out_unknown: bool = False
) -> GoldMentions:
    """Mentions of annotated posts; codes that the terminology lacks are counted.

    Args:
        posts: The posts.
        terminology: What mentions are linked to.
        leave_out_unknown: Whether mentions of such codes are left out; else they stay.
    """
    known = terminology.concept_of_code
    every = [
        (mention.text, each.post.text, mention.concept_id, each.post.post_id, each.group)
        for each in posts
        for mention in each.mentions
    ]
    num_unknown = sum(code is not None and code not in known for _, _, code, *_ in every)
    rows = [row for row in every if row[2] is None or row[2] in known or not leave_out_unknown]
    texts, contexts, codes, post_ids, groups = zip(*rows, strict=True) if rows else ((),) * 5
    return GoldMentions(
        texts,
        contexts,
        tuple(code and known.get(code, code) for code in codes),
        post_ids,
        groups,
        num_unknown,
    )


def terms_to_find(terminology: Terminology, anchors: Sequence[Anchor]) -> tuple[Term, ...]:
    """The terminology's proposed terms, and annotated mentions as terms of their concept.

    A string that annotators use for one concept is no term of another one that has more terms:
    they know what people mean by it.
    """
    usage = mention_terms((each.text, each.concept_id) for each in anchors)
    concept_of = {normalise_name(each.term): each.concept_id for each in usage}
    terms = [(normalise_name(each.term), each) for each in terminology.proposed_terms]
    left = Counter(each.concept_id for _, each in terms)
    kept: list[Term] = []
    there: set[tuple[str, str]] = set()
    for folded, each in terms:
        if concept_of.get(folded, each.concept_id) != each.concept_id and left[each.concept_id] > 1:
            left[each.concept_id] -= 1
            continue
        kept.append(each)
        there.add((each.concept_id, folded))
    new = zip(concept_of, usage, strict=True)  # usage has each string once
    return (*kept, *(each for folded, each in new if (each.concept_id, folded) not in there))
