"""The models: what they compute, what they choose, how they are saved."""
