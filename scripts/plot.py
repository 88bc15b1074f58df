"""Draws what was measured.

python scripts/plot.py positions positions.svg runs/cnndm/eval/test/predictions.jsonl    # one or several
python scripts/plot.py curves curves.svg runs/cnndm runs/other --metric rouge1
"""

import argparse

from bertsum.command_line import run
from bertsum.pages.plots import plot_curves, plot_positions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["positions", "curves"], help="positions of chosen sentences, learning curves")
    parser.add_argument("output", help="picture to write, an .svg")
    parser.add_argument("files", nargs="+", help="predictions.jsonl files, or run folders for curves")
    parser.add_argument("--metric", default="rouge1", help="of the curves: loss, rouge1, rouge2, rougeL, rouge_mean")
    options = parser.parse_args()
    if options.what == "positions":
        plot_positions(options.files, options.output)
    else:
        plot_curves(options.files, options.output, options.metric)
    print(f"Picture: {options.output}")


if __name__ == "__main__":
    run(main)
