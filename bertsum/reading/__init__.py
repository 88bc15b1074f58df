"""Reads common kinds of files: turns them into text, and marks which parts of it are structure."""
