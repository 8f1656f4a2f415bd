from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from ghostnote.data.source import FolderSource, ZipSource, open_zip, source_at
from ghostnote.errors import DataError


def write_zip(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_folder_and_zip_show_the_same_files(tmp_path: Path) -> None:
    members = {
        "a/1.mid": b"1",
        "a/2.MIDI": b"2",
        "info.csv": b"x",
        "a/3.wav": b"3",
        ".b/4.mid": b"",
    }
    for name, content in members.items():
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(content)
    for path in (tmp_path / "folder", write_zip(tmp_path / "zip", **members)):
        with source_at(path).open() as files:
            assert files.names == ("a/1.mid", "a/2.MIDI", "info.csv")
            assert files.read("a/2.MIDI") == b"2"


def test_digest_and_stamp_follow_content(tmp_path: Path) -> None:
    (tmp_path / "1.mid").write_bytes(b"one")
    source = FolderSource(tmp_path)
    digest, stamp = source.digest(), source.stamp()
    assert (source.digest(), source.stamp()) == (digest, stamp)
    info = (tmp_path / "1.mid").stat()
    (tmp_path / "1.mid").write_bytes(b"two")
    os.utime(tmp_path / "1.mid", ns=(info.st_atime_ns, info.st_mtime_ns))
    assert source.digest() != digest
    assert source.stamp() != stamp
    (tmp_path / "1.mid").rename(tmp_path / "2.mid")
    assert len({digest, source.digest()}) == 2


@pytest.mark.parametrize(
    "name", ["../out.mid", "a/../../out.mid", "/out.mid", "\\out.mid", "a\\..\\..\\b", "C:/out.mid"]
)
def test_members_that_climb_out_are_refused(tmp_path: Path, name: str) -> None:
    path = write_zip(tmp_path / "evil.zip", **{"ok.mid": b"", name: b"evil"})
    with pytest.raises(DataError, match="not safe to unpack"), open_zip(path):
        pass


def test_links_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link.mid")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="is a link"), open_zip(path):
        pass


def test_bombs_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "bomb.zip", **{"1.mid": bytes(10_000_000)})
    with pytest.raises(DataError, match="swell to 10,000,000 bytes"), open_zip(path):
        pass


def test_damaged_members_are_errors_of_their_own(tmp_path: Path) -> None:
    content = os.urandom(2000)
    path = write_zip(tmp_path / "damaged.zip", **{"1.mid": content, "2.mid": content})
    data = bytearray(path.read_bytes())
    data[100] ^= 255
    path.write_bytes(data)
    with ZipSource(path).open() as files:
        with pytest.raises(DataError, match=r"1\.mid: cannot be read"):
            files.read("1.mid")
        assert files.read("2.mid") == content


def test_files_of_absurd_size_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "1.mid").open("wb") as file:
        file.truncate(20 * 2**20)
    with FolderSource(tmp_path).open() as files, pytest.raises(DataError, match="larger than"):
        files.read("1.mid")


@pytest.mark.parametrize("content", [b"", b"PK\3\4 and then nothing", bytes(1000)])
def test_what_is_no_zip_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"some\.zip: is no zip archive"):
        source_at(path)
    with pytest.raises(DataError, match=r"some\.zip: cannot be read as a zip"), open_zip(path):
        pass
    with pytest.raises(DataError, match="no such file or folder"):
        source_at(tmp_path / "nowhere")
