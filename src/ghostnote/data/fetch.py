"""Getting the Groove MIDI Dataset: download, resume, check, unpack."""

from __future__ import annotations

import http.client
import logging
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ghostnote.data.gmd import GMD, Archive, check, gmd_home, local, named_by_environment
from ghostnote.data.source import FolderSource, open_zip, read_member
from ghostnote.errors import DataError
from ghostnote.files import atomic_path, unwritable

Progress = Callable[[int, int], None]
"""Called with the bytes that are there and the bytes there will be."""

logger = logging.getLogger(__name__)

_ATTEMPTS: Final = 4
_TIMEOUT_SECONDS: Final = 30
_CHUNK: Final = 1 << 16
_RANGE_NOT_SATISFIABLE: Final = 416


def fetch(
    target: Path | None = None,
    *,
    source: Path | None = None,
    progress: Progress | None = None,
    archive: Archive = GMD,
) -> Path:
    """Get GMD into the folder `target` (`gmd_home()` by default), and unpack it there.

    `source` is a local zip or unpacked folder to take instead of downloading; without it, what
    `GHOSTNOTE_GMD` names is taken. An archive's size and checksum are compared before anything
    is unpacked. What is there already stays as it is.

    Returns:
        The unpacked folder.

    Raises:
        DataError: the download fails, or the archive or folder is not GMD.
        OutputError: `target` cannot be written.
    """
    target = gmd_home() if target is None else target
    kept, unpacked = target / archive.filename, target / archive.folder
    given = named_by_environment() if source is None else source
    origin = None if given is None else local(given, archive)
    try:
        target.mkdir(parents=True, exist_ok=True)
        if isinstance(origin, FolderSource):
            _fill(unpacked, lambda folder: _copy(origin, folder))
            return unpacked
        if not _is_whole(kept, archive):
            if origin is None:
                download(archive, kept, progress=progress)
            else:
                check(origin.path, archive)
                with atomic_path(kept) as temporary:
                    shutil.copyfile(origin.path, temporary)
        _fill(unpacked, lambda folder: unpack(kept, folder, archive.folder))
    except OSError as error:
        raise unwritable(target, error) from error
    return unpacked


def download(archive: Archive, target: Path, *, progress: Progress | None = None) -> None:
    """Download `archive` to `target`, by way of ``target.part``, which a later call resumes.

    Raises:
        DataError: the server cannot be reached or breaks off again and again, or what it sends
            has another size or checksum.
        OSError: `target` cannot be written.
    """
    part = target.with_name(target.name + ".part")
    resumed = part.exists()
    problem = ""
    for _ in range(_ATTEMPTS):
        try:
            _continue(archive, part, progress)
        except _BrokenOffError as error:
            problem = str(error)
            logger.info("%s: %s", archive.url, problem)
            continue
        try:
            check(part, archive)
        except DataError as error:
            part.unlink()
            if not resumed:
                raise error.at(archive.url) from None
            # What an older download left may be what is wrong: once more from the start.
            resumed, problem = False, error.reason
            continue
        part.replace(target)
        return
    raise DataError(
        f"cannot be downloaded: {problem}",
        source=archive.url,
        remedy="run the command again, which resumes; "
        "or download the file with a browser and give it with --from",
    )


class _BrokenOffError(Exception):
    """The network's part of what can go wrong, which another attempt may mend."""


def _continue(archive: Archive, part: Path, progress: Progress | None) -> None:
    """One request for the bytes that `part` lacks."""
    have = part.stat().st_size if part.exists() else 0
    if have >= archive.size:
        return
    headers = {"User-Agent": "ghostnote", **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(archive.url, headers=headers)
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == _RANGE_NOT_SATISFIABLE:
            part.unlink()
        raise _BrokenOffError(f"the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(str(getattr(error, "reason", error))) from error
    with answer:
        rest = str(answer.headers.get("Content-Range", "")).startswith(f"bytes {have}-")
        goes_on = answer.status == http.client.PARTIAL_CONTENT and rest
        if not goes_on:
            have = 0
        with part.open("ab" if goes_on else "wb") as file:
            # One byte more than there should be is enough to know that it is another file.
            while have <= archive.size and (chunk := _read(answer)):
                file.write(chunk)
                have += len(chunk)
                if progress is not None:
                    progress(min(have, archive.size), archive.size)
    if have < archive.size:
        raise _BrokenOffError(f"only {have:,} of {archive.size:,} bytes came")


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read1(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(str(error)) from error


def unpack(path: Path, target: Path, root: str) -> None:
    """Unpack what is below the folder `root` of the zip at `path` into the folder `target`.

    Raises:
        DataError: no zip, a member that is damaged, or one that would be written elsewhere.
        OSError: `target` cannot be written.
    """
    with open_zip(path) as archive:
        for member in archive.infolist():
            name = member.filename.removeprefix(f"{root}/")
            # GMD holds an empty "Icon\r", a name that not every file system can store.
            if member.is_dir() or name == member.filename or not name.isprintable():
                continue
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(read_member(archive, member.filename))


def _fill(folder: Path, write: Callable[[Path], None]) -> None:
    """Create `folder` with what `write` puts into it, whole or not at all."""
    if folder.exists():
        return
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        temporary.chmod(0o755)
        write(temporary)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _copy(source: FolderSource, target: Path) -> None:
    with source.open() as files:
        for name in files.names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(files.read(name))


def _is_whole(path: Path, archive: Archive) -> bool:
    try:
        check(path, archive)
    except (DataError, OSError):
        return False
    return True
