"""The command ``bertsum``, and ``python -m bertsum``."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command; Ctrl-C while it is being imported ends it quietly, too."""
    try:
        from bertsum.cli import main as command
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
