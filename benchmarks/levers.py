"""Levers against overfitting, for fewer bits and for better samples: one table of what each did.

    python -m benchmarks.levers [--cells "free bits" flat] [--seeds 0 1 2] [--epochs 16]

A lever is a preset with some settings changed against a base, trained for a fixed number of epochs,
and an expectation that was written down before it was tried. All are judged on the validation
split. Every finished one is kept, and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from benchmarks.cells import Cell, Cells, origin, spread, table, write_page
from benchmarks.laboratory import (
    Job,
    Laboratory,
    add_tiny,
    carried_out,
    cells_of,
    chosen,
    laboratory,
    lasting,
    parser,
    shrunk,
)
from ghostnote.cli.train import settings
from ghostnote.data.bars import Bars
from ghostnote.evaluate.metrics import density, hits_per_bar, nearest_distance
from ghostnote.evaluate.reconstruction import forced, reconstruct
from ghostnote.evaluate.two_sample import features, two_sample_accuracy
from ghostnote.export.bundle import build_model, posteriors
from ghostnote.export.prior import fit_prior
from ghostnote.latent import uniforms
from ghostnote.model.vae import GrooveVAE
from ghostnote.train.checkpoint import Checkpoint
from ghostnote.train.config import RunConfig, from_table

NAME = "levers"
EPOCHS = 10.0
SAMPLES = 2048
DRAWS = 64
"""Of a cell's velocity, for the share of true ones inside its central interval."""
COMPONENTS, TEMPERATURE = 512, 0.7
"""The prior that ships with `groove-4bar`."""

PRESET = "groove-4bar"
BASE = (
    "model.latent=128",
    "model.encoder.layers=1",
    "model.layer_dropout=0.15",
    "objective.beta=0.5",
    "objective.free_bits=58",
    "objective.hit_weight=1.6",
    "objective.velocity_weight=0.4",
    "objective.offset_weight=0.4",
    "corruption.hide_steps=0.2",
    "corruption.sampling=0.5",
    "corruption.sampling_temperature=1",
    "corruption.sampling_rise=1500",
    "augmentation.other_bars=0.3",
    "augmentation.other_limbs=0",
    "augmentation.velocity_gain=0.1",
    "augmentation.velocity_noise=0.05",
    "augmentation.offset_shift=0.03",
    "augmentation.offset_noise=0.02",
    "optimiser.weight_decay=0.05",
)
"""What the levers change, spelt out, so that they mean the same when the preset becomes another."""


@dataclass(frozen=True)
class Lever:
    """One thing to try.

    Attributes:
        name: of the row.
        expectation: what was expected of it, written down before it was tried.
        settings: what it changes against `BASE`, as ``--set`` takes it.
        preset: what it begins from; `BASE` is of `PRESET` alone.
        components: of the prior that samples are drawn from.
        temperature: of the samples.
    """

    name: str
    expectation: str
    settings: tuple[str, ...] = ()
    preset: str = PRESET
    components: int = COMPONENTS
    temperature: float = TEMPERATURE

    @property
    def changes(self) -> str:
        """What it changes, for the table."""
        found = [] if self.preset == PRESET else [f"preset {self.preset}"]
        found += self.settings
        if self.components != COMPONENTS:
            found.append(f"components={self.components}")
        if self.temperature != TEMPERATURE:
            found.append(f"temperature={self.temperature:g}")
        return " ".join(f"`{each}`" for each in found) or "–"

    def run(self, seed: int, epochs: float) -> RunConfig:
        """The training run.

        Raises:
            ConfigError: a setting that there is not, or a number of epochs that is not above 0.
        """
        texts = (*(BASE if self.preset == PRESET else ()), *self.settings)
        return lasting(settings(self.preset, None, texts), seed, epochs)


LEVERS = (
    Lever("base", "the preset of before, for 10 epochs in the place of 40: F1 0.72"),
    # -- regularisation and augmentation
    Lever(
        "dropout 0.3",
        "too slow for 10 epochs: F1 -0.01, smaller gap between training and validation",
        ("model.layer_dropout=0.3",),
    ),
    Lever(
        "weight decay 0.2",
        "smaller gap between training and validation: F1 ±0.005",
        ("optimiser.weight_decay=0.2",),
    ),
    Lever(
        "limbs of other windows",
        "foot and cymbals are coded apart: F1 +0.01; samples told apart 0.01 more",
        ("augmentation.other_limbs=0.2",),
    ),
    Lever(
        "hands swapped",
        "more toms and rides to learn from: F1 +0.005 on rare voices",
        ("augmentation.swap_voices=0.2",),
    ),
    Lever(
        "more velocity noise",
        "wider scales of velocity: coverage nearer to nominal, velocity error +0.3",
        ("augmentation.velocity_noise=0.15",),
    ),
    Lever(
        "no augmentation",
        "quicker at first: F1 +0.005 after 10 epochs, and overfitting begins",
        (
            "augmentation.other_bars=0",
            "augmentation.velocity_gain=0",
            "augmentation.velocity_noise=0",
            "augmentation.offset_shift=0",
            "augmentation.offset_noise=0",
        ),
    ),
    Lever(
        "cells hidden from the encoder",
        "a denoising code: F1 -0.01, samples told apart 0.01 less",
        ("corruption.hide_cells=0.1",),
    ),
    Lever(
        "dropout on z 0.1",
        "spreads a hit's code over dimensions: F1 -0.005, rate +2 bits, smoother ways",
        ("model.latent_dropout=0.1",),
    ),
    # -- size
    Lever(
        "encoder of two layers",
        "a better code: F1 +0.01, a third more time",
        ("model.encoder.layers=2",),
    ),
    Lever(
        "decoder of 384 units",
        "overfits sooner: F1 +0.005 after 10 epochs, at twice the time",
        ("model.decoder.size=384", "model.decoder.conductor=384"),
    ),
    Lever("latent 64", "nothing lost: F1 ±0.005; the prior fits better", ("model.latent=64",)),
    # -- what the decoder is fed with
    Lever(
        "no scheduled sampling",
        "forced better, free worse: F1 free -0.015, velocity error -1, a quarter quicker",
        ("corruption.sampling=0",),
    ),
    Lever(
        "more scheduled sampling",
        "the decoder leans on z: F1 +0.01, velocity error +0.5",
        ("corruption.sampling=0.9",),
    ),
    Lever(
        "scheduled sampling at temperature 0.5",
        "what is fed back is nearer to what free running feeds: F1 free +0.005",
        ("corruption.sampling_temperature=0.5",),
    ),
    Lever(
        "more hidden from the decoder",
        "leans on z: F1 +0.01, rate +2 bits, velocity error +0.3",
        ("corruption.hide_steps=0.4",),
    ),
    # -- likelihoods and their weights
    Lever(
        "velocity and timing weigh 1",
        "z spends bits on them: F1 -0.02, velocity error -1",
        ("objective.velocity_weight=1", "objective.offset_weight=1"),
    ),
    Lever(
        "velocity and timing weigh 0.2",
        "z spends its bits on hits: F1 +0.01, velocity error +1",
        ("objective.velocity_weight=0.2", "objective.offset_weight=0.2"),
    ),
    Lever(
        "hits weigh as much as silence",
        "the most likely cells get sparser: F1 -0.02, samples sparser by 5 %",
        ("objective.hit_weight=1",),
    ),
    # -- rate
    Lever(
        "free bits 48",
        "rate -8 bits, F1 -0.015; samples harder to tell apart, since z has less to get wrong",
        ("objective.free_bits=48",),
    ),
    Lever(
        "beta rises slowly",
        "a richer code early on: F1 +0.005, rate +1 bit",
        ("objective.beta_rate=0.999",),
    ),
    # -- the prior
    Lever(
        "prior of 1 component",
        "a Gaussian misses the clusters of styles: told apart by hits 0.05 more",
        components=1,
    ),
    Lever("prior of 64 components", "smoother: told apart 0.02 more, fewer copies", components=64),
    Lever(
        "temperature 1",
        "as diverse as training has it, with chance hits: told apart 0.03 more",
        temperature=1.0,
    ),
    # -- architecture and the original
    Lever(
        "flat decoder",
        "drifts over four bars: F1 free -0.03, forced equal (of about as many parameters)",
        ("model.decoder=flat", "model.decoder.size=328", "model.decoder.layers=2"),
    ),
    Lever(
        "the original's likelihoods",
        "silent cells count for velocity and timing: F1 -0.01, velocity error +3",
        ("model.head=squared-error",),
    ),
    Lever(
        "the original",
        "flat, squared errors, keep probability 0.3, batches of 512: far from done after 10 "
        "epochs, F1 -0.2",
        preset="groove-4bar-flat",
    ),
)


@dataclass(frozen=True)
class Quoted:
    """A lever that was tried with another command, of which the figures alone are kept."""

    name: str
    changes: str
    expectation: str
    result: str
    cost: str


QUOTED = (
    Quoted(
        "humanising with the hits told",
        "`humanize-4bar`; `model.controls_size=128`, a bidirectional reader of the hits for "
        "encoder and decoder",
        "timing error -3 %",
        "none: 0.1121 steps against 0.1116; velocity error 18.07 against 18.70; overfits from "
        "epoch 6 on",
        "16 epochs, seed 0, validation; not in the tree",
    ),
    Quoted(
        "velocity and timing weigh less, hits and rate more",
        "`groove-4bar`; `objective.velocity_weight=0.4` `objective.offset_weight=0.4` "
        "`objective.hit_weight=1.6` `objective.beta=0.5`",
        "F1 +0.02 at equal bits",
        "F1 0.738 at 51.7 bits, against 0.746 at 57.6 bits after 40 epochs of the shipped model; "
        "velocity error 17.1, timing error 0.113 steps",
        "16 epochs, seed 0, validation",
    ),
    Quoted(
        "the same, trained to the end",
        "as above, and `objective.free_bits=58`; now the preset",
        "F1 0.77 at 58 bits",
        "F1 0.757 at 56.6 bits, against 0.746 at 57.6 before; velocity error 15.8 against 14.7, "
        "timing "
        "error 0.107 steps against 0.097",
        "40 epochs, seed 0, validation; an hour on a shared core",
    ),
    Quoted(
        "many Gaussians of one covariance as the prior",
        "`groove-4bar` as before; 512 clusters of the posteriors' means, for 16 Gaussians of "
        "their own "
        "covariances",
        "two-sample test on hits -0.02",
        "hits 0.628 → 0.595, with velocity and timing 0.736 → 0.649, at a temperature of 0.7; "
        "draws "
        "from the posteriors themselves have 0.590 and 0.632. Samples lie nearer to training "
        "windows "
        "(median distance 32 → 26 hits; real windows 35), 11 instead of 2 of 2,048 are copies "
        "before "
        "they are drawn again",
        "half a minute of clustering; now what `export` fits",
    ),
    Quoted(
        "scales of velocity and timing set on held-out windows",
        "`groove-4bar` as before; 0.3 added to the scales of velocity before their softplus",
        "intervals cover what they say; samples no worse",
        "coverage of velocity 43.7, 73.8, 85.2 % → 50.4, 80.1, 89.8 % at nominal 50, 80, 90 %; but "
        "draws from the posteriors are told from played windows more often, 0.659 → 0.696 with "
        "velocity and timing: what is drawn cell by cell is then too uneven. With the next two "
        "rows, now `export --calibrate`",
        "a minute",
    ),
    Quoted(
        "less spread of velocity and timing in samples",
        "`groove-4bar` as before, prior of 512, temperature 0.7; standard deviations of velocity "
        "and timing times 0.8, 0.6 or 0.5",
        "samples are told apart 0.03 less",
        "0.699 → 0.694, 0.709, 0.787: little by itself. With calibrated scales: 0.712 → 0.691 at "
        "0.7",
        "two minutes; in the tree as the next row has it",
    ),
    Quoted(
        "the temperature is of velocity and timing too",
        "the model two rows down, calibrated, at a temperature of 0.7: standard deviations times "
        "0.7, or its square root, as a density to the power of 1 / temperature has",
        "samples are told apart 0.02 less than without",
        "0.694 without, 0.705 times 0.7, 0.681 times its square root; hits 0.604, 0.598, 0.601. "
        "Now what `temperature` means",
        "two minutes",
    ),
    Quoted(
        "fewer or more hits in samples",
        "`groove-4bar` as before, prior of 512; log-odds of hits moved by -0.2 or +0.2 at a "
        "temperature of 0.7, by -0.3 at 0.85, by -0.47 (what the weight of hits adds) at 1",
        "a density as in training makes samples harder to tell apart: -0.02",
        "0.699 → 0.693, 0.700, 0.694, 0.738, with densities of 1.00, 1.10, 1.00 and 1.22 of "
        "training's, beside 1.05: nothing",
        "two minutes; not in the tree",
    ),
    Quoted(
        "more of everything but limbs",
        "`groove-4bar` as before, with `objective.velocity_weight=0.7` "
        "`objective.offset_weight=0.6` `objective.free_bits=61` `model.layer_dropout=0.2` "
        "`optimiser.weight_decay=0.1` `augmentation.velocity_gain=0.2` "
        "`augmentation.velocity_noise=0.08` `corruption.sampling=0.75`",
        "F1 +0.01 for 3 bits more, velocity error -0.5, samples told apart 0.02 less",
        "F1 0.757 at 56.5 bits → 0.759 at 60.4; velocity error 15.8 → 15.2; told apart 0.614 / "
        "0.684, calibrated at a temperature of 0.8",
        "45 epochs, seed 0, validation; 42 minutes on one core",
    ),
    Quoted(
        "a wider or a narrower draw of velocity and timing",
        "`groove-4bar` as it ships, prior of 512, temperature 0.7; standard deviations times 1, "
        "0.7 or 0.6 for velocity, or 1 for timing, in the place of 0.84",
        "velocities of samples spread less than those of training windows, 0.220 against 0.239: "
        "wider, samples are told apart 0.01 less",
        "0.644 → 0.654, 0.660, 0.671 and 0.645, with velocity and timing: 0.84 is the best of them",
        "two minutes each; two draws and two seeds of the trees, validation; not in the tree",
    ),
    Quoted(
        "an even hand in samples",
        "the same; of the noise that velocity is drawn with, a share of 0.3 is common to a voice's "
        "hits of a window; the same of timing; 0.5 of the noise of timing common to a step",
        "told apart 0.01 less: what is drawn cell by cell is too uneven",
        "0.644 → 0.635; a share of 0.5 0.637, and 0.625 where velocity is drawn as wide as the "
        "model says; of 0.7 0.656; timing 0.661 and 0.644. The one of velocity helps",
        "two minutes each; two draws and two seeds of the trees, validation; in the tree as the "
        "next row has it",
    ),
    Quoted(
        "velocities of a voice stray together",
        "`groove-4bar` as before; on top of what each velocity of a voice strays by, what all of a "
        "window stray by in common, with 0.3, 0.43, 0.5, 0.6 times its variance",
        "told apart 0.02 less: velocities of samples are wider and evener at once",
        "0.643 → 0.631, 0.623, 0.623, 0.624; 0.5 ships: `export --shared-velocity`. With timing "
        "as wide as the model says, or timing of a step's voices straying together besides: 0.620 "
        "to 0.625, no better, and voices of a step then lie closer together than played ones",
        "two minutes each; two draws and two seeds of the trees, validation",
    ),
    Quoted(
        "a voice is tight or loose in a window",
        "the same, 0.5; how far a voice's velocities and timing stray in a window times a factor "
        "whose logarithm has a standard deviation of 0.3, 0.4 or 0.5",
        "told apart 0.01 less: how even a voice is differs less between samples than between "
        "played windows (standard deviation of the snare's spread of velocity 0.094 against "
        "0.128, of the kick's spread of timing 0.058 against 0.076)",
        "0.623 → 0.611, 0.607, 0.613; 0.4 ships: `export --shared-spread`. One factor for all "
        "voices 0.611",
        "two minutes each; two draws and two seeds of the trees, validation",
    ),
    Quoted(
        "surprise that differs between windows, or is shared by bars",
        "the same; the temperature of hits too times such a factor, of 0.2 to 0.6; or the noise of "
        "a hit in part common to the bars of a window, a share of 0.3 to 0.7; or z drawn with 0.6 "
        "to 0.9 of its spread; or a temperature of 0.5; or fewer hits",
        "told apart by hits 0.01 less: hits of a bar differ more between a sample's bars than "
        "between played ones (standard deviation 2.0 against 1.7)",
        "by hits 0.602 → 0.595 to 0.600; 0.606 to 0.641; 0.602 to 0.632; 0.615; 0.600. Even the "
        "means of training windows' posteriors, decoded, have 0.598: it is the decoder",
        "two minutes each; two draws and two seeds of the trees, validation; not in the tree",
    ),
    Quoted(
        "trained on with velocity and timing weighing more",
        "the first stage of what ships, then `objective.velocity_weight=1.2` "
        "`objective.offset_weight=1.2` `objective.free_bits=57` `augmentation.other_limbs=0` "
        "`augmentation.velocity_noise=0` `augmentation.offset_noise=0`",
        "told apart 0.02 less, F1 -0.01",
        "at 63.1 bits, over the bound, F1 0.781; 0.644 → 0.651, calibrated 0.648, draws from the "
        "posteriors 0.632 → 0.620",
        "6 of 16 epochs, seed 0, validation; stopped",
    ),
    Quoted(
        "more dropout for humanising",
        "`humanize-4bar`; `model.layer_dropout=0.25`, 30 epochs for 40; now the preset",
        "timing error -2 %, as it overfits there first",
        "0.1110 steps against 0.1116 after 16 epochs of 0.15; 19.23 ms at epoch 13, 19.43 ms at "
        "the end, "
        "velocity error 18.2 against 18.7",
        "30 epochs, seed 0, validation; 37 minutes on a shared core",
    ),
    Quoted(
        "humanising by the mean of overlapping windows",
        "`humanize-4bar` as before, windows of four bars; at temperature 0, of each hit the mean "
        "of what the windows say that hold it",
        "timing error -1 %",
        "19.43 → 19.20 ms, velocity error less by 1 %. Now what temperature 0 means",
        "four times as many windows",
    ),
    Quoted(
        "a share of the likeliest timing",
        "the same; offsets times 0.8 at last",
        "timing error -1 %: with drummers that it has not heard it is too sure",
        "19.20 → 18.89 ms (0.7: 18.94, 0.9: 18.97). The same in the weights, so that the decoder "
        "hears it: 19.27 ms, since it follows what it hears. Now fitted by `export --calibrate`",
        "a minute",
    ),
    Quoted(
        "humanising by the mean over draws of z",
        "the same; the mean over 4 draws of z besides",
        "timing error -1 %",
        "18.89 → 18.82 ms, with draws 1.5 times as wide 18.78 ms",
        "four times as many windows again: not worth it, and not in the tree",
    ),
    Quoted(
        "z is for playing, not for the hits",
        "`humanize-4bar` as before, with `objective.velocity_weight=4` "
        "`objective.offset_weight=4` `objective.beta=2` `optimiser.weight_decay=0.1`, 14 epochs: "
        "hits, which are given, weigh a quarter",
        "timing error -2 %",
        "none: 19.20 ms by the mean of windows, 19.09 ms with the best share; velocity error 18.9 "
        "against 18.2: what it learns of hits helps it to play them",
        "14 epochs, seed 0, validation; 14 minutes on one core; not in the tree",
    ),
    Quoted(
        "tempo, for humanising",
        "gradient-boosted trees on the hits of the 12 steps before and after, voice, step and how "
        "often each voice is hit in the take, of 90,000 training hits; with the tempo and without. "
        "And `humanize-4bar` as before, with offsets times a power of the tempo",
        "timing error -2 %",
        "trees 19.72 → 19.65 ms; powers of 0.25 to 1: none has less than 18.89 ms",
        "two minutes; not in the tree",
    ),
)
"""Results of earlier trials, quoted; `--cells` has no part in them."""


# -- measuring --------------------------------------------------------------------------------


def job_of(lever: Lever, seed: int, epochs: float, samples: int) -> Job:
    """The cell of a lever."""

    def measure(best: Checkpoint, lab: Laboratory) -> Mapping[str, Any]:
        return figures(best, lab, lever, samples)

    about = {
        "components": lever.components,
        "temperature": lever.temperature,
        "samples": samples,
    }
    only_prior = not lever.settings and lever.preset == PRESET
    training = "base" if only_prior else lever.name
    return Job(lever.name, lever.run(seed, epochs), measure, training, others=about)


def figures(best: Checkpoint, lab: Laboratory, lever: Lever, samples: int) -> dict[str, Any]:
    """Reconstruction of the validation split, and samples held against it."""
    run = from_table(RunConfig, best.config)
    train, real = (lab.windows(run, split, 1) for split in ("train", "validation"))
    model, judged = build_model(best), cells_of(real)
    scores = reconstruct(
        model.to(lab.machine.device), Bars.of(real), device=lab.machine.device, task=run.task
    )
    x, played = drawn(model.cpu(), Bars.of(train), lever, samples), cells_of(train)
    voices = run.model.voices
    hits, known = x[..., :voices] > 0.5, played[..., :voices] > 0.5
    given = run.task.apply(judged, np.random.default_rng(0))
    ranks = forced(model, judged, given, device=torch.device("cpu"), draws=DRAWS).ranks
    assert ranks is not None
    return {
        "expectation": lever.expectation,
        **asdict(scores),
        "elbo": scores.elbo,
        "train_hits": next(r["train_hits"] for r in best.history if r["step"] == best.step),
        "hits_per_bar_ratio": hits_per_bar(hits) / hits_per_bar(known),
        "density_ratio": (density(hits) / np.maximum(density(known), 1e-9)).tolist(),
        # Of the middle 90 % of what it would draw. A head without spread draws a point: 0.
        "velocity_covered": float((np.abs(ranks[0] - 0.5) <= 0.45).mean()),
        "copies": int((nearest_distance(hits, known) == 0).sum()),
        **{
            f"told_apart_{name}": two_sample_accuracy(
                features(x, expression=expression),
                features(judged, expression=expression),
                real.take,
            )
            for name, expression in (("hits", False), ("all", True))
        },
    }


@torch.no_grad()
def drawn(model: GrooveVAE, training: Bars, lever: Lever, n: int) -> np.ndarray[Any, Any]:
    """`n` draws of the lever's prior, fitted to the training windows: `[n, T, 3V]`."""
    prior = fit_prior(*posteriors(model, training), components=lever.components, seed=0)
    z = np.stack([prior.draw(uniforms(0, index, prior.n_uniforms)) for index in range(n)])
    cells = (model.config.steps, model.config.voices, 3)
    noise = np.stack([uniforms(1, index, int(np.prod(cells))).reshape(cells) for index in range(n)])
    parts = [
        model.decode(torch.from_numpy(z[some])).sample(
            torch.from_numpy(noise[some]), lever.temperature
        )
        for some in np.array_split(np.arange(n), -(-n // 512))
    ]
    return torch.cat(parts).numpy()


# -- the page ---------------------------------------------------------------------------------

ABOUT = f"""# Levers

Made by `python -m benchmarks.levers`. Each lever is `{PRESET}` with one thing changed against the
base, trained on GMD's training split for a fixed number of epochs and judged on the validation
split at its best checkpoint. The expectation was written down before the run. The base is
{" ".join(f"`{each}`" for each in BASE)} and what the preset has, with samples of a prior of
{COMPONENTS} components at temperature {TEMPERATURE:g}. Results are against the base with the same
seeds: F1 of hits, free-running; rate in bits a window; velocity error of 127; timing error in
steps; *told apart*, the balanced accuracy of the two-sample test on samples, by hits alone / with
velocity and timing (lower is better; windows of the training split score 0.521 / 0.510, see
[the prior](../prior.md))."""


def page(cells: Sequence[Cell]) -> list[str]:
    """The page, in parts."""
    base = [cell for cell in cells if cell.name == "base"]
    rows, full, untried = [], [], 0
    for lever in LEVERS:
        found = [cell for cell in cells if cell.name == lever.name]
        untried += not found
        # As it was when it was tried: what is written here now may have been changed since.
        expected = found[0].figures["expectation"] if found else lever.expectation
        rows.append([lever.name, lever.changes, expected, result(found, base), cost(found)])
        if found:
            full.append(
                [
                    lever.name,
                    *(spread([c.figures[name] for c in found], digits) for name, _, digits in FULL),
                ]
            )
    parts = [
        ABOUT,
        table(["lever", "change", "expectation", "result", "cost"], rows),
    ]
    if cells:
        parts += [
            f"{origin(cells)} Configurations and all figures are in [{NAME}.json]({NAME}.json).",
            "## Figures",
            table(["lever", *(title for _, title, _ in FULL)], full),
        ]
    if untried:
        parts.append(f"{untried} of {len(LEVERS)} have not been run yet: the command runs them.")
    return [
        *parts,
        "## Tried before",
        "Quoted, of trials that were made by hand: no command here prints their figures again.",
        table(
            ["lever", "change", "expectation", "result", "cost"],
            [[q.name, q.changes, q.expectation, q.result, q.cost] for q in QUOTED],
        ),
    ]


FULL = (
    ("f1", "F1 free", 4),
    ("f1_forced", "F1 forced", 4),
    ("bits", "bits", 1),
    ("train_hits", "hits, nats: training", 0),
    ("nll_hits", "validation", 0),
    ("velocity_error", "velocity MAE, of 127", 2),
    ("offset_error", "timing MAE, steps", 4),
    ("active", "active z", 0),
    ("velocity_covered", "velocities in the middle 90 %", 3),
    ("told_apart_hits", "told apart by hits", 3),
    ("told_apart_all", "by all", 3),
    ("hits_per_bar_ratio", "hits a bar ÷ training", 3),
    ("copies", "copies", 0),
)


def result(found: Sequence[Cell], base: Sequence[Cell]) -> str:
    """What a lever did, against the base where it was run with the same seeds."""
    if not found:
        return "not run"
    seeds = {cell.setting["run"]["seed"] for cell in found}
    beside = [cell for cell in base if cell.setting["run"]["seed"] in seeds]

    def mean(cells: Sequence[Cell], name: str) -> float:
        return statistics.fmean(cell.figures[name] for cell in cells)

    def figure(name: str, digits: int) -> str:
        value = mean(found, name)
        if len(beside) < len(found) or found[0].name == beside[0].name:
            return f"{value:.{digits}f}"
        return f"{value:.{digits}f} ({value - mean(beside, name):+.{digits}f})"

    return (
        f"F1 {figure('f1', 3)} at {figure('bits', 1)} bits; "
        f"velocity {figure('velocity_error', 2)}, timing {figure('offset_error', 4)}; "
        f"told apart {figure('told_apart_hits', 3)} / {figure('told_apart_all', 3)}"
    )


def cost(found: Sequence[Cell]) -> str:
    """What a lever took."""
    if not found:
        return "–"
    run = found[0].setting["run"]
    minutes = spread([cell.cost["seconds"] / 60 for cell in found], 0)
    return (
        f"{minutes} min, {run['epochs']:g} epochs, {len(found)} seed{'s' * (len(found) > 1)}, "
        f"{found[0].cost['parameters'] / 1e6:.2f} M parameters"
    )


def main() -> None:
    options = parser(__doc__, NAME)
    options.add_argument("--samples", type=int, default=SAMPLES, help="draws of the prior")
    add_tiny(options)
    options.add_argument("--list", action="store_true", help="say what there is to try, and stop")
    asked: argparse.Namespace = options.parse_args()
    if asked.list:
        for lever in LEVERS:
            print(f"{lever.name}: {lever.changes}\n    {lever.expectation}")
        return
    epochs = EPOCHS if asked.epochs is None else asked.epochs
    name, levers = NAME, {lever.name: lever for lever in LEVERS}
    if asked.tiny:
        name, asked.runs = f"{NAME}-tiny", asked.runs / "tiny"
    cells = Cells(asked.results / f"{name}.json")

    def write() -> None:
        write_page(asked.results / f"{name}.md", *page(list(cells)))

    if not asked.page:
        lab = laboratory(asked)
        for seed in asked.seeds:
            for which in chosen(levers, asked):
                job = job_of(levers[which], seed, epochs, asked.samples)
                lab.cell(shrunk(job) if asked.tiny else job, cells)
                write()
    write()


if __name__ == "__main__":
    sys.exit(carried_out(main))
