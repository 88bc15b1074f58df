"""What a reader of an evaluation's page must know beside its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bertsum.config import Config
from bertsum.results import TRANSLATION_METRICS, Results


def facts_of(config: Config, results: Results) -> dict[str, str]:
    """Facts that a reader of the figures must know, by name.

    Args:
        config: The configuration of the evaluation.
        results: Its results.
    """
    samples = f"{config.rouge.bootstrap_samples:,} bootstrap samples"
    counts = {"ROUGE": f"counts {results.tokenizer}"} if results.systems else {}
    counts |= {TRANSLATION_METRICS[metric]: f"of sacrebleu, {how}" for metric, how in results.signatures.items()}
    baselines = f"of {'what the encoder reads' if results.baselines == 'read' else 'whole documents'}"
    return {
        "Documents": f"{results.documents:,}",
        **{name: f"{how}; below each figure its 95% interval, from {samples}" for name, how in counts.items()},
        **({"Baselines": baselines} if results.systems else {}),
        **_options("Selection", results.selection),
        **_options("Writing", results.generation),
        **{f"Checkpoint of {system}": path for system, path in results.checkpoints.items()},
    }


def _options(name: str, values: Mapping[str, Any] | None) -> dict[str, str]:
    told = [f"{option} {value}" for option, value in (values or {}).items() if value is not None]
    return {name: ", ".join(told)} if told else {}
