"""``ghostnote serve``: the studio, without opening a browser."""

from __future__ import annotations

from ghostnote.cli.studio import PORT, open_studio


def serve(*, port: int = PORT, host: str = "127.0.0.1", token: str | None = None) -> None:
    """Serve the studio and its REST, without opening a browser. Ctrl-C ends it.

    Example: ghostnote serve --host 0.0.0.0 --port 80

    Parameters
    ----------
    port
        Where it listens; 0 takes a free one.
    host
        The address that it listens at. At any but that of this machine alone, a token is asked for.
    token
        What everybody has to show; at another address than this machine's it is made, and printed,
        where not given.
    """
    open_studio(port, host, token, lambda _: None)
