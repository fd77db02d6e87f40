"""Refused clients come back one after another, at the pace of the answers."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from serve.limits import Limits
from serve.turns import WINDOW_S, Turns


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def turns(clock: Clock) -> Turns:
    """Of a service that has answered four requests a second for a while."""
    made = Turns(clock)
    for _ in range(20):
        clock.now += 0.25
        made.note_end()
    return made


def test_each_refused_client_gets_a_turn_of_its_own(turns: Turns) -> None:
    told = [turns.wait_s(1, 30) for _ in range(16)]
    assert told == [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4


def test_turns_pass_with_time(turns: Turns, clock: Clock) -> None:
    for _ in range(16):
        turns.wait_s(1, 30)
    for _ in range(8):  # two seconds later half of them are through
        clock.now += 0.25
        turns.note_end()
    assert turns.wait_s(1, 30) == 3


def test_the_rude_do_not_push_turns_beyond_the_most(turns: Turns, clock: Clock) -> None:
    assert max(turns.wait_s(2, 5) for _ in range(1000)) == 5
    clock.now += 4
    turns.note_end()
    assert turns.wait_s(2, 5) == 2


def test_an_unknown_pace_asks_for_the_least(clock: Clock, turns: Turns) -> None:
    assert Turns(clock).wait_s(3, 30) == 3
    clock.now += WINDOW_S + 1  # what was known is old
    assert [turns.wait_s(3, 30) for _ in range(40)] == [3] * 40


def test_limits_refuse_a_most_below_the_least() -> None:
    with pytest.raises(ValidationError, match="retry_after_most_s: expected at least"):
        Limits(retry_after_s=9, retry_after_most_s=8)
