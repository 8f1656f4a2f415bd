"""Infilling voices past the first window: is the encoder told what was written before?

    python -m benchmarks.infilling [--model infill-4bar] [--temperature 0.7] [--split validation]

From the second window on, the bars that were just written are known to the decoder, which goes on
from them. The encoder may be told them as well, or, as in training, only the voices that are kept.
Takes of a split, in pieces of 16 bars, are judged by the hits of the voices that were written: F1
against what was played, and how many hits there are for each one that was.
"""

from __future__ import annotations

import argparse

import numpy as np

from ghostnote.bundle import load_bundle
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import windows
from ghostnote.evaluate.metrics import Confusion
from ghostnote.music.kit import VOICES
from ghostnote.pipeline.infilling import cells
from ghostnote.pipeline.writing import Page, lesson, write
from ghostnote.runtime import Runtime, to_x

BARS = 16
KEPT = {
    "all but the closed hat": [voice for voice in VOICES if voice != "closed hat"],
    "kick and snare": ["kick", "snare"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="infill-4bar")
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--split", default="validation")
    asked = parser.parse_args()
    runtime = Runtime(load_bundle(asked.model))
    bundle = runtime.bundle
    how, edge = lesson(bundle, "infill"), bundle.steps
    corpus = load_corpus().select(split=asked.split)
    takes = windows(corpus, bars=BARS, hop=BARS, meter=bundle.meter)
    grooves = [takes.groove(index) for index in range(len(takes))]
    x = to_x(grooves)
    played = x[..., : bundle.voices] > 0.5
    print(f"{bundle.name}, {len(x)} pieces of {BARS} bars of the {asked.split} split\n")
    print("| kept | the encoder is told | bars | F1 | hits written ÷ played |")
    print("|---|---|---|---|---|")
    for name, voices in KEPT.items():
        kept = cells(grooves[0], voices=voices)
        known = np.tile(kept, 3).astype(np.float32)
        tellings = {
            "what is kept, and what was written": [Page(one, known) for one in x],
            "what is kept": [Page(one, known, told=one * known) for one in x],
        }
        for told, pages in tellings.items():
            written = np.stack(
                write(runtime, pages, how, seed=0, temperature=asked.temperature, spread=1.0)
            )
            hits = written[..., : bundle.voices] > 0.5
            for bars, part in (
                (f"1–{bundle.bars}", slice(None, edge)),
                (f"{bundle.bars + 1}–{BARS}", slice(edge, None)),
            ):
                ours, theirs = (side[:, part][:, ~kept[part]] for side in (hits, played))
                f1 = Confusion.of(ours[..., None], theirs[..., None]).f1()
                print(f"| {name} | {told} | {bars} | {f1:.3f} | {ours.sum() / theirs.sum():.2f} |")


if __name__ == "__main__":
    main()
