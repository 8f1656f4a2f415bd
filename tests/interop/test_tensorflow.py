"""Checkpoints of TensorFlow: read exactly, or refused with one error, whatever is in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ghostnote.errors import WeightsError
from ghostnote.interop.tensorflow import read_checkpoint

Tensors = dict[str, npt.NDArray[Any]]
FLOAT, STRING, BFLOAT16 = 1, 7, 14
PART = b"\x00v\x00\x01\x01\x02\x80\x82\x80\x7f"
"""What TensorFlow calls rows 0 and 1 of a partitioned variable ``v`` of two axes."""
DTYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")


def same(left: Tensors, right: Tensors) -> bool:
    return left.keys() == right.keys() and all(
        left[name].dtype == right[name].dtype and np.array_equal(left[name], right[name])
        for name in left
    )


# -- what TensorFlow wrote ------------------------------------------------------------------

GOLDEN = [
    "cat-drums_2bar_small",
    "groovae_2bar_hits_control_tfds",
    "groovae_2bar_humanize",
    "groovae_4bar",
    "hierdec-mel_16bar",
    "nade-drums_2bar_reduced",
]


@pytest.mark.parametrize("name", GOLDEN)
def test_every_variable_of_the_original(golden: Path, name: str) -> None:
    folder = golden / f"{name}.small"
    with np.load(folder / "weights.npz") as weights:
        assert same(read_checkpoint(folder / "model.ckpt"), dict(weights))


@pytest.mark.parametrize("name", GOLDEN)
def test_a_training_checkpoint_with_slots(golden: Path, name: str) -> None:
    folder = golden / f"{name}.small"
    tensors = read_checkpoint(folder / "train_ckpt" / "model.ckpt-5")
    with np.load(folder / "golden.npz") as vectors:
        after = {
            key.removeprefix("train/after5/"): vectors[key]
            for key in vectors.files
            if key.startswith("train/after5/")
        }
    assert after
    assert same({name: tensors[name] for name in after}, after)
    slots = {f"{name}/{slot}" for name in after for slot in ("Adam", "Adam_1")}
    assert tensors.keys() == {*after, *slots, "beta1_power", "beta2_power", "global_step"}
    assert tensors["global_step"] == 5
    assert all(tensors[slot].any() for slot in slots)


# -- what else it may write -----------------------------------------------------------------


@pytest.mark.parametrize("shards", [1, 2, 3])
@pytest.mark.parametrize("per_block", [1, 2, 100])
def test_shards_and_blocks(
    save_checkpoint: Callable[..., Path],
    some_tensors: Tensors,
    tmp_path: Path,
    shards: int,
    per_block: int,
) -> None:
    prefix = save_checkpoint(
        tmp_path / "model.ckpt", some_tensors, shards=shards, per_block=per_block
    )
    read = read_checkpoint(prefix)
    assert same(read, some_tensors)
    assert list(read) == sorted(some_tensors)


@pytest.mark.parametrize(
    "dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]
)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (2, 3), (2, 1, 2, 1, 2)])
def test_types_and_shapes(
    save_checkpoint: Callable[..., Path], tmp_path: Path, dtype: str, shape: tuple[int, ...]
) -> None:
    array = np.random.default_rng(1).integers(0, 100, shape).astype(dtype)
    # What stands before it brings it to an odd place in the file.
    tensors = {"a": np.array([True, False, True]), "b": array}
    read = read_checkpoint(save_checkpoint(tmp_path / "model.ckpt", tensors))
    assert same(read, tensors)
    assert read["b"].dtype == np.dtype(dtype)
    assert read["b"].flags.writeable
    assert read["b"].flags.aligned


def test_bfloat16_comes_as_float32(parts: SimpleNamespace, tmp_path: Path) -> None:
    values = np.array([1.0, -2.5, 0.0, 3.0e38], np.float32)
    halves = (values.view(np.uint32) >> 16).astype("<u2")
    write(parts, tmp_path, parts.entry(halves.tobytes(), dtype=BFLOAT16, shape=(2, 2)), halves)
    read = read_checkpoint(tmp_path / "m")["x"]
    assert read.dtype == np.float32
    assert np.array_equal(read, (halves.astype(np.uint32) << 16).view(np.float32).reshape(2, 2))
    assert read[0, 1] == -2.5


def test_a_checkpoint_of_nothing(save_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    assert read_checkpoint(save_checkpoint(tmp_path / "model.ckpt", {})) == {}


# -- what it refuses ------------------------------------------------------------------------


def write(
    parts: SimpleNamespace, folder: Path, entry: bytes, data: npt.NDArray[Any] | bytes
) -> Path:
    """A checkpoint whose tensor ``x`` is described by `entry`."""
    (folder / "m.index").write_bytes(parts.index_of([(b"", parts.header()), (b"x", entry)]))
    content = data if isinstance(data, bytes) else data.tobytes()
    (folder / "m.data-00000-of-00001").write_bytes(content)
    return folder / "m"


def refused(prefix: Path, reason: str, *, file: str = ".index") -> None:
    with pytest.raises(WeightsError, match=reason) as caught:
        read_checkpoint(prefix)
    assert caught.value.source == f"{prefix}{file}"
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dtype": STRING}, "'x' holds no plain numbers .*data type 7"),
        ({"dtype": 8}, "data type 8"),
        ({"dtype": 0}, "data type 0"),
        ({"shape": (2, 2)}, r"12 bytes of 'x' for the shape \[2, 2\]"),
        ({"shape": ()}, "12 bytes"),
        ({"shape": (2**63, 2**63)}, "the shape of 'x'"),
        ({"shape": (2**64 - 3,)}, "the shape of 'x'"),
        ({"shape": (0, 2**62)}, "the shape of 'x'"),
        ({"shape": (1,) * 40}, "the shape of 'x'"),
        ({"shape": (2**60,) * 5000}, "the shape of 'x'"),
        ({"shard": 1}, "'x' is in shard 1 of 1"),
        ({"shard": 2**64 - 1}, "'x' is in shard"),
    ],
)
def test_a_tensor_that_cannot_be(
    parts: SimpleNamespace, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    content = bytes(12)
    entry = parts.entry(content, **{"dtype": FLOAT, "shape": (3,), **change})
    refused(write(parts, tmp_path, entry, content), reason)


def test_a_rank_that_is_not_known(parts: SimpleNamespace, tmp_path: Path) -> None:
    entry = parts.field(1, FLOAT) + parts.field(2, parts.field(3, 1)) + parts.field(5, 4)
    refused(write(parts, tmp_path, entry, bytes(4)), "the shape of 'x'")


def test_a_partitioned_variable(parts: SimpleNamespace, tmp_path: Path) -> None:
    """In TensorFlow's own order, the part before the whole; and where there is no part."""
    part = parts.entry(bytes(24), dtype=FLOAT, shape=(2, 3))
    whole = parts.entry(b"", dtype=FLOAT, shape=(4, 3)) + parts.field(7, b"\n\x02\x10\x02\n\0")
    pairs = [(b"", parts.header()), (PART, part), (b"v", whole)]
    for chosen in (pairs, [pairs[0], pairs[2]]):
        (tmp_path / "m.index").write_bytes(parts.index_of(chosen))
        refused(tmp_path / "m", "holds a partitioned variable")


@pytest.mark.parametrize("offset", [1, 2**63, 2**64 - 1])
def test_a_tensor_past_the_end(parts: SimpleNamespace, tmp_path: Path, offset: int) -> None:
    entry = parts.entry(bytes(12), dtype=FLOAT, shape=(3,), offset=offset)
    prefix = write(parts, tmp_path, entry, bytes(12))
    refused(prefix, "is cut off: 'x' ends at byte .* the file at 12", file=".data-00000-of-00001")


def test_a_tensor_inside_of_another(parts: SimpleNamespace, tmp_path: Path) -> None:
    pairs = [
        (b"", parts.header()),
        (b"x", parts.entry(bytes(12), dtype=FLOAT, shape=(3,))),
        (b"y", parts.entry(bytes(12), dtype=FLOAT, shape=(3,), offset=8)),
    ]
    (tmp_path / "m.index").write_bytes(parts.index_of(pairs))
    (tmp_path / "m.data-00000-of-00001").write_bytes(bytes(20))
    refused(tmp_path / "m", "'y' begins inside of another", file=".data-00000-of-00001")


def test_bytes_that_are_no_bool(parts: SimpleNamespace, tmp_path: Path) -> None:
    prefix = write(parts, tmp_path, parts.entry(b"\2", dtype=10, shape=()), b"\2")
    refused(prefix, "neither true nor false", file=".data-00000-of-00001")


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        (lambda parts: [], "no description"),
        (lambda parts: [(b"x", b"")], "no description"),
        (lambda parts: [(b"", parts.header(endianness=1))], "big-endian"),
        (lambda parts: [(b"", parts.header(needed=2))], "a reader of version 2"),
        (lambda parts: [(b"", parts.header(shards=0))], "0 shards"),
        (lambda parts: [(b"", parts.header(shards=2**40))], "shards"),
        (lambda parts: [(b"", parts.field(1, b"1"))], "bytes in place of a number"),
        (lambda parts: [(b"", parts.header() + parts.field(3, 1))], "a number in place of bytes"),
        (lambda parts: [(b"", parts.header() + b"\x0b")], "unknown kind 3"),
        (lambda parts: [(b"", b"\x08" + b"\xff" * 10)], "a number without an end"),
        (lambda parts: [(b"", b"\x08" + b"\xff" * 9 + b"\x7f")], "more than 64 bits"),
        (lambda parts: [(b"", b"\x1a" + parts.varint(2**60))], "bytes where 0 are left"),
        (lambda parts: [(b"", parts.header()), (b"\xff", b"")], "a name is no text"),
        (lambda parts: [(b"", parts.header()), (b"y", b""), (b"x", b"")], "out of order"),
        (lambda parts: [(b"", parts.header()), (b"", b"")], "out of order"),
        (lambda parts: [(b"", parts.header()), (b"x" * 5000, b"")], "the length of a name"),
    ],
)
def test_an_index_that_makes_no_sense(
    parts: SimpleNamespace, tmp_path: Path, pairs: Callable[..., Any], reason: str
) -> None:
    (tmp_path / "m.index").write_bytes(parts.index_of(pairs(parts), per_block=100))
    refused(tmp_path / "m", reason)


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"", "a block without an end"),
        (b"\0\0\0", "a block without an end"),
        (b"\xff\xff\xff\xff", "a block without an end"),
        (b"\1\0\0" + bytes(4), "the length of a name"),
        (b"\0\5\0" + bytes(4), "5 bytes where 0 are left"),
        (b"\0\0\5" + bytes(4), "5 bytes where 0 are left"),
        (b"\0\0" + bytes(4), "1 bytes where 0 are left"),
    ],
)
def test_a_block_that_makes_no_sense(
    parts: SimpleNamespace, tmp_path: Path, block: bytes, reason: str
) -> None:
    (tmp_path / "m.index").write_bytes(parts.table([block], [b"~"]))
    refused(tmp_path / "m", reason)


def test_a_compressed_index(parts: SimpleNamespace, tmp_path: Path) -> None:
    block = parts.block([(b"", parts.header())])
    (tmp_path / "m.index").write_bytes(parts.table([block], [b"~"], compression=1))
    refused(tmp_path / "m", "is compressed")


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"PK\3\4" * 100])
def test_what_is_no_index(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.index").write_bytes(content)
    refused(tmp_path / "m", "is no index of a checkpoint")


def test_a_file_that_is_missing(
    save_checkpoint: Callable[..., Path], some_tensors: Tensors, tmp_path: Path
) -> None:
    prefix = save_checkpoint(tmp_path / "m", some_tensors, shards=2)
    Path(f"{prefix}.data-00001-of-00002").unlink()
    refused(prefix, "does not exist", file=".data-00001-of-00002")
    refused(tmp_path / "other", "does not exist")
    (tmp_path / "folder.index").mkdir()
    with pytest.raises(WeightsError, match="cannot be read: Is a directory"):
        read_checkpoint(tmp_path / "folder")


# -- every damage ---------------------------------------------------------------------------


@pytest.fixture
def saved(
    save_checkpoint: Callable[..., Path], some_tensors: Tensors, tmp_path: Path
) -> tuple[bytes, bytes]:
    prefix = save_checkpoint(tmp_path / "model.ckpt", some_tensors, per_block=3)
    names = (f"{prefix}.index", f"{prefix}.data-00000-of-00001")
    index, data = (Path(name).read_bytes() for name in names)
    return index, data


def outcome(index: bytes, data: bytes) -> Tensors | None:
    """The tensors, or nothing where the one error is raised that may be."""
    try:
        return read_checkpoint(Path("m"), lambda path: index if path.suffix == ".index" else data)
    except WeightsError as error:
        caught = error
    assert caught.source in {"m.index", "m.data-00000-of-00001"}
    assert caught.remedy
    return None


def test_every_flipped_byte_of_the_index(saved: tuple[bytes, bytes], some_tensors: Tensors) -> None:
    index, data = saved
    survived = 0
    for place in range(len(index)):
        for mask in (1, 0x80, 0xFF):
            damaged = bytearray(index)
            damaged[place] ^= mask
            found = outcome(bytes(damaged), data)
            assert found is None or same(found, some_tensors)
            survived += found is not None
    # Nothing but the footer's padding may change.
    assert survived <= 3 * 40


def test_every_flipped_byte_of_the_data(saved: tuple[bytes, bytes]) -> None:
    index, data = saved
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        assert outcome(index, bytes(damaged)) is None


def test_every_length(saved: tuple[bytes, bytes], some_tensors: Tensors) -> None:
    index, data = saved
    assert all(outcome(index[:length], data) is None for length in range(len(index)))
    assert all(outcome(index, data[:length]) is None for length in range(len(data)))
    found = outcome(index, data)
    assert found is not None
    assert same(found, some_tensors)


def test_every_changed_byte_under_a_right_checksum(
    parts: SimpleNamespace, some_tensors: Tensors
) -> None:
    """What checksums do not find must still be met by the parser."""
    content = some_tensors["encoder/mu/kernel"].tobytes()
    pairs = [
        (b"", parts.header()),
        (b"encoder/mu/kernel", parts.entry(content, dtype=FLOAT, shape=(2, 3))),
        (b"encoder/mu/other", parts.entry(b"", dtype=FLOAT, shape=(0, 3), offset=24)),
    ]
    block = parts.block(pairs)
    read = 0
    for place in range(len(block)):
        for value in (0, 1, 2, 7, 0x12, 0x7F, 0x80, 0xFF):
            damaged = bytearray(block)
            damaged[place] = value
            read += outcome(parts.table([bytes(damaged)], [b"~"]), content) is not None
    assert read
