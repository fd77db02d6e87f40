from smm4h_core.encoders.base import Encoding, pad_encodings, replace_surrogates


def test_pad_encodings_fills_on_the_right_and_masks() -> None:
    encodings = [
        Encoding(input_ids=[5, 6], offsets=[(0, 1), (1, 2)], truncated=False),
        Encoding(input_ids=[7, 8, 9], offsets=[(0, 1), (1, 2), (2, 3)], truncated=False),
    ]

    batch = pad_encodings(encodings, pad_id=1)

    assert batch.input_ids.tolist() == [[5, 6, 1], [7, 8, 9]]
    assert batch.attention_mask.tolist() == [[True, True, False], [True, True, True]]


def test_replace_surrogates_keeps_length_and_all_else() -> None:
    assert replace_surrogates("a\ud83d😂\udc00й") == "a\ufffd😂\ufffdй"
