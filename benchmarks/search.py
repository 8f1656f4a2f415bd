"""Searching a folder of 100,000 grooves; and which distance finds what belongs together.

    python -m benchmarks.search [--files 100000]
    python -m benchmarks.search --build [--files 100000]
    python -m benchmarks.search --distances
    python -m benchmarks.search --maps

The first makes a synthetic index, of one window a file, and measures opening it and answering. The
second makes as many MIDI files, of four bars each and no two alike, and measures indexing them: up
to an interruption halfway, the rest, when nothing has changed, and when of a hundred files one was
rewritten, one renamed and one deleted; then the whole command. The third takes windows of GMD's
validation split, one every four bars, and looks for other windows of the same take among them all.
The fourth draws all its windows as maps, and says how near what was near stays.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.laboratory import cells_of
from ghostnote.bundle import load_bundle
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import windows
from ghostnote.music.grid import to_performance
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import write_midi
from ghostnote.pipeline.map import LAYOUTS, make_map
from ghostnote.pipeline.sampling import sample
from ghostnote.pipeline.search import Index, open_index, save_index, spread, update_index
from ghostnote.runtime import Runtime

Array = npt.NDArray[np.float64]


def synthetic(files: int, latent: int) -> Index:
    """An index of `files` that do not exist, whose latents are drawn from N(0, I)."""
    random = np.random.default_rng(0)
    names = [f"pack {file // 100:04}/loop {file:06}.mid".encode() for file in range(files)]
    return Index(
        folder=Path("/loops"),
        about={"model": "synthetic", "encoder": "", "pitches": "", "channel": "10"},
        mu=random.standard_normal((files, latent)).astype(np.float32),
        sigma=np.ones(latent, np.float32),
        bar=np.zeros(files, np.int32),
        start=np.arange(files + 1),
        names=np.frombuffer(b"".join(names), np.uint8),
        name_end=np.cumsum([len(name) for name in names]),
        size=np.ones(files, np.int64),
        mtime=np.ones(files, np.int64),
        sha256=np.zeros((files, 32), np.uint8),
        reasons={},
    )


def speed(files: int) -> None:
    latent = 128
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "synthetic.index"
        save_index(place, synthetic(files, latent))
        query = np.random.default_rng(1).standard_normal((1, latent))
        began = time.perf_counter()
        index = open_index(place)
        first = index.nearest(query, 10)
        opened = time.perf_counter() - began
        times = []
        for _ in range(20):
            began = time.perf_counter()
            again = index.nearest(query, 10)
            times.append(time.perf_counter() - began)
        apart = np.sqrt(((np.asarray(index.mu, np.float64) - query) ** 2).sum(1))
        order = np.argsort(apart, kind="stable")[:10]
        same = [index.folder / index.name(int(file)) for file in order]
        assert [match.path for match in first] == [match.path for match in again] == same
        print(f"{files:,} files, {place.stat().st_size / 2**20:.0f} MiB, z of {latent} numbers")
        print(f"opened and answered once: {opened * 1e3:.0f} ms")
        print(f"answered again: {np.median(times) * 1e3:.0f} ms (median of {len(times)})")
        print("the ten found are the ten nearest in float64")


def build(files: int) -> None:
    runtime = Runtime(load_bundle())
    loops = sample(256, model=runtime)

    def write(path: Path, number: int, bpm: float) -> None:
        """A loop at a tempo of its own, so that no file has the content of another."""
        path.parent.mkdir(exist_ok=True)
        loop = loops[number % len(loops)].replace(bpm=bpm + 1e-3 * number)
        write_midi(path, to_performance(loop, builtin_map("gm")), overwrite=True)

    with tempfile.TemporaryDirectory() as place:
        folder, file = Path(place) / "loops", Path(place) / "index"
        folder.mkdir()
        paths = [folder / f"{number // 100:04}" / f"{number:06}.mid" for number in range(files)]
        for number, path in enumerate(paths):
            write(path, number, 60.0)

        def halfway(done: int, total: int) -> None:
            if done >= total // 2:
                raise KeyboardInterrupt

        def timed(what: str, progress: Callable[[int, int], None] | None = None) -> None:
            began = time.perf_counter()
            try:
                _, update = update_index(file, folder, model=runtime, progress=progress)
                counts = f"{update.read:,} read, {update.kept:,} kept, {update.moved:,} moved, "
                counts += f"{update.removed:,} removed"
            except KeyboardInterrupt:
                counts = f"{len(open_index(file).size):,} saved"
            spent = time.perf_counter() - began
            print(f"| {what} | {spent:.2f} | {counts} |", flush=True)

        print(f"| {files:,} files | s | |")
        print("|---|---|---|")
        timed("up to an interruption halfway", halfway)
        timed("the rest")
        timed("nothing has changed")
        for number in range(0, files, 100):
            write(paths[number], number, 90.0)
        for path in paths[1::100]:
            path.rename(path.with_stem(f"{path.stem} again"))
        for path in paths[2::100]:
            path.unlink()
        timed("three in a hundred have changed")
        query = [sys.executable, "-m", "ghostnote", "search", str(paths[3]), "--in", str(folder)]
        for extra in ([], ["--as-it-is"]):
            line = [*query, "--index", str(file), *extra]
            began = time.perf_counter()
            subprocess.run(line, check=True, capture_output=True)
            spent = time.perf_counter() - began
            print(
                f"| `{' '.join(['ghostnote search', *extra])}`, a whole process | {spent:.2f} | |"
            )


def squared(a: Array, b: Array) -> Array:
    return np.asarray((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T)


def divergence(mu: Array, sigma: Array) -> Array:
    """The symmetrised Kullback-Leibler divergence of each pair of diagonal Gaussians."""
    variance, precision = sigma**2, sigma**-2
    rows = [
        ((variance[i] + (mu[i] - mu) ** 2) * precision).sum(1)
        + ((variance + (mu[i] - mu) ** 2) * precision[i]).sum(1)
        for i in range(len(mu))
    ]
    return np.stack(rows)


def distances() -> None:
    corpus, runtime = load_corpus(), Runtime(load_bundle())
    chosen = windows(corpus.select(split="validation"), bars=4, hop=4)
    x = cells_of(chosen)
    mu, sigma = (part.astype(np.float64) for part in runtime.encode(x))
    training = windows(corpus.select(split="train"), bars=4, hop=4)
    seen = runtime.encode(cells_of(training))[0].astype(np.float64)
    whitening = np.linalg.cholesky(np.linalg.inv(np.cov(seen, rowvar=False)))
    unit = mu / np.linalg.norm(mu, axis=1, keepdims=True)
    hits, flat = x[..., :9].reshape(len(x), -1), x.reshape(len(x), -1)
    tried = {
        "means": squared(mu, mu),
        "means, cosine": -unit @ unit.T,
        "means, whitened by training": squared(mu @ whitening, mu @ whitening),
        "means in mean deviations of posteriors": squared(*[mu / spread(runtime)] * 2),
        "symmetrised divergence": divergence(mu, sigma),
        "no model: hits that differ": squared(*[hits.astype(np.float64)] * 2),
        "no model: hits, velocity and offset": squared(*[flat.astype(np.float64)] * 2),
    }
    take = chosen.take
    asked = np.bincount(take)[take] > 1
    print(f"{asked.sum()} queries among {len(take)} windows of {len(set(take))} takes\n")
    print("| distance | first is of the take | recall in 10 | mean average precision |")
    print("|---|---|---|---|")
    for name, apart in tried.items():
        np.fill_diagonal(apart, np.inf)
        order = np.argsort(apart, axis=1, kind="stable")[:, :-1]
        same = (take[order] == take[:, None])[asked]
        precision = same.cumsum(1) / np.arange(1, same.shape[1] + 1)
        average = (precision * same).sum(1) / same.sum(1)
        recall = same[:, :10].sum(1) / np.minimum(same.sum(1), 10)
        print(f"| {name} | {same[:, 0].mean():.3f} | {recall.mean():.3f} | {average.mean():.3f} |")


def maps() -> None:
    chosen = windows(load_corpus().select(split="validation"), bars=4)
    mu, _ = Runtime(load_bundle()).encode(cells_of(chosen))
    print(f"{len(mu):,} windows\n")
    print("| layout | trustworthiness | variance shown |")
    print("|---|---|---|")
    for layout in LAYOUTS:
        made = make_map(mu, layout=layout)
        shown = f"{sum(made.explained):.0%}" if layout == "pca" else "–"
        print(f"| {layout} | {made.trust:.3f} | {shown} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--distances", action="store_true")
    parser.add_argument("--maps", action="store_true")
    asked = parser.parse_args()
    if asked.build:
        build(asked.files)
    elif asked.distances:
        distances()
    elif asked.maps:
        maps()
    else:
        speed(asked.files)


if __name__ == "__main__":
    main()
