"""Summarises a text file, or standard input; the same as ``bertsum summarize``.

python scripts/summarize.py article.txt
python scripts/summarize.py --model runs/cnndm/best --sentences 5 --json < article.txt
"""

import sys

from bertsum.cli import main

if __name__ == "__main__":
    main(["summarize", *sys.argv[1:]])
