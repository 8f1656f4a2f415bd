"""Attribute vectors as MusicVAE makes them, against the directions that ship with a bundle.

    python -m benchmarks.attribute_vectors [--model groove-4bar] [--grooves 256]

The paper's vector of an attribute is the mean z of the training windows that have most of it minus
that of those that have least (a quarter each). The shipped direction of the same attribute is the
likeliest move that leaves the others alone. Both are added to the z of validation windows, and what
that does to all attributes is measured on what is decoded: the effect, and the side effects.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.cells import Cell, Cells, table, write_page
from benchmarks.laboratory import carried_out, cells_of, local, parser
from ghostnote.bundle import load_bundle
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import windows
from ghostnote.errors import BundleError
from ghostnote.music.attributes import ATTRIBUTES, measure
from ghostnote.pipeline.latents import noise_of
from ghostnote.runtime import Runtime

NAME = "attribute_vectors"
SHARE = 4
"""A quarter of the training windows have most, and a quarter least."""
AMOUNTS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
"""What a vector is multiplied by: 1 is half of what the quarters differ by, so that -1 to +1 is all
of it. Of a direction, the amounts that the verbs take."""

FloatArray = npt.NDArray[np.float64]


def mean_differences(z: npt.NDArray[Any], attributes: FloatArray) -> FloatArray:
    """Half of the mean-difference vector of each attribute, `[A, Z]`.

    Args:
        z: `[N, Z]`, posterior means.
        attributes: `[N, A]`, of the same windows.
    """
    n = max(len(z) // SHARE, 1)
    # Of equal values, as of the many windows without an open hat, it is chance which are taken:
    # in the order of the data, they would be those of a few takes.
    shuffled = np.random.default_rng(0).permutation(len(z))
    vectors = []
    for values in attributes.T:
        order = shuffled[np.argsort(values[shuffled], kind="stable")]
        vectors.append((z[order[-n:]].mean(0) - z[order[:n]].mean(0)) / 2)
    return np.array(vectors, np.float64)


def effects(
    played: Callable[[FloatArray], FloatArray], shifts: Sequence[Sequence[npt.NDArray[Any]]]
) -> FloatArray:
    """The mean change of each attribute, `[A, S, A]`: moved, amount, measured.

    `played` gives the attributes `[B, A]` of all windows after a shift `[Z]` of their z; `shifts`
    are of each attribute at each amount.
    """
    before = played(np.zeros_like(np.asarray(shifts[0][0], np.float64)))
    return np.array([[(played(shift) - before).mean(0) for shift in of_one] for of_one in shifts])


def side_effects(effect: FloatArray) -> FloatArray:
    """The largest other change ÷ the own, from the first amount to the last, `[A]`."""
    change = effect[:, -1] - effect[:, 0]
    own = np.diagonal(change).copy()
    np.fill_diagonal(change, 0)
    return np.asarray(np.abs(change).max(1) / np.maximum(np.abs(own), 1e-9))


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """All figures.

    Raises:
        BundleError: the bundle has no directions.
    """
    bundle = load_bundle(asked.model)
    if not bundle.directions:
        raise BundleError("has no directions to compare with", source=bundle.name)
    runtime, corpus = Runtime(bundle), load_corpus()
    training, judged = (
        cells_of(windows(corpus.select(split=split), bars=bundle.bars, meter=bundle.meter))
        for split in ("train", asked.split)
    )
    names = list(ATTRIBUTES)
    real = measure(training, bundle.meter)
    std = np.maximum(real.std(0), 1e-6)
    vectors = mean_differences(runtime.encode(training)[0], real)
    some = np.sort(np.random.default_rng(asked.seed).permutation(len(judged))[: asked.grooves])
    mu, _ = runtime.encode(judged[some])
    noise = np.repeat(noise_of(bundle, asked.seed, 1), len(mu), axis=0)

    def played(shift: FloatArray) -> FloatArray:
        x = runtime.decode(mu + shift.astype(np.float32), noise, 0.0)
        return np.asarray(measure(x, bundle.meter) / std)

    kinds = {
        "mean difference": [[amount * vector for amount in AMOUNTS] for vector in vectors],
        "shipped": [[bundle.directions[name].shift(a) for a in AMOUNTS] for name in names],
    }
    lengths = {
        kind: [float(np.linalg.norm(shifts[-1])) for shifts in moved]
        for kind, moved in kinds.items()
    }
    cosines = [
        float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
        for one, other in zip(vectors, (bundle.directions[n].vector for n in names), strict=True)
    ]
    found = {}
    for kind, shifts in kinds.items():
        print(kind, flush=True)
        effect = effects(played, shifts)
        found[kind] = {
            "effect": effect.round(4).tolist(),
            "side_effects": side_effects(effect).tolist(),
            "length": lengths[kind],
        }
    return {"attributes": names, "amounts": AMOUNTS, "cosine": cosines, "kinds": found}


# -- the page ---------------------------------------------------------------------------------

ABOUT = f"""# Attribute vectors

Made by `python -m benchmarks.attribute_vectors`; all figures are in
[{NAME}.json]({NAME}.json).

The paper's vector of an attribute is the mean z of the quarter of the
training windows that have most of it, minus that of the quarter that have least. The shipped
directions come from a regression, and leave the other attributes where they are as far as it can
tell ([attributes](../attributes.md)). Both are added to the posterior means of validation windows,
and decoded at temperature 0. An amount of 2 is the whole vector of the paper, and the farthest that
a shipped direction is meant to go. All changes are in standard deviations over the training
windows; *rises* says whether the mean grows from each amount to the next."""


def page(cells: Sequence[Cell]) -> list[str]:
    """The page, in parts."""
    parts = [ABOUT]
    for cell in cells:
        setting, figures = cell.setting, cell.figures
        names = figures["attributes"]
        parts += [
            f"## {cell.name}",
            f"{setting['grooves']} windows of the {setting['split']} split, seed "
            f"{setting['seed']}; commit {cell.cost['commit'][:7]}.",
            summary(figures),
            conclusion(figures),
        ]
        for kind, found in figures["kinds"].items():
            effect = np.array(found["effect"])
            parts += [
                f"### {kind.capitalize()}: from -2 to +2",
                table(
                    ["moved", *names],
                    [
                        [
                            name,
                            *(
                                f"**{value:+.2f}**" if i == j else f"{value:+.2f}"
                                for i, value in enumerate(effect[j, -1] - effect[j, 0])
                            ),
                        ]
                        for j, name in enumerate(names)
                    ],
                ),
                "The attribute itself, at each amount:",
                table(
                    ["moved", *(f"{amount:+g}" for amount in figures["amounts"])],
                    [
                        [name, *(f"{value:+.2f}" for value in effect[j, :, j])]
                        for j, name in enumerate(names)
                    ],
                ),
            ]
    return parts


def summary(figures: Any) -> str:
    """Both kinds side by side."""
    header = ["attribute", "cosine"]
    for kind in figures["kinds"]:
        header += [f"{kind}: own effect", "largest other ÷ own", "rises", "length"]
    rows = []
    for j, name in enumerate(figures["attributes"]):
        line = [name, f"{figures['cosine'][j]:.2f}"]
        for found in figures["kinds"].values():
            own = np.array(found["effect"])[j, :, j]
            line += [
                f"{own[-1] - own[0]:+.2f}",
                f"{found['side_effects'][j]:.2f}",
                "yes" if (np.diff(own) > 0).all() else "no",
                f"{found['length'][j]:.1f}",
            ]
        rows.append(line)
    return table(header, rows)


def conclusion(figures: Any) -> str:
    """Both kinds in a sentence."""
    paper, shipped = (figures["kinds"][kind] for kind in ("mean difference", "shipped"))

    def mean_of(found: Any) -> tuple[float, float, float]:
        effect = np.array(found["effect"])
        own = np.diagonal(effect[:, -1] - effect[:, 0])
        return float(own.mean()), float(np.mean(found["side_effects"])), np.mean(found["length"])

    cleaner = sum(np.less(shipped["side_effects"], paper["side_effects"]))
    (one, aside, short), (other, beside, long) = mean_of(paper), mean_of(shipped)
    return (
        f"On average over the attributes, the paper's vectors move their own by {one:.2f} and some "
        f"other by {aside:.2f} of that; the shipped directions, which go {long / short:.1f} times "
        f"as far, by {other:.2f} and {beside:.2f} of that. The shipped one has the smaller side "
        f"effect in {cleaner} of {len(figures['attributes'])}."
    )


def main() -> None:
    options = parser(__doc__, NAME, trains=False)
    options.add_argument("--model", default="groove-4bar")
    options.add_argument("--split", default="validation", choices=["train", "validation"])
    options.add_argument("--grooves", type=int, default=256)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    cells = Cells(asked.results / f"{NAME}.json")
    local(asked, cells, ("model", "split", "grooves", "seed"), measured)
    write_page(asked.results / f"{NAME}.md", *page(list(cells)))


if __name__ == "__main__":
    sys.exit(carried_out(main))
