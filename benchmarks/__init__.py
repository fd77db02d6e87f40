"""Measurements that the README quotes: baselines, speed, Ray's overhead; ``python -m benchmarks``."""
