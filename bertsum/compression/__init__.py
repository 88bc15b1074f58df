"""A trained model made smaller, or written for other runtimes."""
