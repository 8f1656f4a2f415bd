"""How a bundle describes a part of its training data: the alternatives, on held-out posteriors.

    python benchmarks/parts.py > docs/parts.md

For each way to describe where the latents of a style, or of a tempo band, are: the mean log-density
of the validation windows that are of it, at the means of their posteriors and at a draw of each, in
nats, and the numbers that it adds to a bundle for a part. All include the mean variance of the
posteriors. ν is how many windows of the whole data a part is judged together with. A style that the
training data has not is left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ghostnote.bundle import load_bundle
from ghostnote.data.bars import Bars
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import Windows, windows
from ghostnote.evaluate.report import all_windows
from ghostnote.export.parts import parts_of
from ghostnote.export.prior import PRUDENCE, fit_part, log_densities, responsibilities
from ghostnote.latent import Prior, normals, uniforms
from ghostnote.runtime import Runtime

Array = npt.NDArray[np.float64]
Inside = npt.NDArray[np.bool_]
Describe = Callable[[Inside], Prior]


def gaussian(mean: Array, covariance: Array) -> Prior:
    parts = (np.ones(1), mean[None], np.linalg.cholesky(covariance)[None])
    return Prior(*(part.astype(np.float32) for part in parts))


def density(prior: Prior, z: Array) -> Array:
    logs = log_densities(prior, z) + np.log(prior.weights.astype(np.float64))
    top = logs.max(1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(logs - top).sum(1)))


def ways(
    prior: Prior, mu: Array, variance: Array, parts: list[Inside]
) -> dict[str, tuple[int, Describe]]:
    """Each way with its numbers a part. `parts` share the windows out."""
    size, centre = mu.shape[1], mu.mean(0)
    noise = np.diag(variance.mean(0))
    within = noise + sum(inside.mean() * np.cov(mu[inside].T, bias=True) for inside in parts)

    def mixture(inside: Inside, *, moved: bool) -> Prior:
        if moved:
            return prior.narrowed([fit_part(prior, mu.astype(np.float32), inside)])
        share = responsibilities(prior, mu[inside]).sum(0) + PRUDENCE * prior.weights
        weights = (share / share.sum()).astype(np.float32)
        return prior.narrowed([(weights, np.zeros(size, np.float32))])

    def own(inside: Inside, prudence: float) -> Prior:
        n = inside.sum()
        covariance = np.cov(mu[inside].T, bias=True) + np.diag(variance[inside].mean(0))
        mean = (n * mu[inside].mean(0) + 0.1 * prudence * centre) / (n + 0.1 * prudence)
        return gaussian(mean, (n * covariance + prudence * within) / (n + prudence))

    def diagonal(inside: Inside) -> Prior:
        spread = mu[inside].var(0) + variance[inside].mean(0)
        return gaussian(mu[inside].mean(0), np.diag(spread))

    k, square = len(prior.weights), size * (size + 1) // 2
    return {
        f"the whole prior, {k} Gaussians": (0, lambda _: prior),
        "one Gaussian of the whole": (
            0,
            lambda _: gaussian(centre, np.cov(mu.T, bias=True) + noise),
        ),
        "own mean and variances": (2 * size, diagonal),
        "own mean, shared covariance": (size, lambda i: gaussian(mu[i].mean(0), within)),
        "own mean and covariance": (size + square, lambda i: own(i, 0)),
        "own mean and covariance, ν = 300": (size + square, lambda i: own(i, 300)),
        "own mean and covariance, ν = 1,000": (size + square, lambda i: own(i, 1000)),
        "the prior's Gaussians weighed anew, ν = 300": (k, lambda i: mixture(i, moved=False)),
        "**weighed anew and moved together, ν = 300**": (
            k + size,
            lambda i: mixture(i, moved=True),
        ),
    }


def inside_of(split: Windows, kind: str) -> dict[object, Inside]:
    return {part.value: inside for part, inside in parts_of(split) if part.kind == kind}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="groove-4bar")
    bundle = load_bundle(parser.parse_args().model)
    corpus, runtime = load_corpus("gmd"), Runtime(bundle)
    splits = [
        windows(corpus.select(split=split), bars=bundle.bars, meter=bundle.meter)
        for split in ("train", "validation")
    ]
    encoded = [runtime.encode(all_windows(Bars.of(split))) for split in splits]
    (mu, sigma), (held, spread) = ([side.astype(np.float64) for side in pair] for pair in encoded)
    apart = np.stack([normals(uniforms(0, i, bundle.latent)) for i in range(len(held))])
    draws = held + spread * apart
    doc = (__doc__ or "").strip().split("\n\n")
    print(doc[0], doc[2], sep="\n\n")
    for kind, name in (("style", "styles"), ("bpm", "tempo bands")):
        known, wanted = (inside_of(split, kind) for split in splits)
        shared = {value: inside for value, inside in wanted.items() if value in known}
        counted = sum(inside.sum() for inside in shared.values())
        print(f"\n## By {name}: {len(known)} of them, {counted:,} held-out windows\n")
        print("| description | numbers a part | at the means | at draws |")
        print("|---|---|---|---|")
        described = ways(bundle.prior, mu, sigma**2, list(known.values()))
        for way, (numbers, describe) in described.items():
            totals = np.zeros(2)
            for value, inside in shared.items():
                prior = describe(known[value])
                totals += [density(prior, z[inside]).sum() for z in (held, draws)]
            at_means, at_draws = totals / counted
            print(f"| {way} | {numbers:,} | {at_means:.2f} | {at_draws:.2f} |", flush=True)


if __name__ == "__main__":
    main()
