"""The original's variables and our weights: one map, and its inverse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from ghostnote.errors import WeightsError
from ghostnote.interop.configs import (
    CONFIGS,
    expected_shapes,
    model_config,
    recognise,
    sized,
)
from ghostnote.interop.variables import to_state, to_variables, variable_names
from ghostnote.model.config import (
    HierarchicalConfig,
    HierarchicalEncoderConfig,
    ModelConfig,
    NadeConfig,
)
from ghostnote.model.vae import GrooveVAE

KERNEL = "encoder/cell_0/bidirectional_rnn/fw/multi_rnn_cell/cell_0/lstm_cell/kernel"


def small(config: ModelConfig) -> ModelConfig:
    """The same architecture, with few units of everything, each number of them another one."""
    decoder: dict[str, Any] = {"size": 5}
    if isinstance(config.decoder, HierarchicalConfig):
        decoder["conductor"] = 4
    head = config.head
    return replace(
        config,
        latent=3,
        encoder=replace(config.encoder, size=6),
        decoder=replace(config.decoder, **decoder),
        head=replace(head, hidden=7) if isinstance(head, NadeConfig) else head,
        controls_size=2 if config.controls_size else 0,
    )


SMALL = {name: small(config) for name, config in CONFIGS.items()}


def variables_of(config: ModelConfig, seed: int = 0) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(shape, generator=random)
        for name, shape in expected_shapes(config).items()
    }


@pytest.mark.parametrize("name", SMALL)
def test_there_and_back_is_the_identity(name: str) -> None:
    config = SMALL[name]
    variables = variables_of(config)
    state = to_state(config, variables)
    again = to_variables(config, state)
    assert again.keys() == variables.keys() == set(variable_names(config))
    for key, value in again.items():
        # The forget gate's bias of 1 is added and taken away: that rounds, and nothing else does.
        torch.testing.assert_close(value, variables[key], rtol=0, atol=2e-7)
        if not key.endswith("lstm_cell/bias"):
            assert torch.equal(value, variables[key])


@pytest.mark.parametrize("name", SMALL)
def test_it_is_the_whole_state_of_the_model(name: str) -> None:
    config = SMALL[name]
    state = to_state(config, variables_of(config))
    with torch.device("meta"):
        wanted = GrooveVAE(config).state_dict()
    assert {key: value.shape for key, value in state.items()} == {
        key: value.shape for key, value in wanted.items()
    }


def test_without_the_forget_bias_the_map_is_linear() -> None:
    config = SMALL["nade-drums_2bar_reduced"]
    one, other = variables_of(config, 1), variables_of(config, 2)
    both = {name: 2 * one[name] + other[name] for name in one}
    states = [to_state(config, each, forget_bias=0) for each in (one, other, both)]
    for name, value in states[2].items():
        torch.testing.assert_close(value, 2 * states[0][name] + states[1][name])
    back = to_variables(config, states[0], forget_bias=0)
    assert all(torch.equal(back[name], one[name]) for name in one)


def test_gates_are_put_in_our_order() -> None:
    """The original has input, new, forget and output; torch input, forget, new and output."""
    config = SMALL["groovae_4bar"]
    variables = variables_of(config)
    cell = "decoder/multi_rnn_cell/cell_1/lstm_cell"
    size = config.decoder.size
    variables[f"{cell}/bias"] = torch.arange(4.0).repeat_interleave(size)
    state = to_state(config, variables)
    gates = state["decoder.core.lstm.bias_ih_l1"].reshape(4, size)
    assert gates.tolist() == [[0.0] * size, [3.0] * size, [1.0] * size, [3.0] * size]
    assert not state["decoder.core.lstm.bias_hh_l1"].any()
    kernel = variables[f"{cell}/kernel"]
    assert torch.equal(state["decoder.core.lstm.weight_hh_l1"][:size], kernel[size:, :size].T)


# -- which configuration it is ---------------------------------------------------------------


@pytest.mark.parametrize("name", CONFIGS)
def test_sizes_are_told_by_the_variables(name: str) -> None:
    assert sized(CONFIGS[name], expected_shapes(SMALL[name])) == SMALL[name]
    assert sized(CONFIGS[name], expected_shapes(CONFIGS[name])) == CONFIGS[name]


def test_numbers_of_layers_are_told_too() -> None:
    config = SMALL["hier-mel_16bar"]
    decoder = config.decoder
    assert isinstance(decoder, HierarchicalConfig)
    assert isinstance(config.encoder, HierarchicalEncoderConfig)
    deep = replace(
        config,
        encoder=replace(config.encoder, layers=3),
        decoder=replace(decoder, layers=4, conductor_layers=3),
    )
    assert sized(CONFIGS["hier-mel_16bar"], expected_shapes(deep)) == deep


@pytest.mark.parametrize("name", CONFIGS)
def test_every_configuration_is_recognised_by_its_name(name: str) -> None:
    shapes = expected_shapes(CONFIGS[name])
    assert recognise(shapes, f"downloads/{name}.tar") == name
    if name != "groovae_2bar_hits_control":  # the preset's other name for the same
        small_ones = expected_shapes(SMALL[name])
        assert recognise(small_ones, f"{name}/model.ckpt") == name


@pytest.mark.parametrize(
    "name",
    [
        *("cat-drums_2bar_small", "cat-drums_2bar_big", "cat-mel_2bar_small", "cat-mel_2bar_big"),
        *("nade-drums_2bar_reduced", "nade-drums_2bar_full", "cat-mel_2bar_med_chords"),
        *("groovae_2bar_hits_control_tfds", "flat-trio_16bar", "hierdec-trio_16bar"),
        *("flat-mel_16bar", "hierdec-mel_16bar", "hier-mel_16bar", "hier-trio_16bar"),
    ],
)
def test_released_sizes_need_no_name(name: str) -> None:
    assert recognise(expected_shapes(CONFIGS[name]), "model.ckpt") == name


@pytest.mark.parametrize("hint", ["model.ckpt", "groovae_8bar/model.ckpt", "cat-drums_2bar_small"])
def test_what_variables_do_not_tell_is_asked_for(hint: str) -> None:
    """GrooVAEs differ in window and task, of which weights hold nothing."""
    with pytest.raises(WeightsError, match="fits several configurations") as caught:
        recognise(expected_shapes(CONFIGS["groovae_4bar"]), hint)
    assert caught.value.remedy == (
        "name one by --config: groovae_4bar, groovae_2bar_humanize, "
        "groovae_2bar_tap_fixed_velocity, groovae_2bar_tap_fixed_velocity_note_dropout, "
        "groovae_2bar_add_closed_hh"
    )


def test_names_that_begin_alike_are_told_apart() -> None:
    shapes = expected_shapes(CONFIGS["groovae_2bar_tap_fixed_velocity"])
    for name in ("groovae_2bar_tap_fixed_velocity", "groovae_2bar_tap_fixed_velocity_note_dropout"):
        assert recognise(shapes, f"{name}.tar") == name


def test_variables_of_nothing_are_refused() -> None:
    for shapes in ({}, {"a": (2, 3)}, {KERNEL: (1, 2)}):
        with pytest.raises(WeightsError, match="of none of the configurations"):
            recognise(shapes, "groovae_4bar")


@pytest.mark.parametrize("name", ["groovae_4bar", "hierdec-mel_16bar", "nade-drums_2bar_full"])
def test_a_variable_too_few_too_many_or_of_another_shape(name: str) -> None:
    config, shapes = CONFIGS[name], expected_shapes(SMALL[name])
    for key, shape in shapes.items():
        wrong: list[dict[str, tuple[int, ...]]] = [
            {other: shapes[other] for other in shapes if other != key},
            {**shapes, f"{key}_too": shape},
            {**shapes, key: ()},
            {**shapes, key: (*shape, 1)},
            {**shapes, key: tuple(length + 1 for length in shape)},
            {**shapes, key: tuple(0 for _ in shape)},
        ]
        for found in wrong:
            with pytest.raises(WeightsError) as caught:
                sized(config, found)
            assert caught.value.reason


def test_every_drum_preset_of_the_original_is_ours() -> None:
    assert model_config("groovae_2bar_hits_control") is model_config(
        "groovae_2bar_hits_control_tfds"
    )
    assert model_config("nade-drums_2bar_full").voices == 61
