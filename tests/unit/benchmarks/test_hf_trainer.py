from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.hf_trainer import TrainerNetwork, train_with_trainer
from smm4h_core.classify.network import Classifier, classification_loss, make_batch
from smm4h_core.config import TrainingConfig
from smm4h_core.encoders.base import LoadedEncoder
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.members.classification import EncodedPosts
from smm4h_core.types import AnnotatedPost, Post

TEXTS = ["awful pain", "fine", "a long, long story of pain", "fine again"] * 3


def build(tiny_bert: Path) -> tuple[LoadedEncoder, Classifier, EncodedPosts]:
    torch.manual_seed(0)
    loaded = load_text_encoder(str(tiny_bert))
    labels = ["pain" in text for text in TEXTS]
    posts = tuple(
        AnnotatedPost(Post(str(i), text), label=label)
        for i, (text, label) in enumerate(zip(TEXTS, labels, strict=True))
    )
    encodings = loaded.tokeniser.encode(TEXTS, max_length=32)
    return (
        loaded,
        Classifier(loaded.encoder, dropout=0.0),
        EncodedPosts(posts, encodings, np.array(labels)),
    )


def test_trainer_network_has_our_loss(tiny_bert: Path) -> None:
    loaded, network, encoded = build(tiny_bert)
    batch = make_batch(
        [each.post.post_id for each in encoded.posts],
        encoded.encodings,
        encoded.labels.tolist(),
        pad_id=loaded.tokeniser.pad_id,
        device=torch.device("cpu"),
    )

    theirs = TrainerNetwork(network)(
        batch.tokens.input_ids, batch.tokens.attention_mask.long(), batch.labels
    )

    assert theirs["loss"].item() == classification_loss(network, batch).item()


@pytest.mark.filterwarnings("default")  # transformers' own, which differ between its releases
def test_train_with_trainer_trains_in_place(tiny_bert: Path) -> None:
    pytest.importorskip("accelerate")
    loaded, network, encoded = build(tiny_bert)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}

    rate = train_with_trainer(
        network,
        encoded,
        tokeniser=loaded.tokeniser,
        padding="longest",
        max_length=32,
        training=TrainingConfig(epochs=2, learning_rate=1e-2),
        epochs=2,
        seed=0,
        device=torch.device("cpu"),
    )

    assert rate > 0
    moved = [name for name, p in network.named_parameters() if not torch.equal(p, before[name])]
    assert any(name.startswith("encoder") for name in moved)
    assert any(name.startswith("head") for name in moved)
