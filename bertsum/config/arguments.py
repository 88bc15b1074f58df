"""A config on a command line: ``--config NAME``, every field as an option, and all fields in ``--help``."""

from __future__ import annotations

import argparse
import difflib
import inspect
import textwrap
from collections.abc import Sequence
from typing import NoReturn

from bertsum.config import Config
from bertsum.config.reading import hints, meanings, sections, type_name
from bertsum.errors import BertsumError


class ConfigParser(argparse.ArgumentParser):
    """A parser that lists the fields of the config in ``--help``, if they are options, and says an error in a line."""

    def error(self, message: str) -> NoReturn:
        options = list(self._option_string_actions)
        given = message.split() if message.startswith("unrecognized arguments") else []
        meant = [near for word in given for near in _meant(word.partition("=")[0], options)]
        hint = f"did you mean {meant[0]}?" if meant else f"{self.prog} --help lists what there is"
        self.exit(2, f"error: {message}; {hint}\n")

    def format_help(self) -> str:
        text = super().format_help()
        if not self.get_default("takes_config"):
            return text
        return f"{text}\nEvery field of the config is an option, too, by its dotted name:\n\n{help_text(Config)}"


def _meant(given: str, options: list[str]) -> list[str]:
    """The option that was probably meant, if any."""
    return difflib.get_close_matches(given, options, 1, cutoff=0.75) if given.startswith("--") else []


def add_config(parser: argparse.ArgumentParser) -> None:
    """Gives a command the option ``--config``, and an option for every field."""
    parser.add_argument(
        "--config", metavar="NAME", help="a YAML file, or the name of one that comes with bertsum or lies in configs/"
    )
    parser.set_defaults(takes_config=True)


def load_config(options: argparse.Namespace, rest: list[str], training: bool = True) -> Config:
    """The config named by ``--config``; the other arguments override its fields."""
    overrides = overrides_from_arguments(rest)
    if options.config is None:
        for key in (override.partition("=")[0] for override in overrides):
            if _meant(f"--{key}", ["--config"]):
                raise BertsumError(f"--{key}: no such option; did you mean --config?")
        raise BertsumError("--config: is missing, expected a YAML file or a name such as quickstart")
    return Config.load(options.config, overrides, training=training)


def overrides_from_arguments(arguments: Sequence[str]) -> list[str]:
    """``["--train.max_steps", "100", "--train.resume"]`` -> ``["train.max_steps=100", "train.resume=true"]``.

    Raises:
        BertsumError: if an argument is neither an option nor the value of one.
    """
    overrides = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("--"):
            raise BertsumError(f"argument '{argument}': expected --KEY VALUE, such as --train.max_steps 100")
        if "=" in argument:
            overrides.append(argument[2:])
        elif rest and not rest[0].startswith("--"):
            overrides.append(f"{argument[2:]}={rest.pop(0)}")
        else:
            overrides.append(f"{argument[2:]}=true")  # a switch, such as --train.resume
    return overrides


def help_text(tree: type) -> str:
    """Every field with its type, default and meaning, by section."""
    from bertsum.config.strict_yaml import dump_value

    lines = []
    for section, part in sections(tree).items():
        lines += [f"{section or 'run'}: {inspect.getdoc(part)}", ""]
        for name, meaning in meanings(part).items():
            option = f"--{section}.{name}" if section else f"--{name}"
            accepted, default = type_name(hints(part)[name]), dump_value(getattr(part(), name))
            lines.append(f"  {option} ({accepted}; default: {default})")
            lines += textwrap.wrap(meaning, 100, initial_indent=" " * 6, subsequent_indent=" " * 6)
        lines.append("")
    return "\n".join(lines)
