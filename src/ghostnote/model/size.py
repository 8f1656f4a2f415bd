"""How many numbers a model has, without torch, which takes its time to import."""

from __future__ import annotations

from ghostnote.model.config import (
    BooleanConfig,
    CategoricalConfig,
    HierarchicalConfig,
    HierarchicalEncoderConfig,
    LikelihoodConfig,
    ModelConfig,
    NadeConfig,
    SquaredErrorConfig,
    SymbolsConfig,
)


def n_parameters(config: ModelConfig) -> int:
    """What `GrooveVAE(config).n_parameters` is: how many numbers are trained."""
    observed, parts, own = _head(config)
    encoder, decoder, latent = config.encoder, config.decoder, config.latent
    summary = 2 * encoder.size
    total = own + _bidirectional(observed + config.controls, encoder.size, encoder.layers)
    if isinstance(encoder, HierarchicalEncoderConfig):
        total += _bidirectional(summary, encoder.size, encoder.layers)
    total += 2 * _linear(summary, latent)
    controls = config.controls
    if controls and config.controls_size:
        total += _bidirectional(controls, config.controls_size, 1)
        controls = 2 * config.controls_size
    embedding = latent
    if isinstance(decoder, HierarchicalConfig):
        embedding = decoder.conductor
        state = 2 * decoder.layers * decoder.size * len(parts)
        heard = {"none": 1, "state": state + latent, "outputs": summary + latent}[decoder.memory]
        total += _linear(latent, 2 * decoder.conductor_layers * decoder.conductor)
        total += _lstm(heard, decoder.conductor, decoder.conductor_layers)
    for channels, params in parts:
        total += _linear(embedding, 2 * decoder.layers * decoder.size)
        total += _lstm(channels + embedding + controls, decoder.size, decoder.layers)
        total += _linear(decoder.size, params)
    return total


def _head(config: ModelConfig) -> tuple[int, list[tuple[int, int]], int]:
    """What the encoder sees of a step; what each part of the decoder is fed with and gives; and
    the head's own numbers.
    """
    voices = config.voices
    match config.head:
        case LikelihoodConfig():
            return 3 * voices, [(3 * voices, 5 * voices)], 0
        case SquaredErrorConfig():
            return 3 * voices, [(3 * voices, 3 * voices)], 0
        case CategoricalConfig():
            return voices + 1, [(2**voices, 2**voices)], 0
        case NadeConfig(hidden=hidden):
            return voices + 1, [(voices, hidden + voices)], 2 * voices * hidden
        case BooleanConfig():
            return voices, [(voices, voices)], 0
        case SymbolsConfig(sizes=sizes, split=split):
            parts = sizes if split == "apart" else [sum(sizes)]
            return sum(sizes), [(size, size) for size in parts], 0


def _linear(inputs: int, outputs: int) -> int:
    return (inputs + 1) * outputs


def _lstm(inputs: int, size: int, layers: int) -> int:
    return _linear(inputs + size, 4 * size) + (layers - 1) * _linear(2 * size, 4 * size)


def _bidirectional(inputs: int, size: int, layers: int) -> int:
    deeper = (layers - 1) * 2 * _linear(3 * size, 4 * size)
    return 2 * _linear(inputs + size, 4 * size) + deeper
