"""The device that computes, its precision, and the error if its memory does not suffice.

This module has all uses of torch's private functions. Each is used only if torch has it; public functions give the same
result.
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
    """An accelerator (CUDA, Apple's, Intel's ...) if the machine has one, else the CPU."""
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return torch.device("cpu") if accelerator is None else torch.device(accelerator.type)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context of mixed-precision arithmetic; it does nothing for fp32."""
    return torch.autocast(device.type, dtype=PRECISIONS[precision], enabled=precision != "fp32")


def settle_precision(precision: str, device: torch.device) -> str:
    """Resolves ``auto`` on a device: bf16 if it has instructions for it, else fp32, since bf16 is several times slower
    without them. Other precisions stay.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if device.type == "cpu" and _processor_has_bf16() else "fp32"


def _processor_has_bf16() -> bool:
    """Whether the processor has instructions for matrix products in bf16; torch also emulates them."""
    if platform.machine().lower() in ("aarch64", "arm64"):
        return _onednn_has_bf16()
    return any(
        getattr(torch.cpu, name, lambda: False)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )


def _onednn_has_bf16() -> bool:
    """Whether torch was built with oneDNN, and it computes in bf16 on this processor."""
    return hasattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported") and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def has_pointwise_linear() -> bool:
    """Whether :func:`pointwise_linear` works here."""
    needed = ("_reorder_linear_weight", "_linear_pointwise")
    return _onednn_has_bf16() and all(hasattr(torch.ops.mkldnn, name) for name in needed)


def pointwise_linear(weight: torch.Tensor, bias: torch.Tensor, gelu: bool) -> Callable[[torch.Tensor], torch.Tensor]:
    """A linear layer in bf16 on a CPU, as torch.compile would make it: weights are laid out once, and GELU is fused in.

    Args:
        weight: (out, in).
        bias: (out).
        gelu: Whether GELU follows.
    """
    laid_out = torch.ops.mkldnn._reorder_linear_weight(weight)
    after: tuple[str, list[float], str] = ("gelu", [], "none") if gelu else ("none", [], "")
    return lambda vectors: torch.ops.mkldnn._linear_pointwise(vectors, laid_out, bias, *after)


def has_int8_linear() -> bool:
    """Whether :func:`int8_linear` works here, and is quick: on processors with instructions for products in int8."""
    ops = torch.ops.onednn
    here = getattr(torch.cpu, "_is_vnni_supported", lambda: False)()
    return here and hasattr(ops, "qlinear_prepack") and hasattr(ops, "qlinear_pointwise")


def int8_linear(
    whole: torch.Tensor, scale: torch.Tensor, bias: torch.Tensor, factors: torch.Tensor
) -> Callable[[torch.Tensor], torch.Tensor]:
    """A linear layer in eight bits on a CPU: each vector is rounded between its own least and largest value.

    Args:
        whole: Weights in int8 (out, in).
        scale: A scale for each output (out).
        bias: (out).
        factors: Vectors are first divided by these (in).

    Returns:
        A function from vectors (N, in) to vectors (N, out), in float32.
    """
    laid_out = torch.ops.onednn.qlinear_prepack(whole, None)
    zeros, divided = torch.zeros(len(scale), dtype=torch.int64), 1 / factors
    of_ones = whole.sum(dim=1) * scale  # the products of a vector of ones (out)
    after: tuple[torch.dtype, str, list[float], str] = (torch.float32, "none", [], "")

    def apply(vectors: torch.Tensor) -> torch.Tensor:
        numbers, step, least = in_steps(vectors.float() * divided)
        whole_numbers = numbers.to(torch.uint8)
        sums = torch.ops.onednn.qlinear_pointwise(whole_numbers, 1.0, 0, laid_out, scale, zeros, None, 1.0, 0, *after)
        return torch.addcmul(bias, of_ones, least).addcmul_(sums, step)

    return apply


def in_steps(vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rounds vectors to 256 steps between their own least and largest value.

    Args:
        vectors: (N, H), in float32.

    Returns:
        Whole numbers from 0 to 255 (N, H), still in float32; the size of a step, and the least value (N, 1 each).
        ``least + step * numbers`` is about ``vectors``.
    """
    least = vectors.amin(dim=1, keepdim=True)  # aminmax takes ten times as long
    step = (vectors.amax(dim=1, keepdim=True) - least).div_(255).clamp_(min=1e-12)
    return (vectors - least).div_(step).round_(), step, least


def softmax_backward(gradient: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
    """Gradient of the scores, from the gradient of their softmax along the last dimension."""
    if hasattr(torch, "_softmax_backward_data"):  # this function makes no tensor in between
        return torch._softmax_backward_data(gradient, probabilities, -1, probabilities.dtype)
    product = gradient * probabilities
    return product - probabilities * product.sum(dim=-1, keepdim=True)


def version_of(tensor: torch.Tensor) -> int | None:
    """How often a tensor was changed in place; None if it was made in torch.inference_mode, which does not count."""
    return None if tensor.is_inference() else getattr(tensor, "_version", None)


def is_exporting() -> bool:
    """Whether torch.export is tracing; only torch 2.7 or newer tells."""
    tells = getattr(torch.compiler, "is_exporting", None)
    return tells is not None and bool(tells())


@contextmanager
def explained_memory(where: Callable[[], str], lengths: np.ndarray, advice: str) -> Iterator[None]:
    """Describes the batch in the error if memory does not suffice for it.

    Args:
        where: Returns a name for the batch, or an empty text.
        lengths: Tokens of each document of the batch.
        advice: The setting to lower, for the message.

    Raises:
        BertsumError: in place of the device's or the system's error.
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
