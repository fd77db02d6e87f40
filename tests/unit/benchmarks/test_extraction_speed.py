from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.extraction_speed import OURS, OURS_FP32, THEIRS, TokenClassifier, build_contenders
from smm4h_core.encoders.base import pad_encodings
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.extract.network import Tagger
from smm4h_core.extract.part import ExtractorPart, encode_for_tagger
from smm4h_core.extract.predict import predict_word_logits
from smm4h_core.extract.rule import SpanVotes
from smm4h_core.types import Post
from tests.unit.tagging import build_tagging

CPU = torch.device("cpu")
POSTS = [Post(str(n), text, "en") for n, text in enumerate(("so rash, again!", "dry mouth", "no"))]


@pytest.fixture
def part(tmp_path: Path, word_bert: Path) -> ExtractorPart:
    torch.manual_seed(0)
    config = build_tagging(tmp_path, word_bert)(extraction={"stride": 8})
    loaded = load_text_encoder(str(word_bert))
    tagger = Tagger(loaded.encoder, dropout=0.0, head="linear", reads_terms=True).eval()
    return ExtractorPart(config, SpanVotes(1, 1), loaded.tokeniser, ((tagger,),), 48, None)


def test_token_classifier_answers_as_the_tagger_outside_of_terms(part: ExtractorPart) -> None:
    (tagger,) = part.networks[0]
    worded = encode_for_tagger(part.config, POSTS, part.tokeniser, max_length=48, terms=None)
    for post in worded:
        object.__setattr__(post, "term_tags", np.zeros(len(post.words), dtype=np.int64))
    options = {"pad_id": part.tokeniser.pad_id, "dtype": torch.float32, "device": CPU}
    ours = predict_word_logits(tagger, worded, **options)
    tokens = pad_encodings([post.windows[0].encoding for post in worded], pad_id=0)
    with torch.inference_mode():
        theirs = TokenClassifier(tagger)(tokens.input_ids, tokens.attention_mask).logits
    for row, post, logits in zip(theirs, worded, ours, strict=True):
        assert row[post.windows[0].pieces].numpy() == pytest.approx(logits, abs=1e-5)


@pytest.mark.filterwarnings("default")  # transformers' own, which differ between its releases
def test_contenders_answer_how_many_mentions_they_find(part: ExtractorPart) -> None:
    (tagger,) = part.networks[0]
    tagger.term_tags, tagger.head = None, torch.nn.Linear(32, 3)
    with torch.no_grad():  # every word begins a mention
        tagger.head.weight.zero_()
        tagger.head.bias.copy_(torch.tensor([0.0, 9.0, 0.0]))
    found = {name: answer(POSTS) for name, answer in build_contenders(part, CPU).items()}
    assert found[OURS_FP32] == found[OURS] == 6
    assert found[THEIRS] >= 6  # `simple` takes punctuation too
