"""The training loop, from top to bottom: set up, fit, validate, save."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import gc
import json
import logging
import math
import os
import platform
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ghostnote.data.bars import Bars
from ghostnote.errors import TrainingError
from ghostnote.evaluate.reconstruction import reconstruct
from ghostnote.files import write_bytes
from ghostnote.model.vae import GrooveVAE
from ghostnote.train.batches import batch_indices, generator, training_batch
from ghostnote.train.checkpoint import (
    Checkpoint,
    load_checkpoint,
    moments_of,
    restore_moments,
    save_checkpoint,
)
from ghostnote.train.config import OptimiserConfig, RunConfig, from_table, to_table
from ghostnote.train.objective import NATS_PER_BIT, Step, Terms

logger = logging.getLogger(__name__)

Precision = Literal["auto", "fp32", "bf16"]

LAST, BEST, LOG = "last.safetensors", "best.safetensors", "log.jsonl"
"""The files of a run's folder."""


class Reporter(Protocol):
    """Who is told how training goes. Both calls are made by the first process only."""

    def step(self, step: int, total: int, record: Mapping[str, float]) -> None:
        """After each step, with its losses."""

    def validation(self, step: int, record: Mapping[str, float], *, better: bool) -> None:
        """After each validation."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: at which step, with which best validation, and why."""

    step: int
    best: float
    best_step: int
    reason: Literal["finished", "stopped early", "interrupted"]


@dataclass(frozen=True)
class Machine:
    """Where a run computes: device, precision, and its place among the processes of `torchrun`."""

    device: torch.device
    bf16: bool
    rank: int = 0
    world: int = 1

    @classmethod
    def of(cls, device: str = "auto", precision: Precision = "auto") -> Machine:
        """The machine that the flags name; `auto` takes the best there is.

        Raises:
            TrainingError: the device is not there.
        """
        if device == "auto":
            mps = torch.backends.mps.is_available()
            device = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
        rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        if device == "cuda" and world > 1:
            device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        try:
            chosen = torch.device(device)
            torch.zeros(1, device=chosen)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise TrainingError(
                f"device {device!r} cannot be used: {reason}", remedy="--device cpu"
            ) from None
        able = {
            "cuda": chosen.type == "cuda" and torch.cuda.is_bf16_supported(),
            "cpu": torch.ops.mkldnn._is_mkldnn_bf16_supported(),
        }.get(chosen.type, False)
        return cls(chosen, precision == "bf16" or (precision == "auto" and able), rank, world)

    def __str__(self) -> str:
        """What it is in words, such as ``1 CPU threads of x86_64, bfloat16``."""
        name = f"{torch.get_num_threads()} CPU threads of {platform.machine()}"
        if self.device.type == "cuda":
            name = torch.cuda.get_device_name(self.device)
        elif self.device.type != "cpu":
            name = f"{self.device.type} of {platform.machine()}"
        many = f"{self.world} × " if self.world > 1 else ""
        return f"{many}{name}, {'bfloat16' if self.bf16 else 'float32'}"

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The precision that steps are computed in; weights and sums stay float32."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)


def train(  # noqa: PLR0912, PLR0915 - one loop that reads from top to bottom
    run: RunConfig,
    training: Bars,
    validation: Bars,
    folder: Path,
    *,
    machine: Machine,
    resume: bool = False,
    initial: Mapping[str, Tensor] | None = None,
    reporter: Reporter | None = None,
) -> Outcome:
    """Carry out `run` on the windows `training`, judged on `validation`, in `folder`.

    The model begins with the weights `initial`, by default with random ones.

    Every random number is a function of the seed and the step, so that a run that is resumed
    from its last checkpoint ends, on the CPU, with the same bits as one that never stopped.

    Raises:
        TrainingError: the folder holds another run, a checkpoint is damaged, or the loss is not a
            number; the message names step and batch.
    """
    # -- set up ----------------------------------------------------------------------------
    torch.manual_seed(run.seed)
    model = GrooveVAE(run.model).to(machine.device)
    if initial is not None:
        model.load_state_dict(dict(initial))
    average = copy.deepcopy(model).eval()
    names: dict[Tensor, str] = {weight: name for name, weight in model.named_parameters()}
    optimiser = optimiser_of(model, run.optimiser)
    objective: nn.Module = Step(model, run.objective, run.corruption)
    per_epoch = max(len(training) // run.optimiser.batch, 1)
    total = max(round(run.epochs * per_epoch), 1)
    interval = run.interval or per_epoch
    data = training.digest()
    seed = run.seed + 7919 * machine.rank
    best, best_step, history, start, before = -math.inf, 0, [], 0, 0.0
    if resume:
        saved = _resumable(folder / LAST, run, data)
        model.load_state_dict(dict(saved.model))
        average.load_state_dict(dict(saved.average))
        restore_moments(optimiser, names, saved)
        best, best_step, start = saved.best, saved.best_step, saved.step
        history, before = list(saved.history), saved.seconds
    log = _Log(folder / LOG, history) if machine.rank == 0 else None

    def checkpoint(step: int) -> Checkpoint:
        return Checkpoint(
            step=step,
            config=to_table(run),
            data=data,
            model=model.state_dict(),
            average=average.state_dict(),
            first_moments=moments_of(optimiser, names, "exp_avg"),
            second_moments=moments_of(optimiser, names, "exp_avg_sq"),
            best=best,
            best_step=best_step,
            seconds=before + time.monotonic() - began,
            history=tuple(history),
            machine=str(machine),
        )

    # -- fit -------------------------------------------------------------------------------
    step = start
    reason: Literal["finished", "stopped early", "interrupted"] = "finished"
    began = time.monotonic()
    with _processes(machine), _interruption() as interrupted:
        if machine.world > 1:
            objective = nn.parallel.DistributedDataParallel(objective)
        while step < total:
            if history and step - best_step >= run.patience * interval:
                reason = "stopped early"
                break
            if _anywhere(bool(interrupted), machine):
                reason = "interrupted"
                if log:
                    save_checkpoint(folder / LAST, checkpoint(step))
                break
            windows = batch_indices(len(training), step, batch=run.optimiser.batch, seed=run.seed)
            chosen = windows[machine.rank :: machine.world]
            x = training_batch(training, chosen, run.augmentation, seed=seed, step=step)
            given = run.task.apply(x, generator(seed, 3, step))
            batch = [
                None if part is None else torch.from_numpy(part).to(machine.device)
                for part in (x, given.x, given.controls)
            ]
            set_rates(optimiser, run.optimiser, step, total)
            random = torch.Generator().manual_seed(seed * 2**24 + step)
            torch.manual_seed(seed * 2**24 + step)  # dropout has no generator of its own
            model.train()
            with machine.autocast():
                terms: Terms = objective(batch[0], step, random, *batch[1:])
            optimiser.zero_grad(set_to_none=True)
            terms.loss.backward()  # type: ignore[no-untyped-call]
            norm = clip(model, run.optimiser)
            if not (run.optimiser.skip_above or (torch.isfinite(terms.loss + norm))):
                raise _not_a_number(folder, step, chosen, terms, norm)
            optimiser.step()
            follow(average, model, _decay(run.optimiser.average, step))
            step += 1
            if reporter and machine.rank == 0:
                seen = (step - start) * run.optimiser.batch / (time.monotonic() - began)
                reporter.step(step, total, {**_record(terms), "examples/s": seen})

            # -- validate and save ---------------------------------------------------------
            if step % interval == 0 or step == total:
                with machine.autocast():
                    scores = reconstruct(average, validation, device=machine.device, task=run.task)
                value = scores.f1 if run.select == "f1" else scores.elbo
                better = value > best
                if better:
                    best, best_step = value, step
                record = {"step": step, **_record(terms), **dataclasses.asdict(scores)}
                history.append(record)
                if log:
                    log.write(record)
                    if better:
                        save_checkpoint(folder / BEST, checkpoint(step))
                    save_checkpoint(folder / LAST, checkpoint(step))
                    if reporter:
                        reporter.validation(step, record, better=better)
        if machine.world > 1:
            # Before the group of processes ends. Were this the last to hold it, torch would wait
            # for the group's threads with the interpreter locked, and they for the interpreter.
            del objective
            gc.collect()
    return Outcome(step, best, best_step, reason)


def set_rates(optimiser: torch.optim.AdamW, config: OptimiserConfig, step: int, total: int) -> None:
    """Learning rate and epsilon of `step`, of `total`."""
    epsilon = 1e-8
    if config.epsilon == "tensorflow":
        # √v + ε instead of √(v/c) + ε, with c = 1 − β₂^t: the same as ε/√c beside the latter.
        epsilon /= math.sqrt(1 - config.beta2 ** (step + 1))
    for group in optimiser.param_groups:
        group["lr"], group["eps"] = learning_rate(config, step, total), epsilon


def clip(model: GrooveVAE, config: OptimiserConfig) -> Tensor:
    """Scale the gradient to a global norm of `config.clip` at most; the norm that it had."""
    norm = nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    if config.skip_above and not norm < config.skip_above:
        for weight in model.parameters():
            if weight.grad is not None:
                weight.grad.zero_()
    return norm


def learning_rate(optimiser: OptimiserConfig, step: int, total: int) -> float:
    """The learning rate of `step`, of `total`."""
    top = optimiser.learning_rate
    if optimiser.schedule == "original":
        decay: float = 0.9999**step
        return (top - 1e-5) * decay + 1e-5
    warm = min(1.0, (step + 1) / max(optimiser.warmup, 1))
    return top * warm * (0.02 + 0.49 * (1 + math.cos(math.pi * step / total)))


def optimiser_of(model: GrooveVAE, config: OptimiserConfig) -> torch.optim.AdamW:
    """AdamW for all weights of `model`; biases are not decayed."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in trained if parameter.ndim > 1]
    vectors = [parameter for parameter in trained if parameter.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, config.beta2), fused=True)


def _decay(limit: float, step: int) -> float:
    """Decay of the running average: short at first, so that the initial weights are forgotten."""
    return min(limit, (1 + step) / (10 + step))


@torch.no_grad()
def follow(average: GrooveVAE, model: GrooveVAE, decay: float) -> None:
    """Move the running average of the weights towards those of `model`."""
    for mean, now in zip(average.parameters(), model.parameters(), strict=True):
        mean.lerp_(now, 1 - decay)


def _resumable(path: Path, run: RunConfig, data: str) -> Checkpoint:
    """The checkpoint, if it is one of this very run on this very data."""
    saved = load_checkpoint(path)
    # Through the class, so that a setting which did not exist then has its default.
    now, then = to_table(run), to_table(from_table(RunConfig, saved.config))
    changed = [key for key in now if then[key] != now[key] and key != "patience"]
    if changed:
        raise TrainingError(
            f"was made with another {', '.join(changed)}",
            source=path,
            remedy="resume with the settings that it was started with, or train in a new folder",
        )
    if saved.data != data:
        raise TrainingError(
            "was made on other training data", source=path, remedy="train in a new folder"
        )
    return saved


def _record(terms: Terms) -> dict[str, float]:
    loss, hits, velocity, offset, kl = (float(term.detach()) for term in terms)
    return {
        "loss": loss,
        "train_hits": hits,
        "train_velocity": velocity,
        "train_offset": offset,
        "train_bits": kl / NATS_PER_BIT,
    }


def _not_a_number(
    folder: Path, step: int, chosen: np.ndarray[Any, Any], terms: Terms, norm: Tensor
) -> TrainingError:
    target = folder / f"not-a-number-{step}.json"
    numbers = {**_record(terms), "gradient": float(norm)}
    # JSON knows no NaN and no infinity.
    losses = {key: value if math.isfinite(value) else str(value) for key, value in numbers.items()}
    table = {"step": step, "windows": chosen.tolist(), **losses}
    write_bytes(target, json.dumps(table).encode())
    return TrainingError(
        f"the loss or its gradient is not a finite number at step {step}, on windows "
        f"{chosen[:4].tolist()} … of the training set",
        source=target,
        remedy="lower optimiser.learning_rate, or look at the windows in that file",
    )


class _Log:
    """The JSONL log, one line a validation, and TensorBoard's where that is installed."""

    def __init__(self, path: Path, history: Sequence[Mapping[str, Any]]) -> None:
        # A run that was killed may have logged past its checkpoint: begin from what it holds.
        write_bytes(path, b"".join(self._line(record) for record in history))
        self._path = path
        self._board = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            logger.info("TensorBoard is not installed: logging to %s only", path)
        else:
            purge = history[-1]["step"] + 1 if history else 0
            self._board = SummaryWriter(str(path.parent / "tensorboard"), purge_step=purge)

    def write(self, record: Mapping[str, float]) -> None:
        with self._path.open("ab") as file:
            file.write(self._line(record))
        if self._board:
            for name, value in record.items():
                self._board.add_scalar(name, value, int(record["step"]))
            self._board.flush()

    @staticmethod
    def _line(record: Mapping[str, float]) -> bytes:
        return json.dumps(record).encode() + b"\n"


@contextlib.contextmanager
def _processes(machine: Machine) -> Iterator[None]:
    """The group of processes that `torchrun` started, where it did."""
    if machine.world == 1:
        yield
        return
    backend = "nccl" if machine.device.type == "cuda" else "gloo"
    torch.distributed.init_process_group(backend)
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


def _anywhere(flag: bool, machine: Machine) -> bool:
    """Whether `flag` is set in any process: all must leave the loop at the same step."""
    if machine.world == 1:
        return flag
    flags = torch.tensor(float(flag), device=machine.device)
    torch.distributed.all_reduce(flags, torch.distributed.ReduceOp.MAX)
    return bool(flags)


@contextlib.contextmanager
def _interruption() -> Iterator[list[int]]:
    """A list that is empty until Ctrl-C or a termination signal comes; a second one kills.

    A step is never cut in two, so that what is saved is the state after a whole number of steps.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def receive(number: int, _frame: object) -> None:
        if received:
            signal.default_int_handler(number, None)
        received.append(number)

    before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
