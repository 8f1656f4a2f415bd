"""``ghostnote reconstruct``: drum MIDI files through a model and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ghostnote.cli.options import Listening, Writing
from ghostnote.cli.playing import Files, More, make_files, of_song

if TYPE_CHECKING:
    from ghostnote.music.groove import Groove
    from ghostnote.music.song import Passage, Song
    from ghostnote.pipeline.reconstruction import Reconstruction


def reconstruct(
    files: Files,
    /,
    *,
    model: str = "groove-4bar",
    temperature: float = 0.0,
    seed: int = 0,
    listening: Listening = Listening(),
    writing: Writing = Writing(),
) -> int:
    """Send the drums of MIDI files through a model, and say what became of their hits.

    A model that was taught a task does it: one that humanises plays the hits anew. Songs are given
    back whole: other channels, tempos and all else stay.

    Example: ghostnote reconstruct beat.mid --model groove-4bar --out loops

    Parameters
    ----------
    files
        MIDI files, or folders of them; - reads standard input and writes standard output.
    model
        A model bundle by name, or its folder.
    temperature
        Of what is drawn; 0, the default, takes the most likely cells.
    seed
        Of what is drawn.
    listening
        How the drums are found and read.
    writing
        Where files go, and what is said.
    """
    from ghostnote.pipeline.models import runtime_of
    from ghostnote.pipeline.reconstruction import reconstruct as send
    from ghostnote.pipeline.songs import play_song

    pitches, runtime = listening.pitches(), runtime_of(model)

    def make(song: Song) -> More:
        outcomes: list[Reconstruction] = []

        def play(passages: Sequence[Passage]) -> list[Groove]:
            outcomes.extend(
                send(passage.groove, model=runtime, temperature=temperature, seed=seed)
                for passage in passages
            )
            return [outcome.groove for outcome in outcomes]

        played = play_song(
            song, play, meter=runtime.bundle.meter, channel=listening.channel, drum_map=pitches
        )
        plain = _together(outcomes)
        return More(played, [_told(plain)], plain)

    return make_files(
        files,
        of_song(make),
        writing,
        {"model": runtime.bundle.name, "seed": seed},
        word=runtime.bundle.name,
        doing="Reconstructing",
        done="reconstructed",
    )


def _together(outcomes: Sequence[Reconstruction]) -> dict[str, object]:
    """What became of the hits of all passages; errors are means over the hits that were kept."""
    kept = sum(outcome.kept for outcome in outcomes)

    def mean(name: str) -> float:
        total: float = sum(outcome.kept * getattr(outcome, name) for outcome in outcomes)
        return total / max(kept, 1)

    return {
        "bits": [bits for outcome in outcomes for bits in outcome.bits],
        "kept": kept,
        "lost": sum(outcome.lost for outcome in outcomes),
        "added": sum(outcome.added for outcome in outcomes),
        "velocity_error": mean("velocity_error"),
        "offset_error": mean("offset_error"),
    }


def _told(plain: dict[str, object]) -> str:
    bits = plain["bits"]
    assert isinstance(bits, list)
    return (
        f"{sum(bits) / len(bits):.1f} bits a window; hits kept {plain['kept']}, "
        f"lost {plain['lost']}, added {plain['added']}; "
        f"velocity ±{plain['velocity_error']:.1f}/127, timing ±{plain['offset_error']:.3f} step"
    )
