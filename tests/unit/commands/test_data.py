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
