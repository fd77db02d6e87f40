import json
import shutil
from pathlib import Path


def test_bundle_show_summarises_the_manifest(smm4h, tiny_bundle: Path) -> None:
    ended = smm4h("bundle", "show", tiny_bundle, "--json")

    assert ended.code == 0
    shown = json.loads(ended.out)
    assert (shown["name"], shown["version"]) == ("tiny", "1")
    (part,) = shown["parts"].values()
    assert (part["task"], part["seeds"]) == ("1a", [0, 2])
    assert part["rule"] == {"kind": "mean", "member_thresholds": [0.5, 0.5], "threshold": 0.5}
    assert part["scores"]["dev"]["f1"] == 0.545
    sizes = [path.stat().st_size for path in tiny_bundle.rglob("*") if path.is_file()]
    assert shown["files"] == len(sizes) - 1
    assert shown["bytes"] == sum(sizes) - (tiny_bundle / "manifest.json").stat().st_size


def test_bundle_show_prints_a_line_for_each_fact(smm4h, tiny_bundle: Path) -> None:
    ended = smm4h("bundle", "show", tiny_bundle)

    assert ended.code == 0
    for words in ("tiny", "kind mean", "F1 0.545 [0.450, 0.650], n 80"):
        assert words in ended.out


def test_bundle_verify_tells_a_sound_bundle_from_an_altered_one(
    smm4h, tiny_bundle: Path, tmp_path: Path
) -> None:
    assert smm4h("bundle", "verify", tiny_bundle).code == 0

    altered = tmp_path / "altered"
    shutil.copytree(tiny_bundle, altered)
    weights = altered / "classifier" / "members" / "s2-f0.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    ended = smm4h("bundle", "verify", altered)

    assert ended.code == 1
    assert "classifier/members/s2-f0.safetensors" in ended.err


def test_bundle_commands_refuse_a_folder_that_is_not_there(smm4h, tmp_path: Path) -> None:
    assert smm4h("bundle", "show", tmp_path / "no").code == 2
    assert smm4h("bundle", "verify", tmp_path / "no").code == 2


def test_bundles_may_lie_inside_an_installed_package(smm4h) -> None:
    ended = smm4h("bundle", "show", "package:smm4h_core/starter", "--json")
    assert (ended.code, json.loads(ended.out)["name"]) == (0, "starter")
    for command in (["link", "headache"], ["predict", "in.tsv", "out.tsv"]):
        verb, *rest = command
        ended = smm4h(verb, "package:smm4h_core/none", *rest)
        assert ended.code == 2
        assert "package:smm4h_core/none: no such folder" in " ".join(ended.err.split())
