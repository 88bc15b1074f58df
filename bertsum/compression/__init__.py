"""A trained model for other runtimes."""
