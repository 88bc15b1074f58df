"""The summarizer inside other packages; each module imports its package, which comes with an extra of that name."""
