"""The model card, written from a bundle's config alone: nobody writes one by hand.

Figures are those that `ghostnote evaluate` keeps in a bundle; of those that an older one kept, a
card shows what there is.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ghostnote.evaluate.tables import (
    CLOSED_HAT,
    COVERAGE,
    EXPRESSION,
    LATENT,
    RECONSTRUCTION,
    SAMPLES,
    WRITTEN,
    Cell,
    Column,
    cell,
    figure,
)
from ghostnote.music.groove import MAX_BPM
from ghostnote.music.kit import VOICES


def card(config: Mapping[str, Any]) -> str:
    """`card.md` of a bundle: what it is, how it was trained, and what it scores."""
    model = config["model"]
    parts = [
        f"# {config['name']}",
        f"{_what(model)} {config['parameters']:,} parameters; z has {model['latent']} numbers.",
        *(_training(config) if "training" in config else _origin(config["origin"])),
        "## Sampling",
        _sampling(config["sampling"], *(_shared(model, name) for name in _SHARED)),
        *([_calibration(config["calibration"])] if config.get("calibration") else []),
        *([_parts(config["parts"])] if config.get("parts") else []),
        "## Figures",
    ]
    if not config["scores"]:
        parts.append("Not measured yet: `ghostnote evaluate BUNDLE --save`.")
    for split, scores in config["scores"].items():
        parts.append(_scores(split, scores))
    parts.append("## Limits")
    parts += [_limits(config), *_weaknesses(config["scores"])]
    return "\n\n".join(parts) + "\n"


def _limits(config: Mapping[str, Any]) -> str:
    text = (
        f"It knows {config['model']['meter']} only, one hit of a voice in a 16th, no triplet grid, "
        "and the styles of its data"
    )
    if config.get("training", {}).get("data") != "gmd":
        return f"{text}."
    return (
        f"{text}: in GMD mostly rock, funk, jazz and Latin, played on one electronic kit. The "
        "splits of GMD share drummers: its figures are for other takes of drummers that it has "
        "heard, not for other drummers."
    )


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


def _sampling(sampling: Mapping[str, Any], shared_velocity: float, shared_spread: float) -> str:
    prior = (
        f"a mixture of {sampling['components']} Gaussians fitted to the posteriors of the training "
        "windows"
        if sampling["components"]
        else "N(0, I)"
    )
    found = f"z is drawn from {prior}, by default at temperature {sampling['temperature']:g}."
    if shared_velocity:
        found += (
            " What a voice's velocities stray by is in part common to a window: with "
            f"{shared_velocity:g} times the variance of what each strays by on its own."
        )
    if shared_spread:
        found += (
            " How far a voice's velocities and timing stray differs from window to window, by a "
            f"factor whose logarithm has a standard deviation of {shared_spread:g}."
        )
    if "timing" in sampling:
        found += (
            f" At temperature 0, {sampling['timing']:.0%} of the likeliest timing is played: that "
            "has the least error on the validation split."
        )
    return found


def _calibration(calibration: Mapping[str, Any]) -> str:
    velocity, offset = (calibration["widened"][name] for name in ("velocity", "offset"))
    return (
        f"Calibrated on the {calibration['windows']:,} windows of the validation split: "
        f"{velocity:+.2f} on the scales of velocity and {offset:+.2f} on those of timing, before "
        "their softplus, so that intervals hold what they say."
    )


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


def _training(config: Mapping[str, Any]) -> list[str]:
    training = config["training"]
    gmd = (
        " The Groove MIDI Dataset v1.0.0 (Gillick et al. 2019, Google LLC), licence CC BY 4.0."
        if training["data"] == "gmd"
        else " Its licence is for whoever made it to say."
    )
    machine = training.get("machine") or "a machine that was not written down"
    return [
        "## Training",
        f"- Data: `{training['data']}`, {training['windows']:,} windows of its training split."
        f"{gmd}",
        *_beginning(training["run"]),
        f"- Then: `{_export(config)}`",
        f"- Steps: {training['steps']:,}, in {training['seconds'] / 60:.0f} minutes, on {machine}.",
        f"- Code: ghostnote {training['ghostnote']}, commit {training['commit']}.",
        f"- Seed: {training['run']['seed']}.",
        "- Settings:",
        f"```json\n{json.dumps(training['run'], indent=1)}\n```",
    ]


def _beginning(run: Mapping[str, Any]) -> list[str]:
    if not run.get("begun_with"):
        return [f"- Command: `{command(run)}`"]
    return [
        f"- Command: `{command(run)} --init-from BUNDLE`",
        f"- It began with the weights of `{run['begun_with']}`, exported as that bundle; steps and "
        "minutes are those of the second command.",
    ]


def _export(config: Mapping[str, Any]) -> str:
    """The command that made the bundle of the run."""
    run, sampling = config["training"]["run"], config["sampling"]
    words = ["ghostnote", "export", "RUN", "--out", config["name"]]
    if config["name"] != run["name"]:
        words += ["--name", config["name"]]
    words += ["--components", str(sampling["components"])]
    words += ["--temperature", f"{sampling['temperature']:g}"]
    for name in _SHARED:
        if _shared(config["model"], name) != _shared(run["model"], name):
            words += [f"--{name.replace('_', '-')}", f"{_shared(config['model'], name):g}"]
    if config.get("calibration"):
        words.append("--calibrate")
    return shlex.join(words)


_SHARED: Final = ("shared_velocity", "shared_spread")
"""Settings of a head that change what is drawn and nothing that is learnt."""


def _shared(model: Mapping[str, Any], name: str) -> float:
    return float(model["head"].get(name, 0))


def command(run: Mapping[str, Any]) -> str:
    """The command that trains with the settings `run`: a preset, and what differs from it.

    The preset is the one that the run is named after, or else that with the fewest differences.
    """
    from ghostnote.train.config import to_table
    from ghostnote.train.presets import PRESETS

    ours = dict(_leaves(run))
    ours.pop("begun_with", None)  # is no setting of training

    def changes(name: str) -> dict[str, Any]:
        theirs = dict(_leaves(to_table(PRESETS[name].run)))
        return {key: value for key, value in ours.items() if theirs.get(key, _NONE) != value}

    name = str(run.get("name"))
    preset = name if name in PRESETS else min(PRESETS, key=lambda each: len(changes(each)))
    settings = [
        word
        for key, value in changes(preset).items()
        for word in ("--set", f"{key}={_setting(value)}")
    ]
    return shlex.join(["ghostnote", "train", preset, *settings])


_NONE: Final = object()


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _setting(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


# -- figures ---------------------------------------------------------------------------------

_OLD: Final = (Column("active dimensions", ("active",), "{:,.0f}"),)
"""Where older figures are."""

_ROWS: Final[tuple[tuple[str, tuple[str, ...], tuple[Column, ...], tuple[str, ...]], ...]] = (
    ("", ("reconstruction",), RECONSTRUCTION, ()),
    ("", ("latent",), LATENT, ()),
    ("", ("reconstruction",), _OLD, ()),
    ("coverage: ", ("reconstruction",), COVERAGE, ()),
    ("samples: ", ("samples",), SAMPLES, ("real",)),
    (
        "humanising, point: ",
        ("humanize", "point"),
        EXPRESSION,
        ("beside", "quantised", "humanize", "point"),
    ),
    (
        "humanising, sample: ",
        ("humanize", "sample"),
        EXPRESSION,
        ("beside", "training data", "humanize", "point"),
    ),
    ("tapping: ", ("tap",), WRITTEN, ("beside", "nearest neighbour", "tap")),
    (
        "infilling: ",
        ("infill",),
        (*WRITTEN, *CLOSED_HAT),
        ("beside", "nearest neighbour", "infill"),
    ),
)
"""Label, part, figures, and what stands beside them: in the last column of the table."""

_BESIDE: Final = {
    "real": "played training windows",
    "quantised": "quantised",
    "training data": "training data",
    "nearest neighbour": "nearest neighbour",
}


def _scores(split: str, scores: Mapping[str, Any]) -> str:
    drawn = scores["samples"]
    lines = [
        f"On the {split} split ({scores['windows']:,} windows of {scores['takes']} takes); samples "
        f"are {drawn['n']:,} draws of seed {drawn['seed']} at temperature "
        f"{drawn['temperature']:g}, {drawn['drawn_again']} of them drawn again because they were "
        "copies. Brackets are 95% intervals over takes; beside a figure stands what it is read "
        "against.",
        "",
        "| figure | model | beside it |",
        "|---|---|---|",
    ]
    for label, part, columns, beside in _ROWS:
        for column in columns:
            ours = _cell(scores, part, column)
            if ours.value:
                lines.append(f"| {label}{column.label} | {_text(ours)} | "
                             f"{_other(scores, beside, column)} |")  # fmt: skip
    lines += _voices(scores)
    return "\n".join(lines)


def _other(scores: Mapping[str, Any], beside: Sequence[str], column: Column) -> str:
    found = _cell(scores, beside, column) if beside else Cell()
    if not found.value:
        return ""
    name = _BESIDE[beside[1] if beside[0] == "beside" else beside[0]]
    return f"{_text(found)}, {name}"


def _cell(scores: Mapping[str, Any], part: Sequence[str], column: Column) -> Cell:
    values = figure(scores, part) or {}
    return cell(column, values, figure(scores, ("intervals", *part)) or {})


def _text(found: Cell) -> str:
    return f"{found.value} ({found.interval})" if found.interval else found.value


_DENSITIES: Final = (
    ("density of samples", ("samples", "density"), "{:.4f}"),
    ("of training windows", ("samples", "train_density"), "{:.4f}"),
)
_BY_VOICE: Final = (
    ("reconstruction", "reconstruction", _DENSITIES),
    ("tapping", "tap", ()),
    ("infilling", "infill", ()),
)
"""What a table of the voices is called, the part that it is of, and what it has besides."""


def _voices(scores: Mapping[str, Any]) -> Iterator[str]:
    """Tables of the voices, a line each."""
    for title, part, besides in _BY_VOICE:
        columns = (
            ("F1", (part, "f1_per_voice"), "{:.3f}"),
            ("velocity MAE of 127", (part, "velocity_error_per_voice"), "{:.1f}"),
            ("timing MAE, ms", (part, "offset_error_ms_per_voice"), "{:.1f}"),
            *besides,
        )
        if part in scores:
            yield from _by_voice(title, columns, scores)


def _by_voice(
    title: str, columns: Sequence[tuple[str, tuple[str, ...], str]], scores: Mapping[str, Any]
) -> Iterator[str]:
    kept = [entry for entry in columns if figure(scores, entry[1])]
    yield ""
    yield f"| {title}, by voice | {' | '.join(label for label, _, _ in kept)} |"
    yield f"|---|{'---|' * len(kept)}"
    for voice in VOICES:
        cells = [
            _text(_cell(scores, path[:1], Column(label, (*path[1:], voice), form)))
            for label, path, form in kept
        ]
        yield f"| {voice} | {' | '.join(cells)} |"


# -- what it is bad at -----------------------------------------------------------------------

_WEAKEST: Final = 3
_APART: Final = 0.15
"""By how much the samples' density of a voice may differ from the training data's unremarked."""
_OFF: Final = 0.03
"""By how much an interval may cover more or less than it says unremarked."""


def _weaknesses(scores: Mapping[str, Any]) -> list[str]:
    """What the figures say it is bad at: those of the test split, if there are any."""
    split = "test" if "test" in scores else next(iter(scores), None)
    if split is None:
        return []
    lines = list(_bad(scores[split]))
    return [f"What its figures on the {split} split say it is bad at:", "\n".join(lines)]


def _bad(scores: Mapping[str, Any]) -> Iterator[str]:
    for what, path in (
        ("reconstructed", ("reconstruction", "f1_per_voice")),
        ("written for taps", ("tap", "f1_per_voice")),
        ("infilled", ("infill", "f1_per_voice")),
    ):
        found = {voice: f1 for voice, f1 in (figure(scores, path) or {}).items() if f1 is not None}
        if found:
            weakest = sorted(found, key=found.__getitem__)[:_WEAKEST]
            named = ", ".join(f"{voice} ({found[voice]:.2f})" for voice in weakest)
            yield f"- Voices that are {what} worst, by F1: {named}."
    drawn = scores["samples"]
    off = {
        voice: share / drawn["train_density"][voice]
        for voice, share in drawn["density"].items()
        if drawn["train_density"][voice]
    }
    rare = {voice: ratio for voice, ratio in off.items() if abs(ratio - 1) > _APART}
    if rare:
        named = ", ".join(f"{voice} ({ratio:.2f})" for voice, ratio in rare.items())
        yield f"- Voices that samples play much more or less than the training data does: {named}."
    for key, seen in (("two_sample_hits", "hits"), ("two_sample_all", "hits, velocity and timing")):
        found_, floor = drawn.get(key), scores["real"].get(key)
        if found_ is not None and floor is not None and found_ > floor:
            yield (
                f"- A classifier tells its samples from played windows by their {seen} in "
                f"{found_:.0%} of cases; played training windows in {floor:.0%}, a coin in 50%."
            )
    for what in ("velocity", "offset"):
        worst = figure(scores, ("reconstruction", "coverage", what, "off"))
        if worst is not None and worst > _OFF:
            yield f"- Its intervals of {what} cover up to {worst:.1%} more or less than they say."
    yield from _against(scores)


def _against(scores: Mapping[str, Any]) -> Iterator[str]:
    """Tasks at which something simple is better."""
    for what, part, path, less in (
        ("humanising", ("humanize", "point"), ("offset_error_ms",), True),
        ("tapping", ("tap",), ("f1",), False),
        ("infilling", ("infill",), ("f1",), False),
    ):
        ours = figure(scores, (*part, *path))
        for name, row in (scores.get("beside") or {}).items():
            other = figure(row, (*part, *path))
            if ours is None or other is None:
                continue
            if other < ours if less else other > ours:
                yield f"- At {what}, {name} does better: {other:.3f} against {ours:.3f}."
