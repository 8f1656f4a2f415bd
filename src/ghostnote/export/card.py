"""The model card, written from a bundle's config alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ghostnote.music.groove import MAX_BPM


def card(config: Mapping[str, Any]) -> str:
    """`card.md` of a bundle: what it is, how it was trained, and what it scores."""
    model = config["model"]
    parts = [
        f"# {config['name']}",
        f"{_what(model)} {config['parameters']:,} parameters; z has {model['latent']} numbers.",
        *(_training(config["training"]) if "training" in config else _origin(config["origin"])),
        "## Sampling",
        _sampling(config["sampling"]),
        *([_parts(config["parts"])] if config.get("parts") else []),
        "## Scores",
    ]
    if not config["scores"]:
        parts.append("Not measured yet: `ghostnote evaluate BUNDLE --save`.")
    for split, scores in config["scores"].items():
        parts.append(_scores(split, scores))
    parts += [
        "## Limits",
        f"It knows {model['meter']} only, one hit of a voice in a 16th, no triplet grid, and the "
        "styles of its data"
        + (
            ": in GMD mostly rock, funk, jazz and Latin, played on one electronic "
            "kit. Rare voices (low and high tom, crash, open hat) are reconstructed worst: see F1 "
            "per voice."
            if "training" in config
            else "."
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _what(model: Mapping[str, Any]) -> str:
    head = model["head"]["kind"]
    window = f"{model['bars']} bars of {model['meter']}"
    if head == "symbols":
        return f"A variational autoencoder of sequences of symbols, as long as {window}."
    voices = "nine voices" if model["voices"] == 9 else f"{model['voices']} drum classes"
    expression = (
        "each hit with velocity and timing offset"
        if head in ("likelihood", "squared-error")
        else "hits without velocity and timing"
    )
    return (
        f"A variational autoencoder of drum grooves: {window}, {voices} on a grid of 16th notes, "
        f"{expression}."
    )


def _origin(origin: Mapping[str, Any]) -> list[str]:
    return [
        "## Origin",
        f"- Imported from {origin['source']}, a checkpoint of the original implementation "
        f"(Magenta's `music_vae`), configuration `{origin['configuration']}`, step "
        f"{origin['step'] if origin['step'] is not None else 'unknown'}.",
        "- The licence of the weights, and what they were trained on, are for whoever made them "
        "to say.",
        f"- Code: ghostnote {origin['ghostnote']}, commit {origin['commit']}.",
    ]


def _sampling(sampling: Mapping[str, Any]) -> str:
    prior = (
        f"a mixture of {sampling['components']} Gaussians fitted to the posteriors of the training "
        "windows"
        if sampling["components"]
        else "N(0, I)"
    )
    return f"z is drawn from {prior}, by default at temperature {sampling['temperature']:g}."


def _parts(parts: Sequence[Mapping[str, Any]]) -> str:
    names = {"style": "styles", "beat_type": "beat types", "bpm": "tempos"}
    lists = [
        f"{plural} "
        + ", ".join(
            f"{_part(part['value'])} ({part['windows']:,})"
            for part in parts
            if part["kind"] == kind
        )
        for kind, plural in names.items()
    ]
    return (
        "Or like a part of the training data, from the same Gaussians weighed anew and moved. "
        f"With their training windows: {'; '.join(lists)}."
    )


def _part(value: str | Sequence[float]) -> str:
    if isinstance(value, str):
        return value
    low, high = value
    if high > MAX_BPM:
        return f"from {low:g}"
    return f"{low:g} to {high:g}" if low else f"under {high:g}"


def _training(training: Mapping[str, Any]) -> list[str]:
    return [
        "## Training",
        f"- Data: {training['data']}, {training['windows']:,} windows of its training split. "
        "For `gmd`, that is the Groove MIDI Dataset v1.0.0 (Gillick et al. 2019, Google LLC, "
        "CC BY 4.0), whose splits share drummers: scores on its test split say how the model does "
        "on other takes of drummers that it has heard, not on other drummers.",
        f"- Steps: {training['steps']:,}, in {training['seconds'] / 60:.0f} minutes.",
        f"- Code: ghostnote {training['ghostnote']}, commit {training['commit']}.",
        f"- Seed: {training['run']['seed']}.",
        "- Settings:",
        f"```json\n{json.dumps(training['run'], indent=1)}\n```",
    ]


def _scores(split: str, scores: Mapping[str, Any]) -> str:
    rec, drawn, real = scores["reconstruction"], scores["samples"], scores["real"]
    rows = [
        ("hits F1, free-running from the posterior mean", f"{rec['f1']:.3f}", ""),
        ("hits F1, teacher-forced", f"{rec['f1_forced']:.3f}", ""),
        ("rate, bits per window", f"{rec['bits']:.1f}", ""),
        ("velocity MAE on true hits, of 127", f"{rec['velocity_error']:.1f}", ""),
        ("offset MAE on true hits, steps", f"{rec['offset_error']:.3f}", ""),
        ("offset MAE on true hits, ms", f"{rec['offset_error_ms']:.1f}", ""),
        ("active dimensions of z", f"{rec['active']}", ""),
        ("hits per bar", f"{drawn['hits_per_bar']:.2f}", f"{real['hits_per_bar']:.2f}"),
        ("empty bars", f"{drawn['empty_bars']:.2%}", f"{real['empty_bars']:.2%}"),
        ("copies of training windows", f"{drawn['copies']} of {drawn['n']}", ""),
        ("drawn again because they were copies", f"{drawn['drawn_again']} of {drawn['n']}", ""),
        ("two-sample accuracy, hits", f"{drawn['two_sample_hits']:.3f}",
         f"{real['two_sample_hits']:.3f}"),
        ("two-sample accuracy, hits, velocity, offset", f"{drawn['two_sample_all']:.3f}",
         f"{real['two_sample_all']:.3f}"),
    ]  # fmt: skip
    lines = [
        f"On the {split} split ({scores['windows']:,} windows of {scores['takes']} takes); samples "
        f"are {drawn['n']:,} draws of seed {drawn['seed']}.",
        "",
        "| figure | model | real training windows |",
        "|---|---|---|",
        *(f"| {name} | {value} | {floor} |" for name, value, floor in rows),
        "",
        "| voice | F1 | density of samples | of training windows |",
        "|---|---|---|---|",
        *(
            f"| {voice} | {f1:.3f} | {drawn['density'][voice]:.4f} | "
            f"{drawn['train_density'][voice]:.4f} |"
            for voice, f1 in rec["f1_per_voice"].items()
        ),
    ]
    return "\n".join(lines)
