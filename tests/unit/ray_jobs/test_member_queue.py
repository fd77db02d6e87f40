"""The queue alone: whose turn it is, whose fault a death was, when a member is given up."""

from __future__ import annotations

import pytest

from ray_jobs.member_queue import MemberQueue
from smm4h_core.members.train import Member, Progress

FIRST, SECOND, THIRD = Member(0), Member(2), Member(3)
RECORD = {"choosing_f1": 0.5}


@pytest.fixture
def queue() -> MemberQueue:
    return MemberQueue((FIRST, SECOND, THIRD), attempts=2)


def states(queue: MemberQueue) -> list[str]:
    return [place.state for place in queue.snapshot()]


def test_claim_hands_out_each_member_once_in_order(queue: MemberQueue) -> None:
    claimed = [queue.claim(rank, f"host:{rank}") for rank in range(4)]
    assert claimed == [FIRST, SECOND, THIRD, None]
    assert states(queue) == ["training"] * 3
    assert [(place.rank, place.where) for place in queue.snapshot()] == [
        (0, "host:0"),
        (1, "host:1"),
        (2, "host:2"),
    ]


def test_finish_keeps_the_record_and_frees_the_worker(queue: MemberQueue) -> None:
    queue.claim(0, "host:1")
    queue.finish(0, RECORD)
    assert queue.claim(0, "host:1") == SECOND
    done = queue.snapshot()[0]
    assert (done.state, done.record, done.rank) == ("done", RECORD, None)


def test_claim_gives_a_dead_worker_its_member_back_after_all_others(queue: MemberQueue) -> None:
    queue.claim(0, "host:1")
    queue.note_deaths({0: "killed"})
    assert queue.claim(0, "host:9") == SECOND
    lost = queue.snapshot()[0]
    assert (lost.state, lost.attempts, lost.error) == ("waiting", 1, "killed")


def test_claim_does_not_blame_a_member_for_the_death_of_another_worker(queue: MemberQueue) -> None:
    queue.claim(0, "host:1")
    queue.claim(1, "host:2")
    queue.note_deaths({0: "killed"})
    assert queue.claim(1, "host:8") == SECOND
    assert queue.claim(0, "host:9") == THIRD
    assert [place.attempts for place in queue.snapshot()] == [1, 0, 0]


def test_claim_blames_a_member_for_one_death_once(queue: MemberQueue) -> None:
    queue.claim(0, "host:1")
    queue.note_deaths({0: "killed"})
    queue.claim(0, "host:2")
    assert queue.claim(0, "host:3") == SECOND  # restarted again, this time for another's death
    assert [place.attempts for place in queue.snapshot()] == [1, 0, 0]


def test_note_deaths_forgets_a_worker_that_had_nothing_open(queue: MemberQueue) -> None:
    queue.note_deaths({0: "died before its first claim"})
    queue.claim(0, "host:1")
    assert queue.claim(0, "host:2") == FIRST
    assert queue.snapshot()[0].attempts == 0


def test_member_that_kills_its_worker_every_time_is_given_up() -> None:
    queue = MemberQueue((FIRST,), attempts=2)
    for life in range(2):
        assert queue.claim(0, f"host:{life}") == FIRST
        queue.note_deaths({0: f"death {life}"})
    assert queue.claim(0, "host:2") is None
    place = queue.snapshot()[0]
    assert (place.state, place.attempts, place.error) == ("failed", 2, "death 1")


def test_fail_lets_a_member_wait_behind_the_others_until_its_attempts_are_spent(
    queue: MemberQueue,
) -> None:
    for expected in (FIRST, SECOND, THIRD, FIRST, SECOND, THIRD):
        assert queue.claim(0, "host:1") == expected
        queue.fail(0, f"{expected.name} is ill", retry=True)
    assert queue.claim(0, "host:1") is None
    assert states(queue) == ["failed"] * 3
    assert [place.error for place in queue.snapshot()] == [
        f"{member.name} is ill" for member in (FIRST, SECOND, THIRD)
    ]


def test_fail_counts_anew_where_a_member_got_an_epoch_further() -> None:
    queue = MemberQueue((FIRST,), attempts=2)
    for epoch, attempts in ((1, 1), (2, 1), (2, 2)):
        assert queue.claim(0, "host:1") == FIRST
        queue.tell(0, Progress(FIRST, epoch, 4, 0, 9))
        queue.fail(0, "the machine is gone", retry=True)
        assert queue.snapshot()[0].attempts == attempts
    assert states(queue) == ["failed"]


def test_fail_without_retry_ends_a_member_at_once(queue: MemberQueue) -> None:
    queue.claim(0, "host:1")
    queue.fail(0, "loss nan", retry=False)
    assert queue.claim(0, "host:1") == SECOND
    assert states(queue) == ["failed", "training", "waiting"]


def test_give_up_open_fails_all_that_is_not_done_and_keeps_errors_of_their_own(
    queue: MemberQueue,
) -> None:
    queue.claim(0, "host:1")
    queue.finish(0, RECORD)
    queue.claim(0, "host:1")
    queue.fail(0, "killed", retry=True)
    queue.give_up_open("the cluster is gone")
    assert states(queue) == ["done", "failed", "failed"]
    assert [place.error for place in queue.snapshot()] == ["", "killed", "the cluster is gone"]


def test_tell_keeps_the_last_word_on_the_worker_s_open_member(queue: MemberQueue) -> None:
    queue.claim(0, "host:1")
    queue.claim(1, "host:2")
    words = [Progress(SECOND, 1, 4, step, 9, loss=0.5, dev_f1=0.6) for step in (3, 4)]
    for word in words:
        queue.tell(1, word)
    assert [place.progress for place in queue.snapshot()] == [None, words[1], None]
    assert [place.first for place in queue.snapshot()] == [None, words[0], None]


def test_tell_drops_a_late_word_on_another_member(queue: MemberQueue) -> None:
    first = queue.claim(0, "host:1")
    assert first is not None
    queue.finish(0, {})
    second = queue.claim(0, "host:1")
    assert second is not None
    queue.tell(0, Progress(first, 9, 10, 0, 1))
    assert queue.places[second].progress is None
    assert queue.places[first].progress is None
