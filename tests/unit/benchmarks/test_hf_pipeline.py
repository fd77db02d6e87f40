from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.hf_pipeline import SequenceClassifier
from benchmarks.inference_speed import OURS, OURS_FP32, THEIRS, build_contenders, judge_answers
from smm4h_core.bundle import load_bundle
from smm4h_core.types import AnnotatedPost, Post

TEXTS = ["i slept for 14 hours", "no", "a headache, again and again, all day long", "ok @someone"]


@pytest.mark.filterwarnings("default")  # transformers' own, which differ between its releases
def test_pipeline_answers_as_our_own_network_does(tiny_bundle: Path) -> None:
    bundle = load_bundle(tiny_bundle)
    contenders = build_contenders(bundle, torch.device("cpu"))
    posts = [Post(str(i), text) for i, text in enumerate(TEXTS)]

    probs = {name: answer(posts) for name, answer in contenders.items()}

    assert probs[THEIRS].std() > 0.01
    np.testing.assert_allclose(probs[THEIRS], probs[OURS_FP32], atol=1e-5)
    labelled = [AnnotatedPost(p, label=bool(p.post_id != "1"), group=p.post_id) for p in posts]
    assert judge_answers(contenders, labelled, 0.5)[OURS].num_flipped == 0


def test_pipeline_has_a_copy_that_pads(tiny_bundle: Path) -> None:
    network = load_bundle(tiny_bundle).classifiers["en"].networks[0][0]
    wrapped = SequenceClassifier(network)
    assert wrapped.network.encoder.packs is False
    assert network.encoder.packs is True
