"""What moving along each attribute does to it, and to the others, on grooves nobody learned from.

    python benchmarks/attributes.py [--model groove-4bar] [--split test] [--grooves 256]

Takes windows of GMD's test split, drawn at random, through what `ghostnote.attribute` does at each
amount, and prints the effect curves and the cross-effect matrix in Markdown. "All at 0" is how far
down an attribute that is never negative could go at all. With --learn, the directions are learned
anew from the training split first, and put into the bundle.
"""

from __future__ import annotations

import argparse

import numpy as np

from ghostnote.bundle import load_bundle
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import windows
from ghostnote.directions import AMOUNTS
from ghostnote.export.attributes import add_attributes
from ghostnote.music.attributes import ATTRIBUTES, measure
from ghostnote.pipeline.attributes import moved_windows
from ghostnote.runtime import Runtime, to_x

NEVER_NEGATIVE = ("density", "syncopation", "openness", "fill")


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="groove-4bar")
    parser.add_argument("--split", default="test")
    parser.add_argument("--grooves", type=int, default=256)
    parser.add_argument("--learn", action="store_true", help="learn the directions first")
    asked = parser.parse_args()
    bundle = load_bundle(asked.model)
    corpus = load_corpus()
    if asked.learn:
        training = windows(
            corpus.select(split="train"), bars=bundle.bars, hop=1, meter=bundle.meter
        )
        bundle = add_attributes(bundle, training)
    judged = windows(corpus.select(split=asked.split), bars=bundle.bars, meter=bundle.meter)
    chosen = np.random.default_rng(0).choice(len(judged), asked.grooves, replace=False)
    grooves = [judged.groove(int(index)) for index in chosen]
    names, runtime = list(ATTRIBUTES), Runtime(bundle)
    std = np.array([bundle.directions[name].std for name in names])
    x = to_x(grooves)
    before = measure(x, bundle.meter)
    effect = np.zeros((len(names), len(AMOUNTS), len(names), len(grooves)))
    for j, name in enumerate(names):
        for k, amount in enumerate(AMOUNTS):
            shift = bundle.directions[name].shift(amount)
            after = moved_windows(runtime, x, shift, range(len(x)))
            effect[j, k] = ((measure(after, bundle.meter) - before) / std).T
    mean = effect.mean(-1)
    print(f"{bundle.name}, {len(grooves)} windows of the {asked.split} split\n")
    titles = ["all at 0", "rises", "of the grooves"]
    print(row(["attribute", *(f"{amount:+g}" for amount in AMOUNTS), *titles]))
    print(row(["---"] * (len(AMOUNTS) + 4)))
    for j, name in enumerate(names):
        rises = "yes" if (np.diff(mean[j, :, j]) > 0).all() else "NO"
        share = (effect[j, -1, j] > effect[j, 0, j]).mean()
        least = f"{-before[:, j].mean() / std[j]:+.2f}" if name in NEVER_NEGATIVE else ""
        curve = [f"{value:+.2f}" for value in mean[j, :, j]]
        print(row([name, *curve, least, rises, f"{share:.1%}"]))
    for title, lower, upper in (("-2 to +2", 0, -1), ("-1 to +1", 2, 6)):
        print(f"\nfrom {title}, in standard deviations of each attribute\n")
        print(row(["moved", *names, "largest other ÷ own"]))
        print(row(["---"] * (len(names) + 2)))
        for j, name in enumerate(names):
            change = mean[j, upper] - mean[j, lower]
            others = np.delete(np.abs(change), j).max() / change[j]
            cells = [f"**{v:+.2f}**" if i == j else f"{v:+.2f}" for i, v in enumerate(change)]
            print(row([name, *cells, f"{others:.2f}"]))


if __name__ == "__main__":
    main()
