"""What a program of bertsum's does to its own process: signals, exit codes, and memory on a CPU.

Only the command and the scripts set a process up. A call of the library leaves the program around it as it is.
"""

from __future__ import annotations

import ctypes
import functools
import io
import os
import platform
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from bertsum.errors import BertsumError, Stopped

# Of glibc's malloc.h
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
# Kernels that torch keeps in each thread, and oneDNN in the process: 1,024 by default, one for each shape. Documents
# have ever new lengths, so that most are never used again and take gigabytes. Layers of one pass share these.
_KERNELS = {"LRU_CACHE_CAPACITY": "64", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64"}
_is_set_up = False


def run(main: Callable[[], None]) -> None:
    """Runs a program.

    An error of the input is printed without a traceback, with exit code 2, or 1 where no document of a file could be
    summarised. SIGTERM and Ctrl-C end it in good order, with 143 and 130.
    """
    global _is_set_up
    signal.signal(signal.SIGTERM, _stop)
    keep_few_kernels()  # before torch is imported
    _is_set_up = True
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


def keep_few_kernels() -> None:
    """For the rest of this process, where nothing was computed in it yet; a user's own setting stays."""
    if "DNNL_PRIMITIVE_CACHE_CAPACITY" in os.environ:  # the older name
        return
    for name, value in _KERNELS.items():
        os.environ.setdefault(name, value)


def keep_freed_memory() -> None:
    """For the rest of this process, where the C library is glibc; other libraries have their own ways.

    For a program that trains on a CPU and ends. Giving memory back to the system, and asking for it again page by
    page, takes a quarter of the time of an update.
    """
    if not _is_glibc():
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_MAX, 0)  # large blocks come from the heap, too,
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)  # whose free end stays,
    libc.mallopt(_M_TOP_PAD, 64 << 20)  # and grows by so many bytes


def release_freed_memory() -> None:
    """Gives free memory back to the system before and after documents are scored, in a program of bertsum's own."""
    if _is_set_up and _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


@functools.cache
def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
