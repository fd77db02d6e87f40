"""Data only: one YAML a run."""
