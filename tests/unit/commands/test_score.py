import json
import subprocess
import sys
from pathlib import Path

import pytest

LABELS = "tweet_id\tlabel\n"
SPANS = "tweet_id\tlabel\tstart\tend\tspan\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    gold, pred = tmp_path / "gold.tsv", tmp_path / "pred.tsv"
    gold.write_text(LABELS + "1\tADE\n2\tNoADE\n")
    pred.write_text(LABELS + "1\tADE\n2\tADE\n")
    return gold, pred


def test_score_prints_json(smm4h, files: tuple[Path, Path]) -> None:
    ended = smm4h("score", "--task", "1a", "--gold", files[0], "--pred", files[1], "--json")

    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == {
        "precision": 0.5,
        "recall": 1.0,
        "f1": pytest.approx(2 / 3),
        "n": 2,
    }


def test_score_prints_tables_of_labels_and_of_spans(
    smm4h, files: tuple[Path, Path], tmp_path: Path
) -> None:
    labels = smm4h("score", "--task", "1a", "--gold", files[0], "--pred", files[1])
    spans = tmp_path / "spans.tsv"
    spans.write_text(SPANS + "1\tADE\t0\t5\tslept\n")
    mentions = smm4h("score", "--task", "1b", "--gold", spans, "--pred", spans)

    assert "0.667" in labels.out
    assert mentions.out.count("1.000") == 12
    assert mentions.out.index("official") < mentions.out.index("one-to-one")


def test_score_fails_on_missing_posts(smm4h, files: tuple[Path, Path]) -> None:
    files[1].write_text(LABELS + "1\tADE\n")

    ended = smm4h("score", "--task", "1a", "--gold", files[0], "--pred", files[1])

    assert ended.code == 1
    assert "1 have none, first '2'" in ended.err


def test_score_refuses_wrong_use(smm4h, files: tuple[Path, Path], tmp_path: Path) -> None:
    assert smm4h("score", "--task", "9", "--gold", files[0], "--pred", files[1]).code == 2
    assert smm4h("score", "--task", "1a", "--gold", tmp_path / "no", "--pred", files[1]).code == 2
    assert smm4h("score", "--task", "1a", "--gold", files[0]).code == 2


def test_score_needs_neither_torch_nor_ray(files: tuple[Path, Path]) -> None:
    script = (
        "import sys\n"
        "from ray_jobs.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as ended:\n"
        "    assert not ended.code, ended.code\n"
        "print(sorted({'torch', 'ray', 'transformers'} & set(sys.modules)))\n"
    )
    arguments = ("score", "--task", "1a", "--gold", files[0], "--pred", files[1], "--json")

    ran = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )

    assert ran.stdout.splitlines()[-1] == "[]"
