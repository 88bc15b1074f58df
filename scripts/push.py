"""Pushes a trained model to the hub, with a model card that tells of its run.

python scripts/push.py runs/cnndm/best me/bertsum-cnndm --private --license apache-2.0
python scripts/push.py runs/cnndm/best me/bertsum-cnndm --dry-run > card.md   # the card alone, nothing is pushed

The card has the ROUGE of scripts/eval.py for this checkpoint. One of your own, README.md in the checkpoint's folder, is
pushed instead.
"""

import argparse
import sys

from bertsum.command_line import run
from bertsum.models.extractive import BertSum


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model", help="a checkpoint folder")
    arguments.add_argument("repo_id", help="the repository, such as me/my-model; made if it is not there")
    arguments.add_argument("--private", action="store_true", help="a new repository is private")
    arguments.add_argument("--license", help="licence of the weights, by the hub's name for it, such as apache-2.0")
    arguments.add_argument("--branch", help="branch to push to; main by default")
    arguments.add_argument("--dry-run", action="store_true", help="print the card, and push nothing")
    options = arguments.parse_args()
    model = BertSum.from_pretrained(options.model)
    card = model.generate_model_card(options.repo_id, options.license)
    if not card.data.eval_results:
        print("The card has no ROUGE: evaluate this checkpoint first (scripts/eval.py --checkpoint)", file=sys.stderr)
    if options.dry_run:
        print(card)
        return
    private = True if options.private else None  # otherwise as the owner has set
    pushed = model.push_to_hub(options.repo_id, license=options.license, private=private, branch=options.branch)
    print(f"Pushed: {pushed}")


if __name__ == "__main__":
    run(main)
