"""Training on one process or several: devices, precision, copied or sharded weights, agreement between processes."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.parallel import DistributedDataParallel

from bertsum.config import Config, TrainConfig
from bertsum.device import autocast, settle_precision
from bertsum.encoders.load import encoder_layers
from bertsum.encoders.padded import Reading
from bertsum.errors import BertsumError
from bertsum.models.base import Model
from bertsum.training.optim import build_optimizer

if TYPE_CHECKING:
    from accelerate import Accelerator


# Variables in which launchers give the number of processes.
_COUNTS = {"WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE"}


@contextlib.contextmanager
def start_accelerator(config: Config) -> Iterator[Accelerator]:
    """Sets up devices, processes and trackers while the block runs.

    The state of accelerate belongs to the whole program. If the program already has one, it stays, and training uses
    its processes and device, but not its precision and accumulation. Otherwise the state is removed at the end, so that
    the program can make one later.

    Raises:
        BertsumError: if a tracker is unknown.
    """
    from accelerate.state import AcceleratorState, is_initialized

    of_program = is_initialized()
    accelerator = _make_accelerator(config, of_program)
    if accelerator.num_processes > 1:
        threading.Thread(target=_stop_with_launcher, args=(os.getppid(),), daemon=True).start()
    try:
        yield accelerator
    finally:
        if accelerator.num_processes > 1:
            # This avoids a deadlock: gloo's threads need Python's lock to free the last tensors, and torch holds it
            # while it waits for the threads.
            time.sleep(1.0)
        if of_program:
            for tracker in accelerator.trackers:
                tracker.finish()
        else:
            accelerator.end_training()
            AcceleratorState._reset_state()


def _stop_with_launcher(launcher: int) -> None:
    """Ends this process when its launcher ends; otherwise it would train on unseen, and keep the run folder locked."""
    while os.getppid() == launcher:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)


def _make_accelerator(config: Config, of_program: bool) -> Accelerator:
    from accelerate import Accelerator
    from accelerate.state import GradientState
    from accelerate.utils import GradientAccumulationPlugin, ProjectConfiguration

    if (
        os.environ.get("ACCELERATE_USE_CPU") == "True"
        and "MASTER_ADDR" in os.environ
        and not _COUNTS & os.environ.keys()
    ):
        raise BertsumError(
            "accelerate launch --cpu starts several processes only with mpirun, which is not installed; start them "
            "with torchrun --nproc_per_node N scripts/train.py --config NAME"
        )
    # Arguments of an Accelerator replace the program's settings; without an argument the setting stays.
    accumulation = GradientAccumulationPlugin(**GradientState().plugin_kwargs) if of_program else None
    folders = ProjectConfiguration(str(config.run_dir), logging_dir=str(config.run_dir / "tensorboard"))
    try:
        return Accelerator(
            cpu=not torch.accelerator.is_available(),  # otherwise torchrun's processes on a CPU do not find each other
            mixed_precision=None if of_program else "no",  # ParallelModel sets the precision
            gradient_accumulation_plugin=accumulation,
            log_with=_installed_trackers(config) or None,
            project_config=folders,
        )
    except ValueError as error:
        raise BertsumError(f"tracking.trackers, or what the program has set up of accelerate: {error}") from error


def _installed_trackers(config: Config) -> list[str]:
    from accelerate.tracking import get_available_trackers
    from accelerate.utils import LoggerType

    known = [str(tracker.value) for tracker in LoggerType if tracker != LoggerType.ALL]
    unknown = [name for name in config.tracking.trackers if name not in known]
    if unknown:
        raise BertsumError(f"tracking.trackers: got {', '.join(unknown)}, expected some of {', '.join(sorted(known))}")
    available = {str(getattr(tracker, "value", tracker)) for tracker in get_available_trackers()}
    missing = [name for name in config.tracking.trackers if name not in available]
    if missing:
        print(f"Not tracking with {', '.join(missing)}: not installed (pip install 'bertsum[tracking]')", flush=True)
    return [name for name in config.tracking.trackers if name in available]


def on_first_process(accelerator: Accelerator, action: Callable[[], None]) -> None:
    """Runs an action in the first process while the others wait; if it fails, all processes fail.

    Raises:
        BertsumError: if the action raised one.
    """
    from accelerate.utils import broadcast_object_list

    problem: list[str | None] = [None]
    if accelerator.is_main_process:
        try:
            action()
        except BertsumError as error:
            problem = [str(error)]
    broadcast_object_list(problem)
    if problem[0] is not None:
        raise BertsumError(problem[0])


def sum_over_processes(accelerator: Accelerator, values: Sequence[float]) -> list[float]:
    """Each value summed over all processes; every process gets the sums."""
    if accelerator.num_processes == 1:
        return list(values)
    reduced = accelerator.reduce(torch.tensor(values, dtype=torch.float64, device=accelerator.device), "sum")
    assert isinstance(reduced, torch.Tensor)
    summed: list[float] = reduced.tolist()
    return summed


class ParallelModel:
    """A model and its optimiser, in one process, copied to several (DDP), or sharded over them (FSDP).

    Only the place of the model's weights changes. Called through this object the model computes in
    ``train.precision``; called directly it computes in the caller's precision.

    Attributes:
        model: The model.
        optimizer: The model's optimiser.
        scaler: The gradient scaler of fp16; None in other precisions.
    """

    def __init__(self, accelerator: Accelerator, model: Model, config: TrainConfig) -> None:
        """Moves the model to the device, and copies or shards its weights."""
        device = accelerator.device
        self.model = model
        self._device, self._precision = device, settle_precision(config.precision, device)
        _check_precision(self._precision, device)
        self._sharded = config.fsdp and accelerator.num_processes > 1
        if self._sharded:
            _shard(model, accelerator, self._precision)
            self._parallel: Any = model
        else:
            self._parallel = _copied(model.to(device), accelerator)
        self.optimizer = build_optimizer(model, config, fused=not self._sharded)
        self.scaler = torch.amp.GradScaler(device.type) if self._precision == "fp16" else None

    def __call__(self, **inputs: Any) -> torch.Tensor:
        """The forward pass, in the configured precision."""
        with autocast(self._device, self._precision):
            outputs: torch.Tensor = self._parallel(**inputs)
        return outputs

    def backward(self, loss: torch.Tensor) -> None:
        """Adds the gradients of a loss to the present gradients."""
        (loss if self.scaler is None else self.scaler.scale(loss)).backward()

    def step(self) -> None:
        """One step of the optimiser; fp16 skips it if a gradient is not finite."""
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()

    def syncing(self, gradients: bool) -> contextlib.AbstractContextManager[Any]:
        """A context for a forward and a backward pass; ``gradients``: whether processes then sum their gradients."""
        if self._sharded:
            self._parallel.set_requires_gradient_sync(gradients)
        elif not gradients and self._parallel is not self.model:
            no_sync: contextlib.AbstractContextManager[Any] = self._parallel.no_sync()
            return no_sync
        return contextlib.nullcontext()

    def end_scoring(self) -> None:
        """Shards gathered weights again; call it after forward passes without a backward pass."""
        if self._sharded:
            self._parallel.reshard()

    def clip_gradients(self, max_norm: float, apart: bool = False) -> float:
        """Clips the gradient's norm (``max_norm`` may be infinite), and returns the norm before.

        Args:
            max_norm: The largest norm.
            apart: Whether the encoder and everything else are clipped separately.
        """
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        parts: dict[bool, list[torch.nn.Parameter]] = {}
        for name, parameter in self.model.named_parameters():
            parts.setdefault(apart and name.startswith("encoder."), []).append(parameter)
        norms: list[Any] = [torch.nn.utils.clip_grad_norm_(part, max_norm) for part in parts.values()]
        return math.hypot(*(float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm) for norm in norms))

    def weights(self) -> dict[str, torch.Tensor]:
        """All weights on the CPU, for the first process; every process must call this."""
        from torch.distributed.checkpoint.state_dict import get_model_state_dict

        weights: dict[str, Any] = get_model_state_dict(self.model, options=_full_state())
        return weights

    def optimizer_state(self) -> dict[str, dict[str, torch.Tensor]]:
        """State of the optimiser by parameter, on the CPU, for the first process; every process must call this."""
        from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict

        if not self.optimizer.state:  # before the first update
            return {}
        gathered = get_optimizer_state_dict(self.model, self.optimizer, options=_full_state())
        state: dict[str, dict[str, torch.Tensor]] = gathered.get("state", {})  # type: ignore[assignment]
        return _with_untouched(state, self.model)

    def load_optimizer_state(self, state: dict[str, dict[str, torch.Tensor]]) -> None:
        """Restores a state that :meth:`optimizer_state` returned.

        Raises:
            BertsumError: if the state is of other parameters.
        """
        from torch.distributed.checkpoint.state_dict import set_optimizer_state_dict

        if not state:
            return
        _check_optimizer_state(state, self.model)
        names = {parameter: name for name, parameter in self.model.named_parameters()}
        groups = [
            {**group, "params": [names[parameter] for parameter in group["params"]]}
            for group in self.optimizer.param_groups
        ]
        full_state: dict[str, Any] = {"state": state, "param_groups": groups}
        set_optimizer_state_dict(self.model, self.optimizer, full_state, options=_full_state())


def _with_untouched(state: dict[str, dict[str, torch.Tensor]], model: Model) -> dict[str, dict[str, torch.Tensor]]:
    """Adds a state for parameters without a gradient so far, such as layers that were left out (LayerDrop).

    A resume needs a state for every parameter. Adam starts with moments of zero at the first gradient.
    """
    if not state:  # not the first process
        return state
    untouched = {
        name: {
            "step": torch.zeros(()),
            "exp_avg": torch.zeros(parameter.shape, dtype=parameter.dtype),
            "exp_avg_sq": torch.zeros(parameter.shape, dtype=parameter.dtype),
        }
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and name not in state
    }
    return {**state, **untouched}


def _check_optimizer_state(state: dict[str, dict[str, torch.Tensor]], model: Model) -> None:
    """Checks that each trained parameter has one moment of each kind, with the parameter's shape."""
    shapes = {name: parameter.shape for name, parameter in model.named_parameters() if parameter.requires_grad}
    kinds = {"step", "exp_avg", "exp_avg_sq"}
    wrong = sorted(state.keys() ^ shapes.keys())
    wrong += [
        name
        for name in state.keys() & shapes.keys()
        if state[name].keys() != kinds
        or any(tensor.shape != (() if kind == "step" else shapes[name]) for kind, tensor in state[name].items())
    ]
    if wrong:
        raise BertsumError(f"the saved state of the optimiser is not that of this model: {', '.join(wrong[:5])}")


def _full_state() -> Any:
    from torch.distributed.checkpoint.state_dict import StateDictOptions

    return StateDictOptions(full_state_dict=True, cpu_offload=True)


def _check_precision(precision: str, device: torch.device) -> None:
    if precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise BertsumError("train.precision: got bf16, which this GPU does not compute in; expected fp16, fp32 or auto")


def _copied(model: Model, accelerator: Accelerator) -> torch.nn.Module:
    """The model in DDP, if there are several processes."""
    if accelerator.num_processes == 1:
        return model
    device = accelerator.device
    return DistributedDataParallel(model, device_ids=None if device.type == "cpu" else [device.index])


def _shard(model: Model, accelerator: Accelerator, precision: str) -> None:
    """Shards weights, gradients and the optimiser's state: each encoder layer by itself, and the rest together."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    if precision == "fp16":
        raise BertsumError("train.precision: got fp16 with train.fsdp, expected bf16 or fp32")
    if Reading.of(model.encoder.config).one_by_one:
        raise BertsumError(
            f"train.fsdp: got true, expected false with encoder type {model.encoder.config.model_type}, which reads "
            "documents one by one, as processes gather its weights together"
        )
    if accelerator.device.type == "cpu" and not hasattr(torch.cpu.Stream, "record_event"):
        raise BertsumError(
            f"train.fsdp: got true, expected false on a CPU with torch {torch.__version__}, whose streams lack events; "
            "newer versions have them, such as 2.13"
        )
    model.reader.packs = False  # a layer gathers its weights when called as a module; a packed pass does not call it
    model.reader.windows_at_once = None  # all processes gather together, so each must call the encoder equally often
    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    for layer in encoder_layers(model.encoder, "train.fsdp", "false"):
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
