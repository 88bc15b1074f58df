"""The same as ``bertsum prepare``, for those who work in a checkout: ``python scripts/preprocess.py --help``."""

import sys

from bertsum.cli import main

if __name__ == "__main__":
    main(["prepare", *sys.argv[1:]])
