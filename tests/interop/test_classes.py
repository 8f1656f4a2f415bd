"""Models of the original by their classes, and the shapes of their variables."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ghostnote.errors import ConfigError, WeightsError
from ghostnote.interop.classes import described
from ghostnote.interop.configs import CONFIGS, expected_shapes
from ghostnote.model.config import (
    BidirectionalConfig,
    BooleanConfig,
    CategoricalConfig,
    FlatConfig,
    HeadConfig,
    HierarchicalConfig,
    HierarchicalEncoderConfig,
    ModelConfig,
    NadeConfig,
    SquaredErrorConfig,
    SymbolsConfig,
)

BIDIRECTIONAL = {"class": "BidirectionalLstmEncoder"}
GROOVE = {"class": "GrooveLstmDecoder"}
CATEGORICAL = {"class": "CategoricalLstmDecoder"}


def made(name: str, **arguments: Any) -> dict[str, Any]:
    return {"class": name, "explicit_args": arguments}


def by_segments(*levels: int) -> dict[str, Any]:
    core = "class BidirectionalLstmEncoder"
    return made("HierarchicalLstmEncoder", core_encoder_cls=core, level_lengths=list(levels))


def hierarchy(core: dict[str, Any], *levels: int, **arguments: Any) -> dict[str, Any]:
    return made(
        "HierarchicalLstmDecoder", core_decoder=core, level_lengths=list(levels), **arguments
    )


def table(encoder: Any, decoder: Any, steps: int = 32) -> dict[str, Any]:
    return {"encoder": encoder, "decoder": decoder, "hparams": {"max_seq_len": steps}}


def small(head: HeadConfig, *, steps: int = 32, **others: Any) -> ModelConfig:
    bars: dict[str, Any] = {"bars": steps // 16} if steps % 16 == 0 else {"meter": "1/16"}
    settings = {
        "latent": 7,
        "encoder": BidirectionalConfig(size=6),
        "decoder": FlatConfig(size=5),
        **({"bars": steps} | bars),
    }
    return ModelConfig(head=head, **(settings | others))


def listening(memory: Any, segment: int = 1) -> HierarchicalConfig:
    return HierarchicalConfig(
        size=5, conductor=4, conductor_layers=2, segment=segment, memory=memory
    )


MODELS = {
    "autoregressive": (
        table(BIDIRECTIONAL, hierarchy(GROOVE, 2, 16, disable_autoregression=False)),
        small(SquaredErrorConfig(), decoder=listening("state"), controls=3),
    ),
    "autoregressive by default": (
        table(BIDIRECTIONAL, hierarchy(GROOVE, 2, 16)),
        small(SquaredErrorConfig(), decoder=listening("state")),
    ),
    "not autoregressive at one level": (
        table(BIDIRECTIONAL, hierarchy(GROOVE, 2, 16, disable_autoregression=[0])),
        small(SquaredErrorConfig(), decoder=listening("none")),
    ),
    "re-encoding": (
        table(
            by_segments(16, 2), hierarchy(GROOVE, 2, 16, hierarchical_encoder=by_segments(16, 2))
        ),
        small(
            SquaredErrorConfig(),
            encoder=HierarchicalEncoderConfig(size=6),
            decoder=listening("outputs"),
        ),
    ),
    "control preprocessing": (
        table(
            BIDIRECTIONAL,
            made("BidirectionalLstmControlPreprocessingDecoder", core_decoder=GROOVE),
        ),
        small(SquaredErrorConfig(), controls=9, controls_size=4),
    ),
    "Boolean": (
        table(BIDIRECTIONAL, {"class": "BooleanLstmDecoder"}),
        small(BooleanConfig(), voices=1),
    ),
    "NADE by segments": (
        table(BIDIRECTIONAL, hierarchy({"class": "MultiLabelRnnNadeDecoder"}, 2, 16)),
        small(NadeConfig(hidden=3), decoder=listening("state")),
    ),
    "drums by segments": (
        table(BIDIRECTIONAL, hierarchy(CATEGORICAL, 2, 16, disable_autoregression=True)),
        small(CategoricalConfig(), voices=4, decoder=listening("none")),
    ),
    "outputs apart": (
        table(
            BIDIRECTIONAL,
            made("SplitMultiOutLstmDecoder", core_decoders=[CATEGORICAL] * 2, output_depths=[9, 7]),
        ),
        small(SymbolsConfig(alphabets="9+7", split="apart"), controls=2),
    ),
    "segments that are no bars": (
        table(
            by_segments(10, 6), hierarchy(CATEGORICAL, 6, 10, disable_autoregression=True), steps=60
        ),
        small(
            SymbolsConfig(alphabets="20"),
            steps=60,
            encoder=HierarchicalEncoderConfig(size=6, segment=10),
            decoder=listening("none", segment=10),
        ),
    ),
}


@pytest.mark.parametrize("kind", MODELS)
def test_what_no_configuration_has(kind: str) -> None:
    description, config = MODELS[kind]
    assert described(description, expected_shapes(config)) == config


def test_the_original_s_configurations(golden: Path) -> None:
    descriptions = json.loads((golden / "configs.json").read_text("utf-8"))["configs"]
    assert len(descriptions) == 23
    for name, description in descriptions.items():
        config = replace(CONFIGS[name], input_dropout=0.0)
        assert described(description, expected_shapes(config)) == config


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({}, "max_seq_len"),
        (table(None, GROOVE), "lacks a class"),
        (table(BIDIRECTIONAL, "GrooveLstmDecoder"), "lacks a class"),
        (table({"class": "LstmEncoder"}, GROOVE), "LstmEncoder"),
        (table(BIDIRECTIONAL, {"class": "WaveDecoder"}), "WaveDecoder"),
        (table(BIDIRECTIONAL, made("HierarchicalLstmDecoder", core_decoder=GROOVE)), "lacks"),
        (table(BIDIRECTIONAL, hierarchy(GROOVE, 2, 2, 8)), "3 levels"),
        (table(BIDIRECTIONAL, hierarchy(GROOVE, 2, 0)), "level_lengths"),
        (table(BIDIRECTIONAL, {"class": "MultiOutCategoricalLstmDecoder"}), "output_depths"),
    ],
)
def test_what_ghostnote_has_no_model_for(description: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        described(description, expected_shapes(small(SquaredErrorConfig())))


def test_variables_of_another_model() -> None:
    shapes = expected_shapes(small(SquaredErrorConfig()))
    description = table(BIDIRECTIONAL, hierarchy(GROOVE, 2, 16))
    with pytest.raises(WeightsError, match="lacks core_decoder/"):
        described(description, shapes)
