"""Task scorers, thresholds, intervals and significance."""
