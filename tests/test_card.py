"""The model card, parsed back, and models that go to a hub and come back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version

import pytest
import torch
import yaml
from conftest import ROOT
from hub import Hub, commit_name, running_hub
from huggingface_hub import ModelCard

import bertsum
from bertsum import program
from bertsum.cli import main
from bertsum.config import EncodingConfig
from bertsum.models.card import _base_model, card_of
from bertsum.models.fitted import Calibrated
from bertsum.models.storage import SavedConfig


@pytest.fixture(scope="module")
def measured(trained_run):
    """The small run with an evaluation of its best checkpoint on test documents, beside the one of the training."""
    config, result = trained_run
    return config, result, bertsum.evaluate(config, None, "test")


def model_of(measured) -> bertsum.BertSum:
    return bertsum.BertSum.from_pretrained(measured[1].checkpoint)


def written(card: ModelCard, folder) -> ModelCard:
    """A card as others read it."""
    card.save(folder / "README.md")
    return ModelCard.load(folder / "README.md")


def test_metadata(measured, tmp_path) -> None:
    card = written(model_of(measured).generate_model_card("me/small", "apache-2.0"), tmp_path)
    data = card.data
    assert (data.library_name, data.pipeline_tag, data.language) == ("bertsum", "summarization", "en")
    assert (data.license, data.metrics, data.model_name) == ("apache-2.0", ["rouge"], "small")
    assert {"bertsum", "extractive-summarization"} <= set(data.tags)
    assert (data.base_model, data.datasets) == (None, None)  # a folder, and files
    assert len(data.eval_results) == 6
    of_test = {result.metric_name: result for result in data.eval_results if result.dataset_split == "test"}
    rouge = measured[2].systems["model"]
    for metric, name in [("rouge1", "ROUGE-1 F1"), ("rouge2", "ROUGE-2 F1"), ("rougeL", "ROUGE-L F1")]:
        assert of_test[name].metric_value == pytest.approx(100 * rouge[metric].fmeasure, abs=0.005)
        assert of_test[name].dataset_name == "sample/english.validation.jsonl"
    model_index = yaml.safe_load(str(card).split("---")[1])["model-index"]
    assert [result["dataset"]["split"] for result in model_index[0]["results"]] == ["test", "validation"]


def test_text(measured) -> None:
    card = model_of(measured).generate_model_card("me/small")
    score = measured[2].systems["model"]["rouge1"]
    low, high = score.fmeasure_interval
    assert f"| **this model** | {100 * score.fmeasure:.2f} ({100 * low:.2f}-{100 * high:.2f}) |" in card.text
    assert "| lead-3 | " in card.text
    assert "| oracle | " in card.text
    assert 'Summarizer.from_pretrained("me/small")' in card.text
    assert "train: `sample/english.validation.jsonl`, 12 of 12 documents" in card.text
    assert "test: `sample/english.validation.jsonl`, 12 documents" in card.text
    step = int(measured[1].checkpoint.resolve().name.removeprefix("step_"))
    assert f"for {step} updates" in card.text
    assert "best by validation `rouge_mean`" in card.text
    assert str(ROOT.parent) not in card.text  # no path of whoever trained it
    assert str(measured[0].output_dir) not in card.text
    assert card.data.license == "unknown"


def test_the_recipe_trains_it_again(measured, tmp_path) -> None:
    config = measured[0]
    changed, whole = [
        yaml.safe_load(block.split("```")[0])
        for block in model_of(measured).generate_model_card().text.split("```yaml\n")[1:]
    ]
    told = bertsum.Config.from_dict(changed)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(whole))
    assert bertsum.Config.load(tmp_path / "recipe.yaml").train == told.train == config.train
    assert (told.encoding, told.selection) == (config.encoding, config.selection)
    assert told.model.encoder in config.model.encoder


def test_a_saved_model_has_a_card_and_keeps_it(measured, tmp_path) -> None:
    assert not (measured[1].checkpoint / "README.md").exists()
    model_of(measured).save_pretrained(tmp_path / "a", model_card_kwargs={"license": "mit"})
    card = ModelCard.load(tmp_path / "a" / "README.md")
    assert (card.data.license, len(card.data.eval_results)) == ("mit", 6)
    (tmp_path / "a" / "README.md").write_text("---\nlicense: mit\n---\nMine.\n", encoding="utf-8")
    model = bertsum.BertSum.from_pretrained(tmp_path / "a")
    model.save_pretrained(tmp_path / "a")
    model.save_pretrained(tmp_path / "b")
    for folder in ("a", "b"):
        assert (tmp_path / folder / "README.md").read_text(encoding="utf-8").endswith("Mine.\n")
    assert model.generate_model_card(license="apache-2.0").data.license == "apache-2.0"


def test_changed_weights_have_no_figures(measured, tmp_path) -> None:
    model = model_of(measured)
    with torch.no_grad():
        next(model.head.parameters()).add_(1.0)
    card = model.generate_model_card()
    assert card.data.eval_results is None
    assert "not measured, or not with these very weights" in card.text
    assert "not recorded" in card.text
    model.save_pretrained(tmp_path / "m")
    assert ModelCard.load(tmp_path / "m" / "README.md").data.eval_results is None


def copied_run(measured, folder):
    """The run, moved to another place."""
    config, result, _ = measured
    shutil.copytree(config.run_dir, folder / "runs" / "moved", symlinks=True)
    return folder / "runs" / "moved", f"checkpoints/{result.checkpoint.resolve().name}"


def test_a_run_that_was_moved_and_evaluated_otherwise(measured, tmp_path) -> None:
    run, place = copied_run(measured, tmp_path)
    results = run / "eval" / "test" / "results.json"
    values = json.loads(results.read_text())
    values["weights"] = {"step_000001": "00000000", "step_000002": values["weights"]["model"]}
    values["systems"]["step_000002"] = values["systems"].pop("model")
    values["systems"]["mean of 2"] = values["systems"]["oracle"]
    values["rouge"]["limit_to_reference"] = True
    values["source"] = {"dataset": "someone/news", "dataset_config": "1.0", "documents": "test"}
    results.write_text(json.dumps(values))
    card = bertsum.BertSum.from_pretrained(run / "best").generate_model_card()
    assert "ROUGE limited-length recall" in card.text
    assert "mean of 2" not in card.text
    (recall, *_) = (result for result in card.data.eval_results if result.dataset_split == "test")
    assert (recall.metric_name, recall.dataset_type) == ("ROUGE-1 limited-length recall", "someone/news")
    assert (recall.dataset_config, recall.dataset_name) == ("1.0", "someone/news 1.0 test")
    values["weights"]["step_000002"] = "00000001"  # of a checkpoint that best meant before
    results.write_text(json.dumps(values))
    card = bertsum.BertSum.from_pretrained(run / "best").generate_model_card()
    assert {result.dataset_split for result in card.data.eval_results} == {"validation"}
    results.write_text("{")
    with pytest.raises(bertsum.BertsumError, match=r"test/results\.json': cannot be read as the results"):
        bertsum.BertSum.from_pretrained(run / place).generate_model_card()


def test_a_model_that_answers_queries(measured, tmp_path) -> None:
    run, _ = copied_run(measured, tmp_path)
    file = run / "eval" / "test" / "results.json"
    values = json.loads(file.read_text())
    ranks = {"p1": 61, "mrr": 72, "map": 83}
    figures = {name: {"score": score, "interval": [1.0, 99.5]} for name, score in ranks.items()}
    systems = ("first", "overlap", next(iter(values["weights"])))
    values |= {"systems": {}, "answers": {name: {"answerable": 9, "curve": [], **figures} for name in systems}}
    point = {"threshold": 0.5, "answered": None, "recall": None, "removed": 0.75, "empty": 0.25}
    unanswered = {"answerable": 0, "curve": [], "p1": None, "mrr": None, "map": None}
    none = {**values, "answers": {"first": unanswered, systems[2]: {**unanswered, "curve": [point]}}}
    file.write_text(json.dumps(none))
    text = bertsum.BertSum.from_pretrained(run / "best").generate_model_card().text
    assert "12 documents, none of which has an answer" in text and "\n| 0.500 | 25.0% |\n" in text
    none["answers"]["first"]["answerable"] = 3
    file.write_text(json.dumps(none))
    with pytest.raises(bertsum.BertsumError, match="expected p1, mrr and map"):
        bertsum.BertSum.from_pretrained(run / "best").generate_model_card()
    file.write_text(json.dumps(values))
    model = bertsum.BertSum.from_pretrained(run / "best")
    assert "It answers queries" not in model.generate_model_card().text
    calibration = (Calibrated(0.95, 0.03125, (0.9, 0.99), 75),)
    selection = replace(model.config.selection, query_threshold=0.03125)
    model.config = replace(model.config, selection=selection, calibration=calibration)
    text = model.generate_model_card().text
    assert 'It answers queries too: `summarizer(text, query="...")`' in text and "at least 0.03125, or none" in text
    assert "12 documents, of which 9 have an answer" in text
    for system in ("first", "overlap", "**this model**"):
        assert f"| {system} | 61.00 (1.00-99.50) | 72.00 (1.00-99.50) | 83.00 (1.00-99.50) |\n" in text
    assert "- A threshold of 0.0312 keeps an answer in 95% of such records (90.0% to 99.0%, from 75).\n" in text


def test_documents_of_ones_own(measured, tmp_path) -> None:
    run, _ = copied_run(measured, tmp_path)
    config = bertsum.Config.load(run / "config.yaml", ["data.train=[/home/someone/news/a.jsonl, more/b.jsonl]"])
    config.override({"data.prepared_dir": "not here", "data.labels": "soft", "data.soft_temperature": 0.05}).save(
        run / "config.yaml"
    )
    text = bertsum.BertSum.from_pretrained(run / "best").generate_model_card().text
    assert "- train: `a.jsonl, more/b.jsonl`\n" in text
    assert "someone" not in text
    assert "soft oracles (temperature 0.05)" in text


def test_documents_of_ones_own_beside_a_hub_dataset(measured, tmp_path) -> None:
    run, _ = copied_run(measured, tmp_path)
    own = ["data.dataset=cnn_dailymail", "data.dataset_config=3.0.0", "data.train=[/home/someone/a.jsonl, b.jsonl]"]
    config = bertsum.Config.load(run / "config.yaml", own)
    config.override({"data.prepared_dir": "not here", "train.start_from": "/home/someone/x/best"}).save(
        run / "config.yaml"
    )
    card = bertsum.BertSum.from_pretrained(run / "best").generate_model_card()
    assert "- train: `a.jsonl, b.jsonl`\n" in card.text
    assert card.data.datasets is None
    assert "someone" not in card.text


def test_a_card_without_an_id_gets_it_when_it_is_pushed(measured, tmp_path) -> None:
    model = bertsum.BertSum.from_pretrained(measured[1].checkpoint)
    model.save_pretrained(tmp_path / "m")
    card = bertsum.BertSum.from_pretrained(tmp_path / "m").generate_model_card("me/model")
    assert 'from_pretrained("me/model")' in card.text and "PATH" not in card.text


def test_a_model_that_was_trained_elsewhere(measured, tmp_path) -> None:
    run, place = copied_run(measured, tmp_path)
    shutil.rmtree(run / place / "state")  # as after bertsum convert
    card = bertsum.BertSum.from_pretrained(run / "best").generate_model_card()
    assert "How it was trained is not recorded" in card.text
    assert "What it was trained on is not recorded" in card.text
    assert len(card.data.eval_results) == 6


def test_what_is_read_and_in_which_language() -> None:
    whole = EncodingConfig(max_length=64, long_documents="window")
    card = card_of(SavedConfig(encoding=whole, language="auto"), None)
    assert card.data.language is None
    assert "for texts of any language." in card.text
    assert "more than 64 tokens is read in windows; it learned from such texts whole" in card.text
    card = card_of(SavedConfig(language="zh-Hant"), None)
    assert card.data.language == "zh"
    assert "it learned from the first 512 tokens of each alone" in card.text


def test_base_model(tmp_path, monkeypatch) -> None:
    assert _base_model("minilm") == "sentence-transformers/all-MiniLM-L6-v2"
    assert _base_model("google-bert/bert-base-uncased") == "google-bert/bert-base-uncased"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my" / "encoder").mkdir(parents=True)
    assert (_base_model("my/encoder"), _base_model(str(tmp_path))) == (None, None)


def test_a_card_that_cannot_be_read(measured, tmp_path) -> None:
    model_of(measured).save_pretrained(tmp_path / "m")
    (tmp_path / "m" / "README.md").write_text("---\n- not\n- a mapping\n---\n", encoding="utf-8")
    with pytest.raises(bertsum.BertsumError, match=r"README\.md': cannot be read as a model card"):
        bertsum.BertSum.from_pretrained(tmp_path / "m").generate_model_card()


def with_hub(hub: Hub, home, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with the network on, and this hub in place of the one there is."""
    online = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": hub.address, "HF_HOME": str(home), "HF_TOKEN": "hf_test"}
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **online, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )


PUSH_TWICE_AND_READ = """
import sys, bertsum, bertsum.cli
repo_id, checkpoint, first = sys.argv[1:]
bertsum.cli.main(["push", checkpoint, "small", "--private", "--license", "mit"])
print(bertsum.BertSum.from_pretrained(checkpoint).push_to_hub(repo_id, license="apache-2.0"))
model = bertsum.BertSum.from_pretrained(repo_id)
print(model.config.selection.sentences, model.generate_model_card().data.license)
summarizer = bertsum.Summarizer.from_pretrained(repo_id, revision=first)
print(len(summarizer("It rained. A ship came. We left.").document), summarizer.model.generate_model_card().data.license)
for missing, revision in (("me/nothing", None), (repo_id, "v9")):
    try:
        bertsum.Summarizer.from_pretrained(missing, revision=revision)
    except bertsum.BertsumError as error:
        print(error)
"""


@pytest.mark.long
def test_push_and_read_back(measured, tmp_path) -> None:
    if int(version("huggingface_hub").split(".")[0]) < 1:
        pytest.skip("the hub of the tests answers newer clients")
    checkpoint = str(measured[1].checkpoint)
    with running_hub() as hub:
        first = commit_name("me/small", 0)
        done = with_hub(hub, tmp_path, "-c", PUSH_TWICE_AND_READ, "me/small", checkpoint, first)
        assert done.returncode == 0, done.stderr
    pushed, again, *read_back = done.stdout.splitlines()
    assert pushed == f"Pushed: {hub.address}/me/small/commit/{first}"
    assert hub.private == {"me/small": True}
    files = hub.repositories["me/small"][0]
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json"} <= set(files)
    assert not any("state" in name or "trainer" in name for name in files)
    card = ModelCard(files["README.md"].decode())
    assert (card.data.license, len(card.data.eval_results)) == ("mit", 6)
    assert 'from_pretrained("me/small")' in card.text  # the whole id, which only the hub knows
    assert again == f"{hub.address}/me/small/commit/{commit_name('me/small', 1)}"
    assert read_back[:2] == ["3 apache-2.0", "3 mit"]
    assert "model 'me/nothing': no such folder, and the hub cannot give it" in done.stdout
    assert "model 'me/small' (revision v9): no such folder, and the hub cannot give it" in done.stdout


def test_dry_run(measured, monkeypatch, capsys) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(program, "keep_few_kernels", lambda: None)  # this process is the tests'
    main(["push", str(measured[1].checkpoint), "me/dry", "--dry-run"])
    signal.signal(signal.SIGTERM, handler)
    assert ModelCard(capsys.readouterr().out).data.model_name == "dry"


def test_without_a_hub(measured) -> None:
    model = model_of(measured)
    with pytest.raises(bertsum.BertsumError, match=r"hub 'me/x': the model cannot be pushed: .*offline"):
        model.push_to_hub("me/x")
    with pytest.raises(bertsum.BertsumError, match="hub 'not an id'"):
        model.push_to_hub("not an id")
    for reader in (bertsum.BertSum, bertsum.Summarizer):
        with pytest.raises(bertsum.BertsumError, match=r"model 'me/x' \(revision v1\): no such folder, and the hub"):
            reader.from_pretrained("me/x", revision="v1")


def test_a_model_with_adapters(config_of, tmp_path) -> None:
    config = config_of("model.adapters=2", "data.limit=3", "train.max_steps=1")
    evaluation = bertsum.train(config).evaluation
    model = bertsum.BertSum.from_pretrained(config.run_dir / "best")  # with the adapters in the encoder's weights
    card = model.generate_model_card()
    assert len(card.data.eval_results) == 3
    assert card.data.eval_results[0].metric_value == round(100 * evaluation.systems["model"]["rouge1"].fmeasure, 2)
    assert "adapters: 2" in card.text
