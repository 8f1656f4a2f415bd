from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from ghostnote.data.cache import (
    Array,
    DamagedCacheError,
    Store,
    map_cache,
    pack_text,
    take_crc32,
    unpack_text,
    write_cache,
)

META = {"format": "test", "key": "1"}


def make_arrays() -> dict[str, Array]:
    random = np.random.default_rng(0)
    velocity = random.integers(0, 128, (48, 9)).astype(np.uint8)
    offset = random.random((48, 9), np.float32)
    start = np.array([0, 16, 48])
    crc = [take_crc32(velocity[a:b], offset[a:b]) for a, b in ((0, 16), (16, 48))]
    return {
        "velocity": velocity,
        "offset": offset,
        "take_start": start,
        "take_crc32": np.array(crc, np.uint32),
        "bpm": np.array([90.0, 120.5]),
        **pack_text("style", ["rock", "Größe 🥁"]),
        **pack_text("nothing", []),
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "cache" / "c.safetensors"
    write_cache(target, make_arrays(), META)
    return target


def test_what_is_written_is_read(path: Path) -> None:
    store, arrays = map_cache(path, META), make_arrays()
    for name in ("take_start", "take_crc32", "bpm", "style"):
        np.testing.assert_array_equal(store.column(name), arrays[name], strict=True)
    for found, name in zip(store.cells(np.array([0, 1])), ("velocity", "offset"), strict=True):
        np.testing.assert_array_equal(found, arrays[name], strict=True)
        assert not found.flags.writeable
    assert store.texts("style") == ("Größe 🥁", "rock")
    assert store.texts("nothing") == ()


def test_any_safetensors_reader_opens_it(path: Path) -> None:
    found, arrays = load_file(path), make_arrays()
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(st.characters(exclude_categories=()))))
def test_text_is_packed_and_unpacked(values: list[str]) -> None:
    try:
        packed = pack_text("x", values)
    except UnicodeEncodeError:
        return  # surrogates that stand for no byte
    distinct = unpack_text(packed["x.text"], packed["x.ends"])
    assert [distinct[code] for code in packed["x"]] == values


def header_of(path: Path) -> tuple[dict[str, object], bytes]:
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def replace_header(path: Path, header: dict[str, object], rest: bytes) -> None:
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + rest)


@pytest.mark.parametrize("keep", [0, 4, 8, 100, 1000, -1])
def test_cut_short(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DamagedCacheError):
        map_cache(path, META)


def test_garbled_headers(path: Path) -> None:
    header, rest = header_of(path)
    bpm = header["bpm"]
    assert isinstance(bpm, dict)
    broken: list[dict[str, object]] = [
        {},
        {**header, "bpm": {**bpm, "dtype": "F128"}},
        {**header, "bpm": {**bpm, "shape": [3]}},
        {**header, "bpm": {**bpm, "shape": "two"}},
        {**header, "bpm": {**bpm, "data_offsets": [0, 10**12]}},
        {**header, "bpm": 5},
        {key: value for key, value in header.items() if key != "bpm"},
        {**header, "__metadata__": META},
        {**header, "__metadata__": 3},
        {**header, "__metadata__": {**header["__metadata__"], "key": "2"}},  # type: ignore[dict-item]
    ]
    for bad in broken:
        replace_header(path, bad, rest)
        with pytest.raises(DamagedCacheError):
            map_cache(path, META)
    path.write_bytes((10**6).to_bytes(8, "little") + bytes(2 * 10**6))
    with pytest.raises(DamagedCacheError):
        map_cache(path, META)


def flip(path: Path, name: str) -> None:
    """Change one byte in the middle of an array."""
    header, _ = header_of(path)
    data = bytearray(path.read_bytes())
    begin, end = header[name]["data_offsets"]  # type: ignore[index]
    data[8 + int.from_bytes(data[:8], "little") + (begin + end) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["velocity", "offset", "bpm", "style.text", "take_start"])
def test_damage_is_found_where_it_is_read_and_healed(
    path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    flip(path, name)
    store = map_cache(path, META)
    store.heal = make_arrays
    if name in ("velocity", "offset"):
        store.cells(np.array([0]))
        assert not caplog.records  # the damage is in take 1
    velocity, offset = store.cells(np.array([1, 0, 1]))
    arrays = make_arrays()
    np.testing.assert_array_equal(store.column("bpm"), arrays["bpm"])
    assert store.texts("style") == ("Größe 🥁", "rock")
    np.testing.assert_array_equal(velocity, arrays["velocity"])
    np.testing.assert_array_equal(offset, arrays["offset"])
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_arrays_in_memory_need_no_checks() -> None:
    arrays = make_arrays()
    store = Store(arrays)
    assert store.cells(np.array([0]))[0] is arrays["velocity"]
    assert store.column("bpm") is arrays["bpm"]
