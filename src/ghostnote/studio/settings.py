"""What whoever opens a studio can choose, and the limits that protect whoever hosts one."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from typing import Final

MAX_BARS: Final = 64
"""The longest groove that is taken or given, in bars."""

MAX_LOOPS: Final = 64
"""As many grooves as one request may ask for."""

MAX_SECONDS: Final = 600.0
"""The longest audio that is made, in seconds."""


@dataclass(frozen=True)
class Settings:
    """How a studio is served.

    Attributes:
        host: the address that it listens at, which is the only one a browser may know it by as
            long as there is no token.
        token: what has to be shown by whoever asks; nothing has to be where empty.
        json_bytes: the longest request in JSON.
        midi_bytes: the longest MIDI file.
        body_seconds: how long a request may take to arrive.
        seconds: how long one may wait and be worked on, together.
        workers: how many are worked on at the same time.
        waiting_each: how many of one client may wait, a browser or whoever keeps its cookie.
        waiting_host: how many of one address may wait.
        waiting: how many may wait in all.
    """

    host: str = "127.0.0.1"
    token: str = ""
    json_bytes: int = 4 << 20
    midi_bytes: int = 1 << 20
    body_seconds: float = 20.0
    seconds: float = 30.0
    workers: int = max(1, min(4, os.cpu_count() or 1))
    waiting_each: int = 8
    waiting_host: int = 64
    waiting: int = 256


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, is this machine itself and cannot be another."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
