"""A whole training step against forward and backward of bare LSTMs of the same shapes.

    python benchmarks/train_step.py [--threads 1]

The step is all that training does: cutting and augmenting the batch, corruption, both networks,
the likelihoods, backward, clipping, AdamW and the running average. The peer is `nn.LSTM` alone,
encoder, conductor and decoder, in the same precision and in the same run. Scheduled sampling runs
the decoder once more, without gradient; the column "same passes" is against LSTMs that do so too.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from ghostnote.data.bars import Bars
from ghostnote.model.config import HierarchicalConfig
from ghostnote.model.vae import GrooveVAE
from ghostnote.music.kit import N_VOICES
from ghostnote.train.batches import batch_indices, training_batch
from ghostnote.train.config import RunConfig
from ghostnote.train.loop import Machine, follow, optimiser_of
from ghostnote.train.objective import Step
from ghostnote.train.presets import preset


def seconds(calls: list[Callable[[], object]], repeats: int) -> list[float]:
    """The median time of each call; they take turns, so that all see the same machine."""
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(repeats + 1):
        for place, call in enumerate(calls):
            start = time.perf_counter()
            call()
            if turn:
                times[place].append(time.perf_counter() - start)
    return [float(np.median(each)) for each in times]


def synthetic(bars: int = 4096) -> Bars:
    """Bars of random drumming, as dense as GMD."""
    random = np.random.default_rng(0)
    hits = random.random((bars, 16, N_VOICES)) < 0.13
    velocity = np.where(hits, random.integers(1, 128, hits.shape), 0).astype(np.uint8)
    offset = np.where(hits, random.uniform(-0.5, 0.5, hits.shape), 0).astype(np.float32)
    first = np.arange(bars - 3)
    return Bars(velocity, offset, first, np.tile([0, bars], (len(first), 1)), 4)


def whole_step(run: RunConfig, bars: Bars, machine: Machine) -> Callable[[], object]:
    model = GrooveVAE(run.model).train()
    average = copy.deepcopy(model)
    step, optimiser = Step(model, run.objective, run.corruption), optimiser_of(model, run.optimiser)
    count = iter(range(10**9))

    def call() -> None:
        at = next(count)
        chosen = batch_indices(len(bars), at, batch=run.optimiser.batch, seed=0)
        x = torch.from_numpy(training_batch(bars, chosen, run.augmentation, seed=0, step=at))
        random = torch.Generator().manual_seed(at)
        with machine.autocast():
            terms = step(x, 10**6, random)
        optimiser.zero_grad(set_to_none=True)
        terms.loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        follow(average, model, 0.99)

    return call


def bare_lstms(run: RunConfig, machine: Machine, *, sampled: bool) -> Callable[[], object]:
    """Forward and backward of the LSTMs; `sampled`: and the decoder's pass without gradient."""
    config, batch = run.model, run.optimiser.batch
    shape = config.decoder
    segments, embedding = 1, config.latent
    if isinstance(shape, HierarchicalConfig):
        segments, embedding = config.bars, shape.conductor
    encoder = nn.LSTM(
        3 * N_VOICES,
        config.encoder.size,
        num_layers=config.encoder.layers,
        batch_first=True,
        bidirectional=True,
    )
    decoder = nn.LSTM(
        3 * N_VOICES + embedding, shape.size, num_layers=shape.layers, batch_first=True
    )
    x = torch.rand(batch, config.steps, 3 * N_VOICES)
    y = torch.rand(batch * segments, config.steps // segments, 3 * N_VOICES + embedding)
    calls = [(encoder, x), (decoder, y)]
    if isinstance(shape, HierarchicalConfig):
        conductor = nn.LSTM(1, embedding, batch_first=True)
        calls.append((conductor, torch.zeros(batch, segments, 1)))

    def call() -> None:
        with machine.autocast():
            if sampled:
                with torch.no_grad():
                    for lstm, inputs in calls[1:]:
                        lstm(inputs)
            total = sum(lstm(inputs)[0].float().sum() for lstm, inputs in calls)
        total.backward()

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    bars = synthetic()
    table = Table(title=f"training step on {torch.get_num_threads()} threads")
    for column in (
        "preset",
        "precision",
        "batch",
        "step, ms",
        "bare LSTMs, ms",
        "ratio",
        "same passes",
        "ex/s",
    ):
        table.add_column(column, justify="right")
    for name, sampling in (
        ("groove-4bar", False),
        ("groove-4bar", True),
        ("groove-4bar-flat", False),
    ):
        for precision in ("fp32", "bf16"):
            machine = Machine.of("cpu", precision)
            for batch in (64, 512):
                run = preset(name).run
                corruption = (
                    run.corruption
                    if sampling
                    else dataclasses.replace(run.corruption, sampling=0.0)
                )
                run = dataclasses.replace(
                    run,
                    corruption=corruption,
                    optimiser=dataclasses.replace(run.optimiser, batch=batch),
                )
                ours, bare, same = seconds(
                    [
                        whole_step(run, bars, machine),
                        bare_lstms(run, machine, sampled=False),
                        bare_lstms(run, machine, sampled=sampling),
                    ],
                    chosen.repeats,
                )
                table.add_row(
                    name + (" + scheduled sampling" if sampling else ""),
                    precision,
                    str(batch),
                    f"{ours * 1e3:.0f}",
                    f"{bare * 1e3:.0f}",
                    f"{ours / bare:.2f}",
                    f"{ours / same:.2f}",
                    f"{batch / ours:.0f}",
                )
    Console().print(table)


if __name__ == "__main__":
    main()
