"""The embedded synthetic sample, made by a seeded generator from hand-written phrases."""

from smm4h_core.corpora.sample.generate import generate_sample, sample_split

__all__ = ["generate_sample", "sample_split"]
