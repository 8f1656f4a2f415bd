"""How the prior's components and the temperature of `groove-4bar` were chosen.

    python benchmarks/prior.py runs/groove-4bar > docs/prior.md

For each number of Gaussians and each temperature: prior samples against the validation split. The
row "posteriors" draws from the posteriors of training windows, which no fitted prior can beat.
Copies are samples with the very hits of a training window. Of real validation windows 4 in 1,939
are, all of them dense and regular; a narrow prior at a low temperature finds such patterns too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from ghostnote.data.bars import Bars
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import windows
from ghostnote.evaluate.metrics import density, hits_per_bar, nearest_distance
from ghostnote.evaluate.report import MAIN_VOICES, all_windows
from ghostnote.evaluate.two_sample import features, two_sample_accuracy
from ghostnote.export.bundle import build_model, posteriors
from ghostnote.export.prior import fit_prior
from ghostnote.latent import normals, uniforms
from ghostnote.music.kit import N_VOICES, VOICES
from ghostnote.train.checkpoint import load_checkpoint
from ghostnote.train.loop import BEST


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--samples", type=int, default=2048)
    parser.add_argument("--components", type=int, nargs="+", default=[1, 64, 256, 512, 1024])
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.7, 0.85, 1.0])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    model = build_model(load_checkpoint(chosen.run / BEST))
    config, corpus = model.config, load_corpus()
    train, real = (
        windows(corpus.select(split=split), bars=config.bars, meter=config.signature)
        for split in ("train", "validation")
    )
    played, judged = all_windows(Bars.of(train)), all_windows(Bars.of(real))
    mu, sigma = posteriors(model, Bars.of(train))
    n, cells = chosen.samples, (config.steps, N_VOICES, 3)
    noise = np.stack([uniforms(1, index, int(np.prod(cells))).reshape(cells) for index in range(n)])

    pick = np.random.default_rng(0).permutation(len(mu))[:n]
    apart = np.stack([normals(uniforms(2, index, config.latent)) for index in range(n)])
    latents = {"posteriors": mu[pick] + sigma[pick] * apart}
    for count in chosen.components:
        prior = fit_prior(mu, sigma, components=count, seed=0)
        draws = [prior.draw(uniforms(0, index, prior.n_uniforms)) for index in range(n)]
        latents[str(count)] = np.stack(draws)

    def accuracy(x: np.ndarray, takes: np.ndarray | None = None) -> list[float]:
        return [
            two_sample_accuracy(
                features(x, expression=expression),
                features(judged, expression=expression),
                real.take,
                generated_groups=takes,
            )
            for expression in (False, True)
        ]

    print(__doc__.strip().splitlines()[0])
    print(
        "\n| prior | temperature | two-sample, hits | all | copies | hits per bar ÷ training |",
        end="",
    )
    print("".join(f" {voice} |" for voice in MAIN_VOICES))
    print("|" + "---|" * (6 + len(MAIN_VOICES)))
    floor = accuracy(played[pick], train.take[pick])
    print(f"| training windows | – | {floor[0]:.3f} | {floor[1]:.3f} |  |" + " 1 |" * 5, flush=True)
    hits = played[..., :N_VOICES] > 0.5
    for name, z in latents.items():
        for heat in chosen.temperatures:
            with torch.inference_mode():
                p = model.decode(torch.from_numpy(z.astype(np.float32)))
                x = p.sample(torch.from_numpy(noise), heat).numpy()
            drawn = x[..., :N_VOICES] > 0.5
            both = accuracy(x)
            copies = int((nearest_distance(drawn, hits) == 0).sum())
            ratios = density(drawn) / density(hits)
            print(
                f"| {name} | {heat:g} | {both[0]:.3f} | {both[1]:.3f} | {copies} "
                f"| {hits_per_bar(drawn) / hits_per_bar(hits):.3f} |"
                + "".join(f" {ratios[VOICES.index(voice)]:.3f} |" for voice in MAIN_VOICES),
                flush=True,
            )


if __name__ == "__main__":
    main()
