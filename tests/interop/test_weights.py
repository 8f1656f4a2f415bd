"""One path in, the weights out: prefixes, folders, archives, and what is refused."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ghostnote.errors import WeightsError
from ghostnote.interop import weights as module
from ghostnote.interop.magentajs import javascript_config, write_folder
from ghostnote.interop.weights import read_weights

Tensors = dict[str, npt.NDArray[Any]]
Save = Callable[..., Path]
DATA = ".data-00000-of-00001"


def same(left: Tensors, right: Tensors) -> bool:
    return left.keys() == right.keys() and all(
        np.array_equal(left[name], right[name]) for name in left
    )


@pytest.fixture
def prefix(save_checkpoint: Save, some_tensors: Tensors, tmp_path: Path) -> Path:
    return save_checkpoint(tmp_path / "kit" / "model.ckpt", some_tensors)


# -- files and folders ----------------------------------------------------------------------


def test_a_checkpoint_by_prefix_index_or_folder(prefix: Path, some_tensors: Tensors) -> None:
    for path in (prefix, Path(f"{prefix}.index"), prefix.parent):
        weights = read_weights(path)
        assert same(weights.tensors, some_tensors)
        assert (weights.kind, weights.config, weights.source) == ("tensorflow", None, prefix)
    assert repr(weights) == f"Weights(5 tensors, tensorflow, {prefix})"


def test_the_original_s_own_folders(golden: Path) -> None:
    folder = golden / "groovae_4bar.small"
    assert read_weights(folder).source == folder / "model.ckpt"
    assert read_weights(folder / "train_ckpt").tensors["global_step"] == 5


def test_the_latest_of_several(prefix: Path, save_checkpoint: Save, some_tensors: Tensors) -> None:
    save_checkpoint(prefix.with_name("model.ckpt-20"), {"global_step": np.array(20)})
    with pytest.raises(
        WeightsError, match=r"holds 2 checkpoints: model\.ckpt-20\.index, model\.ckpt\.index"
    ):
        read_weights(prefix.parent)
    state = prefix.with_name("checkpoint")
    state.write_text(
        'model_checkpoint_path: "/elsewhere/train/model.ckpt-20"\n'
        'all_model_checkpoint_paths: "/elsewhere/train/model.ckpt"\n'
    )
    assert read_weights(prefix.parent).tensors["global_step"] == 20
    for useless in ('model_checkpoint_path: "model.ckpt-30"\n', "", "\xff"):
        state.write_text(useless, encoding="latin-1")
        with pytest.raises(WeightsError, match="holds 2 checkpoints"):
            read_weights(prefix.parent)
    # With one there is no choice, whatever the file says.
    Path(f"{prefix}-20.index").unlink()
    assert same(read_weights(prefix.parent).tensors, some_tensors)


def test_a_folder_of_magentajs(tmp_path: Path) -> None:
    config = javascript_config("GrooveConverter", steps=32)
    tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3)}
    write_folder(tmp_path / "js", config, tensors)
    weights = read_weights(tmp_path / "js")
    assert same(weights.tensors, tensors)
    assert (weights.kind, weights.config) == ("magenta.js", config)
    assert weights.source == tmp_path / "js"


def test_a_folder_of_both(prefix: Path) -> None:
    prefix.with_name("weights_manifest.json").touch()
    with pytest.raises(WeightsError, match=r"holds 2 checkpoints: .*, weights_manifest\.json"):
        read_weights(prefix.parent)


def test_where_there_is_nothing(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path, "holds no checkpoint"),
        (tmp_path / "none", "does not exist"),
        (tmp_path / "none.index", "does not exist"),
        (tmp_path / "none.tar", "does not exist"),
        (tmp_path / ("long" * 999), "cannot be read: File name too long"),
    ):
        with pytest.raises(WeightsError, match=reason) as caught:
            read_weights(path)
        assert caught.value.source == str(path)
        assert caught.value.remedy


# -- archives -------------------------------------------------------------------------------


def pack(target: Path, files: dict[str, bytes], *more: tarfile.TarInfo, mode: str = "w") -> Path:
    with tarfile.open(target, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in more:
            archive.addfile(member)
    return target


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


def contents(prefix: Path, name: str) -> dict[str, bytes]:
    return {name + end: Path(f"{prefix}{end}").read_bytes() for end in (".index", DATA)}


@pytest.mark.parametrize(("suffix", "mode"), [("tar", "w"), ("tar.gz", "w:gz"), ("tgz", "w:gz")])
@pytest.mark.parametrize("name", ["kit/model.ckpt", "./kit/model.ckpt", "kit.ckpt", "a/b/c/kit"])
def test_an_archive_as_it_is_distributed(
    prefix: Path, some_tensors: Tensors, tmp_path: Path, suffix: str, mode: str, name: str
) -> None:
    folder = special("kit", tarfile.DIRTYPE)
    files = {f"{name}.meta": b"graph", **contents(prefix, name), "kit/._model.ckpt.index": b"mac"}
    path = pack(tmp_path / f"kit.{suffix}", files, folder, mode=mode)
    weights = read_weights(path)
    assert same(weights.tensors, some_tensors)
    assert (weights.kind, weights.config, weights.source) == ("tensorflow", None, path)


def test_an_archive_of_several_shards(
    save_checkpoint: Save, some_tensors: Tensors, tmp_path: Path
) -> None:
    prefix = save_checkpoint(tmp_path / "m", some_tensors, shards=3)
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert same(read_weights(pack(tmp_path / "a.tar", files)).tensors, some_tensors)
    del files[f"{prefix.name}.data-00002-of-00003"]
    with pytest.raises(WeightsError, match=r"a\.tar/m\.data-00002-of-00003: is not in the archive"):
        read_weights(pack(tmp_path / "a.tar", files))


def test_damage_inside_of_an_archive_names_the_file(prefix: Path, tmp_path: Path) -> None:
    files = contents(prefix, "kit/m")
    files["kit/m.index"] = files["kit/m.index"][:-1]
    with pytest.raises(WeightsError, match=r"a\.tar/kit/m\.index: is no index"):
        read_weights(pack(tmp_path / "a.tar", files))


def test_several_or_none_in_an_archive(prefix: Path, tmp_path: Path) -> None:
    both = contents(prefix, "a/model.ckpt") | contents(prefix, "b/model.ckpt")
    with pytest.raises(
        WeightsError, match=r"holds 2 checkpoints: a/model\.ckpt\.index, b/model\.ckpt\.index"
    ):
        read_weights(pack(tmp_path / "two.tar", both))
    with pytest.raises(WeightsError, match=r"none\.tar: holds no checkpoint"):
        read_weights(pack(tmp_path / "none.tar", {"readme": b""}))
    many = {f"{i}.index": b"" for i in range(9)}
    with pytest.raises(WeightsError, match=r"holds 9 checkpoints: 0\.index, .* …"):
        read_weights(pack(tmp_path / "many.tar", many))


@pytest.mark.parametrize(
    "trick",
    [
        special("/etc/kit.index", tarfile.REGTYPE),
        special("../kit.index", tarfile.REGTYPE),
        special("kit/../../kit.index", tarfile.REGTYPE),
        special("..", tarfile.DIRTYPE),
        special("kit/link", tarfile.SYMTYPE, "/etc/passwd"),
        special("kit/link", tarfile.LNKTYPE, "kit/model.ckpt.index"),
        special("kit/device", tarfile.CHRTYPE),
        special("kit/device", tarfile.BLKTYPE),
        special("kit/pipe", tarfile.FIFOTYPE),
        special("kit/holes", tarfile.GNUTYPE_SPARSE),
    ],
    ids=lambda member: f"{member.name}-{member.type.decode()}",
)
def test_tricks_are_refused(prefix: Path, tmp_path: Path, trick: tarfile.TarInfo) -> None:
    path = pack(tmp_path / "a.tar", contents(prefix, "kit/model.ckpt"), trick)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(WeightsError, match=r"a\.tar: is not read: .*(leads out|neither a file)"):
        read_weights(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_archives_have_a_size(
    prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = contents(prefix, "kit/model.ckpt") | {"zeros": bytes(1 << 20)}
    plain, packed = pack(tmp_path / "a.tar", files), pack(tmp_path / "a.tgz", files, mode="w:gz")
    bomb = tmp_path / "bomb.tar.gz"
    bomb.write_bytes(gzip.compress(bytes(1 << 22)))
    assert packed.stat().st_size < 1 << 13
    read_weights(plain)
    read_weights(packed)
    monkeypatch.setattr(module, "MAX_ARCHIVE", 1 << 20)
    for path in (plain, packed, bomb):
        with pytest.raises(WeightsError, match="more than 0 GiB or too many files"):
            read_weights(path)
    monkeypatch.undo()
    monkeypatch.setattr(module, "_MAX_MEMBERS", 2)
    for path in (plain, packed):
        with pytest.raises(WeightsError, match="too many files"):
            read_weights(path)


@pytest.mark.parametrize("content", [b"", b"no archive", bytes(600), b"\x1f\x8b" + bytes(40)])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.tar: (is no archive|cannot be read|holds no)"):
        read_weights(path)


def test_any_damage_is_one_error(prefix: Path, some_tensors: Tensors, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    plain = pack(path, contents(prefix, "kit/model.ckpt")).read_bytes()
    packed = gzip.compress(plain, mtime=0)
    used = len(plain.rstrip(b"\0"))
    variants = [
        *(plain[:length] for length in range(0, used, 41)),
        *(packed[:length] for length in range(0, len(packed), 17)),
        *(flipped(plain, place, mask) for place in range(0, used, 5) for mask in (1, 0x80)),
        *(flipped(packed, place, 0x10) for place in range(0, len(packed), 7)),
        *(resealed(plain, place, value) for place in range(512) for value in (0, 0xFF)),
    ]
    refused = 0
    for variant in variants:
        path.write_bytes(variant)
        try:
            assert same(read_weights(path).tensors, some_tensors)
        except WeightsError:
            refused += 1
    # The rest is what a tar holds beside names, sizes and contents.
    assert 300 < refused < len(variants)


@pytest.mark.parametrize("kind", [b"0", b"x", b"g", b"L", b"K", b"S"])
@pytest.mark.parametrize("size", [2**40, 2**62, 2**80, -1, -(2**40)])
def test_headers_that_announce_the_absurd(
    prefix: Path, tmp_path: Path, kind: bytes, size: int
) -> None:
    path = tmp_path / "a.tar"
    plain = bytearray(pack(path, contents(prefix, "kit/model.ckpt")).read_bytes())
    plain[124:136] = (size % 2**96).to_bytes(12, "big")
    plain[124] = 0xFF if size < 0 else 0x80
    absurd = resealed(bytes(plain), 156, kind[0])
    for content in (absurd, gzip.compress(absurd)):
        path.write_bytes(content)
        with pytest.raises(WeightsError):
            read_weights(path)


def flipped(content: bytes, place: int, mask: int) -> bytes:
    return content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :]


def resealed(plain: bytes, place: int, value: int) -> bytes:
    """The first header changed, and its checksum made right."""
    header = bytearray(plain[:512])
    header[place] = value
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + plain[512:]
