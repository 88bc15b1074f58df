"""The same as ``bertsum eval``, for those who work in a checkout: ``python scripts/eval.py --help``."""

import sys

from bertsum.cli import main

if __name__ == "__main__":
    main(["eval", *sys.argv[1:]])
