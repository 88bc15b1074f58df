"""Python programs that start warm: forks of a process that has imported what takes seconds to import.

A started program is a process like any other: its pid, its signals and its exit code are real. It differs from a cold
start in what is imported already, in its hash seed, which all forks of a server share, and in that its modules are not
taken down at its end. So each way to start cold has a test, too. What reads the environment when it is imported
(HF_HUB_OFFLINE, PYTHONIOENCODING) needs a cold start.

All processes of a test run share one server, since its imports take long; the first that needs it starts it. This file
is also the server: ``python tests/fork_server.py SOCKET``, a file descriptor that listens.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parent.parent
HEAVY = (
    *("torch", "torch._dynamo", "torch.distributed.checkpoint.state_dict", "torch.distributed.fsdp"),
    *("transformers", "transformers.models.bert.modeling_bert", "datasets", "accelerate.tracking", "nltk", "pandas"),
    *("bertsum.cli", "bertsum.evaluation.compare", "bertsum.evaluation.evaluate", "bertsum.inference.bulk"),
    *("bertsum.models.presumm", "bertsum.training.train"),
)
PIPE, STDOUT = subprocess.PIPE, subprocess.STDOUT
# Where the server of this test run listens: a name that is no file. The processes of the run inherit its number.
ADDRESS = f"\0bertsum-tests-{os.environ.setdefault('BERTSUM_TEST_RUN', str(os.getpid()))}"

# ---- the tests' side


class Process:
    """A program that was started warm, with the interface of ``subprocess.Popen`` in text mode.

    Attributes:
        pid: Of the program itself, or of the launcher of several.
        returncode: As Popen has it; None while it runs.
        stdin: Where to write, if it was given as PIPE.
        stdout: What it prints, if it was given as PIPE.
        stderr: The same of its errors.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | None = None,
        stderr: int | None = None,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        processes: int = 1,
    ) -> None:
        """Starts it.

        Args:
            arguments: What would follow ``python``: a script, ``-m MODULE`` or ``-c CODE``, and its arguments.
            stdin: A file descriptor, PIPE or DEVNULL.
            stdout: The same; None is that of the tests.
            stderr: The same, or STDOUT.
            cwd: Where it runs; by default where the tests do.
            env: Its whole environment; by default that of the tests.
            processes: With more than 1, a launcher starts so many, as torchrun does.
        """
        self.args, self.returncode = list(arguments), None
        _join_server()
        self._status = _connect()
        self.stdin, read_end = _stream(stdin, 0, "w")
        self.stdout, write_end = _stream(stdout, 1, "r")
        self.stderr, error_end = (None, os.dup(write_end)) if stderr == STDOUT else _stream(stderr, 2, "r")
        fds = [read_end, write_end, error_end]
        socket.send_fds(self._status, [b"!"], fds)
        for fd in fds:
            os.close(fd)
        request = {
            "arguments": self.args, "cwd": os.fspath(cwd or Path.cwd()), "environment": dict(env or os.environ),
            "processes": processes, "port": free_port() if processes > 1 else 0, "coverage": _measures_coverage(),
        }  # fmt: skip
        self._status.sendall(json.dumps(request).encode() + b"\n")
        self._answers = self._status.makefile("r")
        self.pid = int(self._answers.readline())

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end."""
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._status, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(self._answers.readline())
            self._answers.close()
            self._status.close()
        return self.returncode

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str | None, str | None]:
        """Writes the input, and reads what is printed up to the end."""
        read: dict[IO[str], str] = {}
        streams = [stream for stream in (self.stdout, self.stderr) if stream is not None]
        readers = [threading.Thread(target=lambda s=s: read.update({s: s.read()}), daemon=True) for s in streams]
        for reader in readers:
            reader.start()
        if self.stdin is not None:
            self.stdin.write(input or "")
            self.stdin.close()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():  # a process that it left behind holds its output
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        for stream in streams:
            stream.close()
        return (read[self.stdout] if self.stdout else None, read[self.stderr] if self.stderr else None)

    def send_signal(self, number: int) -> None:
        """Sends it, unless the program has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Sends SIGKILL."""
        self.send_signal(signal.SIGKILL)


def run(
    arguments: Sequence[str], input: str | None = None, check: bool = False, timeout: float = 300, **options: Any
) -> subprocess.CompletedProcess[str]:
    """As ``subprocess.run`` with captured text; arguments and options are those of Process."""
    process = Process(arguments, stdin=PIPE if input is not None else subprocess.DEVNULL, stdout=PIPE, stderr=PIPE,
                      **options)  # fmt: skip
    try:
        output, errors = process.communicate(input, timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    done = subprocess.CompletedProcess(process.args, process.wait(), output, errors)
    if check:
        done.check_returncode()
    return done


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("", 0))
        port: int = listener.getsockname()[1]
        return port


def _stream(wanted: int | None, own: int, mode: str) -> tuple[IO[str] | None, int]:
    """The end of a stream for the tests, if it has one, and the file descriptor for the program."""
    if wanted == PIPE:
        reading, writing = os.pipe()
        ours, theirs = (writing, reading) if mode == "w" else (reading, writing)
        return open(ours, mode, encoding="utf-8"), theirs
    if wanted == subprocess.DEVNULL:
        return None, os.open(os.devnull, os.O_RDWR)
    return None, os.dup(own if wanted is None else wanted)


def _measures_coverage() -> bool:
    coverage = sys.modules.get("coverage")
    return coverage is not None and coverage.Coverage.current() is not None


_joined: list[socket.socket] = []


def _connect() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(ADDRESS)
    return connection


def _join_server() -> None:
    """Starts the server if no other process has; it ends when the last one that has joined it does."""
    while not _joined:
        with socket.socket(socket.AF_UNIX) as listener:
            try:
                listener.bind(ADDRESS)
            except OSError:
                pass  # another process has
            else:
                listener.listen()
                _start_server(listener)
        try:
            connection = _connect()
        except ConnectionRefusedError:  # it has the name, but does not listen yet
            time.sleep(0.01)
            continue
        connection.sendall(b".")
        _joined.append(connection)


def _start_server(listener: socket.socket) -> None:
    # jemalloc's own one, which pyarrow starts, has no place in forks.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
    process = subprocess.Popen(
        [sys.executable, __file__, str(listener.fileno())], cwd=ROOT, env=environment, pass_fds=[listener.fileno()],
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    atexit.register(lambda: (_joined.pop().close(), process.wait()))


# ---- the server


def _serve(listener: socket.socket) -> dict[str, Any]:
    """Forks for each request, and tells how each fork ended; returns the request in the fork, and there alone."""
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    assert len(list(Path("/proc/self/task").iterdir())) == 1  # a fork has no other thread, but the locks that it held
    forks: dict[int, tuple[int, socket.socket]] = {}  # by the descriptor that says when it ends
    joined: dict[int, socket.socket] = {}
    while True:
        for key, _ in selector.select():
            if key.fd in forks:
                selector.unregister(key.fd)
                os.close(key.fd)
                pid, status = forks.pop(key.fd)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                _tell(status, code)
                status.close()
                continue
            if key.fd in joined:  # it has ended, or was killed
                selector.unregister(key.fd)
                joined.pop(key.fd).close()
                if joined:
                    continue
                for pid, _ in forks.values():
                    os.kill(pid, signal.SIGKILL)
                os._exit(0)
            status, _ = listener.accept()
            _, fds, _, _ = socket.recv_fds(status, 1, 3)
            if not fds:  # it asks for no program
                joined[status.fileno()] = status
                selector.register(status, selectors.EVENT_READ)
                continue
            pid = os.fork()
            if pid == 0:
                for fd, (_, other) in forks.items():
                    os.close(fd)
                    other.close()
                for other in (*joined.values(), selector, listener):
                    other.close()
                return _accepted(status, fds)
            for fd in fds:
                os.close(fd)
            ended = os.pidfd_open(pid)
            forks[ended] = (pid, status)
            selector.register(ended, selectors.EVENT_READ)


def _tell(status: socket.socket, value: int) -> None:
    with contextlib.suppress(OSError):  # nobody may ask any more
        status.sendall(f"{value}\n".encode())


def _accepted(status: socket.socket, fds: list[int]) -> dict[str, Any]:
    """Reads the request, and makes the given descriptors the standard ones."""
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    with status, status.makefile("r") as lines:
        request: dict[str, Any] = json.loads(lines.readline())
        _tell(status, os.getpid())
    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", 1, "utf-8", "backslashreplace", closefd=False)
    return request


def _launch(processes: int, port: int) -> None:
    """Starts several processes, and returns in each of them; ends when all have, as torchrun does."""
    ranks: dict[int, int] = {}
    together = {"WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    for rank in range(processes):
        pid = os.fork()
        if pid == 0:
            for name, value in {**together, "RANK": rank, "LOCAL_RANK": rank}.items():
                os.environ[name] = str(value)
            return
        ranks[pid] = rank

    def send(number: int, _frame: object = None) -> None:
        for pid in ranks:
            os.kill(pid, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, send)
    signal.signal(signal.SIGALRM, lambda *_: send(signal.SIGKILL))
    failed = False
    while ranks:
        pid, status = os.wait()
        rank, code = ranks.pop(pid), os.waitstatus_to_exitcode(status)
        if code and not failed:
            failed = True
            print(f"rank {rank} ended with {signal.Signals(-code).name if code < 0 else code}", file=sys.stderr)
            send(signal.SIGTERM)
            signal.alarm(30)
    sys.exit(int(failed))


def _become(request: dict[str, Any]) -> None:
    """Makes this process one that has just been started."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        signal.signal(number, handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    if request["processes"] > 1:
        _launch(request["processes"], request["port"])
    if request["coverage"]:
        _measure_coverage()
    os.chdir(request["cwd"])
    torch, numpy = sys.modules["torch"], sys.modules["numpy"]
    torch.manual_seed(torch.initial_seed())  # imports have drawn from it
    numpy.random.seed()  # Python's own generator is seeded anew by each fork
    tempfile.tempdir = None  # imports have asked for it


def _measure_coverage() -> None:
    """Its data go where those of the tests do, which is why it begins in their folder."""
    from coverage import process_startup

    os.environ["COVERAGE_PROCESS_START"] = str(ROOT / "pyproject.toml")
    process_startup()
    del os.environ["COVERAGE_PROCESS_START"]  # cold starts are too slow with it


def _run_main(arguments: list[str]) -> None:
    """Runs what would follow ``python`` as the main module."""
    first, *rest = arguments
    if first == "-m":
        sys.path[0] = str(Path.cwd())
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        return
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    if first == "-c":
        sys.path[0] = ""
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), main.__dict__)
    else:
        sys.path[0] = str(Path(first).resolve().parent)
        sys.argv = arguments
        main.__file__ = first
        exec(compile(Path(first).read_bytes(), first, "exec"), main.__dict__)


def _end() -> None:
    """Ends at once when all else that belongs to an end is done: taking all modules down copies every page."""
    if _exit_code is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_exit_code)


if __name__ == "__main__":
    _exit_code: int | None = None  # of a program that ends in the usual way
    atexit.register(_end)  # the first one is called last
    for name in HEAVY:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or looking for garbage copies every page in each fork
    wanted = _serve(socket.socket(fileno=int(sys.argv[1])))
    try:
        _become(wanted)
        _run_main(wanted["arguments"])
        _exit_code = 0
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            _exit_code = ended.code or 0
        raise  # the interpreter itself does the rest, as after every program
