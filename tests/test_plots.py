"""Pictures: drawn from what eval.py and train.py wrote."""

from __future__ import annotations

import pytest
from conftest import write_jsonl

import bertsum
from bertsum.pages.plots import plot_curves, plot_positions, position_shares


def test_position_shares() -> None:
    shares = position_shares([[0, 2], [0, 500]])
    assert (shares[0], shares[2], shares[20], sum(shares)) == (0.5, 0.25, 0.25, 1.0)
    assert sum(position_shares([])) == 0


def test_pictures(trained_run, tmp_path) -> None:
    config, _ = trained_run
    predictions = bertsum.evaluate(config, split="validation").folder / "predictions.jsonl"
    other = tmp_path / "other.jsonl"
    other.write_text(predictions.read_text())
    plot_positions([predictions, other], tmp_path / "positions.svg")
    plot_curves([config.run_dir], tmp_path / "curves.svg", "rouge2")
    drawn = (tmp_path / "positions.svg").read_text()
    for label in ("oracle", "small", "other", "later"):
        assert f">{label}<" in drawn
    assert ">validation ROUGE2<" in (tmp_path / "curves.svg").read_text()
    plot_positions([predictions, other], tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text() == drawn


def test_refuses(trained_run, tmp_path) -> None:
    config, _ = trained_run
    with pytest.raises(bertsum.BertsumError, match="no 'rouge7' of a validation"):
        plot_curves([config.run_dir], tmp_path / "a.svg", "rouge7")
    with pytest.raises(bertsum.BertsumError, match="cannot be read"):
        plot_positions([tmp_path / "none.jsonl"], tmp_path / "a.svg")
    with pytest.raises(bertsum.BertsumError, match="line 1: field 'oracle': expected a list"):
        plot_positions([write_jsonl(tmp_path / "a.jsonl", [{"indices": []}])], tmp_path / "a.svg")
    with pytest.raises(bertsum.BertsumError, match="got int, expected an object"):
        plot_positions([write_jsonl(tmp_path / "a.jsonl", [5])], tmp_path / "a.svg")
    (tmp_path / "b.jsonl").write_text("{")
    with pytest.raises(bertsum.BertsumError, match="line 1: not JSON"):
        plot_positions([tmp_path / "b.jsonl"], tmp_path / "a.svg")
    one, two = ({"indices": [0], "oracle": [n]} for n in (1, 2))
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        write_jsonl(tmp_path / name / "c.jsonl", [one])
    write_jsonl(tmp_path / "d.jsonl", [two])
    with pytest.raises(bertsum.BertsumError, match="another file has its name, 'c'"):
        plot_positions([tmp_path / "x/c.jsonl", tmp_path / "y/c.jsonl"], tmp_path / "a.svg")
    with pytest.raises(bertsum.BertsumError, match="its documents are not those of"):
        plot_positions([tmp_path / "x/c.jsonl", tmp_path / "d.jsonl"], tmp_path / "a.svg")
    with pytest.raises(bertsum.BertsumError, match=r"ends in \.svg"):
        plot_curves([config.run_dir], tmp_path / "a.png")
    with pytest.raises(bertsum.BertsumError, match="cannot be written"):
        plot_curves([config.run_dir], tmp_path / "no" / "a.svg")
