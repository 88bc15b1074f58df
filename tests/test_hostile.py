"""Files made to harm: bombs, lies, programs, paths that lead outside, and text that a terminal obeys."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import resource
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import fork_server
import pytest
from conftest import ROOT, write_jsonl

import bertsum
from bertsum.config import Config
from bertsum.data import formats as formats_module
from bertsum.data import sources as sources_module
from bertsum.data.documents import Document, Rejected
from bertsum.data.prepare import prepare
from bertsum.data.rows import ExtractiveRows
from bertsum.data.sentences import split_sentences
from bertsum.data.sources import read_documents
from bertsum.data.store import open_prepared
from bertsum.data.torch_files import safe_load
from bertsum.errors import BertsumError
from bertsum.models.extractive import BertSum
from bertsum.pages.plots import plot_curves
from bertsum.pages.shading import marked
from bertsum.text import printable

ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202eevil\r"
GOOD = {"id": "g", "document": "It rained. We left.", "summary": "It rained."}


def read(config_of, path: Path) -> list[Document | Rejected]:
    return list(read_documents(config_of(f"data.train={path}").data, "train"))


# ---- bombs


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[" * 1_000_000, "not JSON"),
        ('{"a":' * 1_000_000, "not JSON"),
        ('{"document": ' + "9" * 1_000_000 + "}", "not JSON"),
        ('{"document": 1e999999999, "summary": "x"}', "not text in 'document'"),
        ("{" + ",".join(f'"{n}": 1' for n in range(100_000)) + "}", "no document"),
    ],
)
def test_json_bombs(config_of, tmp_path, line, reason) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(line + "\n" + json.dumps(GOOD) + "\n")
    bomb, good = read(config_of, path)
    assert isinstance(bomb, Rejected)
    assert bomb.reason == reason
    assert len(bomb.problem) < 2000
    assert isinstance(good, Document)


def test_a_long_number_and_a_gzip_bomb_stay_small(config_of, tmp_path) -> None:
    """A megabyte of gzip that is a line of 256, in a process that may have 200 more than it starts with."""
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b'{"document": ')
        for _ in range(256):
            file.write(b"9" * (1 << 20))
        file.write(b"}\n" + json.dumps(GOOD).encode() + b"\n")
    assert path.stat().st_size < 2 << 20
    code = (
        "import sys, resource, psutil; from bertsum.config import Config; from bertsum.data import sources;"
        "config = Config.load(None, ['data.train=' + sys.argv[1]]).data;"
        "most = psutil.Process().memory_info().vms + (200 << 20); resource.setrlimit(resource.RLIMIT_AS, (most, most));"
        "print([getattr(item, 'reason', type(item).__name__) for item in sources.read_documents(config, 'train')])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=120)
    assert done.stdout == "['line too long', 'Document']\n", done.stderr


def test_whole_files_that_are_too_large(config_of, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(formats_module, "_LARGEST_FILE", 1 << 20)
    for name in ("a.json", "a.story", "a.summary", "a.xml", "a.story.json"):
        path = tmp_path / name
        path.write_bytes(b"9" * ((1 << 20) + 1))
        (rejected,) = read(config_of, path)
        assert isinstance(rejected, Rejected)
        assert "larger than 1 MiB" in rejected.problem


def test_a_line_that_is_too_long_is_one_document(config_of, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sources_module, "LONGEST_LINE", 200)
    path = write_jsonl(
        tmp_path / "a.jsonl", [GOOD, {**GOOD, "document": "x" * 500}, GOOD, {**GOOD, "document": "y" * 999}]
    )
    kinds = [type(item).__name__ for item in read(config_of, path)]
    assert kinds == ["Document", "Rejected", "Document", "Rejected"]


def test_deep_json_shards_and_xml_that_grows(config_of, tmp_path) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    files = {
        "a.json": "[" * 1_000_000,
        "a.story.json": '{"sentences":' * 100_000,
        "a.xml": f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><x>&l11;</x>',
        "b.xml": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        "c.xml": "<a>" * 1_000_000,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        begin = time.monotonic()
        (rejected,) = read(config_of, tmp_path / name)
        assert isinstance(rejected, Rejected)
        assert time.monotonic() - begin < 120
    utf16 = files["a.xml"].replace("<!DOCTYPE", '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE').encode("utf-16")
    (tmp_path / "d.xml").write_bytes(utf16)
    assert isinstance(read(config_of, tmp_path / "d.xml")[0], Rejected)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_bomb_as_checkpoint(tmp_path, method) -> None:
    path = tmp_path / "model.pt"
    with (
        zipfile.ZipFile(path, "w", method) as archive,
        archive.open("archive/data.pkl", "w", force_zip64=True) as entry,
    ):
        for _ in range(128):
            entry.write(b"\0" * (1 << 20))
    assert path.stat().st_size < 1 << 20
    begin = time.monotonic()
    for read_it in (lambda: safe_load(path), lambda: BertSum.from_presumm(path, "minilm")):
        with pytest.raises(BertsumError, match=r"compressed entries|cannot be loaded"):
            read_it()
    assert time.monotonic() - begin < 120


def test_yaml_bombs(tmp_path) -> None:
    path = tmp_path / "a.yaml"
    lists = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)
    )
    maps = "a: &a {x: 1, y: 2}\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} {{p: *{chr(97 + n)}, q: *{chr(97 + n)}}}\n" for n in range(24)
    )
    for text in (lists, maps, "a: &a [*a]", "[" * 100_000, "- " * 200_000, "a: " + "9" * 10_000, "x" * (2 << 20)):
        path.write_text(text)
        begin = time.monotonic()
        with pytest.raises(BertsumError) as raised:
            Config.load(path)
        assert time.monotonic() - begin < 120
        assert len(str(raised.value)) < 20_000
    path.write_text("seed: &s 7\ntrain: {max_steps: *s}\n")  # for one value an alias is fine
    assert Config.load(path).train.max_steps == 7


def test_long_texts_take_linear_time() -> None:
    for text in (
        "中。" * 100_000,
        "今天天气很好我们去公园玩。" * 30_000,
        "x" * 2_000_000,
        "a.[1] " * 100_000,
        '"a.' * 100_000,
    ):
        begin = time.monotonic()
        assert "".join(split_sentences(text, "zh")) == text
        assert time.monotonic() - begin < 120


def test_rouge_of_what_would_take_for_ever() -> None:
    long = " ".join(f"w{n}" for n in range(20_000))
    with pytest.raises(BertsumError, match="20000 words cannot be compared with a reference of 20000 words"):
        bertsum.rouge([long], [long])


# ---- broken and crafted files of our own formats


@pytest.fixture
def prepared_folder(config_of, tokenizer) -> Path:
    return prepare(config_of(), "train", tokenizer).folder


def test_broken_prepared_data(prepared_folder, tmp_path) -> None:
    draw = random.Random(0)
    for number in range(60):
        folder = tmp_path / f"copy{number}"
        shutil.copytree(prepared_folder, folder)
        path = folder / ("data.arrow" if number % 3 else draw.choice(["progress.json", "report.json"]))
        data = bytearray(path.read_bytes())
        if number % 2:
            data = data[: draw.randrange(len(data))]
        else:
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
        if path.name == "data.arrow":
            with pytest.raises(BertsumError, match="is broken"):
                open_prepared(folder, ExtractiveRows)
        else:
            try:
                assert len(open_prepared(folder, ExtractiveRows)) == 12
            except BertsumError as error:
                assert "is broken" in str(error)


def test_crafted_prepared_data(prepared_folder) -> None:
    """With a checksum that fits, a lying Arrow file is still not believed, nor is memory read that is none of its."""
    import zlib

    path, draw = prepared_folder / "data.arrow", random.Random(1)
    whole = path.read_bytes()
    progress = json.loads((prepared_folder / "progress.json").read_text())
    outcomes = []
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(draw.choice([1, 4])):
            position = draw.randrange(0, len(data) - 4)
            data[position : position + 4] = draw.choice(
                [b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\0\0\0\x40", b"\0\0\0\0"]
            )
        path.write_bytes(data)
        progress |= {"crc32": zlib.crc32(data)}
        (prepared_folder / "progress.json").write_text(json.dumps(progress))
        try:
            opened = open_prepared(prepared_folder, ExtractiveRows)
            opened.dataset.to_list()
            outcomes.append(True)
        except BertsumError:
            outcomes.append(False)
    assert set(outcomes) == {True, False}


def test_broken_model_folders(trained_run, tmp_path) -> None:
    config, _ = trained_run
    source = (config.run_dir / "best").resolve()
    draw = random.Random(0)
    names = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
    text = "The council met on Monday. It decided to build a bridge. The rain went on."
    for number in range(40):
        folder = tmp_path / "copy"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for file in source.iterdir():
            if file.is_file():
                shutil.copy(file, folder)
        path = folder / names[number % 4]
        data = bytearray(path.read_bytes())
        if number // 4 % 2:
            data = data[: draw.randrange(len(data))]
        else:
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
        try:
            summary = bertsum.Summarizer.from_pretrained(folder)(text, sentences=1)
            assert path.name != "model.safetensors"
            assert summary.sentences[0] in text
        except BertsumError:
            pass


@pytest.mark.parametrize(
    ("name", "value"),
    [("num_hidden_layers", 10**9), ("hidden_size", 10**9), ("vocab_size", 10**12), ("intermediate_size", 10**9),
     ("num_hidden_layers", -1), ("hidden_size", 0), ("max_position_embeddings", 10**12), ("num_attention_heads", 0)],
)  # fmt: skip
def test_models_that_ask_for_more_than_there_is(trained_run, tmp_path, name, value) -> None:
    config, _ = trained_run
    folder = shutil.copytree((config.run_dir / "best").resolve(), tmp_path / "copy")
    described = json.loads((folder / "config.json").read_text())
    described["encoder"][name] = value
    (folder / "config.json").write_text(json.dumps(described))
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BertsumError):
        BertSum.from_pretrained(folder)
    assert time.monotonic() - begin < 120
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB


def test_a_model_folder_with_a_program_in_it(trained_run, tmp_path, monkeypatch) -> None:
    config, _ = trained_run
    folder = shutil.copytree((config.run_dir / "best").resolve(), tmp_path / "copy")
    described = json.loads((folder / "tokenizer_config.json").read_text())
    described |= {"auto_map": {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}, "tokenizer_class": "Evil"}
    (folder / "tokenizer_config.json").write_text(json.dumps(described))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'owned')!r}, 'w')\nclass Evil: pass\n")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asks whether to run it"))
    with contextlib.suppress(BertsumError):
        BertSum.from_pretrained(folder)
    assert not (tmp_path / "owned").exists()


# ---- paths that lead outside


def test_lists_do_not_lead_out_of_their_folders(config_of, tmp_path) -> None:
    (tmp_path / "secret.story").write_text("A secret.\n\n@highlight\n\nSecret\n")
    stories = tmp_path / "stories"
    stories.mkdir()
    (stories / "a.story").write_text("A story.\n\n@highlight\n\nStory\n")
    (tmp_path / "list.txt").write_text(f"../secret\n../../secret.story\n{tmp_path}/secret.story\n..\n/etc/passwd\na\n")
    config = config_of(f"data.train={tmp_path / 'list.txt'}", f"data.document_folders=[{stories}]")
    items = list(read_documents(config.data, "train"))
    assert [item.id for item in items if isinstance(item, Document)] == ["a"]
    assert all(str(stories) in item.place for item in items)


def test_names_of_runs_and_samples_do_not_lead_outside(config_of) -> None:
    for name in ("../x", "a/b", "..", "a\\b"):
        with pytest.raises(BertsumError, match="name: got"):
            config_of(f"name={name}")
    with pytest.raises(BertsumError, match="does not exist"):
        list(read_documents(config_of("data.train=sample/../../../../etc/passwd").data, "train"))


def test_clearing_a_run_follows_no_link(config_of, tmp_path) -> None:
    config = config_of("train.max_steps=1", "train.overwrite=true")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    config.run_dir.mkdir(parents=True)
    for name in ("eval", "tensorboard", "best"):
        (config.run_dir / name).symlink_to(outside)
    bertsum.train(config)
    assert (outside / "precious").read_text() == "x"


# ---- text that a terminal or a page obeys


def test_errors_and_reports_cannot_steer_a_terminal(config_of, tokenizer, tmp_path, capsys) -> None:
    records = [
        GOOD,
        {"id": ESCAPES, ESCAPES: "x", "document": "A text."},
        {**GOOD, "id": ESCAPES, "summary": {ESCAPES: 1}},
    ]
    path = write_jsonl(tmp_path / "a.jsonl", records)
    with pytest.raises(BertsumError) as raised:
        prepare(config_of(f"data.train={path}"), "train", tokenizer)
    prepared = prepare(config_of(f"data.train={path}", "data.on_error=skip"), "train", tokenizer)
    for text in (str(raised.value), str(prepared.report), capsys.readouterr().out, marked([ESCAPES, "b"], [0])):
        assert "\x1b" not in text
        assert "\x9b" not in text
        assert "\u202e" not in text
        assert printable(text) == text
    assert str(BertsumError(ESCAPES)) == printable(ESCAPES)


@pytest.mark.parametrize("arguments", [[], ["--marked"], ["--json"]])
def test_summaries_cannot_steer_a_terminal(trained_run, tmp_path, arguments) -> None:
    config, _ = trained_run
    (tmp_path / "a.txt").write_text(f"The council {ESCAPES}met. It <script>alert(1)</script> rained.", encoding="utf-8")
    script = [str(ROOT / "scripts" / "summarize.py"), "--model", str(config.run_dir / "best")]
    done = fork_server.run([*script, *arguments, str(tmp_path / "a.txt")])
    assert done.returncode == 0, done.stderr
    for character in "\x1b\x9b\x07\u202e\r":
        assert character not in done.stdout
    if arguments == ["--json"]:
        assert ESCAPES in "".join(json.loads(done.stdout)["document"])


def test_pictures_show_markup_as_text(trained_run, tmp_path) -> None:
    config, _ = trained_run
    run = tmp_path / "<script>alert(1)<&$x^{y$"
    shutil.copytree(config.run_dir, run, symlinks=True)
    plot_curves([run], tmp_path / "curves.svg")
    assert "<script" not in (tmp_path / "curves.svg").read_text(encoding="utf-8")
