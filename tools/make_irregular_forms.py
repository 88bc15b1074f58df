"""Makes bertsum/data/irregular_forms.txt from WordNet's exception lists (Debian package wordnet-base).

    python tools/make_irregular_forms.py /usr/share/wordnet bertsum/data/irregular_forms.txt

ROUGE-1.5.5 reads adj.exc, adv.exc, noun.exc and verb.exc of WordNet 2.0, in this order. A later line for the same form
replaces an earlier one; of a line with several base forms the first counts.
"""

import argparse
from pathlib import Path

# Forms that WordNet 3.0 added to the lists of WordNet 2.0.
_ADDED_SINCE = {"ashes", "cognosenti", "halfpence", "lisente", "morses", "staretsy"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wordnet", type=Path, help="folder with adj.exc, adv.exc, noun.exc and verb.exc")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    forms: dict[str, str] = {}
    for part in ("adj", "adv", "noun", "verb"):
        for line in (arguments.wordnet / f"{part}.exc").read_text(encoding="ascii").splitlines():
            form, base, *_ = line.split()
            # ROUGE looks up lower-case words of more than 3 letters and digits; nothing else can match.
            if form.isalnum() and len(form) > 3 and form not in _ADDED_SINCE:
                forms[form] = base
    header = (
        "# Irregular forms of WordNet 3.0, without those that WordNet 2.0 does not have, and their base forms; "
        "licence: irregular_forms.LICENSE\n"
    )
    arguments.output.write_text(header + "".join(f"{form} {forms[form]}\n" for form in sorted(forms)), encoding="ascii")
    print(f"{len(forms)} forms in {arguments.output}")


if __name__ == "__main__":
    main()
