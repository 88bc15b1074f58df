"""Files of torch.save that someone else made: nothing in them runs, whatever they ask for."""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import authors
import pytest
import torch

from bertsum.data.torch_files import StandIn, safe_load
from bertsum.errors import BertsumError


class Gadget:
    """Unpickles to a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def gadgets(trace: Path) -> dict[str, tuple[Any, str]]:
    """What to save, and the name that must be in the refusal; each would write ``trace``."""
    system = Gadget(os.system, f"touch {trace}")
    module = torch.nn.Linear(2, 2)
    options = authors.argparse.Namespace(encoder="bert", seed=system)
    return {
        "os.system": ({"model": system}, "system"),
        "builtins.eval": ({"model": Gadget(eval, f"open({str(trace)!r}, 'w')")}, "eval"),
        "builtins.getattr": ({"model": Gadget(getattr, "a", "upper")}, "getattr"),
        "subprocess": ([Gadget(subprocess.check_output, ["touch", str(trace)])], "check_output"),
        "torch.load": ({"model": Gadget(torch.load, str(trace))}, "load"),
        "in the options": ({"model": {}, "opt": options}, "system"),
        "in the optimiser": ({"model": {}, "optim": authors.Optimizer(module, hook=system)}, "system"),
        "nested in the optimiser": (
            {"model": {}, "optim": authors.Optimizer(module, state=[{"a": {"b": (system,)}}])},
            "system",
        ),
    }


NAMES = list(gadgets(Path("trace")))


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", NAMES)
def test_gadgets_are_refused_by_name(name: str, legacy: bool, protocol: int, tmp_path) -> None:
    trace = tmp_path / "trace"
    saved, asked = gadgets(trace)[name]
    path = authors.save(tmp_path / "gadget.pt", saved, legacy, protocol)
    # torch's reader knows the protocol of torch.save, which is 2, and no name of others.
    why = rf"refused: it asks for '[\w.]*{asked}'" if protocol == 2 else "cannot be read"
    with pytest.raises(BertsumError, match=rf"gadget.pt': {why}"):
        safe_load(path)
    assert not trace.exists()


def in_zip(path: Path, stream: bytes, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("a/data.pkl", stream)
        archive.writestr("a/version", "3\n")
        archive.writestr("a/byteorder", "little")
    return path


def test_dotted_names_do_not_lead_out_of_a_stand_in(tmp_path) -> None:
    """Protocol 4 may name attributes of attributes."""
    stream = b"\x80\x04\x8c\x08argparse\x8c\x1eNamespace.__init__.__globals__\x93."
    with pytest.raises(BertsumError, match="cannot be read"):
        safe_load(in_zip(tmp_path / "a.pt", stream))


def test_functions_of_the_stand_in_modules(tmp_path) -> None:
    stream = b"cargparse\n_sys\n."
    with pytest.raises(BertsumError, match=r"argparse\._sys"):
        safe_load(in_zip(tmp_path / "a.pt", stream))


@pytest.mark.parametrize("function", [b"_rebuild_tensor_v2", b"_rebuild_parameter"])
def test_a_file_cannot_change_the_functions_it_may_name(function: bytes, tmp_path) -> None:
    """BUILD sets attributes."""
    stream = b"ctorch._utils\n" + function + b"\n(N}X\x0c\x00\x00\x00__defaults__K\x01stb."
    with pytest.raises(BertsumError, match="Can only build Tensor"):
        safe_load(in_zip(tmp_path / "a.pt", stream))


def test_objects_beside_the_pickle_are_storages(tmp_path) -> None:
    """torch.load would compare a module's source, and write what differs into a file of the given name."""
    pid = b"(X\x06\x00\x00\x00modulectorch._utils\n_rebuild_tensor_v2\nX\x01\x00\x00\x00aX\x01\x00\x00\x00btQ."
    with pytest.raises(BertsumError, match="Only persistent_load of storage"):
        safe_load(in_zip(tmp_path / "a.pt", pid))


def test_containers_that_are_not_read(tmp_path) -> None:
    tar = tmp_path / "a.tar"
    with tarfile.open(tar, "w") as archive:
        archive.add(__file__, "pickle")
    with pytest.raises(BertsumError, match="cannot be read"):
        safe_load(tar)
    bomb = in_zip(tmp_path / "bomb.pt", b"\x80\x02N." + b"\0" * 10_000_000, zipfile.ZIP_DEFLATED)
    with pytest.raises(BertsumError, match="compressed entries"):
        safe_load(bomb)
    script = tmp_path / "script.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), script)
    with pytest.raises(BertsumError, match="compressed entries"):
        safe_load(script)
    twice = tmp_path / "twice.pt"
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02N.")
        for number in range(9):
            archive.writestr(f"a/data/{number}", b"0" * 100)
    content = bytearray(twice.read_bytes())
    for entry in re.finditer(rb"PK\x01\x02", content):  # sizes in the directory, larger than the file
        content[entry.start() + 20 : entry.start() + 28] = struct.pack("<II", 10**6, 10**6)
    twice.write_bytes(content)
    with pytest.raises(BertsumError, match="longer than the file"):
        safe_load(twice)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"PK\x03\x04 not a zip", b"\x80\x02", b"\x80\x02(((((", b"\x80\xff."]
)
def test_broken_files(content: bytes, tmp_path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(content)
    with pytest.raises(BertsumError, match=r"a\.pt'"):
        safe_load(path)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_cut_short(legacy: bool, tmp_path) -> None:
    whole = authors.save(tmp_path / "a.pt", {"model": {"w": torch.ones(100)}}, legacy).read_bytes()
    for share in (0.2, 0.5, 0.9):
        (tmp_path / "b.pt").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(BertsumError, match=r"b\.pt'"):
            safe_load(tmp_path / "b.pt")


def test_missing(tmp_path) -> None:
    with pytest.raises(BertsumError, match=r"none\.pt'"):
        safe_load(tmp_path / "none.pt")


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_what_is_read(legacy: bool, tmp_path) -> None:
    half = torch.arange(6, dtype=torch.float16).reshape(2, 3)
    options = authors.argparse.Namespace(lr=2e-3, names=["a", None])
    saved = {
        "w": half,
        "t": half.T,
        "p": torch.nn.Parameter(torch.ones(2)),
        "o": options,
        "s": {1, 2},
        "size": half.shape,
    }
    read = safe_load(authors.save(tmp_path / "a.pt", saved, legacy))
    assert torch.equal(read["w"], half)
    assert torch.equal(read["t"], half.T)
    assert read["p"].tolist() == [1, 1]
    assert isinstance(read["o"], StandIn)
    assert read["o"].state == {"lr": 2e-3, "names": ["a", None]}
    assert (read["s"], read["size"]) == ({1, 2}, (2, 3))


def test_a_tensor_cannot_reach_beyond_its_storage(tmp_path) -> None:
    whole = authors.save(tmp_path / "a.pt", {"w": torch.ones(4)}).read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        stream = archive.read("a/data.pkl")
        data = archive.read("a/data/0")
    shape = pickle.BININT1 + struct.pack("<B", 4) + pickle.TUPLE1
    assert stream.count(shape) == 1
    longer = stream.replace(shape, pickle.BININT + struct.pack("<i", 400) + pickle.TUPLE1)
    with zipfile.ZipFile(tmp_path / "b.pt", "w") as archive:
        for name, content in {"data.pkl": longer, "version": b"3\n", "byteorder": b"little", "data/0": data}.items():
            archive.writestr(f"b/{name}", content)
    with pytest.raises(BertsumError, match=r"b\.pt'"):
        safe_load(tmp_path / "b.pt")


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_expanded_and_shared_tensors(legacy: bool, tmp_path) -> None:
    whole = torch.arange(6.0)
    read = safe_load(authors.save(tmp_path / "a.pt", [torch.ones(1).expand(5), whole[2:4], whole], legacy))
    assert [tensor.tolist() for tensor in read] == [[1] * 5, [2, 3], [0, 1, 2, 3, 4, 5]]


def test_a_file_cannot_point_a_tensor_elsewhere(tmp_path) -> None:
    """BUILD on a tensor sets its storage and its size: torch sees to it that these fit."""
    whole = authors.save(tmp_path / "a.pt", torch.ones(4)).read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        stream, data = archive.read("a/data.pkl"), archive.read("a/data/0")
    in_zip(tmp_path / "b.pt", stream[:-1] + b"(tb.")
    with zipfile.ZipFile(tmp_path / "b.pt", "a") as archive:
        archive.writestr("a/data/0", data)
    assert safe_load(tmp_path / "b.pt").numel() == 0


def test_what_would_starve_or_crash_the_reader(tmp_path) -> None:
    deep = b"\x80\x02}(K\x01" + b"\x85" * 3_000_000 + b"K\x01u."  # hashing it would overflow the stack
    with pytest.raises(BertsumError, match="more tuples than any checkpoint"):
        safe_load(in_zip(tmp_path / "a.pt", deep))
    assert safe_load(in_zip(tmp_path / "b.pt", b"\x80\x02Nr\xff\xff\xff\x7f.")) is None  # an object numbered 2^31 - 1
