"""Training: the one loop, its numbers and its checkpoints."""
