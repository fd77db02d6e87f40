import random

import numpy as np
import pytest
import torch

from smm4h_core.encoders.base import pad_encodings
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.extract.crf import plain_chain, viterbi
from smm4h_core.extract.decode import extract_spans
from smm4h_core.extract.network import (
    Tagger,
    make_tagged_batch,
    make_word_batch,
    tagging_loss,
    windows_with_words,
)
from smm4h_core.extract.predict import predict_word_logits
from smm4h_core.extract.tags import GoldTags, tag_mentions
from smm4h_core.types import Mention, Span
from tests.unit.extract.conftest import POSTS

CPU = torch.device("cpu")


def random_gold(posts, seed: int = 0) -> list[GoldTags]:
    draw = random.Random(seed)
    return [
        GoldTags(np.array([draw.choice([0, 0, 1]) for _ in post.words], dtype=np.int64))
        for post in posts
    ]


def test_tagger_equals_a_plain_recomputation(encode, tagger: Tagger) -> None:
    tagger.eval()
    post = encode(POSTS)[0]
    (logits,) = predict_word_logits(tagger, [post], pad_id=0, dtype=torch.float32, device=CPU)
    window = post.windows[0]
    tokens = pad_encodings([window.encoding], pad_id=0)
    with torch.no_grad():
        states = tagger.encoder.model(
            input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
        ).last_hidden_state[0]
        for word, (start, _) in enumerate(post.words):
            piece = [i for i, (a, b) in enumerate(window.encoding.offsets) if a == start and b > a]
            term = tagger.term_tags.weight[int(post.term_tags[word])]
            features = torch.cat([states[piece[0]], term])
            expected = tagger.head.weight @ features + tagger.head.bias
            assert logits[word] == pytest.approx(expected.numpy(), abs=1e-5)


def test_dictionary_tags_change_the_answer_and_are_needed(encode, tagger: Tagger) -> None:
    tagger.eval()
    options = {"pad_id": 0, "dtype": torch.float32, "device": CPU}
    with_terms, without = encode(POSTS[:1]), encode(POSTS[:1], with_terms=False)
    logits = predict_word_logits(tagger, with_terms, **options)[0]
    with_terms[0].term_tags[:] = 0
    changed = (predict_word_logits(tagger, with_terms, **options)[0] != logits).any(axis=1)
    assert changed.tolist() == [False, False, False, True, True, False, False, True]
    with pytest.raises(AssertionError):
        predict_word_logits(tagger, without, **options)


def test_training_and_prediction_read_the_same_dictionary_tags(encode, tagger: Tagger) -> None:
    # The lineage's code tagged everything O at prediction.
    posts = encode(POSTS)
    chosen = windows_with_words(posts)
    batch = make_tagged_batch(posts, random_gold(posts), chosen, pad_id=0, device=CPU)
    assert batch.words.term_tags.any()
    tagger.eval()
    with torch.no_grad():
        trained = tagger(batch.words)
    predicted = predict_word_logits(tagger, posts, pad_id=0, dtype=torch.float32, device=CPU)
    for row, (index, _) in enumerate(chosen):
        size = len(posts[index].pieced)
        assert predicted[index] == pytest.approx(trained[row, :size].numpy(), abs=1e-5)


def test_loss_has_no_part_in_padding_special_tokens_and_later_pieces(
    encode, tagger: Tagger
) -> None:
    tagger.eval()
    posts = encode(POSTS)
    gold = random_gold(posts)
    chosen = windows_with_words(posts)
    whole = make_tagged_batch(posts, gold, chosen, pad_id=0, device=CPU)
    assert whole.words.mask.sum() == sum(len(post.pieced) for post in posts)
    alone = [make_tagged_batch(posts, gold, [each], pad_id=0, device=CPU) for each in chosen]
    sums = sum(tagging_loss(tagger, one).item() * int(one.words.mask.sum()) for one in alone)
    assert tagging_loss(tagger, whole).item() == pytest.approx(
        sums / int(whole.words.mask.sum()), rel=1e-4
    )
    whole.tags[~whole.words.mask] = 2
    again = tagging_loss(tagger, whole).item()
    assert again == pytest.approx(sums / int(whole.words.mask.sum()), rel=1e-4)
    pieces = {int(piece) for post in posts for piece in post.windows[0].pieces}
    assert 0 not in pieces  # the first special token


def test_linear_loss_is_mean_cross_entropy(encode, tiny_bert) -> None:
    torch.manual_seed(0)
    encoder = load_text_encoder(str(tiny_bert)).encoder
    tagger = Tagger(encoder, dropout=0.1, head="linear", reads_terms=False).eval()
    posts = encode(POSTS[:1], with_terms=False)
    batch = make_tagged_batch(posts, random_gold(posts), [(0, 0)], pad_id=0, device=CPU)
    probs = torch.softmax(tagger(batch.words)[0], dim=1)
    expected = -torch.log(probs[range(len(posts[0].words)), batch.tags[0]]).mean()
    assert torch.allclose(tagging_loss(tagger, batch), expected, atol=1e-6)


def test_a_mention_cut_by_a_window_begins_anew_in_it(encode) -> None:
    (post,) = encode(["word " * 30], max_length=32)
    gold = GoldTags(np.array([1] + [2] * 29))
    chosen = windows_with_words([post])
    batch = make_tagged_batch([post], [gold], chosen, pad_id=0, device=CPU)
    assert len(chosen) > 2
    assert (batch.tags[:, 0] == 1).all()
    assert batch.post_ids == ("0",) * len(chosen)
    assert (batch.tags[:, 1:][batch.words.mask[:, 1:]] == 2).all()


def test_tagger_overfits_sixteen_posts(encode, tagger: Tagger) -> None:
    effects = ["bad headaches", "rash", "dizzy spells", "weight gain"]
    texts = [f"x{n} gave me {effect} and {effects[n]}, ok" for n in range(4) for effect in effects]
    posts = encode(texts)
    mentions = []
    for n, text in enumerate(texts):
        first, second = effects[n % 4], effects[n // 4]
        places = [(text.index(first), first), (text.rindex(second), second)]
        mentions.append([Mention(Span(at, at + len(e)), e) for at, e in places])
    gold = [
        tag_mentions(each, post.normalised, post.words)
        for each, post in zip(mentions, posts, strict=True)
    ]
    batch = make_tagged_batch(posts, gold, windows_with_words(posts), pad_id=0, device=CPU)
    assert len(batch.post_ids) == 16
    optimiser = torch.optim.AdamW(tagger.parameters(), lr=3e-3)
    tagger.eval()  # without dropout: what is asked is whether it can
    for _ in range(80):
        loss = tagging_loss(tagger, batch)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    logits = predict_word_logits(tagger, posts, pad_id=0, dtype=torch.float32, device=CPU)
    found = extract_spans([post.places() for post in posts], logits, tagger.chain())
    assert [[each.span for each in spans] for spans in found] == [
        [mention.span for mention in each] for each in mentions
    ]
    assert min(each.prob for spans in found for each in spans) > 0.6


def test_tagger_saves_nothing_but_weights(tagger: Tagger, head: str) -> None:
    names = {name for name in tagger.state_dict() if not name.startswith("encoder.")}
    expected = {"term_tags.weight", "head.weight", "head.bias"}
    if head == "crf":
        expected |= {"crf.start", "crf.transitions", "crf.end"}
    assert names == expected


def test_linear_head_is_decoded_under_the_same_constraint(encode, tagger: Tagger) -> None:
    posts = encode(POSTS)
    batch = make_word_batch(posts, windows_with_words(posts), pad_id=0, device=CPU)
    tagger.eval()
    with torch.no_grad():
        tags = viterbi(tagger(batch), batch.mask, plain_chain())
    before = torch.cat([torch.zeros(len(tags), 1, dtype=torch.long), tags[:, :-1]], dim=1)
    assert not ((tags == 2) & (before == 0)).any()
