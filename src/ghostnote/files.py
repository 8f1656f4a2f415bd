"""Writing files so that nothing half-written is ever seen."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ghostnote.errors import OutputError


@contextmanager
def atomic_path(target: str | Path, *, overwrite: bool = True, sync: bool = True) -> Iterator[Path]:
    """A temporary path beside `target` that becomes `target` when the block ends well.

    The file is flushed to disk and then renamed; if the block raises, the temporary file is
    removed and `target` stays as it was. The temporary name keeps the suffix, since writers
    choose a format by it. With `sync` false, what can be made again, and shows when it is read
    that it is whole, need not wait for the disk.

    Raises:
        OutputError: `target` exists and `overwrite` is false, or it cannot be written.
    """
    target = Path(target)
    if not overwrite and target.exists():
        raise OutputError("exists already", source=target, remedy="use --force to overwrite it")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(
            prefix=f".{target.stem[:40]}-", suffix=target.suffix, dir=target.parent
        )
        os.close(descriptor)
    except OSError as error:
        raise unwritable(target, error) from error
    temporary = Path(name)
    try:
        yield temporary
        if sync:
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except OSError as error:
        raise unwritable(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside `target` that takes its place, whole, when the block ends well.

    If the block raises, `target` stays as it was. Whether there may be a `target` already is for
    the caller to say: it is replaced with all that is in it.

    Raises:
        OutputError: `target` cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}-", dir=target.parent))
    except OSError as error:
        raise unwritable(target, error) from error
    new, old = beside / "new", beside / "old"
    try:
        new.mkdir()
        yield new
        if target.exists():
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    except OSError as error:
        raise unwritable(target, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_bytes(target: str | Path, content: bytes, *, overwrite: bool = True) -> None:
    """Write `content` to `target` atomically. Raises as `atomic_path` does."""
    with atomic_path(target, overwrite=overwrite) as temporary:
        temporary.write_bytes(content)


def unwritable(target: str | Path, error: OSError) -> OutputError:
    """The error for a place that could not be written, with the system's reason."""
    reason = error.strerror or str(error)
    return OutputError(
        f"cannot be written: {reason}",
        source=target,
        remedy="free some space, or choose another folder that you may write to",
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
