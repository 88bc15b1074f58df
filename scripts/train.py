"""The same as ``bertsum train``, for those who work in a checkout: ``python scripts/train.py --help``."""

import sys

from bertsum.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
