"""What a model is, as data: everything that must be known to build it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple

from ghostnote.errors import ConfigError, GrooveError
from ghostnote.music.groove import Meter, steps_per_bar


class Range(NamedTuple):
    """The values that a setting may have, both ends included."""

    low: float
    high: float


Count = Annotated[int, Range(1, 2**20)]
"""How many of something there has to be."""
Share = Annotated[float, Range(0, 1)]
"""A share or a probability."""


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
    """A conductor LSTM over the bars; one bar decoder, shared by all bars (paper, section 3.2)."""

    kind: Literal["hierarchical"] = "hierarchical"
    size: Count = 256
    """Units of each layer of the bar decoder."""
    layers: Count = 2
    """LSTM layers of the bar decoder."""
    conductor: Count = 256
    """Units of the conductor, and length of the embedding that it gives each bar."""


@dataclass(frozen=True)
class ModelConfig:
    """A groove VAE.

    The window is `bars` bars of `meter`; nine voices.
    """

    bars: Count = 4
    """Bars in a window."""
    meter: str = "4/4"
    """The meter of its bars."""
    latent: Count = 128
    """Length of z."""
    encoder: Count = 256
    """Units of the encoder LSTM, in each direction."""
    decoder: FlatConfig | HierarchicalConfig = field(default_factory=HierarchicalConfig)
    """How z becomes a sequence."""
    head: Literal["likelihood", "squared-error"] = "likelihood"
    """What a step's output means: `likelihood` (ours) or `squared-error` (the original's)."""
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
