"""Marked posts on standard output, and what the command takes for posts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from smm4h_core.corpora.sample import sample_split
from smm4h_core.pipeline import load_pipeline
from smm4h_core.reports import report_to_json
from smm4h_core.types import Post
from tests.unit.tagging import build_tagging

ROOT = Path(__file__).parents[3]
TEXTS = ("slept for 14 hours on seroquel", "feeling fine, thanks")


def reports_of(bundle: Path, *posts: Post) -> list[dict[str, object]]:
    return [report_to_json(report) for report in load_pipeline(bundle).process(posts)]


def reports_in(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def test_extract_marks_texts(smm4h, tiny_bundle: Path) -> None:
    ended = smm4h("extract", *TEXTS, "--bundle", tiny_bundle)
    assert (ended.code, ended.err) == (0, "")
    first, second, third, fourth, fifth = ended.out.splitlines()
    assert first.startswith("1, en, tiny@1: ")
    assert second == "slept for 14 hours on [seroquel DRUG 1]"
    assert third == '  DRUG 1  "seroquel", quetiapine'
    assert fourth.startswith("2, en, tiny@1: ")
    assert fifth == "feeling fine, thanks"


def test_extract_prints_reports_as_predict_does(smm4h, tiny_bundle: Path) -> None:
    lines = "\n".join(TEXTS).encode()
    ended = smm4h("extract", *TEXTS, "--bundle", tiny_bundle, "--json")
    predicted = smm4h("predict", tiny_bundle, "-", "-", stdin=lines)
    assert ended.code == 0
    assert ended.out == predicted.out
    streamed = smm4h("extract", "-", "--bundle", tiny_bundle, "--json", stdin=lines)
    assert streamed.out == predicted.out


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".jsonl"])
def test_extract_reads_tables_as_predict_does(
    smm4h, tiny_bundle: Path, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"posts{suffix}"
    mark = "," if suffix == ".csv" else "\t"
    path.write_text(f"id{mark}text\n7{mark}slept\n8{mark}fine\n")
    if suffix == ".jsonl":
        path.write_text('{"id": 7, "text": "slept"}\n{"id": 8, "text": "fine"}\n')
    ended = smm4h("extract", path, "--bundle", tiny_bundle, "--json")
    assert reports_in(ended.out) == reports_of(tiny_bundle, Post("7", "slept"), Post("8", "fine"))


def test_extract_takes_another_file_for_a_post_a_line(
    smm4h, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What exists is a file even where it might be a text: here, of one word.
    (tmp_path / "headache").write_text("slept\nfine\n")
    monkeypatch.chdir(tmp_path)
    ended = smm4h("extract", "headache", "--bundle", tiny_bundle, "--json")
    assert reports_in(ended.out) == reports_of(tiny_bundle, Post("1", "slept"), Post("2", "fine"))
    ended = smm4h("extract", "-", "--bundle", tiny_bundle, "--json", stdin=b"headache")
    assert reports_in(ended.out) == reports_of(tiny_bundle, Post("1", "headache"))


def test_extract_reads_a_split_folder(smm4h, tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "tweets.tsv").write_text("tweet_id\ttweet\n9\tslept\n")
    ended = smm4h("extract", tmp_path, "--bundle", tiny_bundle, "--json")
    assert reports_in(ended.out) == reports_of(tiny_bundle, Post("9", "slept"))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["  "], "text 1 is empty"),
        (["slept", ""], "text 2 is empty"),
        (["nothing.tsv"], "nothing.tsv: looks like a path, and there is no such file"),
        (["../my posts.CSV"], "looks like a path"),
        (["-", "slept"], "- stands alone"),
        (["here.txt", "slept"], "here.txt: expected texts or one path; this is a path, among 2"),
        (["slept", "folder"], "this is a path, among 2 arguments"),
        (["folder"], "expected a text, a file or a folder with tweets.tsv; got another folder"),
        (["slept", "--html", "no/page.html"], "no such folder: no"),
        (["slept", "--html", "folder"], "folder: is a folder"),
        (["here.txt", "--html", "./here.txt"], "would replace the posts"),
        (["slept", "--json", "--colour", "always"], "JSON has no colours"),
        (["slept", "--bundle", "nowhere"], "nowhere: no such folder"),
        (["slept", "--lang", "de"], "'de'"),
        ([], "Missing argument"),
    ],
)
def test_extract_refuses_wrong_use(
    smm4h,
    tiny_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    (tmp_path / "here.txt").write_text("slept\n")
    (tmp_path / "folder").mkdir()
    bundle = [] if "--bundle" in arguments else ["--bundle", str(tiny_bundle)]
    ended = smm4h("extract", *arguments, *bundle)
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.err
    assert (tmp_path / "here.txt").read_text() == "slept\n"


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("posts.tsv", b"id\ttext\n1\ta\n2\n", "posts.tsv:3: expected 2 cells, got 1"),
        ("posts.log", b"fine\n\xff\n", "posts.log:2: expected UTF-8"),
        ("posts.jsonl", b"[]\n", "posts.jsonl:1: expected a JSON object"),
        ("posts.txt", b"", "posts.txt: expected at least one post, got none"),
        ("posts.csv", b"id,text\n", "posts.csv: expected at least one post, got none"),
    ],
)
def test_extract_names_the_line_that_it_cannot_read(
    smm4h, tiny_bundle: Path, tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    (tmp_path / name).write_bytes(content)
    page = tmp_path / "page.html"
    ended = smm4h("extract", tmp_path / name, "--bundle", tiny_bundle, "--html", page)
    assert (ended.code, ended.out) == (1, "")
    assert complaint in ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_extract_takes_texts_that_are_no_path(smm4h, tiny_bundle: Path) -> None:
    long = "my head hurts " * 400
    ended = smm4h("extract", long, "see a.csv or so", "and/or", "--bundle", tiny_bundle, "--json")
    assert [report["post_id"] for report in reports_in(ended.out)] == ["1", "2", "3"]


def test_extract_forces_the_language(smm4h, tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": 1, "text": "a", "lang": "ru"}\n')
    ended = smm4h("extract", path, "--bundle", tiny_bundle, "--json", "--lang", "en")
    assert [report["lang"] for report in reports_in(ended.out)] == ["en"]
    ended = smm4h("extract", "a", "--bundle", tiny_bundle, "--lang", "ru")
    assert ended.code == 1
    assert "post '1': expected one of the bundle's languages, en; got ru" in ended.err


def test_extract_says_that_the_starter_bundle_is_missing(
    smm4h, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smm4h_core.packaged.Path.is_dir", lambda _: False)
    ended = smm4h("extract", "slept")
    assert (ended.code, ended.out) == (2, "")
    assert "this installation comes without the starter bundle" in ended.err


def test_extract_names_a_package_that_is_missing(smm4h) -> None:
    ended = smm4h("extract", "slept", "--bundle", "package:no_such_package/bundle")
    assert ended.code == 2
    assert "no Python package 'no_such_package' is installed" in ended.err


def test_extract_saves_a_page_too(smm4h, tiny_bundle: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    plain = smm4h("extract", *TEXTS, "--bundle", tiny_bundle)
    ended = smm4h("extract", *TEXTS, "--bundle", tiny_bundle, "--html", page)
    assert ended.out == plain.out
    assert ended.err == f"saved {page}\n"
    text = page.read_text(encoding="utf-8")
    assert "<h1>tiny@1: 2 texts</h1>" in text
    assert '<mark class="drug">seroquel<sup>' in text
    assert text.count("<article") == 2
    assert text.endswith("</html>\n")


@pytest.mark.parametrize(
    ("colour", "environment", "terminal", "coloured"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {}, True, False),
    ],
)
def test_extract_colours_a_terminal_alone(
    smm4h,
    tiny_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    colour: str,
    environment: dict[str, str],
    terminal: bool,
    coloured: bool,
) -> None:
    for name, value in {"TERM": "xterm", "COLUMNS": "20", **environment}.items():
        monkeypatch.setenv(name, value)
    if "NO_COLOR" not in environment:
        monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    ended = smm4h("extract", TEXTS[0], "--bundle", tiny_bundle, "--colour", colour)
    assert ended.code == 0
    assert ("\x1b[" in ended.out) == coloured
    # A window of 20 columns breaks the post's line; a pipe does not.
    assert ("hours on" in ended.out) == (not terminal)


def test_extract_marks_mentions_of_posts_below_the_threshold_where_asked(
    smm4h, joined: Path
) -> None:
    texts = [f"{each.post.text}, bad dreams" for each in sample_split("en", "dev")[:32]]
    reports = load_pipeline(joined).process(texts, extract_all=True)
    kept = (n for n, each in enumerate(reports) if not each.ade.is_ade and each.mentions)
    text = texts[next(kept)]
    (gated,) = reports_in(smm4h("extract", text, "--bundle", joined, "--json").out)
    asked = smm4h("extract", text, "--bundle", joined, "--json", "--extract-all")
    (report,) = reports_in(asked.out)
    assert report["ade"]["label"] == gated["ade"]["label"] == "NoADE"
    assert gated["mentions"] == []
    assert report["mentions"]
    shown = smm4h("extract", text, "--bundle", joined, "--extract-all").out
    assert all(f"{each['text']} ADE" in shown for each in report["mentions"])


@pytest.fixture(scope="module")
def joined(tiny_bundle: Path, word_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger that has learnt its posts, behind a classifier that has learnt nothing."""
    from ray_jobs.run import run_training
    from smm4h_core.bundle_build import join_bundles

    root = tmp_path_factory.mktemp("joined")
    config = build_tagging(root, word_bert)(
        training={"epochs": 6, "learning_rate": 1e-2, "checkpoint_steps": None},
        ensemble={"seeds": [0]},
    )
    tagger = Path(run_training(config, inline=True).bundle_location)
    join_bundles(
        [("classifier", tiny_bundle), ("extractor", tagger)],
        name="joined",
        version="1",
        folder=root / "joined",
    )
    return root / "joined"


HEAVY = ("ray", "pandas", "sklearn", "rdkit", "matplotlib", "faiss", "peft")
RUN_AND_LIST = """
import sys
from ray_jobs.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*sorted(set({heavy}) & sys.modules.keys()))
"""


def test_extract_imports_nothing_that_the_bundle_does_not_need(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    code = RUN_AND_LIST.format(heavy=HEAVY)
    arguments = ["extract", TEXTS[0], "--bundle", str(tiny_bundle)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == ""
