"""``python -m bertsum``."""

from bertsum.cli import main

if __name__ == "__main__":
    main()
