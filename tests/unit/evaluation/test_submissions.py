import zipfile
from pathlib import Path

import pytest

from smm4h_core.errors import DataError
from smm4h_core.evaluation.submissions import score_submission

LABELS = "tweet_id\tlabel\n"
SPANS = "tweet_id\tlabel\tstart\tend\tspan\n"
CONCEPTS = "tweet_id\tlabel\tstart\tend\tspan\tptid\n"


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    return path


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    folder = tmp_path / "gold"
    write(
        folder / "tweets.tsv",
        "tweet_id\ttweet\n1\tslept for 14 hours\n2\tsick and dizzy\n3\tfine\n",
    )
    write(folder / "class.tsv", LABELS + "1\tADE\n2\tADE\n3\tNoADE\n")
    write(folder / "spans.tsv", SPANS + "1\tADE\t0\t5\tslept\n2\tADE\t9\t14\tdizzy\n")
    write(
        folder / "spans_norm.tsv",
        CONCEPTS + "1\tADE\t0\t5\tslept\tC1\n2\tADE\t9\t14\tdizzy\tC2\n",
    )
    return folder


@pytest.mark.parametrize(("task", "yes", "no"), [("1a", "ADE", "NoADE"), ("2", "1", "0")])
def test_score_submission_scores_labels_by_post(
    gold: Path, tmp_path: Path, task: str, yes: str, no: str
) -> None:
    pred = write(tmp_path / "pred.tsv", LABELS + f"3\t{yes}\n1\t{yes}\n2\t{no}\n")

    for truth in (gold, gold / "class.tsv"):
        assert score_submission(task, truth, pred) == {
            "precision": 0.5,
            "recall": 0.5,
            "f1": 0.5,
            "n": 3,
        }


def test_score_submission_refuses_missing_and_unknown_posts(gold: Path, tmp_path: Path) -> None:
    pred = write(tmp_path / "pred.tsv", LABELS + "1\tADE\n")
    with pytest.raises(DataError, match=r"each of the 3 gold posts, 2 have none, first '2'"):
        score_submission("1a", gold, pred)

    pred = write(tmp_path / "pred.tsv", LABELS + "1\tADE\n2\tADE\n3\tADE\n4\tADE\n")
    with pytest.raises(DataError, match=r"among the 3 of gold, 1 are not, first '4'"):
        score_submission("1a", gold, pred)


def test_score_submission_scores_spans_by_both_scorers(gold: Path, tmp_path: Path) -> None:
    # Post 1 exactly; post 2 in two fragments; post 3 has none to be found.
    rows = "1\tADE\t0\t5\tslept\n2\tADE\t9\t11\tdi\n2\tADE\t11\t14\tzzy\n3\tADE\t0\t4\tfine\n"
    pred = write(tmp_path / "pred.tsv", SPANS + rows)

    scores = score_submission("1b", gold, pred)

    assert list(scores) == ["official", "one_to_one", "n"]
    assert scores["n"] == 3
    assert scores["official"]["relaxed"] == {
        "precision": 3 / 4,
        "recall": 1.0,
        "f1": pytest.approx(6 / 7),
    }
    assert scores["one_to_one"]["relaxed"] == {
        "precision": 2 / 4,
        "recall": 1.0,
        "f1": pytest.approx(4 / 6),
    }
    for scorer in ("official", "one_to_one"):
        assert scores[scorer]["strict"]["precision"] == 1 / 4
        assert scores[scorer]["strict"]["recall"] == 1 / 2


def test_score_submission_wants_equal_concepts_in_1c(gold: Path, tmp_path: Path) -> None:
    rows = "1\tADE\t0\t5\tslept\tC1\n2\tADE\t9\t14\tdizzy\tC9\n"
    pred = tmp_path / "pred.zip"
    with zipfile.ZipFile(pred, "w") as archive:
        archive.writestr("pred.tsv", CONCEPTS + rows)

    scores = score_submission("1c", gold, pred)

    half = {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert scores["official"] == scores["one_to_one"] == {"relaxed": half, "strict": half}


def test_score_submission_takes_a_folder_of_labels_and_spans_as_the_list_of_posts(
    gold: Path, tmp_path: Path
) -> None:
    (gold / "tweets.tsv").unlink()
    pred = write(tmp_path / "pred.tsv", SPANS + "4\tADE\t0\t5\tslept\n")

    with pytest.raises(DataError, match="first '4'"):
        score_submission("1b", gold, pred)


def test_score_submission_counts_spans_of_posts_that_a_gold_file_lacks(
    gold: Path, tmp_path: Path
) -> None:
    pred = write(tmp_path / "pred.tsv", SPANS + "1\tADE\t0\t5\tslept\n4\tADE\t0\t5\tslept\n")

    scores = score_submission("1b", gold / "spans.tsv", pred)

    assert scores["n"] == 3
    assert scores["official"]["strict"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5}


def test_score_submission_refuses_gold_spans_of_posts_that_the_folder_lacks(
    gold: Path, tmp_path: Path
) -> None:
    write(gold / "spans.tsv", SPANS + "9\tADE\t0\t5\tslept\n")
    pred = write(tmp_path / "pred.tsv", SPANS)

    with pytest.raises(DataError, match=r"spans.tsv:2: .*got '9'"):
        score_submission("1b", gold, pred)
    (gold / "tweets.tsv").unlink()
    with pytest.raises(DataError, match=r"spans.tsv: .*first '9'"):
        score_submission("1b", gold, pred)


@pytest.mark.parametrize("task", ["1b", "1c"])
def test_score_submission_counts_gold_mentions_in_parts_by_their_hull(
    gold: Path, tmp_path: Path, task: str
) -> None:
    columns = "tweet_id\tlabel\tfragments\tspan\tptid\n"
    rows = "2\tADE\t0-4;9-14\tsick dizzy\tC3\n3\tADE\t0-1;3-4\tf e\t\n"
    write(gold / "fragments.tsv", columns + rows)
    pred = write(
        tmp_path / "pred.tsv",
        CONCEPTS + "1\tADE\t0\t5\tslept\tC1\n2\tADE\t0\t14\tsick and dizzy\tC3\n",
    )
    if task == "1b":
        pred.write_text("\n".join(row.rpartition("\t")[0] for row in pred.read_text().splitlines()))

    scores = score_submission(task, gold, pred)

    # Without a concept a mention in parts is none of task 1c, as in the files of the task.
    recall = 2 / 4 if task == "1b" else 2 / 3
    assert scores["one_to_one"]["strict"]["precision"] == 1.0
    assert scores["one_to_one"]["strict"]["recall"] == recall


def test_score_submission_refuses_gold_parts_without_their_posts(
    gold: Path, tmp_path: Path
) -> None:
    write(gold / "fragments.tsv", "tweet_id\tlabel\tfragments\tspan\n")
    (gold / "tweets.tsv").unlink()

    with pytest.raises(DataError, match=r"expected tweets\.tsv beside fragments\.tsv"):
        score_submission("1b", gold, write(tmp_path / "pred.tsv", SPANS))
