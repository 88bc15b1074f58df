"""Training: optimiser and schedule, the loop, checkpoints."""
