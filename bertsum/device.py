"""The device: which one, in what precision, and what it says when memory does not suffice.

Each use of what torch keeps private stands here, behind a check: without it, a public way gives the same.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from bertsum.errors import BertsumError

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def default_device() -> torch.device:
    """An accelerator (CUDA, Apple's, Intel's ...) where there is one, else the CPU."""
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return torch.device("cpu") if accelerator is None else torch.device(accelerator.type)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context of mixed-precision arithmetic; of none for fp32."""
    return torch.autocast(device.type, dtype=PRECISIONS[precision], enabled=precision != "fp32")


def settle_precision(precision: str, device: torch.device) -> str:
    """What ``auto`` is on a device: bf16 where it has instructions for it, else fp32, since without them bf16 is
    several times slower; every other precision is itself.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if device.type == "cpu" and _processor_has_bf16() else "fp32"


def _processor_has_bf16() -> bool:
    """Whether matrix products in bf16 have instructions of their own; torch also emulates them."""
    if platform.machine().lower() in ("aarch64", "arm64"):
        return _onednn_has_bf16()
    return any(
        getattr(torch.cpu, name, lambda: False)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )


def _onednn_has_bf16() -> bool:
    """Whether torch was built with oneDNN, and it computes in bf16 on this processor."""
    return hasattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported") and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def has_pointwise_linear() -> bool:
    """Whether :func:`pointwise_linear` is there."""
    needed = ("_reorder_linear_weight", "_linear_pointwise")
    return _onednn_has_bf16() and all(hasattr(torch.ops.mkldnn, name) for name in needed)


def pointwise_linear(weight: torch.Tensor, bias: torch.Tensor, gelu: bool) -> Callable[[torch.Tensor], torch.Tensor]:
    """What torch.compile would make of a linear layer in bf16 on a CPU: weights laid out once, and GELU in the product.

    Args:
        weight: (out, in).
        bias: (out).
        gelu: Whether GELU follows.
    """
    laid_out = torch.ops.mkldnn._reorder_linear_weight(weight)
    after: tuple[str, list[float], str] = ("gelu", [], "none") if gelu else ("none", [], "")
    return lambda vectors: torch.ops.mkldnn._linear_pointwise(vectors, laid_out, bias, *after)


def softmax_backward(gradient: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
    """Gradient of the scores, given that of their softmax along the last dimension."""
    if hasattr(torch, "_softmax_backward_data"):  # without a tensor in between
        return torch._softmax_backward_data(gradient, probabilities, -1, probabilities.dtype)
    product = gradient * probabilities
    return product - probabilities * product.sum(dim=-1, keepdim=True)


def version_of(tensor: torch.Tensor) -> int | None:
    """How often a tensor was changed in place; None for one of torch.inference_mode, which does not count."""
    return None if tensor.is_inference() else getattr(tensor, "_version", None)


def is_exporting() -> bool:
    """Whether torch.export traces what is computed, where torch (2.7 or newer) tells."""
    tells = getattr(torch.compiler, "is_exporting", None)
    return tells is not None and bool(tells())


@contextmanager
def explained_memory(where: Callable[[], str], lengths: np.ndarray, advice: str) -> Iterator[None]:
    """Says what a batch was made of when memory does not suffice for it.

    Args:
        where: Tells what it was; nothing where that is plain.
        lengths: Tokens of each of its documents.
        advice: What to lower.

    Raises:
        BertsumError: in place of the error that the device or the system raised.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error).lower()
        if not isinstance(error, MemoryError) and "out of memory" not in text and "can't allocate memory" not in text:
            raise
        count, longest = len(lengths), int(max(lengths))
        size = f"{count} documents x {longest} tokens = {count * longest} tokens"
        prefix = f"{told}: " if (told := where()) else ""
        raise BertsumError(f"{prefix}out of memory for {size}; lower {advice}") from error
