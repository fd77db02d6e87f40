from __future__ import annotations

import time

from rich.console import Console

from ray_jobs.live import live_table, members_table
from ray_jobs.member_queue import MemberQueue
from smm4h_core.members.train import Member, Progress

DONE = {"history": [{"loss": 0.25}, {"loss": 0.125}], "choosing_f1": 0.8125, "kept_epoch": 0}


def rendered(queue: MemberQueue) -> str:
    console = Console(width=160)
    with console.capture() as capture:
        console.print(members_table("run", queue.snapshot(), 61))
    return capture.get()


def test_members_table_shows_epoch_loss_f1_place_and_eta() -> None:
    queue = MemberQueue([Member(0), Member(2), Member(3)], attempts=1)
    queue.claim(0, "host:17")
    queue.tell(0, Progress(Member(0), 1, 4, 0, 10))  # it was resumed after its first epoch
    queue.tell(0, Progress(Member(0), 1, 4, 5, 10, loss=0.5, dev_f1=0.75))
    queue.places[Member(0)].claimed_at = time.monotonic() - 10
    text = rendered(queue)
    row = next(line for line in text.splitlines() if "s0-f0" in line)
    for cell in ("training", "1.5/4", "0.500", "0.750", "host:17", "0:50"):
        assert cell in row
    assert "1 training, 2 waiting" in text
    assert "s2-f0" not in text  # what waits is counted, not listed


def test_members_table_shows_what_is_done_and_what_failed() -> None:
    queue = MemberQueue([Member(0), Member(2)], attempts=1)
    queue.claim(0, "host:17")
    queue.finish(0, DONE)
    queue.claim(0, "host:17")
    queue.fail(0, "loss nan at epoch 1\nsecond line", retry=True)
    text = rendered(queue)
    assert "kept 1 of 2" in text
    assert "0.812" in text
    assert "loss nan at epoch 1" in text
    assert "second line" not in text


def test_live_table_is_silent_without_a_terminal(capsys) -> None:
    with live_table("run") as show:
        show([])
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
