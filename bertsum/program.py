"""Sets up the process of a bertsum program: signals, exit codes, and memory on a CPU.

Only the command and the scripts do this. A call of the library does not change the calling program.
"""

from __future__ import annotations

import ctypes
import errno
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
# How many compiled kernels torch keeps in each thread, and oneDNN in the process. The default is 1,024, one for each
# shape. Documents differ in length, so most kernels would never be used again, and take gigabytes. 64 suffice for the
# layers of one pass.
_KERNELS = {"LRU_CACHE_CAPACITY": "64", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64"}
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_is_set_up = False


def run(main: Callable[[], None]) -> None:
    """Runs a program.

    A BertsumError, or a full disk, is printed without a traceback; the exit code is 2, or 1 if no document of a file
    could be summarised. SIGTERM and Ctrl-C end the program cleanly, with 143 and 130.
    """
    global _is_set_up
    signal.signal(signal.SIGTERM, _stop)
    keep_few_kernels()  # before torch is imported
    _is_set_up = True
    if sys.stdout is None or sys.stderr is None:  # closed by the shell (">&-"); then nobody would read what is found
        if sys.stderr is not None:
            sys.stderr.write("error: the output is closed, expected a terminal, a file or a pipe\n")
        sys.exit(2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal with another encoding shows what it can
    try:
        main()
        sys.stdout.flush()
    except BertsumError as error:
        _end(error.exit_code, f"error: {error}")
    except BrokenPipeError:  # the reader of the output has closed it
        _end(128 + signal.SIGPIPE)
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            raise
        _end(2, f"error: {error.filename or 'the output'} cannot be written: {error.strerror}")
    except KeyboardInterrupt as error:
        stopped = error if isinstance(error, Stopped) else Stopped(signal.SIGINT)
        _end(128 + stopped.signal, f"stopped by {stopped.signal.name} {stopped.message}".rstrip())


def _end(code: int, message: str = "") -> NoReturn:
    """Ends the program with an exit code, even if nobody reads its output any more."""
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
    """Limits kept kernels in this process; call it before anything is computed. A user's setting stays."""
    if "DNNL_PRIMITIVE_CACHE_CAPACITY" in os.environ:  # the older name
        return
    for name, value in _KERNELS.items():
        os.environ.setdefault(name, value)


def keep_freed_memory() -> None:
    """Keeps freed memory in this process instead of returning it to the system; only with glibc.

    This is for a program that trains on a CPU and ends. Returning memory, and asking for it again page by page, takes
    a quarter of the time of an update.
    """
    if not _is_glibc():
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_MAX, 0)  # large blocks also come from the heap,
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)  # the free end of the heap stays,
    libc.mallopt(_M_TOP_PAD, 64 << 20)  # and the heap grows by 64 MiB at a time


def release_freed_memory() -> None:
    """Returns free memory to the system before and after scoring documents, in a bertsum program."""
    if _is_set_up and _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


@functools.cache
def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
