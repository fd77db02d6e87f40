"""Searches: over a member's configuration, and over ensembles of stored predictions."""
