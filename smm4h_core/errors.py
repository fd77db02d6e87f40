"""Errors for the user: each says what was expected, what came, and where."""

from __future__ import annotations


class Smm4hError(ValueError):
    """Base of every error that the user can mend; printed without a traceback."""


class ConfigError(Smm4hError):
    """A configuration that does not fit; the message holds the key path."""


class DataError(Smm4hError):
    """A corpus, submission or table that does not fit; the message holds file and line."""


class EncoderError(Smm4hError):
    """An encoder that cannot be found or loaded; the message holds its URI."""


class BundleError(Smm4hError):
    """A bundle that is incomplete, altered or of another schema; the message holds the file."""


class TrainingError(Smm4hError):
    """A training run that cannot go on: a NaN loss, a member that keeps failing."""


class ResourceError(Smm4hError):
    """A demand that the cluster can never meet; the message holds what the cluster has."""
