"""Memory that a training frees is kept for its next update: giving it back to the system, and asking for it again, page
by page, takes a quarter of the time of an update on a CPU.
"""

from __future__ import annotations

import ctypes
import platform

# Of glibc's malloc.h
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> None:
    """For the rest of this process, where the C library is glibc; other libraries have their own ways.

    For a script that trains and ends: a program that does other things may want its memory back.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_MAX, 0)  # large blocks come from the heap, too,
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)  # whose free end stays,
    libc.mallopt(_M_TOP_PAD, 64 << 20)  # and grows by so many bytes
