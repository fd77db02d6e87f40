import json
from pathlib import Path

from smm4h_core.corpora.smm4h import read_annotated


def test_data_check_lists_errors_then_notes_and_exits_1(smm4h, tmp_path: Path) -> None:
    (tmp_path / "tweets.tsv").write_text("tweet_id\ttweet\n1\ta\n1\tb\n2\t \n")

    ended = smm4h("data", "check", tmp_path)

    assert ended.code == 1
    error, _, heading, note, counts = ended.out.splitlines()
    assert error.startswith(f"{tmp_path / 'tweets.tsv'}:3: ")
    assert error.endswith("[doubled-id]")
    assert heading == "notes:"
    assert note.startswith(f"{tmp_path / 'tweets.tsv'}:4: ")
    assert counts == "1 error(s), 1 note(s)"


def test_data_check_exits_0_on_notes_alone(smm4h, tmp_path: Path) -> None:
    (tmp_path / "tweets.tsv").write_text("tweet_id\ttweet\n1\ta\n2\t \n")

    ended = smm4h("data", "check", tmp_path, "--json")

    assert ended.code == 0
    answered = json.loads(ended.out)
    assert (answered["errors"], answered["notes"]) == (0, 1)
    (problem,) = answered["problems"]
    assert problem == {
        "path": str(tmp_path / "tweets.tsv"),
        "line": 3,
        "code": "empty-text",
        "severity": "note",
        "message": "tweet_id '2' has no text",
    }


def test_data_check_refuses_a_path_that_is_not_there(smm4h, tmp_path: Path) -> None:
    assert smm4h("data", "check", tmp_path / "no").code == 2


def test_data_sample_writes_corpora_that_the_check_finds_sound(smm4h, tmp_path: Path) -> None:
    ended = smm4h("data", "sample", tmp_path / "sample", "--seed", "1")

    assert ended.code == 0
    assert "synthetic" in ended.err
    assert smm4h("data", "check", tmp_path / "sample").code == 0
    for lang in ("en", "ru"):
        folder = tmp_path / "sample" / lang / "test"
        posts = read_annotated(folder, "1c")
        assert len(posts) == 120
        assert 0 < sum(bool(post.label) for post in posts) < 120
        assert all(bool(post.label) == bool(post.mentions) for post in posts)


def test_data_sample_never_overwrites(smm4h, tmp_path: Path) -> None:
    assert smm4h("data", "sample", tmp_path).code == 0

    ended = smm4h("data", "sample", tmp_path)

    assert ended.code == 1
    assert "got one that holds" in ended.err


def _write_reviews(path: Path, num_reviews: int = 12) -> Path:
    lines = []
    for number in range(num_reviews):
        text = f"От лекарства {number} болит {number * 37} раз голова."
        start = text.index("голова")
        adr = {"entity_type": "ADR", "entity_text": "голова", "start": start, "end": start + 6}
        drug = {"entity_type": "Drugname", "entity_text": "лекарства", "start": 3, "end": 12}
        lost = {"entity_type": "ADR", "entity_text": "сон", "start": 900, "end": 903}
        record = {
            "file_name": f"{number}.tsv",
            "sentence_id": 0,
            "text": text,
            "entities": [adr, drug, lost],
        }
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_data_convert_tells_what_it_wrote_and_what_not(smm4h, tmp_path: Path) -> None:
    source, out = _write_reviews(tmp_path / "reviews.json", 25), tmp_path / "out"

    ended = smm4h("data", "convert", source, out, "--format", "rudrec", "--seed", "1")

    assert ended.code == 0
    assert f"{out}: sentences" in ended.out
    assert [name for name in ("train", "dev", "test") if name in ended.out] == [
        *("train", "dev", "test"),
    ]
    assert "25 annotations of type DRUG not converted" in ended.err
    assert "25 [offset-outside]" in ended.err
    assert "… and 5 more: smm4h data check" in ended.err
    assert smm4h("data", "check", out).code == 0
    assert smm4h("data", "check", source).code == 1


def test_data_convert_answers_machines(smm4h, tmp_path: Path) -> None:
    source = _write_reviews(tmp_path / "reviews.json")
    options = ("--by", "document", "--dev", "0.25", "--test", "0.25", "--json")

    ended = smm4h("data", "convert", source, tmp_path / "out", *options)

    assert ended.code == 0
    answered = json.loads(ended.out)
    assert answered["unit"] == "document"
    assert {name: part["posts"] for name, part in answered["parts"].items()} == {
        "train": 6,
        "dev": 3,
        "test": 3,
    }
    assert len(answered["problems"]) == 12
    assert answered["problems"][0]["line"] == 1


def test_data_convert_refuses_what_it_cannot_do(smm4h, tmp_path: Path) -> None:
    source = _write_reviews(tmp_path / "reviews.json")

    wrong = smm4h("data", "convert", source, tmp_path / "out", "--concepts", "sct")
    assert wrong.code == 2
    assert "expected umls or meddra of rudrec, got 'sct'" in wrong.err
    assert smm4h("data", "convert", source, tmp_path / "out", "--by", "line").code == 2
    assert smm4h("data", "convert", source, tmp_path / "out", "--format", "psytar").code == 1
    full = smm4h("data", "convert", source, tmp_path)
    assert full.code == 1
    assert "got one that holds data" in full.err
