"""Makes a trained model smaller, or exports it to other runtimes."""
