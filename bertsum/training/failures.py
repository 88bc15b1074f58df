"""Explains the failure of a training whose other process has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from bertsum.errors import BertsumError

# gloo raises a plain RuntimeError, and so does NCCL outside a collective.
_LOST = (
    *("closed by peer", "reset by peer", "gloo::", "Broken pipe"),
    *("closed by remote peer", "remote process exited", "ncclRemoteError", "NCCL communicator was aborted"),
    "Watchdog caught collective operation timeout",
)
# Errors of NCCL that this process alone causes.
_OWN_FAULT = ("ncclInvalidUsage", "ncclInvalidArgument", "ncclUnhandledCudaError")


@contextmanager
def explained_lost_process(where: Callable[[], str]) -> Iterator[None]:
    """Explains the failure if another process of the training has ended early or cannot be reached.

    Args:
        where: Returns how far this process had come.

    Raises:
        BertsumError: in place of the error of gloo or NCCL, which it quotes.
    """
    try:
        yield
    except RuntimeError as error:
        if not _is_lost_process(error):
            raise
        quoted = str(error).splitlines()[:1] or [type(error).__name__]
        raise BertsumError(
            f"{where()}: another process of this training has ended (its own message says why), or cannot be "
            f"reached ({quoted[0]}); the same command goes on from the last checkpoint"
        ) from error


def _is_lost_process(error: RuntimeError) -> bool:
    text = str(error)
    if torch.distributed.is_available() and isinstance(error, torch.distributed.DistError):
        return not any(phrase in text for phrase in _OWN_FAULT)
    return any(phrase in text for phrase in _LOST)
