"""Running a bundle's graphs with ONNX Runtime."""

from __future__ import annotations

import hashlib
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.bundle import DECODER, ENCODER, SCORER, Bundle
from ghostnote.errors import BundleError, ConfigError
from ghostnote.music.groove import Groove
from ghostnote.music.kit import DEFAULT_MAP, N_VOICES, builtin_map
from ghostnote.music.tensors import folded, folding, from_groove_x, to_groove_x

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import onnxruntime

FloatArray = npt.NDArray[np.float32]

AT_ONCE: Final = 1024
"""Windows whose noise is held in memory at one time, by those that decode many."""

_READ: Final = 16
"""Windows that are encoded or scored at once. ONNX Runtime's LSTM is quickest with so few: 256 take
a fifth less time to encode, and a third less to score, than all at once. Decoding, which has loops
of its own, is quickest with many."""


class Runtime:
    """A bundle, ready to encode and decode arrays. Graphs are loaded when they are first used.

    `threads` is how many threads one operation may use; loops are short, and one is quickest up
    to a batch of a few hundred. `batch` is how many windows are computed at once, at most: it
    bounds memory and changes no result. `before` is called before each batch, and stops the work by
    raising.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        threads: int = 1,
        batch: int = 256,
        before: Callable[[], None] | None = None,
    ) -> None:
        self.bundle = bundle
        self._threads = threads
        self._batch = batch
        self._before = before

    def __repr__(self) -> str:
        return f"Runtime({self.bundle!r})"

    def encode(
        self, x: FloatArray, controls: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Windows `x` `[B, T, 3V]` → μ and σ of their posteriors, each `[B, Z]`.

        Raises:
            ConfigError: the model takes `controls` `[B, T, K]` and there are none.
        """
        inputs = {"x": x, **self._controls(controls)}
        mu, sigma = zip(
            *(self._encoder.run(["mu", "sigma"], part) for part in self._parts(inputs, _READ)),
            strict=True,
        )
        return np.concatenate(mu), np.concatenate(sigma)

    def decode(
        self,
        z: FloatArray,
        noise: FloatArray,
        temperature: float,
        known: FloatArray | None = None,
        mask: FloatArray | None = None,
        controls: FloatArray | None = None,
    ) -> FloatArray:
        """Latents → windows. A pure function, row by row: a batch gives what its rows give alone.

        Args:
            z: `[B, Z]`.
            noise: uniform in (0, 1), `[B, T, V, 3]`, for hit, velocity and offset.
            temperature: divides the hit logits, and the variance of velocity and offset goes with
                it; 0 gives the most likely cells.
            known: `[B, T, 3V]`, what the masked numbers are.
            mask: `[B, T, 3V]`, 1 where a number is known: all three of a cell, or its hit alone,
                which is then played anew.
            controls: `[B, T, K]`, for a model that takes them.

        Returns:
            `x` `[B, T, 3V]`.

        Raises:
            ConfigError: `temperature` is not in [0, 10], or `controls` are missing.
        """
        if not 0 <= temperature <= 10:
            raise ConfigError(f"temperature {temperature:g} is not in 0 to 10")
        shape, voices = (len(z), self.bundle.steps), self.bundle.voices
        if known is None or mask is None:
            known = np.zeros((*shape, 3 * voices), np.float32)
            mask = np.zeros((*shape, 3 * voices), np.float32)
        inputs = {"z": z, "noise": noise, "known": known, "mask": mask}
        heat = {"temperature": np.array(temperature, np.float32)}
        parts = [
            self._decoder.run(["x"], part | heat)[0]
            for part in self._parts(inputs | self._controls(controls), self._batch)
        ]
        return np.concatenate(parts)

    def score(
        self, x: FloatArray, z: FloatArray, controls: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The log-likelihood of windows `x` `[B, T, 3V]` given `z` `[B, Z]`, in nats, of each step
        given the true ones before it: of hits, velocity and offset, each `[B, T, V]`.

        Raises:
            BundleError: the bundle has no scorer.
            ConfigError: the model takes `controls` `[B, T, K]` and there are none.
        """
        inputs = {"x": x, "z": z, **self._controls(controls)}
        names = ["hits", "velocity", "offset"]
        parts = zip(
            *(self._scorer.run(names, part) for part in self._parts(inputs, _READ)), strict=True
        )
        hits, velocity, offset = (np.concatenate(part) for part in parts)
        return hits, velocity, offset

    def _controls(self, controls: FloatArray | None) -> dict[str, FloatArray]:
        if not self.bundle.controls:
            return {}
        if controls is None:
            raise ConfigError(
                f"{self.bundle.name} has to be told the hits, and plays them",
                remedy="give it a groove: ghostnote reconstruct",
            )
        return {"controls": controls}

    def _parts(self, arrays: dict[str, FloatArray], most: int) -> Iterator[dict[str, FloatArray]]:
        n, size = len(next(iter(arrays.values()))), min(most, self._batch)
        for start in range(0, n, size):
            if self._before is not None:
                self._before()
            yield {name: array[start : start + size] for name, array in arrays.items()}

    @cached_property
    def _encoder(self) -> onnxruntime.InferenceSession:
        return self._session(ENCODER)

    @cached_property
    def _decoder(self) -> onnxruntime.InferenceSession:
        return self._session(DECODER)

    @cached_property
    def _scorer(self) -> onnxruntime.InferenceSession:
        return self._session(SCORER)

    def _session(self, name: str) -> Any:
        # The official builds report how they are used to their maker, from version 1.32 on at the
        # latest, unless they are told not to before they are loaded. Nothing here talks to anybody
        # unasked; those who want it to can set the variable themselves.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # No more than folding the weights to float32: only so are they packed for multiplication,
        # and without that a batch of one takes another path, and gets other last bits, than others.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        content = self.bundle.read(name)
        try:
            return onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors share no base class
            raise BundleError(
                f"cannot be run: {error}",
                source=self.bundle.path / name,
                remedy="upgrade onnxruntime, or export the bundle again",
            ) from error


def fingerprints(hits: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """64 bits that stand for the hits of each window `[B, T, V]`: the start of their sha256."""
    packed = np.packbits(hits.reshape(len(hits), -1), axis=1)
    digests = b"".join(hashlib.sha256(row.tobytes()).digest()[:8] for row in packed)
    return np.frombuffer(digests, "<u8").astype(np.uint64, copy=False)


def to_x(grooves: Sequence[Groove], bundle: Bundle | None = None) -> FloatArray:
    """Grooves of one length as the models take them: hits | velocity | offset, `[B, T, 3V]`.

    A `bundle` whose model has classes of its own gets each voice as the class of its written
    pitch.
    """
    cells = [(groove.hits, groove.velocity, groove.offset) for groove in grooves]
    x = np.stack([to_groove_x(*parts) for parts in cells])
    if bundle is None or bundle.voices == N_VOICES:
        return x
    class_of = bundle.drum_map.voice_of
    chosen = [class_of[pitch] for pitch in builtin_map(DEFAULT_MAP).written]
    spread = [np.zeros((*x.shape[:-1], bundle.voices), np.float32) for _ in range(3)]
    for wide, part in zip(spread, from_groove_x(x), strict=True):
        wide[..., chosen] = part
    return to_groove_x(*spread)


def from_x(x: FloatArray, bundle: Bundle, *, bpm: float) -> list[Groove]:
    """Windows `[B, T, 3V]` as grooves in the bundle's meter.

    Of several classes of a voice, in a model that has them, the loudest counts. A class that our
    map does not know, such as a cowbell, is the voice that the original makes of it.
    """
    parts = from_groove_x(x)
    if bundle.voices != N_VOICES:
        ours, theirs = (
            folding(bundle.drum_map, builtin_map(name)) for name in (DEFAULT_MAP, "magenta-infer")
        )
        parts = folded(parts, np.where(ours < 0, theirs, ours))
    return [
        Groove.from_cells(hits > 0.5, velocity, offset, bpm=bpm, meter=bundle.meter)
        for hits, velocity, offset in zip(*parts, strict=True)
    ]
