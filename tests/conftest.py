"""Tiny real things: a tokenizer trained on the bundled sample, random two-layer encoders, a small trained run."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Any

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"  # no test waits for a network
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import psutil
from fork_server import PIPE, STDOUT, Process, free_port, run
from hypothesis import settings
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

import bertsum
from bertsum.config import Config
from bertsum.data.vocabulary import _characters, _settled

if TYPE_CHECKING:  # the process that only hands out tests reads this file, too, and does without what takes seconds
    from transformers import BertConfig, PreTrainedTokenizerFast

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}

# What a tiny config of each kind of model has beside the rest.
KINDS = {
    "extractive": (),
    "seq2seq": (
        "model.kind=seq2seq", "decoder.tokenizer=wordpiece", "decoder.vocabulary=600", "decoder.layers=1",
        "decoder.heads=4", "decoder.feedforward=48", "train.loss_reduction=token", "train.label_smoothing=0.1",
        "generation.max_length=12", "generation.beam_size=2",
    ),
    "masked_lm": ("model.kind=masked_lm", "train.loss_reduction=token", "evaluation.metrics=[perplexity]"),
}  # fmt: skip
# What such a config has whatever a test asks for.
ALWAYS = {"masked_lm": ("train.validate_rouge=false", "train.metric=loss")}
# Each replaces the fixture ``kind``: all kinds; those that make summaries; the same, where one stands for both and the
# other runs with --slow.
SUMMARIZING = [name for name in KINDS if name != "masked_lm"]
SLOW_WRITING = [pytest.param(name, marks=pytest.mark.slow if name == "seq2seq" else ()) for name in SUMMARIZING]
all_kinds = pytest.mark.parametrize("kind", [*SUMMARIZING, pytest.param("masked_lm", marks=pytest.mark.slow)])
summarizing_kinds = pytest.mark.parametrize("kind", SUMMARIZING)
slow_writing = pytest.mark.parametrize("kind", SLOW_WRITING)

# A timing is no test, and the same examples are tried each time.
settings.register_profile("bertsum", deadline=None, derandomize=True)
settings.load_profile("bertsum")

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the reference data is not here")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also what repeats a quicker test on more kinds of things")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests come first: at the end one of them would run alone, beside a worker that has nothing to do."""
    if not config.getoption("--slow"):
        left_out = [item for item in items if item.get_closest_marker("slow") is not None]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def sample_texts() -> list[str]:
    """The bundled articles, English and Chinese."""
    from bertsum.files import SAMPLE_FOLDER

    files = sorted(SAMPLE_FOLDER.glob("*.jsonl"))
    return [json.loads(line)["document"] for file in files for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def tokenizer(sample_texts: list[str]) -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer of BERT's kind.

    The trainer numbers pieces in an order that differs from process to process, and breaks ties by number. Here it is
    given all characters with their numbers, so that every run of a test has the same tokens.
    """
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trained = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    normalizer, pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    trained.normalizer, trained.pre_tokenizer = normalizer, pre_tokenizer
    numbered = [*special, *_characters(trained, sample_texts, 1500)]
    trained.train_from_iterator(
        sample_texts,
        trainers.WordPieceTrainer(vocab_size=1500, limit_alphabet=0, special_tokens=numbered, show_progress=False),
    )
    wordpiece = Tokenizer(models.WordPiece(trained.get_vocab(), unk_token="[UNK]"))
    wordpiece.normalizer, wordpiece.pre_tokenizer = normalizer, pre_tokenizer
    return PreTrainedTokenizerFast(
        tokenizer_object=wordpiece,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=512,
    )


@pytest.fixture(scope="session")
def byte_tokenizer(sample_texts: list[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of RoBERTa's kind."""
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=1500, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(sample_texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>", pad_token="<pad>",
        unk_token="<unk>", mask_token="<mask>", model_max_length=512,
    )  # fmt: skip


def unigram_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """A SentencePiece tokenizer of XLM-R's kind; the order of its pieces is made the same in every process."""
    from transformers import PreTrainedTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    normalizer, pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    trained = Tokenizer(models.Unigram())
    trained.normalizer, trained.pre_tokenizer = normalizer, pre_tokenizer
    trained.train_from_iterator(texts, trainers.UnigramTrainer(vocab_size=2500, show_progress=False))
    pieces = _settled(json.loads(trained.to_str())["model"]["vocab"])
    unigram = Tokenizer(models.Unigram([*((piece, 0.0) for piece in special), *pieces], special.index("<unk>")))
    unigram.normalizer, unigram.pre_tokenizer = normalizer, pre_tokenizer
    return PreTrainedTokenizerFast(
        tokenizer_object=unigram, bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>",
        pad_token="<pad>", unk_token="<unk>", mask_token="<mask>", model_max_length=512,
    )  # fmt: skip


def save_encoder(folder: Path, tokenizer: PreTrainedTokenizerFast, model_type: str, **values: Any) -> Path:
    """A folder with a random encoder of that family and a tokenizer, as ``from_pretrained`` expects it."""
    import torch
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(0)
    special = {"pad_token_id": tokenizer.pad_token_id, "cls_token_id": tokenizer.cls_token_id,
               "sep_token_id": tokenizer.sep_token_id, "bos_token_id": tokenizer.cls_token_id,
               "eos_token_id": tokenizer.sep_token_id}  # fmt: skip
    config = AutoConfig.for_model(model_type, **{"vocab_size": len(tokenizer), **special, **values})
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A random two-layer BERT."""
    folder = tmp_path_factory.mktemp("encoder")
    return save_encoder(folder, tokenizer, "bert", max_position_embeddings=128, **SHAPE)


@pytest.fixture
def bert_config() -> BertConfig:
    from transformers import BertConfig

    return BertConfig(vocab_size=1000, max_position_embeddings=128, **SHAPE)


@pytest.fixture(scope="session")
def bert_shape() -> BertConfig:
    """A tiny BERT that no test changes."""
    from transformers import BertConfig

    return BertConfig(vocab_size=100, max_position_embeddings=128, **SHAPE)


@pytest.fixture
def kind() -> str:
    """The kind of model that a test is about; ``all_kinds`` runs it for each."""
    return "extractive"


@pytest.fixture
def config_of(encoder_folder: Path, tmp_path: Path, kind: str) -> Callable[..., Config]:
    """Makes a tiny config on the bundled sample, with its run in a folder of the test."""

    def make(*overrides: str) -> Config:
        return Config.load(
            None,
            [
                "name=tiny",
                f"output_dir={tmp_path / 'runs'}",
                f"data.prepared_dir={tmp_path / 'prepared'}",
                "data.train=sample/english.validation.jsonl",
                "data.validation=sample/english.validation.jsonl",
                "data.test=sample/english.validation.jsonl",
                "data.workers=1",
                f"model.encoder={encoder_folder}",
                "model.head_heads=4",
                "model.head_feedforward=32",
                "encoding.max_length=128",
                "train.max_tokens_per_batch=256",
                "train.max_steps=4",
                "train.schedule=constant",
                "train.warmup_steps=0",
                "train.learning_rate=1e-3",
                "train.log_every=1",
                "tracking.trackers=[]",
                "rouge.bootstrap_samples=20",
                *KINDS[kind],
                *overrides,
                *ALWAYS.get(kind, ()),
            ],
        )

    return make


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> tuple[Config, bertsum.TrainResult]:
    """A small finished run, for tests that only read it."""
    folder = tmp_path_factory.mktemp("trained")
    config = Config.load(
        None,
        [
            "name=small", f"output_dir={folder / 'runs'}", f"data.prepared_dir={folder / 'prepared'}",
            "data.train=sample/english.validation.jsonl", "data.validation=sample/english.validation.jsonl",
            "data.test=sample/english.validation.jsonl", "data.workers=1", f"model.encoder={encoder_folder}",
            "model.head_heads=4", "model.head_feedforward=32", "encoding.max_length=128",
            "train.max_tokens_per_batch=512", "train.epochs=2", "train.schedule=linear", "train.warmup_steps=1",
            "train.learning_rate=1e-3", "train.validate_rouge=true", "train.metric=rouge_mean", "train.keep_best=1",
            "rouge.bootstrap_samples=50", "selection.trigram_blocking=true",
        ],
    )  # fmt: skip
    return config, bertsum.train(config)


def save_writer(folder: Path, encoder_folder: Path, *overrides: str) -> Path:
    """A model with random weights that writes, saved."""
    import torch

    torch.manual_seed(0)
    config = Config.load(
        None,
        [
            f"data.prepared_dir={folder / 'prepared'}", "data.train=sample/english.validation.jsonl", "data.workers=1",
            f"model.encoder={encoder_folder}", "model.kind=seq2seq", "train.loss_reduction=token",
            "encoding.max_length=128", "decoder.tokenizer=wordpiece", "decoder.vocabulary=400", "decoder.layers=1",
            "decoder.heads=4", "decoder.feedforward=32", "generation.beam_size=3", "generation.max_length=12",
            *overrides,
        ],
    )  # fmt: skip
    bertsum.BertSumAbs.for_training(config).save_pretrained(folder / "model", card=False)
    return folder / "model"


@pytest.fixture(scope="session")
def writer_folder(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Path:
    """A model that writes summaries."""
    return save_writer(tmp_path_factory.mktemp("writer"), encoder_folder)


@pytest.fixture(scope="session")
def translator_folder(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Path:
    """A model that writes each text, as one sentence, in German."""
    translates = ("language=de", "encoding.split_sentences=false", "generation.trigram_blocking=false")
    return save_writer(tmp_path_factory.mktemp("translator"), encoder_folder, *translates)


def write_jsonl(path: Path, records: list[Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def sentences_of(draw: random.Random, count: int) -> list[str]:
    """So many made-up sentences."""
    words = [
        "council",
        "bridge",
        "harbour",
        "rain",
        "school",
        "decided",
        "opened",
        "yesterday",
        "old",
        "a",
        "the",
        "of",
    ]
    return [" ".join(draw.choices(words, k=draw.randint(4, 12))).capitalize() + "." for _ in range(count)]


def comparable_metrics(run_dir: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without what depends on the clock."""
    records = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in record.items() if "second" not in name} for record in records]


def run_train(config: Path, *arguments: str, processes: int = 1) -> Process:
    """Starts train.py warm, and several processes of it as torchrun does; both outputs are one."""
    script = [str(ROOT / "scripts" / "train.py"), "--config", str(config), *arguments]
    return Process(script, cwd=ROOT, stdout=PIPE, stderr=STDOUT, processes=processes)


def run_torchrun(config: Path, processes: int) -> Process:
    """The same by torchrun itself, whose processes start cold."""
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node", str(processes), "--master_port", str(free_port())]
    command = [*launcher, str(ROOT / "scripts" / "train.py"), "--config", str(config)]
    return Process(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=PIPE, stderr=STDOUT)


def run_accelerate(processes: int, *arguments: str, cwd: Path = ROOT) -> CompletedProcess[str]:
    """Runs train.py as ``accelerate launch`` does on a CPU: in a process that starts cold."""
    options = f"--num_processes {processes} --cpu --num_machines 1 --mixed_precision no --dynamo_backend no"
    command = ["-m", "accelerate.commands.launch", *options.split(), str(ROOT / "scripts" / "train.py"), *arguments]
    return run(command, cwd=cwd, env={**os.environ, "OMP_NUM_THREADS": "1"})


def ranks_of(launcher: Process) -> list[psutil.Process]:
    """The processes that a warm launcher has started, by rank."""
    return sorted(psutil.Process(launcher.pid).children(), key=lambda rank: (rank.create_time(), rank.pid))


def finish(process: Process, code: int = 0) -> str:
    """Waits for the end, and returns what was printed."""
    output, _ = process.communicate(timeout=240)
    assert output is not None
    assert process.returncode == code, output[-4000:]
    return output


def wait_for(folder: Path, pattern: str, process: Process) -> None:
    """Waits until a running process has made a file."""
    deadline = time.monotonic() + 120
    while not any(folder.glob(pattern)):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)
