"""The model card of models that write: how to use them, how they were made, what they cannot do."""

from __future__ import annotations

import contextlib
import io
import re
import warnings

import yaml
from huggingface_hub import ModelCard

import bertsum
from bertsum.models.base import Model
from bertsum.models.card import _base_model

TEXT = "The council met on Monday. It decided to build a bridge. The rain went on. Nobody was surprised."


def run_blocks(text: str, folder, monkeypatch) -> list[str]:
    """What each block of Python of a card prints, one after the other."""
    (folder / "article.txt").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(folder)
    printed, names = [], {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(block, names)
        printed.append(output.getvalue())
    return printed


def test_a_model_that_writes_summaries(writer_folder, tmp_path, monkeypatch) -> None:
    model = bertsum.BertSumAbs.from_pretrained(writer_folder)
    card = model.generate_model_card(str(writer_folder), "mit")
    assert {"bertsum", "abstractive-summarization"} <= set(card.data.tags)
    assert "extractive-summarization" not in card.data.tags
    assert (card.data.pipeline_tag, card.data.license, card.data.base_model) == ("summarization", "mit", None)
    assert "it writes a summary in words of its own" in card.text and "with a decoder of 1 layers" in card.text
    assert "it writes with `beam_size: 3`" in card.text and "It may invent" in card.text
    assert "the first 128 tokens of a text, and writes at most 12" in card.text
    assert "chooses" not in card.text and "head over" not in card.text
    summary = bertsum.Summarizer(model)(TEXT)
    first, second = run_blocks(card.text, tmp_path, monkeypatch)
    assert first == f"{summary.text}\n{summary.unsupported}\n"
    assert second.strip()
    (recipe,) = (yaml.safe_load(block.split("```")[0]) for block in card.text.split("```yaml\n")[1:])
    assert list(recipe) == ["language", "encoding", "model", "decoder", "generation"]
    assert str(writer_folder.parent.parent) not in card.text.replace(str(writer_folder), "")  # no path of the encoder


def test_a_translator(translator_folder, tmp_path, monkeypatch) -> None:
    model = Model.from_pretrained(translator_folder)
    card = model.generate_model_card(str(translator_folder))
    assert (card.data.pipeline_tag, card.data.language) == ("translation", "de")
    assert "translation" in card.data.tags and "abstractive-summarization" not in card.data.tags
    assert "A translator: it writes each text anew, in `de`." in card.text
    assert f"bertsum generate --model {translator_folder} lines.txt" in card.text
    assert "## Figures" in card.text and "unsupported" not in card.text and "`sacrebleu`" not in card.text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, _ = run_blocks(card.text, tmp_path, monkeypatch)
    texts = [one.text for one in bertsum.Summarizer(model)(["One text.", "Another one."])]
    assert first == "".join(f"{text}\n" for text in texts)


def test_how_it_was_trained(config_of, tmp_path) -> None:
    config = config_of(
        *("model.kind=seq2seq", "train.loss_reduction=token", "decoder.tokenizer=wordpiece", "decoder.vocabulary=400"),
        *("decoder.layers=1", "decoder.heads=4", "decoder.feedforward=32", "generation.max_length=9", "data.limit=3"),
        "train.max_steps=1",
    )
    bertsum.train(config)
    model = Model.from_pretrained(config.run_dir / "best")
    model.save_pretrained(tmp_path / "saved")
    card = ModelCard.load(tmp_path / "saved" / "README.md")
    assert {result.task_name for result in card.data.eval_results} == {"Abstractive summarization"}
    assert "Trained on written summaries for 1 updates" in card.text and "written with `beam_size: 5`" in card.text
    changed, whole = [yaml.safe_load(block.split("```")[0]) for block in card.text.split("```yaml\n")[1:]]
    told = bertsum.Config.from_dict(changed)
    assert (told.decoder, told.generation, told.train) == (config.decoder, config.generation, config.train)
    assert "selection" not in whole and "selection" not in changed
    named = Model.from_pretrained(tmp_path / "saved").generate_model_card("me/saved").text
    assert named.count('from_pretrained("me/saved")') == 2 and "PATH" not in named


def test_an_encoder_from_scratch_has_no_base_model() -> None:
    assert _base_model("scratch") is None
