"""Corpora and submissions of the SMM4H tasks: reading, writing, checking, splitting."""
