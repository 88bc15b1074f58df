"""The model: a pretrained encoder and an inter-sentence head."""
