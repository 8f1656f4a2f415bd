"""The training loop: what it leaves behind, however it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ghostnote.data.augment import Augmentation
from ghostnote.data.bars import Bars
from ghostnote.errors import TrainingError
from ghostnote.model.config import BidirectionalConfig, HierarchicalConfig, ModelConfig
from ghostnote.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ghostnote.train.config import (
    CorruptionConfig,
    ObjectiveConfig,
    OptimiserConfig,
    RunConfig,
    to_table,
)
from ghostnote.train.loop import BEST, LAST, LOG, Machine, Outcome, learning_rate, train

CPU = Machine(torch.device("cpu"), bf16=False)
STEPS, INTERVAL = 12, 4


@dataclass
class Watcher:
    """A reporter that keeps what it is told, and may do something after a step."""

    at: int = -1
    act: Callable[[], object] = lambda: None
    losses: list[float] = field(default_factory=list)
    validations: list[int] = field(default_factory=list)

    def step(self, step: int, total: int, record: Mapping[str, float]) -> None:
        assert total >= step
        self.losses.append(record["loss"])
        if step == self.at:
            self.act()

    def validation(self, step: int, record: Mapping[str, float], *, better: bool) -> None:
        assert record["step"] == step
        self.validations.append(step)


@dataclass(frozen=True)
class Job:
    """A run and its data."""

    run: RunConfig
    training: Bars
    validation: Bars

    def train(self, folder: Path, **options: Any) -> Outcome:
        return train(
            self.run, self.training, self.validation, folder, **{"machine": CPU, **options}
        )

    def but(self, **parts: Any) -> Job:
        """The same job with some of its settings, or of those in a part of them, replaced."""
        values = {
            name: replace(getattr(self.run, name), **value) if isinstance(value, dict) else value
            for name, value in parts.items()
        }
        return replace(self, run=replace(self.run, **values))


@pytest.fixture(scope="session")
def job(training: Bars, validation: Bars) -> Job:
    """12 steps with a validation every fourth, in which all that is random is used."""
    run = RunConfig(
        name="tiny",
        model=ModelConfig(
            bars=2,
            latent=4,
            encoder=BidirectionalConfig(size=6),
            decoder=HierarchicalConfig(size=8, conductor=6),
            layer_dropout=0.2,
            latent_dropout=0.1,
        ),
        objective=ObjectiveConfig(free_bits=1),
        corruption=CorruptionConfig(hide_cells=0.1, hide_steps=0.2, sampling=0.5, sampling_rise=4),
        augmentation=Augmentation(
            other_bars=0.3,
            swap_voices=0.2,
            drop_voice=0.1,
            velocity_gain=0.1,
            velocity_noise=0.05,
            offset_shift=0.03,
            offset_noise=0.02,
        ),
        optimiser=OptimiserConfig(batch=8, warmup=3, average=0.9),
        epochs=3,
        seed=5,
    )
    return Job(run, training, validation)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def send(number: signal.Signals) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


@pytest.fixture(scope="session")
def whole(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `run` from beginning to end."""
    folder = tmp_path_factory.mktemp("whole")
    watcher = Watcher()
    outcome = job.train(folder, reporter=watcher)
    assert (outcome.step, outcome.reason) == (STEPS, "finished")
    assert len(watcher.losses) == STEPS
    assert watcher.validations == [4, 8, 12]
    return folder


def same_state(one: Checkpoint, other: Checkpoint) -> None:
    """Equal to the bit in all but the time that it took."""
    for group in ("model", "average", "first_moments", "second_moments"):
        mine, theirs = getattr(one, group), getattr(other, group)
        assert mine.keys() == theirs.keys()
        for name in mine:
            assert torch.equal(mine[name], theirs[name]), (group, name)
    for name in ("step", "config", "data", "best", "best_step", "history"):
        assert getattr(one, name) == getattr(other, name), name


def logged(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / LOG).read_text().splitlines()]


# -- what a run leaves behind --------------------------------------------------------------


def test_a_run_is_its_checkpoints_and_one_line_of_log_a_validation(whole: Path) -> None:
    last, best = load_checkpoint(whole / LAST), load_checkpoint(whole / BEST)
    assert last.step == STEPS
    assert best.step == last.best_step
    assert best.best == last.best == max(record["f1"] for record in last.history)
    assert logged(whole) == list(last.history)
    assert [record["step"] for record in last.history] == [4, 8, 12]
    assert {"loss", "train_bits", "f1", "f1_forced", "bits", "active"} <= last.history[0].keys()
    assert {entry.name for entry in whole.iterdir()} <= {LAST, BEST, LOG, "tensorboard"}


def test_the_same_run_again_is_the_same(whole: Path, job: Job, folder: Path) -> None:
    job.train(folder)
    same_state(load_checkpoint(folder / LAST), load_checkpoint(whole / LAST))


def test_another_seed_is_another_run(whole: Path, job: Job, folder: Path) -> None:
    job.but(seed=6).train(folder)
    one, other = load_checkpoint(folder / LAST), load_checkpoint(whole / LAST)
    assert not torch.equal(one.model["encoder.mu.weight"], other.model["encoder.mu.weight"])


def test_the_average_follows_the_weights(whole: Path) -> None:
    last = load_checkpoint(whole / LAST)
    assert last.average.keys() == last.model.keys()
    name = "encoder.mu.weight"
    assert not torch.equal(last.average[name], last.model[name])
    torch.testing.assert_close(last.average[name], last.model[name], atol=0.1, rtol=0)


def test_the_loss_goes_down(job: Job, folder: Path) -> None:
    plain = job.but(
        model={"layer_dropout": 0.0, "latent_dropout": 0.0},
        corruption=CorruptionConfig(),
        augmentation=Augmentation(),
        optimiser={"batch": 16, "learning_rate": 0.02, "warmup": 1},
        epochs=30,
        interval=1000,
    )
    watcher = Watcher()
    plain.train(folder, reporter=watcher)
    assert len(watcher.losses) == 60
    assert np.mean(watcher.losses[-5:]) < 0.8 * watcher.losses[0]


# -- interruptions -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "number"), [(1, signal.SIGINT), (6, signal.SIGINT), (8, signal.SIGTERM)]
)
def test_a_run_that_is_interrupted_and_resumed_equals_one_that_was_not(
    whole: Path, job: Job, folder: Path, at: int, number: signal.Signals
) -> None:
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    watcher = Watcher(at, send(number))
    outcome = job.train(folder, reporter=watcher)
    assert (outcome.step, outcome.reason) == (at, "interrupted")
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert load_checkpoint(folder / LAST).step == at
    outcome = job.train(folder, resume=True)
    assert (outcome.step, outcome.reason) == (STEPS, "finished")
    same_state(load_checkpoint(folder / LAST), load_checkpoint(whole / LAST))
    same_state(load_checkpoint(folder / BEST), load_checkpoint(whole / BEST))
    assert logged(folder) == logged(whole)


def test_a_second_interruption_does_not_wait(job: Job, folder: Path) -> None:
    def twice() -> None:
        send(signal.SIGINT)()
        send(signal.SIGINT)()

    with pytest.raises(KeyboardInterrupt):
        job.train(folder, reporter=Watcher(2, twice))
    assert not (folder / LAST).exists()


KILLED = """
    import json, os, signal, sys
    from pathlib import Path
    import numpy as np, torch
    from ghostnote.data.bars import Bars
    from ghostnote.train import loop
    from ghostnote.train.config import RunConfig, from_table

    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    run = from_table(RunConfig, json.loads((folder / "run.json").read_text()))
    training, validation = (
        Bars(**np.load(folder / f"{name}.npz"), length=2) for name in ("training", "validation")
    )

    class Killer:
        def step(self, step, total, record):
            if step == 10:
                os.kill(os.getpid(), signal.SIGKILL)

        def validation(self, step, record, *, better):
            pass

    machine = loop.Machine(torch.device("cpu"), bf16=False)
    loop.train(run, training, validation, folder / "run", machine=machine, reporter=Killer())
"""


@pytest.mark.slow
def test_a_run_that_is_killed_loses_one_interval_at_most(
    whole: Path, job: Job, tmp_path: Path
) -> None:
    write_inputs(tmp_path, job)
    folder = tmp_path / "run"
    killed = start(KILLED, tmp_path)
    assert killed.wait() == -signal.SIGKILL
    assert load_checkpoint(folder / LAST).step == 8
    # As if it had been killed between writing the log of a step and its checkpoint.
    with (folder / LOG).open("a") as log:
        log.write('{"step": 12, "f1": 1.0}\n{"st')
    job.train(folder, resume=True)
    same_state(load_checkpoint(folder / LAST), load_checkpoint(whole / LAST))
    assert logged(folder) == logged(whole)
    assert not list(folder.glob(".*"))


def write_inputs(folder: Path, job: Job) -> None:
    (folder / "run.json").write_text(json.dumps(to_table(job.run)))
    for name, bars in (("training", job.training), ("validation", job.validation)):
        arrays = {key: value for key, value in vars(bars).items() if key != "length"}
        np.savez(folder / f"{name}.npz", **arrays)


def start(script: str, *arguments: object, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        env={**os.environ, **environment},
    )


# -- other ends ----------------------------------------------------------------------------


def test_a_run_that_gets_no_better_stops_early(job: Job, folder: Path) -> None:
    stuck = job.but(optimiser={"learning_rate": 0.0}, interval=2, patience=2)
    outcome = stuck.train(folder)
    assert outcome == Outcome(6, outcome.best, 2, "stopped early")
    assert stuck.train(folder, resume=True) == outcome
    outcome = stuck.but(patience=3).train(folder, resume=True)
    assert (outcome.step, outcome.reason) == (8, "stopped early")


def test_the_bound_may_choose_the_best(job: Job, folder: Path) -> None:
    outcome = job.but(select="elbo", epochs=1).train(folder)
    (record,) = logged(folder)
    nats = record["nll_hits"] + record["nll_velocity"] + record["nll_offset"]
    assert outcome.best == pytest.approx(-nats - record["bits"] * np.log(2))


def test_a_loss_that_is_no_number_stops_with_step_and_windows(job: Job, folder: Path) -> None:
    offset = np.where(job.training.velocity > 0, np.float32(np.inf), np.float32(0))
    broken = replace(
        job.but(augmentation=Augmentation()), training=replace(job.training, offset=offset)
    )
    with pytest.raises(TrainingError, match="at step 0, on windows") as caught:
        broken.train(folder)
    assert caught.value.remedy is not None

    def refuse(word: str) -> None:
        raise AssertionError(word)

    written = Path(str(caught.value.source))
    table = json.loads(written.read_text(), parse_constant=refuse)
    assert written.parent == folder
    assert table["step"] == 0
    assert len(set(table["windows"])) == job.run.optimiser.batch
    assert not (folder / LAST).exists()


def test_a_learning_rate_that_blows_up_is_found(job: Job, folder: Path) -> None:
    wild = job.but(optimiser={"learning_rate": 1e30, "warmup": 0})
    with pytest.raises(TrainingError, match=r"at step \d+, on windows .*learning_rate"):
        wild.train(folder)


def test_a_run_goes_on_as_it_was_or_not_at_all(whole: Path, job: Job) -> None:
    before = contents(whole)
    for other, word in (
        (job.but(seed=1), "another seed"),
        (job.but(model={"latent": 5}, epochs=9), "another model, epochs"),
        (replace(job, training=job.validation), "other training data"),
    ):
        with pytest.raises(TrainingError, match=word):
            other.train(whole, resume=True)
    assert contents(whole) == before


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}


def test_there_must_be_something_to_resume(job: Job, folder: Path) -> None:
    with pytest.raises(TrainingError, match="no such checkpoint"):
        job.train(folder, resume=True)


# -- learning rate, machine ----------------------------------------------------------------


def test_cosine_rises_then_falls_to_two_per_cent() -> None:
    how = OptimiserConfig(learning_rate=1.0, warmup=100)
    rates = [learning_rate(how, step, 1000) for step in range(1001)]
    assert rates[0] == pytest.approx(0.01)
    assert np.argmax(rates) == pytest.approx(100, abs=2)
    assert max(rates) == pytest.approx(1, abs=0.03)
    assert np.all(np.diff(rates[100:]) < 0)
    assert rates[-1] == pytest.approx(0.02)
    assert learning_rate(OptimiserConfig(learning_rate=1.0, warmup=0), 0, 10) == 1.0


def test_the_originals_schedule_decays_by_a_ten_thousandth_a_step() -> None:
    how = OptimiserConfig(learning_rate=1e-3, schedule="original", warmup=0)
    for step in (0, 1, 1000, 100_000):
        wanted = (1e-3 - 1e-5) * 0.9999**step + 1e-5
        assert learning_rate(how, step, 10) == pytest.approx(wanted)


def test_the_machine_is_what_the_flags_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Machine.of("cpu", "fp32") == Machine(torch.device("cpu"), bf16=False)
    assert Machine.of("cpu", "bf16").bf16
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert Machine.of("cpu", "fp32") == Machine(torch.device("cpu"), False, 1, 2)


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "tpu"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(TrainingError, match=f"device {device!r} cannot be used") as caught:
        Machine.of(device)
    assert len(str(caught.value).splitlines()) == 1


def test_bf16_trains_too(job: Job, folder: Path) -> None:
    machine = Machine(torch.device("cpu"), bf16=True)
    assert job.but(epochs=0.5).train(folder, machine=machine).step == 2
    weights = load_checkpoint(folder / LAST).model
    assert {weight.dtype for weight in weights.values()} == {torch.float32}


# -- several processes ---------------------------------------------------------------------

SHARED = """
    import json, os, signal, sys
    from pathlib import Path
    import numpy as np, torch
    from ghostnote.data.bars import Bars
    from ghostnote.train.config import RunConfig, from_table
    from ghostnote.train.loop import Machine, train

    class Interrupter:
        def step(self, step, total, record):
            os.kill(os.getpid(), signal.SIGINT)

    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    run = from_table(RunConfig, json.loads((folder / "run.json").read_text()))
    training, validation = (
        Bars(**np.load(folder / f"{name}.npz"), length=2) for name in ("training", "validation")
    )
    machine = Machine.of("cpu", "fp32")
    outcome = train(
        run, training, validation, folder / "run", machine=machine, resume=True,
        reporter=Interrupter(),
    )
    assert (outcome.step, outcome.reason) == (1, "interrupted"), outcome
"""


@pytest.mark.slow
def test_two_processes_make_the_step_that_one_makes_and_stop_together(
    job: Job, tmp_path: Path
) -> None:
    plain = job.but(
        model={"layer_dropout": 0.0, "latent_dropout": 0.0},
        corruption=CorruptionConfig(),
        augmentation=Augmentation(),
        optimiser={"clip": 1e9, "warmup": 0},
    )
    folder, interrupt = tmp_path / "run", Watcher(1, send(signal.SIGINT))
    plain.train(folder, reporter=interrupt)
    first = load_checkpoint(folder / LAST)
    # z is all but its mean, so that it does not matter which process draws the noise of a window.
    first.model["encoder.sigma.bias"].fill_(-30.0)
    zeros = {name: torch.zeros_like(weight) for name, weight in first.first_moments.items()}
    begin = replace(first, step=0, first_moments=zeros, history=())

    save_checkpoint(folder / LAST, begin)
    plain.train(folder, resume=True, reporter=interrupt)
    one = load_checkpoint(folder / LAST)

    save_checkpoint(folder / LAST, begin)
    write_inputs(tmp_path, plain)
    # Only the first process reports, and interrupts itself: the other must hear of it.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meet = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    processes = [
        start(SHARED, tmp_path, RANK=str(rank), WORLD_SIZE="2", **meet) for rank in range(2)
    ]
    assert [process.wait(120) for process in processes] == [0, 0]
    two = load_checkpoint(folder / LAST)

    assert one.step == two.step == 1
    for name, moment in one.first_moments.items():
        torch.testing.assert_close(two.first_moments[name], moment, atol=1e-4, rtol=1e-4)
    assert any(moment.abs().max() > 1e-2 for moment in one.first_moments.values())
