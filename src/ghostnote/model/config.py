"""What a model is, as data: everything that must be known to build it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple

from ghostnote.errors import ConfigError, GrooveError
from ghostnote.music.groove import Meter, steps_per_bar
from ghostnote.music.kit import CLASSES_MAP, DEFAULT_MAP, N_VOICES


class Range(NamedTuple):
    """The values that a setting may have, both ends included."""

    low: float
    high: float


Count = Annotated[int, Range(1, 2**20)]
"""How many of something there has to be."""
Share = Annotated[float, Range(0, 1)]
"""A share or a probability."""


@dataclass(frozen=True)
class BidirectionalConfig:
    """A bidirectional LSTM over the whole window (paper, section 3.1)."""

    kind: Literal["bidirectional"] = "bidirectional"
    size: Count = 256
    """Units of each layer, in each direction."""
    layers: Count = 1
    """LSTM layers."""


@dataclass(frozen=True)
class HierarchicalEncoderConfig:
    """A bidirectional LSTM over each segment, and one over what those say."""

    kind: Literal["hierarchical"] = "hierarchical"
    size: Count = 256
    """Units of each layer, in each direction, at both levels."""
    layers: Count = 1
    """LSTM layers at each level."""
    segment: Count = 1
    """Bars in a segment."""


@dataclass(frozen=True)
class FlatConfig:
    """One LSTM over the whole window, fed with z at every step."""

    kind: Literal["flat"] = "flat"
    size: Count = 256
    """Units of each LSTM layer."""
    layers: Count = 2
    """LSTM layers."""


@dataclass(frozen=True)
class HierarchicalConfig:
    """A conductor LSTM over the segments; one decoder, shared by them all (paper, section 3.2)."""

    kind: Literal["hierarchical"] = "hierarchical"
    size: Count = 256
    """Units of each layer of the segments' decoder."""
    layers: Count = 2
    """LSTM layers of the segments' decoder."""
    conductor: Count = 256
    """Units of each layer of the conductor, and length of the embedding that it gives a segment."""
    conductor_layers: Count = 1
    """LSTM layers of the conductor."""
    segment: Count = 1
    """Bars in a segment."""
    memory: Literal["none", "state", "outputs"] = "none"
    """What the conductor is told of the segment before: nothing (the paper's choice), the state
    that its decoder ended in, or its outputs, summed up by the encoder's lower level."""


@dataclass(frozen=True)
class LikelihoodConfig:
    """Bernoulli hits, and on hits only, logistic velocity and offset: ours."""

    kind: Literal["likelihood"] = "likelihood"
    shared_velocity: Annotated[float, Range(0, 10)] = 0.0
    """In draws, how much a voice's velocities stray together in a window: the variance of what
    they stray by in common, over that of what each strays by on its own. Changes no likelihood."""
    shared_spread: Annotated[float, Range(0, 2)] = 0.0
    """In draws, how much tighter or looser than in others a voice is played in one window: the
    standard deviation of the logarithm of how far its velocities and offsets stray. Changes no
    likelihood."""


@dataclass(frozen=True)
class SquaredErrorConfig:
    """Bernoulli hits, squared errors of velocity and offset in every cell: GrooVAE's."""

    kind: Literal["squared-error"] = "squared-error"


@dataclass(frozen=True)
class CategoricalConfig:
    """One of 512 sets of hits at each step, without velocity and offset: MusicVAE's drums."""

    kind: Literal["categorical"] = "categorical"


@dataclass(frozen=True)
class NadeConfig:
    """Hits voice after voice, each given those before it, without velocity and offset."""

    kind: Literal["nade"] = "nade"
    hidden: Count = 128
    """Hidden units of the NADE."""


@dataclass(frozen=True)
class BooleanConfig:
    """Independent hits, without velocity and offset."""

    kind: Literal["boolean"] = "boolean"


@dataclass(frozen=True)
class SymbolsConfig:
    """One symbol out of an alphabet at each step, or several: the original's melodies and trios."""

    kind: Literal["symbols"] = "symbols"
    alphabets: str = "90"
    """Sizes of the alphabets, such as 90+90+512."""
    split: Literal["together", "apart"] = "together"
    """Whether one LSTM writes all the symbols of a step, or each alphabet has its own."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the alphabets.

        Raises:
            ConfigError: they are not whole numbers of 1 or more.
        """
        parts = self.alphabets.split("+")
        if not all(part.strip().isdecimal() and int(part) for part in parts):
            raise ConfigError(
                f"model.head.alphabets is {self.alphabets!r}", remedy="such as 90 or 90+90+512"
            )
        return tuple(int(part) for part in parts)


EncoderConfig = BidirectionalConfig | HierarchicalEncoderConfig
DecoderConfig = FlatConfig | HierarchicalConfig
HeadConfig = (
    LikelihoodConfig
    | SquaredErrorConfig
    | CategoricalConfig
    | NadeConfig
    | BooleanConfig
    | SymbolsConfig
)


@dataclass(frozen=True)
class ModelConfig:
    """A groove VAE: the window is `bars` bars of `meter`."""

    bars: Count = 4
    """Bars in a window."""
    meter: str = "4/4"
    """The meter of its bars."""
    voices: Count = 9
    """Drum classes."""
    latent: Count = 128
    """Length of z."""
    encoder: EncoderConfig = field(default_factory=BidirectionalConfig)
    """How a sequence becomes z."""
    decoder: DecoderConfig = field(default_factory=HierarchicalConfig)
    """How z becomes a sequence."""
    head: HeadConfig = field(default_factory=LikelihoodConfig)
    """What a step's output means, and what of a step the model sees."""
    controls: Annotated[int, Range(0, 2**20)] = 0
    """Numbers at each step that the encoder and the decoder are told besides; 0 is none."""
    controls_size: Annotated[int, Range(0, 2**20)] = 0
    """Units, in each direction, of an LSTM that the decoder reads them through; 0 is none."""
    input_dropout: Share = 0.0
    """Dropout on the inputs of every LSTM layer, as the original has it."""
    layer_dropout: Share = 0.0
    """Dropout on the inputs of the LSTM layers above the first and on their output."""
    latent_dropout: Share = 0.0
    """Dropout on z where it enters the decoder."""

    @property
    def signature(self) -> Meter:
        """The meter as (numerator, denominator).

        Raises:
            ConfigError: `meter` is not of the form 4/4, or its bars are no whole number of 16ths.
        """
        numerator, _, denominator = self.meter.partition("/")
        try:
            signature = int(numerator), int(denominator)
            steps_per_bar(signature)
        except (ValueError, GrooveError):
            raise ConfigError(f"model.meter is {self.meter!r}", remedy="such as 4/4") from None
        return signature

    @property
    def steps(self) -> int:
        """`T`, the 16th-note steps in a window."""
        return self.bars * steps_per_bar(self.signature)

    def segments(self, bars: int) -> int:
        """How many segments of `bars` bars a window has.

        Raises:
            ConfigError: the window is not a whole number of them.
        """
        if self.bars % bars:
            raise ConfigError(
                f"a window of {self.bars} bars has no whole number of segments of {bars}",
                remedy="choose a segment that divides model.bars",
            )
        return self.bars // bars


def map_of(config: ModelConfig) -> str:
    """The drum map that turns pitches into the voices of such a model."""
    return DEFAULT_MAP if config.voices == N_VOICES else CLASSES_MAP
