"""Prepares the data of a config: sentences, oracle labels, encoder input, as Arrow files.

python scripts/preprocess.py --config cnndm
"""

from bertsum.command_line import load_config, parse, parser, run


def main() -> None:
    options, overrides = parse(parser(__doc__))
    config = load_config(options, overrides)  # a mistake in it is said before what takes seconds to import
    from bertsum.data.prepare import prepare
    from bertsum.encoders.load import load_tokenizer

    tokenizer = load_tokenizer(config.model.encoder)
    for split in ("train", "validation", "test"):
        if config.data.has_split(split):
            prepared = prepare(config, split, tokenizer)
            print(f"{split}: {len(prepared):,} documents in {prepared.folder}")


if __name__ == "__main__":
    run(main)
