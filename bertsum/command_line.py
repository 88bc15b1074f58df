"""What the scripts share: arguments with dotted config overrides, and errors for people."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

from bertsum.allocation import keep_few_kernels
from bertsum.config import Config
from bertsum.config.reading import help_text, overrides_from_arguments
from bertsum.errors import BertsumError, Stopped


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser whose ``--help`` also lists every field of the config."""
    result = _Parser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="Every field of the config is an option, too, by its dotted name; --help lists them.",
    )
    result.add_argument(
        "--config", metavar="NAME", help="a YAML file, or the name of one that comes with bertsum or lies in configs/"
    )
    return result


class _Parser(argparse.ArgumentParser):
    def format_help(self) -> str:
        return f"{super().format_help()}\nFields of the config:\n\n{help_text(Config)}"


def parse(
    arguments: argparse.ArgumentParser, argv: Sequence[str] | None = None
) -> tuple[argparse.Namespace, list[str]]:
    """The script's own options, and the overrides of config fields."""
    own, rest = arguments.parse_known_args(argv)
    return own, overrides_from_arguments(rest)


def load_config(options: argparse.Namespace, overrides: list[str], training: bool = True) -> Config:
    """The config that ``--config`` names, with overrides.

    Args:
        options: The script's own options.
        overrides: ``"FIELD=VALUE"`` each.
        training: Whether it is for a training.

    Raises:
        BertsumError: if there is none.
    """
    if options.config is None:
        raise BertsumError("--config: is missing, expected a YAML file or a name such as quickstart")
    return Config.load(options.config, overrides, training=training)


def start_processes() -> None:
    """Starts the processes that ``accelerate launch --cpu --num_processes N`` was asked for.

    That launcher leaves them to mpirun, and without it starts one process, with the master's address as the only trace;
    the number stands in its own command line. torchrun starts them, and this process becomes torchrun.
    """
    if "MASTER_ADDR" not in os.environ or "WORLD_SIZE" in os.environ or os.environ.get("ACCELERATE_USE_CPU") != "True":
        return
    import psutil

    launcher = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    launcher.add_argument("--num_processes", "--num-processes", type=int, default=1)
    parent = psutil.Process().parent()
    count = launcher.parse_known_args(parent.cmdline() if parent else [])[0].num_processes
    if count > 1:
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", str(count)]
        torchrun += ["--master_port", os.environ.get("MASTER_PORT", "29500")]
        os.execv(sys.executable, [*torchrun, *sys.argv])


def run(main: Callable[[], None]) -> None:
    """Runs a script.

    An error of the input is printed without a traceback, with exit code 2, or 1 where no document of a file could be
    summarised; SIGTERM and Ctrl-C end it in good order,
    with 143 and 130.
    """
    signal.signal(signal.SIGTERM, _stop)
    keep_few_kernels()  # before torch is imported
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal of another encoding shows what it can
    try:
        main()
        sys.stdout.flush()
    except BertsumError as error:
        _end(error.exit_code, f"error: {error}")
    except BrokenPipeError:  # whoever read the output has seen enough
        _end(128 + signal.SIGPIPE)
    except KeyboardInterrupt as error:
        stopped = error if isinstance(error, Stopped) else Stopped(signal.SIGINT)
        _end(128 + stopped.signal, f"stopped by {stopped.signal.name} {stopped.message}".rstrip())


def _end(code: int, message: str = "") -> NoReturn:
    """Ends the program with that code, even where nobody reads its output any more."""
    for stream, text in ((sys.stdout, ""), (sys.stderr, message and f"{message}\n")):
        try:
            stream.write(text)
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(number)
