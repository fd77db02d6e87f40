"""What the project reaches for, in one table; reported beside what is measured, never asserted."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """A number to reach."""

    meaning: str
    """What is measured, in words."""
    sense: Literal["at least", "at most"]
    """On which side of ``value`` the number should lie."""
    value: float
    """The number to reach."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target with what was measured."""

    name: str
    """The target's name in `TARGETS`."""
    target: Target
    """What was reached for."""
    measured: float
    """What came."""

    @property
    def reached(self) -> bool:
        """Whether the number lies on the target's side."""
        if self.target.sense == "at least":
            return self.measured >= self.target.value
        return self.measured <= self.target.value


TARGETS = MappingProxyType(
    {
        "psytar_text.f1": Target("PsyTAR: ensemble's test F1", "at least", 0.84),
        "psytar_text.gain": Target("PsyTAR: ensemble less members' mean", "at least", 0.0),
        "ade2_text.f1": Target("ADE-Corpus: ensemble's test F1", "at least", 0.87),
        "ade2_text.gain": Target("ADE-Corpus: ensemble less members' mean", "at least", 0.0),
        "rudrec_text.gain": Target("RuDReC: ensemble less members' mean", "at least", 0.0),
        "rudrec_text.difference": Target(
            "RuDReC out of fold: low end of the difference to TF-IDF", "at least", 0.0
        ),
        "rudrec_text.p": Target(
            "RuDReC out of fold: p of the difference to TF-IDF", "at most", 0.05
        ),
        "serve.of_loop": Target("serving: posts/s, share of a plain loop's", "at least", 0.7),
        "serve.of_plain": Target("serving: posts/s, share of FastAPI's", "at least", 1.0),
        "serve.tail": Target("serving: p99 over p50 at half load", "at most", 3.0),
        "serve.polite": Target("serving: goodput of polite clients at 8x", "at least", 0.8),
        "serve.rude": Target("serving: goodput of rude clients at 8x", "at least", 0.4),
        "serve.wrong": Target("serving: answers at 8x but 200 and 429", "at most", 0.0),
        "serve.failed": Target("serving: failed requests at kills", "at most", 0.0),
        "serve.proxy": Target("serving: seconds away when the proxy dies", "at most", 10.0),
        "serve.ready": Target("serving: seconds from start to ready", "at most", 30.0),
        "psytar_extract.strict": Target("PsyTAR spans: ensemble's strict F1", "at least", 0.66),
        "psytar_extract.relaxed": Target("PsyTAR spans: ensemble's relaxed F1", "at least", 0.82),
        "psytar_extract.above": Target(
            "PsyTAR spans: ensemble less the best baseline, the lesser of strict and relaxed",
            "at least",
            0.0,
        ),
        "ade2_extract.strict": Target("ADE-Corpus spans: ensemble's strict F1", "at least", 0.68),
        "ade2_extract.relaxed": Target("ADE-Corpus spans: ensemble's relaxed F1", "at least", 0.82),
        "ade2_extract.above": Target(
            "ADE-Corpus spans: ensemble less the best baseline, the lesser of strict and relaxed",
            "at least",
            0.0,
        ),
        "rudrec_extract.relaxed": Target("RuDReC spans: ensemble's relaxed F1", "at least", 0.45),
        "rudrec_extract.above": Target(
            "RuDReC spans: ensemble less the best baseline, the lesser of strict and relaxed",
            "at least",
            0.0,
        ),
        "psytar_link.acc_1": Target("PsyTAR gold mentions: acc@1", "at least", 0.84),
        "psytar_link.acc_5": Target("PsyTAR gold mentions: acc@5", "at least", 0.95),
        "psytar_link.unseen": Target(
            "PsyTAR gold mentions of concepts unseen in training: acc@1", "at least", 0.62
        ),
        "psytar_link.above": Target(
            "PsyTAR gold mentions: acc@1 less the best baseline's", "at least", 0.0
        ),
        "rudrec_link.acc_1": Target("RuDReC gold mentions: acc@1", "at least", 0.55),
        "rudrec_link.above": Target(
            "RuDReC gold mentions: acc@1 less the best baseline's", "at least", 0.0
        ),
        "psytar.end_to_end": Target(
            "PsyTAR posts to concepts: official relaxed F1", "at least", 0.64
        ),
        "training.padded": Target(
            "training speed over `Trainer` padding every post to 128", "at least", 6.0
        ),
        "training.dynamic": Target(
            "training speed over `Trainer` with dynamic padding", "at least", 2.0
        ),
        "training.f1": Target(
            "test F1 of our member: distance from the interval of `Trainer`'s", "at most", 0.0
        ),
        "prediction.speed": Target(
            "prediction speed over `transformers.pipeline`", "at least", 5.0
        ),
        "prediction.f1": Target(
            "test F1 as served: distance from the interval of fp32's", "at most", 0.0
        ),
        "extraction.speed": Target(
            "extraction speed over `transformers.pipeline`", "at least", 3.0
        ),
        "adapters.memory": Target(
            "memory of ten adapters and their encoder over one's", "at most", 1.5
        ),
        "whole.speed": Target(
            "whole pipeline's speed over its networks in `transformers.pipeline`", "at least", 8.0
        ),
        "first.english": Target("first answer: seconds to an English one", "at most", 5.0),
        "first.russian": Target("first answer: seconds to a Russian one", "at most", 5.0),
        "first.help": Target("seconds to the list of commands", "at most", 0.5),
        "molecules.restored": Target(
            "molecule encoder: hidden tokens restored, less untrained", "at least", 0.5
        ),
        "molecules.gain": Target(
            "molecule encoder: least gain of its linear probes over untrained", "at least", 0.0
        ),
        "drugs.speed": Target(
            "drug finder: posts/s on one core, slowest corpus", "at least", 20_000
        ),
        "drugs.load": Target("drug finder: seconds to load", "at most", 1.0),
        "drugs.memory": Target("drug finder: MiB, its imports included", "at most", 150),
        "search.ensembles": Target(
            "seconds to search 33 ensembles of 10 members on 20,000 posts", "at most", 1.0
        ),
        "ray.overhead": Target(
            "Ray's greatest overhead on members of a minute or more", "at most", 0.15
        ),
    }
)
"""By name; the project's first goals, set before anything was measured."""


def judge(name: str, measured: float) -> Verdict:
    """Set what was measured beside the target of that name."""
    return Verdict(name, TARGETS[name], measured)


def distance_from(value: float, low: float, high: float) -> float:
    """How far a value lies outside ``[low, high]``; 0 inside."""
    return max(low - value, value - high, 0.0)
