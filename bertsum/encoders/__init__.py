"""The pretrained encoder: loaded by name, checked, and read with or without padding."""
