"""Memory on a CPU: what a training frees is kept for its next update, kernels are kept for few shapes of batches, and
what is free when documents are scored goes back to the system.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform

# Of glibc's malloc.h
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
# Kernels that torch keeps in each thread, and oneDNN in the process: 1,024 by default, one for each shape. Documents
# have ever new lengths, so that most are never used again and take gigabytes. Layers of one pass share these.
_KERNELS = {"LRU_CACHE_CAPACITY": "64", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64"}


def keep_few_kernels() -> None:
    """For the rest of this process, where nothing was computed in it yet; a user's own setting stays."""
    if "DNNL_PRIMITIVE_CACHE_CAPACITY" in os.environ:  # the older name
        return
    for name, value in _KERNELS.items():
        os.environ.setdefault(name, value)


def keep_freed_memory() -> None:
    """For the rest of this process, where the C library is glibc; other libraries have their own ways.

    For a script that trains and ends: a program that does other things may want its memory back. Giving memory back to
    the system, and asking for it again, page by page, takes a quarter of the time of an update.
    """
    if not _is_glibc():
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_MAX, 0)  # large blocks come from the heap, too,
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)  # whose free end stays,
    libc.mallopt(_M_TOP_PAD, 64 << 20)  # and grows by so many bytes


def release_freed_memory() -> None:
    """Gives back to the system what is free in the heaps of all threads, where the C library is glibc."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


@functools.cache
def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
