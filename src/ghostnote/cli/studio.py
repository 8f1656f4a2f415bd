"""``ghostnote studio``: the studio, in a browser, or as a folder for any web host."""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from ghostnote.errors import ConfigError

PORT: Final = 8808


def studio(
    *,
    port: int = PORT,
    host: str = "127.0.0.1",
    token: str | None = None,
    open_: Annotated[bool, Parameter(name="--open", negative="--no-open")] = True,
    static: Annotated[Path | None, Parameter(name="--static")] = None,
    force: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Make and play loops in your browser.

    The page, its sounds and its models come with ghostnote: nothing is fetched from anywhere, and
    no other machine can reach it. Ctrl-C ends it.

    Example: ghostnote studio

    Parameters
    ----------
    port
        Where it listens; 0 takes a free one.
    host
        The address that it listens at. At any but that of this machine alone, a token is asked for.
    token
        What everybody has to show; at another address than this machine's it is made, and printed,
        where not given.
    open_
        Open a browser.
    static
        Write a folder that can be put on any web host instead: there, the models run in the
        browser.
    force
        Replace the folder of --static if it exists.
    """
    if static is not None:
        _write(static, force=force)
        return
    if force:
        raise ConfigError("--force goes with --static", remedy="leave it out")
    open_studio(port, host, token, _show if open_ else lambda _: None)


def open_studio(port: int, host: str, token: str | None, show: Callable[[str], None]) -> None:
    """Serve the studio until Ctrl-C; `show` is given its address once it answers.

    Raises:
        StudioError: nothing can listen there.
        ConfigError: a port or a token that is none.
    """
    from ghostnote.studio.settings import Settings, is_loopback

    if not 0 <= port <= 65535:
        raise ConfigError(f"{port} is no port", remedy="0 to 65535; 0 takes a free one")
    if token is not None and not (token.isascii() and len(token) >= 8 and token.isalnum()):
        raise ConfigError("this token is none", remedy="give 8 letters and digits or more")
    shown = token or ("" if is_loopback(host) else secrets.token_hex(16))

    from ghostnote.studio.api import create_app
    from ghostnote.studio.server import address_of, listen, run

    with listen(host, port) as bound:
        address = address_of(bound, host, shown)

        def ready() -> None:
            _say(f"The studio is at {address} (Ctrl-C ends it)")
            show(address)

        try:
            run(create_app(Settings(host=host, token=shown)), bound, ready)
        except KeyboardInterrupt:
            _say("The studio is closed.")


def _show(address: str) -> None:
    import webbrowser

    # Some browsers are waited for until they close.
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _write(folder: Path, *, force: bool) -> None:
    from ghostnote.studio.static import write_static

    written = write_static(folder, force=force)
    _say(f"{written.files} files, {written.size / 1e6:.0f} MB, in {folder}")
    _say("Put the folder on any web host; to try it: python -m http.server -d " + str(folder))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
