"""Settings: what goes out comes in again, and what is wrong is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ghostnote.errors import ConfigError
from ghostnote.model.config import (
    FlatConfig,
    HierarchicalConfig,
    ModelConfig,
    SquaredErrorConfig,
)
from ghostnote.train.config import RunConfig, assignment, from_table, to_table, update
from ghostnote.train.presets import PRESETS, preset

FLAT: Any = {"model": {"decoder": {"kind": "flat"}}}


@pytest.mark.parametrize("name", PRESETS)
def test_a_run_is_the_same_after_a_journey_through_json(name: str) -> None:
    run = PRESETS[name].run
    assert from_table(RunConfig, to_table(run)) == run
    assert from_table(RunConfig, json.loads(json.dumps(to_table(run)))) == run
    assert update(run, {}) == run
    assert from_table(ModelConfig, to_table(run.model)) == run.model


def test_keys_that_are_left_out_keep_their_values() -> None:
    run = update(RunConfig(), {"model": {"latent": 7}, "epochs": 2})
    assert (run.model.latent, run.epochs) == (7, 2.0)
    assert isinstance(run.epochs, float)
    assert update(RunConfig(), to_table(run)) == run
    assert run.model.encoder == ModelConfig().encoder
    assert run.optimiser == RunConfig().optimiser


def test_another_kind_of_decoder_begins_from_its_own_defaults() -> None:
    flat = update(RunConfig(), FLAT)
    assert flat.model.decoder == FlatConfig()
    narrow = update(flat, {"model": {"decoder": {"size": 32}}})
    assert narrow.model.decoder == FlatConfig(size=32)
    assert update(narrow, FLAT) == narrow
    back = update(narrow, {"model": {"decoder": {"kind": "hierarchical", "conductor": 5}}})
    assert back.model.decoder == HierarchicalConfig(conductor=5)


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("a=1", {"a": "1"}),
        ("a.b.c = x y ", {"a": {"b": {"c": "x y"}}}),
        ("a.b=c=d", {"a": {"b": "c=d"}}),
        ("a=", {"a": ""}),
    ],
)
def test_an_assignment_is_a_nested_table(text: str, table: dict[str, Any]) -> None:
    assert assignment(text) == table


@pytest.mark.parametrize("text", ["", "a", "=1", "a..b=1", ".a=1", "a.=1"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="key=value"):
        assignment(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("model.latent=64", 64),
        ("optimiser.learning_rate=1e-3", 1e-3),
        ("objective.free_bits=48", 48.0),
        ("model.head=squared-error", SquaredErrorConfig()),
        ("model.decoder=flat", FlatConfig()),
        ("name=mine", "mine"),
        ("seed=0", 0),
        ("model.layer_dropout=1", 1.0),
    ],
)
def test_text_becomes_what_the_setting_is(text: str, found: object) -> None:
    value: Any = update(RunConfig(), assignment(text))
    for name in text.partition("=")[0].split("."):
        value = getattr(value, name)
    assert value == found
    assert type(value) is type(found)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"modle": {}}, "modle"),
        ({"model": {"latnet": 3}}, "model.latnet"),
        ({"model": {"decoder": {"width": 3}}}, "model.decoder.width"),
        ({"model": {"decoder": {"kind": "flat", "conductor": 3}}}, "model.decoder.conductor"),
        ({"model": {"decoder": {"kind": "round"}}}, "model.decoder.kind"),
        ({"model": {"decoder": {"kind": ["flat"]}}}, "model.decoder.kind"),
        ({"model": {"decoder": "round"}}, "model.decoder.kind"),
        ({"model": {"decoder": 3}}, "model.decoder"),
        ({"model": 3}, "model"),
        ({"model": {"latent": {}}}, "model.latent"),
        ({"model": {"latent": "1.5"}}, "model.latent"),
        ({"model": {"latent": 1.5}}, "model.latent"),
        ({"model": {"latent": "many"}}, "model.latent"),
        ({"model": {"latent": None}}, "model.latent"),
        ({"model": {"latent": True}}, "model.latent"),
        ({"model": {"latent": 0}}, "model.latent"),
        ({"model": {"latent": float("inf")}}, "model.latent"),
        ({"model": {"bars": -1}}, "model.bars"),
        ({"model": {"meter": 4}}, "model.meter"),
        ({"model": {"head": "square"}}, "model.head.kind"),
        ({"model": {"head": 3}}, "model.head"),
        ({"model": {"layer_dropout": 1.1}}, "model.layer_dropout"),
        ({"model": {"decoder": {"layers": 0}}}, "model.decoder.layers"),
        ({"optimiser": {"batch": "0"}}, "optimiser.batch"),
        ({"optimiser": {"learning_rate": "-1"}}, "optimiser.learning_rate"),
        ({"optimiser": {"learning_rate": "nan"}}, "optimiser.learning_rate"),
        ({"corruption": {"sampling_rise": 0}}, "corruption.sampling_rise"),
        ({"augmentation": {"velocity_gain": "a lot"}}, "augmentation.velocity_gain"),
        ({"epochs": "inf"}, "epochs"),
        ({"epochs": [3]}, "epochs"),
        ({"hop": 0}, "hop"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"name": ["a"]}, "name"),
    ],
)
def test_what_is_wrong_is_named_by_its_dotted_key(table: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        update(RunConfig(), table)
    (line,) = str(caught.value).splitlines()
    words = line.replace("'", " ").replace(":", " ").split()
    assert key in words
    with pytest.raises(ConfigError):
        from_table(RunConfig, table)


def test_an_unknown_key_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"model\.latent, .*model\.decoder"):
        update(RunConfig(), assignment("model.z=3"))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_found_by_their_names_and_the_originals(name: str) -> None:
    found = PRESETS[name]
    assert found.run.name == name
    assert found.about
    for alias in (name, *found.aliases):
        assert preset(alias) is found
    assert found.run.model.steps in (32, 64, 256)
    assert from_table(RunConfig, to_table(found.run)) == found.run


def test_names_of_presets_are_unique() -> None:
    names = [name for known in PRESETS.values() for name in (known.run.name, *known.aliases)]
    assert len(names) == len(set(names))


def test_the_original_is_called_as_it_was() -> None:
    original = preset("groovae_4bar").run
    assert original.model.decoder == FlatConfig(size=256, layers=2)
    assert original.model.head == SquaredErrorConfig()
    assert (original.objective.beta, original.objective.free_bits) == (0.2, 48)


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown preset 'groove'.*groove-4bar"):
        preset("groove")
