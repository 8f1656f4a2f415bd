from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ghostnote.data import gmd
from ghostnote.data.fetch import download, fetch, unpack
from ghostnote.data.gmd import GMD, Archive
from ghostnote.errors import DataError, OutputError


def make_zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("groove/", b"")
        archive.writestr("groove/info.csv", b"midi_filename\ndrummer1/1.mid\n")
        archive.writestr("groove/drummer1/1.mid", bytes(range(256)) * 2000)
        archive.writestr("groove/Icon\r", b"")
    return content.getvalue()


@dataclass
class Server:
    """Serves `content`; breaks off after each of `breaks` bytes, one request each."""

    content: bytes
    ranges: bool = True
    breaks: list[int] = field(default_factory=list)
    requests: list[str | None] = field(default_factory=list)
    url: str = ""

    @property
    def archive(self) -> Archive:
        return Archive(self.url, len(ZIP), hashlib.sha256(ZIP).hexdigest(), "groove")


ZIP = make_zip()


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            server.requests.append(asked)
            begin = int(asked[len("bytes=") : -1]) if asked and server.ranges else 0
            if begin and begin >= len(server.content):
                self.send_error(416)
                return
            body = server.content[begin:]
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(body)))
            if begin:
                total = len(server.content)
                self.send_header("Content-Range", f"bytes {begin}-{total - 1}/{total}")
            self.end_headers()
            self.wfile.write(body[: server.breaks.pop(0)] if server.breaks else body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        server.url = f"http://127.0.0.1:{httpd.server_address[1]}/gmd.zip"
        yield server
        httpd.shutdown()
        thread.join()


def test_fetches_checks_and_unpacks(home: Path) -> None:
    seen = []
    with serving(Server(ZIP)) as server:
        folder = fetch(
            progress=lambda done, total: seen.append((done, total)), archive=server.archive
        )
        assert folder == home / "gmd" / "groove"
        files = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert files == {
            "info.csv": b"midi_filename\ndrummer1/1.mid\n",
            "1.mid": bytes(range(256)) * 2000,
        }
        assert seen == sorted(seen)
        assert seen[-1] == (len(ZIP), len(ZIP))
        assert sorted(path.name for path in (home / "gmd").iterdir()) == ["gmd.zip", "groove"]
        fetch(archive=server.archive)
        assert len(server.requests) == 1


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_goes_on(tmp_path: Path, ranges: bool) -> None:
    with serving(Server(ZIP, ranges, breaks=[70_000, 100_000])) as server:
        download(server.archive, tmp_path / "gmd.zip")
    assert (tmp_path / "gmd.zip").read_bytes() == ZIP
    assert server.requests[0] is None
    assert len(server.requests) == 3
    assert all(server.requests[1:])


def test_a_later_call_resumes(tmp_path: Path) -> None:
    with serving(Server(ZIP, breaks=[50_000] * 4)) as server:
        with pytest.raises(DataError, match=r"cannot be downloaded: .*run the command again"):
            download(server.archive, tmp_path / "gmd.zip")
        assert [path.name for path in tmp_path.iterdir()] == ["gmd.zip.part"]
        have = (tmp_path / "gmd.zip.part").stat().st_size
        assert 0 < have < len(ZIP)
        download(server.archive, tmp_path / "gmd.zip")
    assert server.requests[-1] == f"bytes={have}-"
    assert (tmp_path / "gmd.zip").read_bytes() == ZIP


@pytest.mark.parametrize("stale", [b"\0" * 1000, bytes(len(ZIP)), bytes(2 * len(ZIP))])
def test_a_wrong_beginning_is_thrown_away(tmp_path: Path, stale: bytes) -> None:
    (tmp_path / "gmd.zip.part").write_bytes(stale)
    with serving(Server(ZIP)) as server:
        download(server.archive, tmp_path / "gmd.zip")
    assert (tmp_path / "gmd.zip").read_bytes() == ZIP


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (ZIP[:-1] + b"x", "wrong checksum"),
        (ZIP + b"more", "bytes where gmd.zip has"),
        (b"not found", "cannot be downloaded"),
        (b"", "only 0 of .* bytes came"),
    ],
)
def test_wrong_bytes_are_never_unpacked(tmp_path: Path, content: bytes, reason: str) -> None:
    with serving(Server(content)) as server, pytest.raises(DataError, match=reason) as caught:
        fetch(tmp_path / "gmd", archive=server.archive)
    assert caught.value.source == server.url
    assert caught.value.remedy
    assert not [path for path in (tmp_path / "gmd").iterdir() if not path.name.endswith(".part")]


def test_no_server_is_one_clear_error(tmp_path: Path) -> None:
    archive = replace(GMD, url="http://127.0.0.1:9/gmd.zip")
    with pytest.raises(DataError, match=r"127\.0\.0\.1:9/gmd\.zip: cannot be downloaded"):
        download(archive, tmp_path / "gmd.zip")


def test_takes_a_local_zip_or_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(
        "http://127.0.0.1:9/gmd.zip", len(ZIP), hashlib.sha256(ZIP).hexdigest(), "groove"
    )
    local = tmp_path / "local.zip"
    local.write_bytes(ZIP)
    unpacked = fetch(tmp_path / "one", source=local, archive=archive)
    copied = fetch(tmp_path / "two", source=unpacked, archive=archive)
    assert (copied / "drummer1/1.mid").read_bytes() == (unpacked / "drummer1/1.mid").read_bytes()
    monkeypatch.setenv("GHOSTNOTE_GMD", str(local))
    assert fetch(tmp_path / "three", archive=archive).is_dir()

    local.write_bytes(ZIP[:-100])
    with pytest.raises(DataError, match=r"local\.zip: has .* bytes where gmd\.zip has"):
        fetch(tmp_path / "four", archive=archive)
    assert not list((tmp_path / "four").iterdir())
    with pytest.raises(DataError, match=r"it has no info\.csv"):
        fetch(tmp_path / "five", source=tmp_path / "four", archive=archive)
    with pytest.raises(DataError, match="no such file or folder"):
        fetch(tmp_path / "five", source=tmp_path / "nowhere", archive=archive)


def test_an_unwritable_place_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    local = tmp_path / "local.zip"
    local.write_bytes(ZIP)
    archive = Archive(
        "http://127.0.0.1:9/gmd.zip", len(ZIP), hashlib.sha256(ZIP).hexdigest(), "groove"
    )
    with pytest.raises(OutputError, match="cannot be written"):
        fetch(tmp_path / "file" / "gmd", source=local, archive=archive)


def test_unpacking_stays_in_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("groove/../../out.mid", b"evil")
    with pytest.raises(DataError, match="climbs out"):
        unpack(path, tmp_path / "in", "groove")
    assert [entry.name for entry in tmp_path.iterdir() if entry.name != "home"] == ["evil.zip"]


def test_gmd_is_found_where_it_was_fetched_or_named(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="ghostnote data fetch"):
        gmd.locate()
    (home / "gmd" / "groove").mkdir(parents=True)
    (home / "gmd" / "groove" / "info.csv").write_text("midi_filename\n")
    assert gmd.locate().path == home / "gmd" / "groove"
    (home / "gmd" / GMD.filename).write_bytes(ZIP)
    assert gmd.locate().path == home / "gmd" / GMD.filename
    (tmp_path / "named.zip").write_bytes(ZIP)
    monkeypatch.setenv("GHOSTNOTE_GMD", str(tmp_path / "named.zip"))
    assert gmd.locate().path == tmp_path / "named.zip"
    monkeypatch.setenv("GHOSTNOTE_GMD", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="no such file or folder"):
        gmd.locate()


def test_the_official_archive(gmd_zip: Path) -> None:
    if gmd_zip.is_dir():
        pytest.skip("GHOSTNOTE_GMD is a folder")
    gmd.check(gmd_zip)
    assert GMD.filename == "groove-v1.0.0-midionly.zip"
