"""Checkpoints of magenta.js: a folder that a browser fetches file by file.

    config.json             what the model is: the converter of its notes, and its controls
    weights_manifest.json   groups of shards, and the tensors that lie end to end in each group
    group1-shard1of2        bytes, little-endian; a tensor may begin in one shard and end in another
    group1-shard2of2

The manifest is TensorFlow.js's. A tensor may be stored in fewer bits than it has when it is used:
as uint8 or uint16 with a scale and a minimum, or as float16.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from ghostnote.errors import OutputError, WeightsError
from ghostnote.files import atomic_folder, write_bytes
from ghostnote.interop.source import Tensors, is_shape, read_file
from ghostnote.music.kit import builtin_map

CONFIG, MANIFEST = "config.json", "weights_manifest.json"

_PLAIN: Final = {"float32": "<f4", "int32": "<i4", "bool": "u1"}
_QUANTISED: Final = {"uint8": "u1", "uint16": "<u2", "float16": "<f2"}
_WRITTEN: Final = {**_PLAIN, "float16": "<f2"}
_LARGEST: Final = float(np.finfo(np.float32).max)
_AGAIN: Final = "fetch or copy the folder again"


# -- reading -------------------------------------------------------------------------------


def read_folder(path: Path) -> tuple[dict[str, Any], Tensors]:
    """The configuration and the tensors of a magenta.js checkpoint of a MusicVAE.

    Tensors are float32, int32 or bool; quantised ones come as they are used.

    Raises:
        WeightsError: a file is missing, damaged or of another size than the manifest says, a shard
            lies outside of the folder, or the model is no MusicVAE.
    """
    config = _json(path / CONFIG)
    if not isinstance(config, dict) or config.get("type") != "MusicVAE":
        raise WeightsError(
            "does not describe a MusicVAE", source=path / CONFIG, remedy="name another folder"
        )
    manifest = _json(path / MANIFEST)
    tensors: Tensors = {}
    try:
        for shards, weights in _groups(manifest):
            content = b"".join(read_file(path / shard) for shard in shards)
            needed = sum(weight.size for weight in weights)
            if needed != len(content):
                raise _wrong(
                    f"its tensors have {needed:,} bytes, "
                    f"but {', '.join(shards)} {'has' if len(shards) == 1 else 'have'} "
                    f"{len(content):,}"
                )
            offset = 0
            for weight in weights:
                if weight.name in tensors:
                    raise _wrong(f"{weight.name!r} stands in it twice")
                tensors[weight.name] = weight.decode(content[offset : offset + weight.size])
                offset += weight.size
    except WeightsError as error:
        raise (error if error.source else error.at(path / MANIFEST)) from None
    return config, tensors


@dataclass(frozen=True)
class _Weight:
    """A tensor of the manifest. ``stored * scale + minimum`` is what it stands for."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    stored: str
    scale: float | None = None
    minimum: float = 0.0

    @property
    def size(self) -> int:
        """In the shards, in bytes."""
        return math.prod(self.shape) * np.dtype(self.stored).itemsize

    def decode(self, content: bytes) -> npt.NDArray[Any]:
        stored = np.frombuffer(content, self.stored).reshape(self.shape)
        if self.dtype == "bool" and stored.max(initial=0) > 1:
            raise _wrong(f"{self.name!r} is neither true nor false")
        if self.scale is None:
            return stored.astype(self.dtype)
        # As JavaScript does: in float64, and halves rounded up.
        values = stored * np.float64(self.scale) + self.minimum
        if self.dtype == "int32":
            values = np.floor(values + 0.5)
        limits = np.iinfo(np.int32) if self.dtype == "int32" else np.finfo(np.float32)
        if np.any((values < limits.min) | (values > limits.max)):
            raise _wrong(f"the scale of {self.name!r} leads out of {self.dtype}")
        return np.asarray(values.astype(self.dtype))


def _groups(manifest: Any) -> Iterator[tuple[list[str], list[_Weight]]]:
    if not isinstance(manifest, list):
        raise _wrong("it is no list of groups")
    for group in manifest:
        paths, weights = (_get(group, key, list) for key in ("paths", "weights"))
        if len({str(path) for path in paths}) < len(paths):
            raise _wrong("it names a shard twice")
        yield [_shard(path) for path in paths], [_weight(weight) for weight in weights]


def _shard(path: Any) -> str:
    """A path below the folder by its name; a link, as download caches have them, may lead away."""
    pure = PurePosixPath(path) if isinstance(path, str) and path.isprintable() else None
    if pure is None or not pure.name or pure.is_absolute() or ".." in pure.parts:
        raise _wrong(f"{path!r} is no file of this folder")
    if {"\\", ":"} & set(str(pure)):
        raise _wrong(f"{path!r} is no file of this folder")
    return str(pure)


def _weight(entry: Any) -> _Weight:
    name, shape, dtype = (
        _get(entry, key, kind) for key, kind in (("name", str), ("shape", list), ("dtype", str))
    )
    if dtype not in _PLAIN:
        raise _wrong(f"{name!r} is of the unknown type {dtype!r}")
    if not all(type(length) is int for length in shape) or not is_shape(shape):
        raise _wrong(f"the shape of {name!r}")
    if "quantization" not in entry:
        return _Weight(name, tuple(shape), dtype, _PLAIN[dtype])
    quantisation = _get(entry, "quantization", dict)
    kind = _get(quantisation, "dtype", str)
    if kind not in _QUANTISED or dtype == "bool" or (kind, dtype) == ("float16", "int32"):
        raise _wrong(f"{name!r} is {dtype} stored as {kind!r}, which is not known")
    if kind == "float16":
        return _Weight(name, tuple(shape), dtype, _QUANTISED[kind])
    scale, minimum = (_number(quantisation.get(key), name, key) for key in ("scale", "min"))
    return _Weight(name, tuple(shape), dtype, _QUANTISED[kind], scale, minimum)


def _get(table: Any, key: str, kind: type) -> Any:
    if not isinstance(table, dict) or not isinstance(table.get(key), kind):
        raise _wrong(f"{key!r} is missing, or is no {kind.__name__}")
    return table[key]


def _number(value: Any, name: str, key: str) -> float:
    if type(value) not in {int, float} or not abs(value) <= _LARGEST:
        raise _wrong(f"the {key} of {name!r} is no number")
    return float(value)


def _json(path: Path) -> Any:
    try:
        return json.loads(read_file(path))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"is no JSON: {error}", source=path, remedy=_AGAIN) from None


def _wrong(what: str) -> WeightsError:
    return WeightsError(f"cannot be used: {what}", remedy=_AGAIN)


# -- writing -------------------------------------------------------------------------------


def write_folder(
    path: Path,
    config: Mapping[str, Any],
    tensors: Mapping[str, npt.NDArray[Any]],
    *,
    shard_bytes: int = 4 << 20,
    overwrite: bool = False,
) -> None:
    """Write a checkpoint that magenta.js loads to the folder `path`, all of it or nothing.

    float16 stays that in the files, half as long to fetch, and is read as float32.

    Args:
        path: a folder that does not exist, or, with `overwrite`, such a checkpoint.
        config: see `javascript_config`.
        tensors: float32, float16, int32 or bool, by the original's names.
        shard_bytes: the size of a shard, of the last one at most.
        overwrite: replace `path`.

    Raises:
        OutputError: `path` exists, and may not be replaced or is something else; or it cannot be
            written.
        WeightsError: a tensor is of a type that TensorFlow.js does not know.
    """
    if path.exists() and not overwrite:
        raise OutputError("exists already", source=path, remedy="use --force to replace it")
    if path.exists() and not (path / MANIFEST).is_file():
        raise OutputError(
            "exists and is no magenta.js checkpoint", source=path, remedy="use another folder"
        )
    content = b"".join(_bytes_of(name, tensor) for name, tensor in tensors.items())
    count = max(1, -(-len(content) // shard_bytes))
    shards = {
        f"group1-shard{i + 1}of{count}": content[i * shard_bytes : (i + 1) * shard_bytes]
        for i in range(count)
    }
    weights = [_described(name, tensor) for name, tensor in tensors.items()]
    manifest = [{"paths": list(shards), "weights": weights}]
    with atomic_folder(path) as folder:
        for name, shard in shards.items():
            write_bytes(folder / name, shard)
        write_bytes(folder / MANIFEST, json.dumps(manifest).encode())
        write_bytes(folder / CONFIG, json.dumps(config, indent=1).encode() + b"\n")


def _described(name: str, tensor: npt.NDArray[Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": name,
        "shape": list(tensor.shape),
        "dtype": "float32" if tensor.dtype == np.float16 else tensor.dtype.name,
    }
    if tensor.dtype == np.float16:
        entry["quantization"] = {"dtype": "float16"}
    return entry


def _bytes_of(name: str, tensor: npt.NDArray[Any]) -> bytes:
    stored = _WRITTEN.get(tensor.dtype.name)
    if stored is None:
        raise WeightsError(
            f"{name!r} is {tensor.dtype}, which magenta.js does not load",
            remedy=f"leave it out, or convert it to one of {', '.join(_WRITTEN)}",
        )
    return tensor.astype(stored).tobytes()


# -- what the model is ---------------------------------------------------------------------

Pitches = Sequence[Sequence[int]]

REDUCED: Final[Pitches] = builtin_map("magenta-infer").pitches
"""The pitches of the original's nine voices, the one that is written first."""

FULL: Final[Pitches] = builtin_map("magenta-full").pitches
"""A voice for each of 61 pitches."""

Converter = Literal["DrumsConverter", "DrumRollConverter", "GrooveConverter"]


def javascript_config(
    converter: Converter,
    *,
    steps: int,
    pitches: Pitches = REDUCED,
    controls: Mapping[str, int] = MappingProxyType({}),
    **settings: bool,
) -> dict[str, Any]:
    """The `config.json` with which magenta.js makes a drum model of its weights.

    magenta.js builds the encoder and decoder from the names of the weights: a bidirectional
    encoder of one layer, and a flat decoder. What a step of output is, it takes from here: a
    `GrooveConverter` has a groove decoder, the others a categorical one, or NADE where the weights
    have that.

    Args:
        converter: magenta.js's class from notes to tensors and back: `DrumsConverter` takes rolls
            and gives one of 2^V classes, `DrumRollConverter` takes and gives rolls,
            `GrooveConverter` takes and gives hits, velocities and offsets.
        steps: `T`, of a window.
        pitches: of each voice, the one that is written first.
        controls: names of the control inputs, and how many numbers each has at every step.
        settings: of a `GrooveConverter`: `humanize` and `tapify` remove from the input what the
            model is to add, `splitInstruments` puts each voice into a step of its own.
    """
    arguments = {
        "numSteps": steps,
        "pitchClasses": [list(voice) for voice in pitches],
        **settings,
    }
    config: dict[str, Any] = {
        "type": "MusicVAE",
        "dataConverter": {"type": converter, "args": arguments},
    }
    if controls:
        config["extraControls"] = [
            {"name": name, "depth": depth} for name, depth in controls.items()
        ]
    return config


JAVASCRIPT_CONFIGS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "cat-drums_2bar_small": javascript_config("DrumsConverter", steps=32),
        "cat-drums_2bar_big": javascript_config("DrumsConverter", steps=32),
        "nade-drums_2bar_reduced": javascript_config("DrumRollConverter", steps=32),
        "nade-drums_2bar_full": javascript_config("DrumRollConverter", steps=32, pitches=FULL),
        "groovae_4bar": javascript_config("GrooveConverter", steps=64),
        "groovae_2bar_humanize": javascript_config("GrooveConverter", steps=32, humanize=True),
        "groovae_2bar_tap_fixed_velocity": javascript_config(
            "GrooveConverter", steps=32, tapify=True
        ),
        "groovae_2bar_tap_fixed_velocity_note_dropout": javascript_config(
            "GrooveConverter", steps=32, tapify=True
        ),
        # magenta.js has no setting that takes a voice away: its caller gives none.
        "groovae_2bar_add_closed_hh": javascript_config("GrooveConverter", steps=32),
        "groovae_2bar_hits_control_tfds": javascript_config(
            "GrooveConverter", steps=32, controls={"hits": len(REDUCED)}
        ),
    }
)
"""Of the original's drum configurations, by name."""
