"""A new kind of model is a word in the config, a class of rows, and one new file: nothing else changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import fork_server
import pytest
from conftest import ROOT

from bertsum.config import Config
from bertsum.errors import BertsumError
from bertsum.models.base import MODELS, Model, model_class
from bertsum.models.extractive import BertSum

WORD = ('Literal["extractive", "seq2seq", "masked_lm"]', 'Literal["extractive", "seq2seq", "masked_lm", "length"]')

ROWS = '''

from bertsum.text import split_words


class LengthRows(Rows):
    """Rows of a model that guesses how many words a document's summary has."""

    schema = pa.schema({**COMMON, "input_ids": pa.list_(pa.int32()), "words": pa.float32()})
    inputs = ("input_ids", "words")

    def __init__(
        self,
        config: Config,
        tokenizer: PreTrainedTokenizerBase,
        split: str,
        target_tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        self.config, self.split = config, split
        self.encoder = DocumentEncoder(tokenizer, config.encoding)

    def __call__(self, documents: Sequence[Document | Rejected]) -> list[dict[str, Any] | Rejected]:
        return [item if isinstance(item, Rejected) else self.row(item) for item in documents]

    def row(self, document: Document) -> dict[str, Any] | Rejected:
        texts = texts_of(document, self.config, self.split)
        if isinstance(texts, Rejected):
            return texts
        encoding = self.encoder.encode(texts["sentences"])
        words = sum(len(split_words(sentence)) for sentence in texts["references"][0])
        length = len(encoding.input_ids)
        return {**texts, "length": length, "cut": encoding.cut, "input_ids": encoding.input_ids, "words": words}


ROWS["length"] = LengthRows
'''

MODEL = '''
"""A regression of one number a document."""

from dataclasses import dataclass

import torch
from torch import nn

from bertsum.data.batching import Batch, collate
from bertsum.models.base import Model
from bertsum.models.contract import Prediction


@dataclass(frozen=True)
class LengthBatch(Batch):
    words: torch.Tensor | None = None

    @property
    def units(self):
        return len(self.words)

    def inputs(self):
        return {name: value for name, value in super().inputs().items() if name != "words"}


class LengthModel(Model):
    kind = "length"

    def __init__(self, config, encoder, tokenizer):
        super().__init__(config, encoder, tokenizer)
        self.output = nn.Linear(encoder.config.hidden_size, 1)

    @classmethod
    def build(cls, config, encoder, tokenizer, target_tokenizer=None):
        return cls(config, encoder, tokenizer)

    def collate(self, rows):
        first = [{"input_ids": row["input_ids"], "cls_positions": [0]} for row in rows]
        batch = collate(first, self.encoder.config.pad_token_id or 0)
        return LengthBatch(**vars(batch), words=torch.tensor([row["words"] for row in rows]))

    def forward(self, **inputs):
        return self.output(self.reader(**inputs)[:, 0])[:, 0]  # (B)

    def loss(self, outputs, batch):
        return ((outputs.float() - batch.words / 100) ** 2).sum()

    def predict(self, rows, options):
        for scored in self.outputs(rows, options):
            number = float(scored.output)
            loss = (number - scored.row["words"] / 100) ** 2
            yield Prediction(scored.place, [f"{100 * number:.0f} words"], loss=loss)
'''

RUN = """
import json, sys
for name in [name for name in sys.modules if name.partition(".")[0] == "bertsum"]:
    del sys.modules[name]  # what a warm start has imported is not this package
import bertsum
from bertsum.models.base import Model, model_class

folder, encoder = sys.argv[1:]
sample = "sample/english.validation.jsonl"
config = bertsum.Config.from_dict({
    "name": "toy", "output_dir": folder + "/runs", "model": {"kind": "length", "encoder": encoder},
    "data": {"train": sample, "validation": sample, "workers": 1, "prepared_dir": folder + "/prepared"},
    "encoding": {"max_length": 128}, "tracking": {"trackers": []}, "rouge": {"bootstrap_samples": 10},
    "train": {"max_steps": 4, "schedule": "constant", "warmup_steps": 0, "learning_rate": 1e-2, "save_every": 2,
              "validate_rouge": True, "loss_reduction": "sentence", "max_tokens_per_batch": 512},
})
result = bertsum.train(config)
longer = bertsum.train(config.override({"train.max_steps": 12}))  # resumes
model = Model.from_pretrained(longer.checkpoint)
try:
    bertsum.BertSum.from_pretrained(longer.checkpoint)
    refused = ""
except bertsum.BertsumError as error:
    refused = str(error)
predictions = (longer.evaluation.folder / "predictions.jsonl").read_text().splitlines()
print(json.dumps({
    "package": bertsum.__path__, "kind": type(model).__name__, "steps": [result.step, longer.step], "refused": refused,
    "summary": json.loads(predictions[0])["summary"], "systems": list(longer.evaluation.systems),
    "metrics": [json.loads(line) for line in (config.run_dir / "metrics.jsonl").read_text().splitlines()],
}))
"""


def test_a_toy_kind_touches_three_files(encoder_folder, tmp_path) -> None:
    package = tmp_path / "bertsum"
    shutil.copytree(ROOT / "bertsum", package, ignore=shutil.ignore_patterns("__pycache__"))
    before = {path: path.read_bytes() for path in package.rglob("*.py")}
    config, rows, model = package / "config/model.py", package / "data/rows.py", package / "models/length.py"
    assert config.read_text().count(WORD[0]) == 1
    config.write_text(config.read_text().replace(*WORD))
    rows.write_text(rows.read_text() + ROWS)
    model.write_text(MODEL)
    changed = {path for path in package.rglob("*.py") if before.get(path) != path.read_bytes()}
    assert changed == {config, rows, model}
    done = fork_server.run(["-c", RUN, str(tmp_path), str(encoder_folder)], cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["package"] == [str(package)]
    assert (told["kind"], told["steps"]) == ("LengthModel", [4, 12])
    assert "is of model.kind length, expected model.kind extractive" in told["refused"]
    assert told["summary"][0].endswith(" words")
    assert told["systems"] == ["lead-3", "oracle", "model"]
    losses = [line["loss"] for line in told["metrics"] if line["split"] == "validation"]
    assert losses[-1] < losses[0]


def test_the_kind_there_is() -> None:
    assert model_class(Config().model.kind) is BertSum is MODELS["extractive"]
    assert issubclass(BertSum, Model)
    with pytest.raises(BertsumError, match=r"model\.kind: got 'other', expected extractive"):
        Config.load(None, ["model.kind=other"])
    assert Path(ROOT / "bertsum" / "models" / "extractive.py").is_file()


def test_a_variation_of_a_kind_stays_apart(trained_run) -> None:
    class Mine(BertSum):
        pass

    assert MODELS["extractive"] is BertSum
    assert type(Mine.from_pretrained(trained_run[1].checkpoint)) is Mine
    assert type(Model.from_pretrained(trained_run[1].checkpoint)) is BertSum

    class Half(Model):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Half(None, None, None)
