"""Configuration: shipped files, strictness, command line."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import ROOT

from bertsum.config import Config, ModelConfig, reading
from bertsum.config.arguments import help_text, overrides_from_arguments
from bertsum.config.reading import field_types, find_config, meanings
from bertsum.errors import BertsumError
from bertsum.models.storage import PACKAGED

DERIVED = {  # file: (lead sentences, ROUGE language, encoder)
    "quickstart.yaml": (3, "en", "minilm"),
    "cnndm.yaml": (3, "en", "bert-base-uncased"),
    "cnndm-minilm.yaml": (3, "en", "minilm"),
    "cnndm-minilm-fast.yaml": (3, "en", "minilm"),
    "finetune.yaml": (3, "en", "minilm"),
    "ask.yaml": (3, "en", "minilm"),
    "xsum.yaml": (1, "en", "bert-base-uncased"),
    "scitldr.yaml": (1, "en", "minilm"),
    "nyt.yaml": (3, "en", "bert-base-uncased"),
    "chinese.yaml": (3, "zh", "bert-base-chinese"),
    "quickstart-abs.yaml": (3, "en", "minilm"),
    "cnndm-abs.yaml": (3, "en", "bert-base-uncased"),
    "cnndm-extabs.yaml": (3, "en", "bert-base-uncased"),
    "xsum-abs.yaml": (1, "en", "bert-base-uncased"),
    "cnndm-abs-minilm.yaml": (3, "en", "minilm"),
    "scitldr-abs.yaml": (1, "en", "minilm"),
    "multi30k.yaml": (3, "de", "minilm"),
    "multi30k-de-en.yaml": (3, "en", "scratch"),
    "adapt.yaml": (3, "en", "minilm"),
    "reddit.yaml": (2, "en", "bert-base-uncased"),
    "samsum.yaml": (2, "en", "bert-base-uncased"),
    "pubmed.yaml": (7, "en", "bert-base-uncased"),
    "arxiv.yaml": (6, "en", "bert-base-uncased"),
    "multilingual.yaml": (1, "auto", "xlm-roberta-base"),
}


def test_every_shipped_config_is_known_here() -> None:
    assert {file.name for file in (ROOT / "configs").glob("*.yaml")} == set(DERIVED)


def test_the_fast_recipe_differs_in_what_its_first_lines_say() -> None:
    recipe, fast = (
        {
            f"{section}.{field}": value
            for section, fields in yaml.safe_load((ROOT / "configs" / file).read_text()).items()
            for field, value in fields.items()
        }
        for file in ("cnndm-minilm.yaml", "cnndm-minilm-fast.yaml")
    )
    changed = {field for field in recipe | fast if recipe.get(field) != fast.get(field)}
    assert changed == {"train.max_steps", "train.warmup_steps", "train.validate_every"}


@pytest.mark.parametrize("name", DERIVED)
def test_shipped_config(name: str) -> None:
    config = Config.load(name)
    lead, language, encoder = DERIVED[name]
    assert config.name == name.removesuffix(".yaml")
    assert config.run_dir.as_posix() == f"runs/{config.name}"
    assert (config.lead_sentences, config.rouge_language, config.model.encoder) == (lead, language, encoder)
    assert (config.train.max_steps is None) != (config.train.epochs is None)


def test_trainings_go_on_with_one_another() -> None:
    """What the model of the package begins with, it, and what goes on from it, have the same weights."""
    first, asked, further = map(Config.load, ("cnndm-minilm", "ask", "finetune"))
    assert asked.train.start_from == further.train.start_from == "bundled"
    for name in PACKAGED:
        packaged = json.loads((PACKAGED[name] / "config.json").read_text(encoding="utf-8"))["model"]
        assert asked.model == ModelConfig(**packaged)
    assert asked.model == dataclasses.replace(first.model, query_product=True, answer_spans=True)
    assert further.model == dataclasses.replace(asked.model, freeze_encoder=True)
    assert asked.encoding == further.encoding == dataclasses.replace(first.encoding, long_documents="window")


def test_cnndm_is_the_papers_recipe() -> None:
    config = Config.load("cnndm")
    assert (config.data.dataset, config.data.dataset_config) == ("cnn_dailymail", "3.0.0")
    assert (config.data.oracle, config.data.oracle_sentences, config.data.min_sentences) == ("paper", 3, 3)
    assert (config.encoding.min_sentence_words, config.encoding.max_sentence_words) == (6, 200)
    assert (config.model.head, config.model.head_layers, config.model.head_heads) == ("transformer", 2, 8)
    train = config.train
    assert (train.max_steps, train.max_tokens_per_batch, train.accumulation) == (50_000, 3000, 2)
    assert (train.optimizer, train.beta1, train.beta2, train.eps, train.weight_decay) == ("adam", 0.9, 0.999, 1e-9, 0)
    assert (train.schedule, train.warmup_steps, train.learning_rate) == ("noam", 10_000, 2e-3)
    assert (train.loss_reduction, train.max_grad_norm, train.keep_best, train.metric) == ("sum", None, 3, "loss")
    assert (config.selection.sentences, config.selection.trigram_blocking) == (3, True)
    assert Config.load("nyt").rouge.limit_to_reference


def test_numbers_with_exponents_and_nulls(tmp_path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("train: {learning_rate: 2e-3, eps: 1e-9, max_steps: 5}")
    assert Config.load(file).train.learning_rate == 0.002
    overridden = Config.load(
        file, ["train.learning_rate=3E-4", "train.max_steps=null", "data.train=[a.jsonl, b.jsonl]"]
    )
    assert overridden.train.learning_rate == 0.0003
    assert overridden.train.max_steps is None
    assert overridden.data.train == ["a.jsonl", "b.jsonl"]
    assert Config.load(file, ["data.train=*.jsonl"]).data.train == "*.jsonl"


def test_all_problems_at_once(tmp_path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "train: {learning_rat: 1, max_steps: many, head: gru}\nmodel: {head: gru, head_dropout: 1.5}\nmodle: 3\n"
    )
    with pytest.raises(BertsumError) as caught:
        Config.load(file)
    message = str(caught.value)
    assert "train.learning_rat: no such field; did you mean train.learning_rate?" in message
    assert "train.max_steps: got 'many', expected a whole number or null" in message
    assert "model.head: got 'gru', expected linear, transformer or lstm" in message
    assert "train.head: no such field; did you mean" in message
    assert "modle: no such field" in message
    assert str(file) in message


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.head_dropout=1.5", "less than 1"),
        ("train.max_steps=0", "at least 1"),
        ("train.learning_rate=0", "more than 0"),
        ("train.learning_rate=.nan", "finite"),
        ("selection.ratio=2", "at most 1"),
        ("selection.threshold=2", "from 0 to 1"),
        ("selection.sentences=null", "at least one"),
        ("data.dataset_config=3.0.0", "without data.dataset"),
        ("train.metric=rouge1", "validate_rouge"),
        ("train.warmup_steps=0", "noam"),
        ("name=a/b", "name of a folder"),
        ("language=english!", "ISO 639"),
        ("train=3", "is a section"),
        ("train.max_steps", "KEY=VALUE"),
        ("train.patience=3", "no data.validation"),
        ("train.max_tokens_per_batch=0", "at least 1"),
        ("seed=99999999999999999999", "less than 2"),
        ("seed=2024-13-45", "got '2024-13-45', expected a whole number"),
        ("seed=1.0", "got '1.0', expected a whole number"),
        ("seed=-3", "got -3, expected at least 0"),
        ("data.workers=1025", "got 1025, expected at most 1024"),
        ("train.resume=1", "got '1', expected true or false"),
        ("train.resume=null", "got null, expected true or false"),
        ("data.train=[a, 1]", r"got \['a', 1\], expected text or a list of strings or null"),
        ("data.train=[a, '\ud800']", "text that a file can hold"),
        ("data.prepared_dir=\0", "text that a file can hold"),
    ],
)
def test_impossible_values(override: str, expected: str) -> None:
    with pytest.raises(BertsumError, match=expected):
        Config.load(None, [override])


def test_values_of_other_programs() -> None:
    config = Config().override({"train.learning_rate": 1, "data.train": ("a", "b"), "train.max_steps": np.int64(3)})
    assert (repr(config.train.learning_rate), config.data.train, config.train.max_steps) == ("1.0", ["a", "b"], 3)
    assert Config.from_dict({"train": {"max_steps": "3", "resume": "false"}, "seed": "017"}).seed == 17
    for value in (True, 3.0, "3.0", "", [3]):
        with pytest.raises(BertsumError, match=r"train.max_steps: got .*, expected a whole number or null"):
            Config().override({"train.max_steps": value})
    with pytest.raises(BertsumError, match="expected a number"):
        Config().override({"train.eps": 10**400})


def test_a_config_is_quick() -> None:
    config = Config()
    config.override({})
    begin = time.process_time()
    for _ in range(20):
        config.override({"train.max_steps": 3})
    assert time.process_time() - begin < 20 * 0.02


def test_both_lengths() -> None:
    with pytest.raises(BertsumError, match="both are set"):
        Config.load(None, ["train.max_steps=1", "train.epochs=1"])


def test_fields_that_do_not_fit_are_told_with_their_file(tmp_path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("data:\n  labels: teacher\n")
    with pytest.raises(BertsumError, match=rf"^config {file}:\n  data.teacher: is not set"):
        Config.load(file)


def test_a_key_twice_and_broken_yaml(tmp_path) -> None:
    file = tmp_path / "a.yaml"
    for text, expected in [
        ("seed: 1\nseed: 2\n", "stands twice"),
        ("train.epochs: 1\ntrain: {epochs: 2}\n", "a.yaml': field 'train.epochs' stands twice"),
        ("a: [", "not valid YAML"),
        ("- 1", "a mapping"),
    ]:
        file.write_text(text)
        with pytest.raises(BertsumError, match=expected):
            Config.load(file)


def test_find_config() -> None:
    assert find_config("cnndm").name == "cnndm.yaml"
    for path in ("nowhere/cnndm.yaml", "x" * 5000):
        with pytest.raises(BertsumError, match="no such file"):
            find_config(path)
    with pytest.raises(BertsumError, match="did you mean cnndm.yaml"):
        find_config("cnn.yaml")


def test_a_config_that_comes_with_bertsum_is_not_shadowed(tmp_path, monkeypatch) -> None:
    """Neither by configs/ of another project nor by a folder of that name among installed packages."""
    monkeypatch.chdir(tmp_path)
    for folder in ("configs", "site-packages/configs", "site-packages/bertsum/configs"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "cnndm.yaml").write_text(f"name: {Path(folder).parent.name or 'here'}")
    for folder, name in (("configs", "mine"), ("site-packages/configs", "theirs")):
        (tmp_path / folder / f"{name}.yaml").write_text(f"name: {name}")
    with pytest.warns(UserWarning, match=r"'cnndm': taken from .*comes with bertsum; 'configs/cnndm.yaml' is another"):
        assert find_config("cnndm") == ROOT / "configs" / "cnndm.yaml"
    assert find_config("configs/cnndm.yaml") == Path("configs/cnndm.yaml")  # no warning: a path says which
    assert find_config("mine") == Path("configs/mine.yaml")
    monkeypatch.setattr(reading, "__file__", str(tmp_path / "site-packages/bertsum/config/reading.py"))
    with pytest.warns(UserWarning, match="taken from"):
        assert Config.load("cnndm").name == "bertsum"
    with pytest.raises(BertsumError, match="no such file"):
        find_config("theirs")
    (tmp_path / "configs" / "cnndm.yaml").write_text("name: bertsum")  # a copy shadows nothing
    assert Config.load("cnndm").name == "bertsum"


def test_round_trip(tmp_path) -> None:
    config = Config.load("scitldr", ["seed=7"])
    config.save(tmp_path / "config.yaml")
    assert Config.load(tmp_path / "config.yaml") == config
    assert Config.from_dict(yaml.safe_load((tmp_path / "config.yaml").read_text())) == config
    assert config.override({"train.epochs": 9}).train.epochs == 9


def test_arguments() -> None:
    arguments = ["--train.max_steps", "100", "--train.resume", "--seed=3"]
    assert overrides_from_arguments(arguments) == ["train.max_steps=100", "train.resume=true", "seed=3"]
    with pytest.raises(BertsumError, match="expected --KEY VALUE"):
        overrides_from_arguments(["seed=3"])


def test_help_explains_every_field() -> None:
    text = help_text(Config)
    for name in field_types(Config):
        assert f"--{name} " in text
    for part in (Config(), *vars(Config()).values()):
        if dataclasses.is_dataclass(part):
            own = {name for name, value in vars(part).items() if not dataclasses.is_dataclass(value)}
            assert set(meanings(type(part))) == own


def test_arguments_of_a_wrong_kind() -> None:
    with pytest.raises(BertsumError, match="config: got int, expected a path or a name"):
        Config.load(5)
    with pytest.raises(BertsumError, match="override '5': expected KEY=VALUE"):
        Config.load("quickstart", [5])
    for given in (None, []):
        with pytest.raises(BertsumError, match=r"config: got \w+, expected a mapping of sections"):
            Config.from_dict(given)


def test_what_a_list_may_hold_is_named() -> None:
    with pytest.raises(BertsumError, match=r"evaluation\.metrics: got \['foo'\], expected a list of rouge, bleu, chrf"):
        Config.load("quickstart", ["evaluation.metrics=[foo]"])
    with pytest.raises(BertsumError, match=r"data\.mixture: got \['x'\], expected a list of numbers or null"):
        Config.load("quickstart", ["data.mixture=[x]"])
