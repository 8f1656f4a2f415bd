"""The original's models by the classes that they are made of, for those that have no name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ghostnote.errors import ConfigError
from ghostnote.interop.configs import Axes, Shapes, sized
from ghostnote.model.config import (
    BidirectionalConfig,
    BooleanConfig,
    CategoricalConfig,
    DecoderConfig,
    EncoderConfig,
    FlatConfig,
    HeadConfig,
    HierarchicalConfig,
    HierarchicalEncoderConfig,
    ModelConfig,
    NadeConfig,
    SquaredErrorConfig,
    SymbolsConfig,
)
from ghostnote.music.kit import N_VOICES

_BAR = 16
"""Steps in a bar of 4/4."""
_FORWARD = "cell_0/bidirectional_rnn/fw/multi_rnn_cell/cell_0/lstm_cell"
"""The first cell of a bidirectional LSTM, that reads forwards."""
_SPLIT = "SplitMultiOutLstmDecoder"


def described(description: Mapping[str, Any], shapes: Shapes) -> ModelConfig:
    """The configuration of a model by the original's classes and the shapes of its variables.

    Args:
        description: `encoder` and `decoder`, each a table of `class` and, where it was made with
            arguments, of `all_args` or `explicit_args`, which may be classes again; and `hparams`
            with `max_seq_len`.
        shapes: those of the variables, by name.

    Raises:
        ConfigError: the description lacks something, or none of our models is like that.
        WeightsError: the variables are not those of such a model.
    """
    hparams = description.get("hparams")
    steps = hparams.get("max_seq_len") if isinstance(hparams, Mapping) else None
    if not isinstance(steps, int):
        raise ConfigError("the description of the model lacks hparams.max_seq_len")
    encoder, decoder = (_Class.of(description.get(side)) for side in ("encoder", "decoder"))
    reads_controls = decoder.name == "BidirectionalLstmControlPreprocessingDecoder"
    if reads_controls:
        decoder = decoder.part("core_decoder")
    core = decoder.part("core_decoder") if decoder.hierarchical else decoder
    read, written = _levels(encoder)[0], _levels(decoder)[1]
    # A bar is one step where it cannot be 16.
    bar = 1 if any(length % _BAR for length in (steps, read, written)) else _BAR
    reading, writing = _encoder(encoder, read // bar), _decoder(decoder, written // bar)
    axes = Axes(shapes)
    level = "encoder/hierarchical_level_0" if encoder.hierarchical else "encoder"
    seen, _ = _cell(axes, f"{level}/{_FORWARD}")
    width, controls = _fed(axes, decoder, core)
    controls_size = 0
    if reads_controls:
        controls, controls_size = _cell(axes, f"control_preprocessing/{_FORWARD}")
    head, voices = _head(core, width, seen - controls)
    config = ModelConfig(
        bars=steps // bar,
        meter="1/16" if bar == 1 else "4/4",
        voices=voices,
        encoder=reading,
        decoder=writing,
        head=head,
        controls=controls,
        controls_size=controls_size,
    )
    return sized(config, shapes)


@dataclass(frozen=True)
class _Class:
    """One of the original's classes, and what an instance of it was made with."""

    name: str
    arguments: Mapping[str, Any]

    @classmethod
    def of(cls, table: Any) -> _Class:
        if not isinstance(table, Mapping) or not isinstance(table.get("class"), str):
            raise ConfigError(
                "the description of the model lacks a class",
                remedy='encoder and decoder are tables such as {"class": "GrooveLstmDecoder"}',
            )
        return cls(table["class"], table.get("all_args") or table.get("explicit_args") or {})

    def part(self, argument: str) -> _Class:
        """The class of an argument."""
        return _Class.of(self.arguments.get(argument))

    def numbers(self, argument: str) -> Sequence[int]:
        """An argument that is a list of whole numbers above zero."""
        found = self.arguments.get(argument)
        if not isinstance(found, list | tuple) or not found or not all(map(_counts, found)):
            raise ConfigError(f"the description of the model lacks {self.name}.{argument}")
        return found

    @property
    def hierarchical(self) -> bool:
        return self.name.startswith("HierarchicalLstm")


def _counts(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def _unknown(part: _Class) -> ConfigError:
    return ConfigError(f"ghostnote has no model with a {part.name}")


def _levels(part: _Class) -> Sequence[int]:
    """The lengths of the two levels of a hierarchy; zeros where there is none."""
    if not part.hierarchical:
        return 0, 0
    levels = part.numbers("level_lengths")
    if len(levels) != 2:
        raise ConfigError(
            f"the {part.name} has {len(levels)} levels, and those of ghostnote have two"
        )
    return levels


def _encoder(encoder: _Class, segment: int) -> EncoderConfig:
    core = encoder.arguments.get("core_encoder_cls", "BidirectionalLstmEncoder")
    if encoder.hierarchical and str(core).endswith("BidirectionalLstmEncoder"):
        return HierarchicalEncoderConfig(segment=segment)
    if encoder.name != "BidirectionalLstmEncoder":
        raise _unknown(encoder)
    return BidirectionalConfig()


def _decoder(decoder: _Class, segment: int) -> DecoderConfig:
    if not decoder.hierarchical:
        return FlatConfig()
    # True, False, or the list of the levels that hear nothing; the conductor's is level 0.
    deaf = decoder.arguments.get("disable_autoregression", False)
    if deaf is True or (isinstance(deaf, list) and 0 in deaf):
        return HierarchicalConfig(segment=segment)
    listens = decoder.arguments.get("hierarchical_encoder") is not None
    return HierarchicalConfig(segment=segment, memory="outputs" if listens else "state")


def _cell(axes: Axes, cell: str) -> tuple[int, int]:
    """The inputs and the units of an LSTM cell."""
    units = axes(f"{cell}/bias", 0, 4)
    return axes(f"{cell}/kernel", 0) - units, units


def _fed(axes: Axes, decoder: _Class, core: _Class) -> tuple[int, int]:
    """What a decoder is fed with at each step: numbers of the output before, and controls."""
    scope = "core_decoder/" if decoder.hierarchical else ""
    scope += "core_decoder_0/decoder" if core.name == _SPLIT else "decoder"
    nade = core.name == "MultiLabelRnnNadeDecoder"  # its parameters are more than its voices
    width = axes(f"{scope}/nade/w_enc" if nade else f"{scope}/output_projection/bias", 0)
    inputs, _ = _cell(axes, f"{scope}/multi_rnn_cell/cell_0/lstm_cell")
    embedding = axes(f"{scope}/z_to_initial_state/kernel", 0)
    return width, max(inputs - width - embedding, 0)


def _alphabets(core: _Class) -> str:
    """The alphabets of a decoder of several symbols, such as 90+90+512."""
    for part in core.arguments.get("core_decoders", ()):
        if _Class.of(part).name != "CategoricalLstmDecoder":
            raise _unknown(_Class.of(part))
    return "+".join(map(str, core.numbers("output_depths")))


def _head(core: _Class, width: int, seen: int) -> tuple[HeadConfig, int]:
    """The head and its voices.

    Args:
        core: what decodes a segment.
        width: numbers of a step that it is fed with.
        seen: numbers of a step that the encoder sees.
    """
    voices = N_VOICES
    head: HeadConfig
    match core.name:
        case "GrooveLstmDecoder":
            head, voices = SquaredErrorConfig(), width // 3
        case "MultiLabelRnnNadeDecoder":
            head, voices = NadeConfig(), width
        case "BooleanLstmDecoder":
            head, voices = BooleanConfig(), width
        # Of drums, the encoder may see hits, and whether there are any, instead of a symbol.
        case "CategoricalLstmDecoder" if 0 < seen < 32 and 2 ** (seen - 1) == width:
            head, voices = CategoricalConfig(), seen - 1
        case "CategoricalLstmDecoder":
            head = SymbolsConfig(alphabets=str(width))
        case "MultiOutCategoricalLstmDecoder":
            head = SymbolsConfig(alphabets=_alphabets(core))
        case "SplitMultiOutLstmDecoder":
            head = SymbolsConfig(alphabets=_alphabets(core), split="apart")
        case _:
            raise _unknown(core)
    return head, voices
