"""Our side: one measurement in a fresh process, as one line of JSON.

    python -m benchmarks.peer_magenta.ours start|sample|encode|train|midi --bundle FOLDER …

``prepare`` writes what both sides are fed with: ``windows.npz`` and a folder of MIDI files.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.peer_magenta.clock import report, timed


def prepare(options: argparse.Namespace) -> None:
    """`--windows` windows of GMD's training split, spread evenly, and `--files` of its files."""
    from ghostnote.data.corpus import load_corpus
    from ghostnote.data.windows import windows

    corpus = load_corpus()
    training = windows(corpus.select(split="train"), bars=4)
    velocity, offset = training.batch(
        np.linspace(0, len(training) - 1, options.windows).astype(np.int64)
    )
    np.savez(options.data / "windows.npz", velocity=velocity, offset=offset)
    folder = options.data / "midi"
    folder.mkdir()
    with corpus.source.open() as files:
        midi = [name for name in files.names if name.endswith(".mid")]
        for index in np.linspace(0, len(midi) - 1, min(options.files, len(midi))).astype(int):
            (folder / f"{index:04}.mid").write_bytes(files.read(midi[index]))


def start(options: argparse.Namespace) -> None:
    begin = time.perf_counter()
    import onnxruntime  # noqa: F401

    import ghostnote.music.grid
    import ghostnote.music.midi
    import ghostnote.pipeline.sampling
    from ghostnote.bundle import load_bundle
    from ghostnote.runtime import Runtime

    imported = time.perf_counter()
    runtime = Runtime(load_bundle(str(options.bundle)), threads=options.threads)
    runtime.encode(windows(options)[:1])
    ghostnote.pipeline.sampling.sample(1, temperature=1.0, model=runtime)
    report(imports=imported - begin, load=time.perf_counter() - imported)


def sample(options: argparse.Namespace) -> None:
    from ghostnote.bundle import load_bundle
    from ghostnote.pipeline.sampling import sample
    from ghostnote.runtime import Runtime

    runtime = Runtime(load_bundle(str(options.bundle)), threads=options.threads)
    seeds = iter(range(10**6))

    def call() -> None:
        sample(options.n, seed=next(seeds), temperature=1.0, model=runtime)

    report(**timed(call, options.repeats))


def encode(options: argparse.Namespace) -> None:
    from ghostnote.bundle import load_bundle
    from ghostnote.runtime import Runtime

    runtime = Runtime(load_bundle(str(options.bundle)), threads=options.threads)
    x = windows(options)[: options.n]
    mu, sigma = runtime.encode(x)
    np.savez(options.data / "ours.npz", mu=mu, sigma=sigma)
    report(**timed(lambda: runtime.encode(x), options.repeats))


def train(options: argparse.Namespace) -> None:
    import torch

    from benchmarks.train_step import whole_step
    from ghostnote.data.bars import Bars
    from ghostnote.train.config import update
    from ghostnote.train.loop import Machine
    from ghostnote.train.presets import preset

    torch.set_num_threads(options.threads)
    with np.load(options.data / "windows.npz") as file:
        velocity, offset = (file[name].reshape(-1, 16, 9) for name in ("velocity", "offset"))
    first = np.arange(0, len(velocity), 4)
    bars = Bars(velocity, offset, first, np.stack([first, np.full_like(first, 4)], 1), 4)
    run = update(preset("groovae_4bar").run, {"optimiser": {"batch": options.n}})
    step = whole_step(run, bars, Machine.of("cpu", options.precision))
    report(**timed(step, options.repeats))


def midi(options: argparse.Namespace) -> None:
    from ghostnote.data.bars import to_x
    from ghostnote.data.corpus import load_corpus
    from ghostnote.data.windows import windows

    with tempfile.TemporaryDirectory() as home:  # where nothing is cached yet
        os.environ["GHOSTNOTE_HOME"] = home
        begin = time.perf_counter()
        corpus = load_corpus(options.data / "midi")
        cut = windows(corpus, bars=4, hop=4)
        x = to_x(cut.batch(np.arange(len(cut))))
        took = time.perf_counter() - begin
    files = len(corpus) + len(corpus.skipped)
    report(rate=files / took, windows=len(x), failed=len(corpus.skipped))


def windows(options: argparse.Namespace) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The windows as our models take them, `[B, T, 3V]`."""
    with np.load(options.data / "windows.npz") as file:
        velocity, offset = file["velocity"], file["offset"]
    return np.concatenate([velocity > 0, velocity / 127, offset], axis=-1, dtype=np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures ghostnote.")
    tasks = (prepare, start, sample, encode, train, midi)
    parser.add_argument("task", choices=[task.__name__ for task in tasks])
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--n", type=int, default=1, help="loops, windows, or the batch")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("auto", "fp32"), default="fp32", help="of training")
    parser.add_argument("--windows", type=int, default=2048)
    parser.add_argument("--files", type=int, default=10**6)
    options = parser.parse_args()
    {task.__name__: task for task in tasks}[options.task](options)


if __name__ == "__main__":
    main()
