"""The deployments on a real Ray Serve: equal to the pipeline, changed live, silent about posts."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx2
import pytest
import torch

from ray_jobs.serving import (
    change_bundle,
    deploy,
    describe_application,
    serving,
    wait_until_serving,
)
from serve.client import Client
from smm4h_core.access_keys import add_key
from smm4h_core.bundle_build import join_bundles
from smm4h_core.corpora.sample import sample_split
from smm4h_core.errors import BundleError, ResourceError
from smm4h_core.pipeline import load_pipeline
from smm4h_core.reports import report_to_json
from smm4h_core.types import Post
from tests.serving import build_whole_bundle, renamed
from tests.sockets import is_loopback, listening

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_local")]

MARKER = "zqxjmarker"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.serving import save_letter_bert

    root = tmp_path_factory.mktemp("whole")
    return build_whole_bundle(root, save_letter_bert(root / "bert"))


@pytest.fixture(scope="module")
def keys_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture(scope="module")
def served(
    request: pytest.FixtureRequest, whole: Path, keys_path: Path
) -> Iterator[dict[str, Any]]:
    """The configuration in force; ``url`` and ``key`` beside it."""
    request.getfixturevalue("ray_local")
    key = add_key(keys_path, "tester", ["predict", "admin", "metrics"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = describe_application(whole, host="127.0.0.1", port=port, keys=keys_path)
    with serving(told):
        yield {"told": told, "url": f"http://127.0.0.1:{port}", "key": key}


def rounded(value: Any) -> Any:
    return json.loads(json.dumps(value), parse_float=lambda number: round(float(number), 4))


def test_served_answers_are_the_pipeline_s_also_at_the_same_time(
    served: dict[str, Any], whole: Path
) -> None:
    both = [each.post.text for lang in ("en", "ru") for each in sample_split(lang, "dev")[:50]]
    posts = [Post(str(n), text) for n, text in enumerate(both)]
    pipeline = load_pipeline(whole, device=torch.device("cpu"))
    expected = [report_to_json(each) for each in pipeline.process(posts)]

    async def ask() -> list[Any]:
        headers = {"Authorization": f"Bearer {served['key']}"}
        async with httpx2.AsyncClient(base_url=served["url"], headers=headers) as client:
            gate = asyncio.Semaphore(8)

            async def one(post: Post) -> Any:
                async with gate:
                    body = {"post_id": post.post_id, "text": post.text}
                    answer = await client.post("/v1/posts", json=body, timeout=60)
                assert answer.status_code == 200, answer.text
                return answer.json()

            return list(await asyncio.gather(*map(one, posts)))

    assert rounded(asyncio.run(ask())) == rounded(expected)
    with Client(served["url"], key=served["key"]) as client:
        told = [each.model_dump(mode="json") for each in client.process(posts)]
        assert rounded(told) == rounded(expected)


def test_parts_that_do_not_fit_are_refused_at_once(whole: Path) -> None:
    told = describe_application(whole, host="127.0.0.1", port=8123, keys=None, gpus=0.3)
    says = r"each replica of a part asks for 0\.5 CPU and 0\.3 GPU on one machine; .* 0 GPU$"
    with pytest.raises(ResourceError, match=says), serving(told):
        pytest.fail("it serves")


def test_nothing_of_a_post_is_left_in_ray_s_files(served: dict[str, Any], ray_folder: Path) -> None:
    with httpx2.Client(
        base_url=served["url"], headers={"Authorization": f"Bearer {served['key']}"}
    ) as client:
        said = f"{MARKER} @{MARKER} seroquel gave me {MARKER}"
        assert client.post("/v1/posts", json={"text": said, "extract_all": True}).status_code == 200
        assert client.post("/v1/posts", json={MARKER: 1}).status_code == 422
        assert client.post("/v1/posts", content=MARKER.encode()).status_code == 422
        assert client.post("/v1/link", json={"mentions": [{"text": MARKER}]}).status_code == 200
        assert client.get(f"/v1/{MARKER}").status_code == 404
        assert client.post("/", data={"text": said}).status_code == 200
        assert MARKER not in client.get("/metrics").text
    written = [path for path in ray_folder.rglob("*") if path.is_file()]
    assert any("replica_smm4h_Ingress" in path.name for path in written)
    assert [path.name for path in written if MARKER.encode() in path.read_bytes()] == []


def test_only_replicas_listen_beyond_loopback_and_they_ask_for_the_token(
    served: dict[str, Any], ray_folder: Path
) -> None:
    found = listening(str(ray_folder))
    assert served["url"].removeprefix("http://") in {f"{host}:{port}" for host, port in found}
    beyond = [port for host, port in found if not is_loopback(host)]
    # Ray Serve's own, one a replica, which no setting binds elsewhere.
    assert len(beyond) == len(served["told"]["applications"][0]["deployments"])
    for port in beyond:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary("/ray.serve.ASGIService/HandleRequest")
            with pytest.raises(grpc.RpcError) as refused:
                call(b"", timeout=10)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_bundles_and_thresholds_change_without_a_failed_request(
    served: dict[str, Any], whole: Path, tmp_path: Path
) -> None:
    newer = renamed(whole, tmp_path / "newer", version="2")
    broken = renamed(whole, tmp_path / "broken", version="3")
    next(broken.rglob("*.safetensors")).write_bytes(b"\0")
    lone = tmp_path / "lone"
    join_bundles([("classifier", whole)], name="whole", version="4", folder=lone)
    statuses: list[int] = []
    labels: set[str] = set()
    stop = threading.Event()

    def ask() -> None:
        headers = {"Authorization": f"Bearer {served['key']}"}
        with httpx2.Client(base_url=served["url"], headers=headers, timeout=60) as client:
            while not stop.is_set():
                answer = client.post("/v1/posts", json={"text": "seroquel made me sleep"})
                statuses.append(answer.status_code)
                labels.add(answer.json().get("bundle", answer.text))

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for each in asking:
        each.start()
    try:
        told = change_bundle(served["told"], newer)
        with pytest.raises(BundleError, match="safetensors: expected"):
            change_bundle(told, broken)
        # Sound by itself: only the replicas of its missing kinds can refuse it.
        with pytest.raises(ResourceError, match=r"lone: not taken.*other kinds of parts need"):
            change_bundle(told, lone)
        with Client(served["url"], key=served["key"]) as client:
            states = [(each["bundle"], each["refused"]) for each in client.state()]
            assert states == [("whole@2", None)] * 4
            (classifier,) = (
                each for each in told["applications"][0]["deployments"]
                if each["name"] == "Classifier"
            )  # fmt: skip
            for threshold, label in ((1.0, "NoADE"), (0.0, "ADE")):
                classifier["user_config"]["rule"] = {"threshold": threshold}
                deploy(told)
                wait_until_serving(timeout_s=120)
                (report,) = client.process(["seroquel made me sleep"])
                assert report.ade.label == label
    finally:
        stop.set()
        for each in asking:
            each.join()
    assert set(statuses) == {200}
    assert labels == {"whole@1", "whole@2"}
