"""Makes bertsum/evaluation/irregular_forms.txt from WordNet's exception lists (Debian package wordnet-base).

    python scripts/make_irregular_forms.py /usr/share/wordnet bertsum/evaluation/irregular_forms.txt

ROUGE-1.5.5 stems an irregular form (a line of adj.exc, adv.exc, noun.exc or verb.exc) to its first base form.
"""

import argparse
from pathlib import Path


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
            if form.isalnum() and len(form) > 3:
                forms.setdefault(form, base)
    header = "# Irregular forms of WordNet 3.0 and their base forms; licence: irregular_forms.LICENSE\n"
    arguments.output.write_text(header + "".join(f"{form} {forms[form]}\n" for form in sorted(forms)), encoding="ascii")
    print(f"{len(forms)} forms in {arguments.output}")


if __name__ == "__main__":
    main()
