"""The same as ``bertsum summarize``, for those who work in a checkout: ``python scripts/summarize.py --help``."""

import sys

from bertsum.cli import main

if __name__ == "__main__":
    main(["summarize", *sys.argv[1:]])
