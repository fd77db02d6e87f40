"""`smm4h serve` and `smm4h keys`, up to where Ray would start."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ray_jobs.serving import GPU_BATCH_CHARS, describe_application, root_cause
from smm4h_core.access_keys import find_key, read_keys


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "expected a file of keys, or --no-auth"),
        (["--no-auth", "--host", "0.0.0.0"], "others reach this address"),
        (["--no-auth", "--host", "example.org"], "others reach this address"),
        (["--keys", "none.json"], "holds no key"),
    ],
)
def test_serve_refuses_to_be_open_to_others(
    smm4h, tiny_bundle: Path, options: list[str], says: str
) -> None:
    ended = smm4h("serve", tiny_bundle, *options)
    assert ended.code == 2
    assert says in " ".join(ended.err.replace("│", " ").split())


def test_serve_never_runs_without_ray_s_token(
    smm4h, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    ended = smm4h("serve", tiny_bundle, "--no-auth")
    assert ended.code == 2
    assert "RAY_AUTH_MODE: expected token, got disabled" in ended.err


def test_serve_leaves_a_cluster_alone(
    smm4h, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    ended = smm4h("serve", tiny_bundle, "--no-auth")
    assert ended.code == 2
    assert "RAY_ADDRESS: expected none, got 10.0.0.1:6379" in ended.err


def test_serve_tells_of_a_broken_bundle_before_ray_starts(
    smm4h, tiny_bundle: Path, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(tiny_bundle, tmp_path / "broken"))
    (broken / "README.md").unlink()
    ended = smm4h("serve", broken, "--no-auth")
    assert ended.code == 1
    assert "README.md: missing" in ended.err
    assert "Traceback" not in ended.err


def test_keys_are_added_listed_and_revoked(smm4h, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    added = smm4h("keys", "add", "alice", "--keys", path, "--scope", "predict", "--scope", "admin")
    assert added.code == 0
    assert find_key(read_keys(path), added.out.strip()).scopes == ("predict", "admin")
    listed = json.loads(smm4h("keys", "list", "--keys", path, "--json").out)
    assert [(each["name"], each["scopes"]) for each in listed] == [("alice", ["predict", "admin"])]
    assert "sha256" not in listed[0]
    assert smm4h("keys", "revoke", "alice", "--keys", path).code == 0
    assert read_keys(path) == ()
    assert smm4h("keys", "add", "bob", "--keys", path, "--scope", "root").code == 2


def test_application_deploys_the_bundle_s_kinds_alone(tiny_bundle: Path) -> None:
    told = describe_application(tiny_bundle, host="127.0.0.1", port=8123, keys=None, replicas=3)
    (app,) = told["applications"]
    by_name = {each["name"]: each for each in app["deployments"]}
    assert set(by_name) == {"Ingress", "Classifier"}
    assert by_name["Classifier"]["autoscaling_config"]["max_replicas"] == 3
    assert by_name["Classifier"]["user_config"]["bundle"] == str(tiny_bundle.resolve())
    assert told["http_options"]["port"] == 8123
    assert app["args"]["auth"] is False


def test_parts_on_a_gpu_claim_their_share_and_take_larger_batches(tiny_bundle: Path) -> None:
    told = describe_application(tiny_bundle, host="127.0.0.1", port=8123, keys=None, gpus=0.3)
    (app,) = told["applications"]
    by_name = {each["name"]: each for each in app["deployments"]}
    assert by_name["Classifier"]["ray_actor_options"]["num_gpus"] == 0.3
    assert by_name["Classifier"]["user_config"]["batch_chars"] == GPU_BATCH_CHARS
    assert "num_gpus" not in by_name["Ingress"]["ray_actor_options"]


def test_serve_refuses_a_share_above_one_gpu(smm4h, tiny_bundle: Path) -> None:
    ended = smm4h("serve", tiny_bundle, "--no-auth", "--gpus", "1.5")
    assert ended.code == 2
    assert "Invalid value for '--gpus'" in " ".join(ended.err.replace("│", " ").split())


def test_root_cause_is_our_own_error_out_of_ray_s_layers() -> None:
    told = """ray::ServeReplica.initialize() (pid=1)
  File "replica.py", line 1, in initialize
RuntimeError: Traceback (most recent call last):
  File "part.py", line 2, in _load
smm4h_core.errors.BundleError: /b: 2 file(s) wrong
  README.md: missing
  s0-f0.safetensors: expected 3, got 4

The above exception was the direct cause of the following exception:
"""
    wrong = "/b: 2 file(s) wrong; README.md: missing; s0-f0.safetensors: expected 3, got 4"
    assert root_cause(["Deploying failed 3 times", told]) == wrong
    assert root_cause(["RuntimeError: x\nOSError: full"]) == "OSError: full"
    assert root_cause(["", "no traceback here"]) == "no traceback here"
