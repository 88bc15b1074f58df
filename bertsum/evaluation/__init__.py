"""Evaluation: selection of sentences, ROUGE, baselines, and the table of a checkpoint."""
