"""What is asked and answered, as JSON. The bounds here are all that a schema can say.

What does not fit is refused with 422. What fits but cannot be done, such as a hit beyond the last
bar or a style that no model knows, is for the pipeline to refuse, with 400.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from ghostnote.music.attributes import ATTRIBUTES
from ghostnote.music.groove import MAX_BPM
from ghostnote.music.kit import N_VOICES, VOICES
from ghostnote.studio.settings import MAX_BARS, MAX_LOOPS

MAX_SEED: Final = 2**53 - 1
"""The largest seed: larger whole numbers are not all told apart in JavaScript."""

_BAR: Final = 16
_MAX_HITS: Final = MAX_BARS * _BAR * N_VOICES
_MAX_TAPS: Final = 4096


def _whole(value: object) -> object:
    """JSON has one kind of numbers: 4.0 is the whole number 4."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, Field(strict=True)]
_JSON: Final = BeforeValidator(_whole)
"""Stands after the bounds of a whole number: before them, it would hide them from the schema."""
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]

Bpm = Annotated[Number, Field(gt=0, le=MAX_BPM, description="Quarter notes per minute.")]
Bars = Annotated[Whole, Field(ge=1, le=MAX_BARS), _JSON]
Count = Annotated[Whole, Field(ge=1, le=MAX_LOOPS, description="How many."), _JSON]
Share = Annotated[Number, Field(ge=0, le=1)]
Temperature = Annotated[
    Number | None,
    Field(
        description="Divides the hit logits: under 1 is safer, above 1 is wilder, 0 gives the most "
        "likely groove. The verb's own default where null.",
    ),
]
Seed = Annotated[
    Whole,
    Field(ge=0, le=MAX_SEED, description="The same seed gives the same grooves, everywhere."),
    _JSON,
]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=64)]
Step = Annotated[Whole, Field(ge=0, lt=MAX_BARS * _BAR), _JSON]
Voice = Annotated[Whole, Field(ge=0, lt=N_VOICES), _JSON]
Velocity = Annotated[Number, Field(gt=0, le=1)]
Offset = Annotated[Number, Field(ge=-0.5, lt=0.5)]
VoiceName = Literal[
    "kick", "snare", "closed hat", "open hat", "low tom", "mid tom", "high tom", "crash", "ride"
]
Hit = tuple[Step, Voice, Velocity, Offset]


class Value(BaseModel):
    """JSON objects without keys that nobody knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Groove(Value):
    """A drum loop on a grid of 16th notes."""

    bpm: Bpm = 120.0
    meter: Annotated[
        tuple[
            Annotated[Whole, Field(ge=1, le=16), _JSON],
            Annotated[
                Whole, Field(json_schema_extra={"enum": [1, 2, 4, 8, 16]}, ge=1, le=16), _JSON
            ],
        ],
        Field(description="As in a time signature. The shipped models know 4/4."),
    ] = (4, 4)
    bars: Annotated[Bars, Field(description="A bar of 4/4 has 16 steps.")]
    hits: Annotated[
        list[Hit],
        Field(
            max_length=_MAX_HITS,
            description="Each is [step, voice, velocity, offset]. Voices are "
            + ", ".join(f"{index} {name}" for index, name in enumerate(VOICES))
            + ". The velocity is in (0, 1]; the offset in steps, in [-0.5, 0.5), and positive is "
            "late. No cell has two. In answers they are sorted by step, then voice, and numbers "
            "are the exact doubles of float32 values.",
        ),
    ]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "bpm": 110.0,
                    "meter": [4, 4],
                    "bars": 1,
                    "hits": [
                        [0, 0, 0.875, 0.0],
                        [4, 1, 0.75, 0.0625],
                        [8, 0, 0.75, 0.0],
                        [12, 1, 0.875, 0.03125],
                    ],
                }
            ]
        }
    )


# -- what is asked ---------------------------------------------------------------------------


class Drawing(Value):
    """What every verb takes that draws."""

    model: Annotated[
        Name | None, Field(description="One of `models`; the verb's own default where null.")
    ] = None
    seed: Seed = 0
    temperature: Annotated[Temperature, Field(ge=0, le=10)] = None


class Sample(Drawing):
    """New grooves."""

    n: Count = 1
    start: Annotated[
        Seed, Field(description="The index of the first: groove i of a seed is always the same.")
    ] = 0
    bpm: Annotated[
        Bpm | None, Field(description="That of `near`, or else the model's own, where null.")
    ] = None
    bars: Annotated[Bars | None, Field(description="As many as the model's where null.")] = None
    fill_every: Annotated[
        Annotated[Whole, Field(ge=2, le=MAX_BARS), _JSON] | None,
        Field(description="Every so manieth bar is a fill; none where null."),
    ] = None
    style: Annotated[
        Name | None, Field(description="A style of the training data; any is all of them.")
    ] = None
    beat_type: Annotated[Name | None, Field(description="beat or fill.")] = None
    near: Annotated[Groove | None, Field(description="To draw around this groove.")] = None
    radius: Annotated[
        Share, Field(description="How far from `near`, from 0, at it, to 1, as far as any draw.")
    ] = 0.5


class Vary(Drawing):
    """Variations of a groove."""

    groove: Groove
    n: Count = 4
    distance: Annotated[Share, Field(description="How far the farthest goes.")] = 0.5


class Interpolate(Drawing):
    """Grooves from one to another."""

    a: Groove
    b: Groove
    n: Annotated[
        Whole, Field(ge=2, le=MAX_LOOPS, description="How many, both ends included."), _JSON
    ] = 5


class Blend(Drawing):
    """A place between four grooves."""

    corners: Annotated[
        list[Groove],
        Field(
            min_length=4,
            max_length=4,
            description="Top left, top right, bottom left, bottom right; of one length.",
        ),
    ]
    x: Annotated[Share, Field(description="From left to right.")]
    y: Annotated[Share, Field(description="From top to bottom.")]


class Place(Drawing):
    """A place on the map."""

    x: Annotated[Number, Field(ge=-100, le=100, description="As the points of `map` have it.")]
    y: Annotated[Number, Field(ge=-100, le=100)]
    bpm: Annotated[Bpm | None, Field(description="The model's own where null.")] = None


class Reconstruct(Drawing):
    """A groove to be sent through a model."""

    groove: Groove


class Humanize(Drawing):
    """Hits to be played."""

    groove: Groove
    strength: Annotated[Share, Field(description="0 leaves the groove as it is.")] = 1.0
    keep: Annotated[
        list[Literal["velocity", "timing"]],
        Field(max_length=2, description="What stays as it is, besides the hits."),
    ] = []


class Tap(Drawing):
    """A rhythm: a groove, whose voices do not matter, or the seconds of taps with a tempo."""

    groove: Groove | None = None
    times: Annotated[
        list[Annotated[Number, Field(ge=0, le=86_400)]] | None,
        Field(max_length=_MAX_TAPS, description="Seconds from the first beat on."),
    ] = None
    bpm: Annotated[Bpm | None, Field(description="The tempo of `times`.")] = None


class Keep(Value):
    """The cells that stay, silent ones too: all that any of the three names."""

    voices: Annotated[list[VoiceName], Field(max_length=N_VOICES)] = []
    bars: Annotated[
        list[Annotated[Whole, Field(ge=0, lt=MAX_BARS), _JSON]],
        Field(max_length=MAX_BARS, description="Counted from 0."),
    ] = []
    cells: Annotated[
        list[tuple[Step, Voice]], Field(max_length=_MAX_HITS, description="Each [step, voice].")
    ] = []


class Infill(Drawing):
    """A groove of which a part stays."""

    groove: Groove
    keep: Keep


class Continue(Drawing):
    """A groove to go on from."""

    groove: Groove
    bars: Annotated[
        Bars, Field(description=f"How many to add; old and new are at most {MAX_BARS}.")
    ] = 4
    fill_every: Annotated[
        Annotated[Whole, Field(ge=2, le=MAX_BARS), _JSON] | None,
        Field(description="Every so manieth bar, of those that are added, is a fill."),
    ] = None


class Attribute(Drawing):
    """A groove to have more or less of something."""

    groove: Groove
    amounts: Annotated[
        dict[Name, Annotated[Number, Field(ge=-2, le=2)]],
        Field(
            max_length=len(ATTRIBUTES),
            description="In standard deviations of real grooves, from -2 to 2: "
            f"{', '.join(ATTRIBUTES)}.",
            examples=[{"density": 1.5, "swing": -1}],
        ),
    ]


class Score(Value):
    """A groove to be judged."""

    model: Annotated[Name | None, Field(description="One of `models`.")] = None
    groove: Groove


class Export(Value):
    """Grooves that become a file, one after another."""

    grooves: Annotated[list[Groove], Field(min_length=1, max_length=MAX_BARS)]
    bpm: Annotated[Bpm | None, Field(description="Of all; that of the first where null.")] = None


# -- what is answered ------------------------------------------------------------------------


class Drawn(BaseModel):
    """What a groove was made with."""

    model: Name
    seed: Seed
    temperature: Annotated[Number | None, Field(ge=0, le=10)]


class Grooves(Drawn):
    """Grooves, and what they were made with."""

    grooves: list[Groove]


class OneGroove(Drawn):
    """A groove, and what it was made with."""

    groove: Groove


class Reconstruction(OneGroove):
    """A groove after its journey through a model."""

    bits: Annotated[
        list[Number],
        Field(description="Of each window, what its z says that a draw of N(0, I) does not."),
    ]


class CellBits(RootModel[tuple[Step, Voice, Number]]):
    """[step, voice, bits] of a cell."""


class Bits(BaseModel):
    """How unusual a groove is, in bits."""

    model: Name
    bits: Annotated[list[Number], Field(description="Of each bar.")]
    cells: Annotated[list[CellBits], Field(description="Of every cell, step by step.")]


class ModelInfo(BaseModel):
    """A model."""

    name: Name
    task: str
    bars: Bars
    meter: tuple[int, int]
    bpm: Bpm
    temperature: Number
    default_for: list[str]
    styles: list[str]
    beat_types: list[str]
    tempos: Annotated[
        list[tuple[Number, Number]],
        Field(description="Bands of tempo, each from its first number to below its second."),
    ]
    attributes: list[str]


class Models(BaseModel):
    """What there is to play with."""

    version: str
    models: list[ModelInfo]


class Extent(BaseModel):
    """How far the points reach."""

    x: tuple[Number, Number]
    y: tuple[Number, Number]


class StyleMap(BaseModel):
    """Draws of each style, in the plane along which the styles differ most."""

    points: Annotated[
        list[tuple[Number, Number, Whole]],
        Field(description="Each [x, y, index of the style]."),
    ]
    styles: list[str]
    extent: Extent


class KitLayer(BaseModel):
    """A sample."""

    file: Annotated[str, Field(description="Its name; it is at kit/NAME beside the page.")]
    up_to: Annotated[Share, Field(description="The largest velocity that it plays.")]
    gain: Annotated[Number, Field(description="Amplitude.")]


class KitVoice(BaseModel):
    """A voice of the kit."""

    name: VoiceName
    pan: Annotated[Number, Field(ge=-1, le=1, description="From left to right.")]
    choked_by: Annotated[
        list[VoiceName], Field(description="Voices whose later hit silences this one.")
    ]
    layers: list[KitLayer]


class Kit(BaseModel):
    """The drum kit, as the renderer uses it."""

    name: str
    voices: list[KitVoice]


class GridReport(BaseModel):
    """What became of the notes: `notes` = `hits` + `merged` + `outside` + all `unmapped`."""

    notes: int
    hits: int
    merged: int
    outside: int
    unmapped: Annotated[dict[str, int], Field(description="Pitch → notes of it.")]
    tempo_changes: int
    bars_cut: Annotated[int, Field(description="Bars past the longest groove, left out.")]


class Read(BaseModel):
    """The drums of a MIDI file."""

    groove: Groove
    report: GridReport
    remarks: Annotated[list[str], Field(description="What there is to say of the file.")]


class Health(BaseModel):
    """A sign of life."""

    status: Literal["ok"]


class ProblemDetails(BaseModel):
    """Why a request is not answered (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    remedy: Annotated[str, Field(description="What to do about it.")] = ""
