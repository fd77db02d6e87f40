from collections import Counter

import pytest

from benchmarks.serve import Load, _section


def test_load_counts_successes_alone() -> None:
    seen = Load(Counter({"200": 10, "429": 90}), [0.1] * 9 + [0.5], took_s=2.0)
    assert seen.per_s() == 5
    assert seen.per_s(64) == 320
    assert (seen.quantile_ms(0.5), seen.quantile_ms(0.99)) == (100, 500)


def test_section_judges_by_ratios_of_the_same_run() -> None:
    kills = {
        "one replica": {"killed": 1, "failed": 0, "longest_gap_s": 1.0},
        "all replicas": {"killed": 4, "failed": 2, "longest_gap_s": 9.0},
        "controller": {"killed": 1, "failed": 0, "longest_gap_s": 0.1},
        "proxy": {"killed": 1, "failed": 0, "longest_gap_s": 5.0},
    }
    found = {
        **{"loop_posts_per_s": 100.0, "plain_many_per_s": 90.0, "many_per_s": 80.0},
        **{"half_p50_ms": 10.0, "half_p99_ms": 25.0, "ready_s": 12.0, "kills": kills},
        **{"polite_goodput": 0.9, "polite_statuses": {"200": 9, "429": 3}},
        **{"rude_goodput": 0.3, "rude_statuses": {"200": 3, "429": 90, "500": 1}},
    }
    section = _section(found)
    judged = {each.name: (each.measured, each.reached) for each in section.verdicts}
    assert judged["serve.of_loop"] == (pytest.approx(0.8), True)
    assert judged["serve.of_plain"] == (pytest.approx(80 / 90), False)
    assert judged["serve.tail"] == (2.5, True)
    assert judged["serve.wrong"] == (1, False)
    assert judged["serve.failed"] == (2, False)
    assert judged["serve.rude"] == (0.3, False)
    assert len(section.rows) == len(found)
