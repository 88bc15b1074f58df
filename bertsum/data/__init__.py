"""From files to batches: documents, sentences, oracle labels, encoding, prepared data."""
