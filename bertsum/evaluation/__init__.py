"""Evaluation: ROUGE, baselines, and the table of a checkpoint."""
