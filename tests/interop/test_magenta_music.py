"""What we write is loaded, and computes the same, in the real @magenta/music under Node.

Where npm cannot install it, these tests skip and say why.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ghostnote.interop.magentajs import (
    FULL,
    JAVASCRIPT_CONFIGS,
    MANIFEST,
    REDUCED,
    javascript_config,
    read_folder,
    write_folder,
)

VERSION = "1.23.1"
SCRIPT = Path(__file__).with_name("magenta_music.js")
RUN_SECONDS = 120

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def packages(npm: Callable[[str, str], Path]) -> Path:
    """A folder with @magenta/music in its `node_modules`."""
    return npm("@magenta/music", VERSION)


@pytest.fixture
def javascript(packages: Path, tmp_path: Path) -> Callable[..., Any]:
    """Runs a job of the script, and gives what it found."""

    def run(**job: Any) -> Any:
        (tmp_path / "job.json").write_text(json.dumps({"packages": str(packages), **job}))
        command = ["node", str(SCRIPT), str(tmp_path / "job.json"), str(tmp_path / "result.json")]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads((tmp_path / "result.json").read_text())

    return run


NAMES = [
    "cat-drums_2bar_small",
    "groovae_2bar_hits_control_tfds",
    "groovae_2bar_humanize",
    "groovae_4bar",
    "nade-drums_2bar_reduced",
]


@pytest.mark.parametrize("name", NAMES)
def test_the_original_s_numbers(
    golden: Path, javascript: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    """Posterior means, the deterministic decode, and the notes that it stands for."""
    with np.load(golden / f"{name}.small" / "weights.npz") as file:
        weights = {key: value for key, value in file.items() if key != "global_step"}
    with np.load(golden / f"{name}.small" / "golden.npz") as file:
        vectors = dict(file)
    # So small that most tensors lie in several shards.
    write_folder(tmp_path / "js", dict(JAVASCRIPT_CONFIGS[name]), weights, shard_bytes=10_001)
    assert len(list((tmp_path / "js").iterdir())) > 10
    controls = vectors.get("controls")
    found = javascript(
        folder=str(tmp_path / "js"),
        z=vectors["z_fixed"].tolist(),
        inputs=vectors["inputs"].tolist(),
        controls=None if controls is None else controls.astype(float).tolist(),
    )

    np.testing.assert_allclose(found["mu"], vectors["eval/mu"], rtol=1e-5, atol=1e-5)
    samples, expected = np.array(found["samples"]), vectors["sample/samples"]
    np.testing.assert_allclose(samples, expected, rtol=1e-4, atol=1e-4)
    hits = hits_of(expected)
    assert np.array_equal(hits_of(samples), hits)
    written = [voice[0] for voice in REDUCED]
    for pitches, cells in zip(found["pitches"], hits, strict=True):
        assert [pitches.count(pitch) for pitch in written] == cells.sum(0).tolist()
        assert len(pitches) == cells.sum()


def hits_of(samples: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """`[B, T, 9]`, of one class of 512, or of what begins with nine hits."""
    if samples.shape[-1] == 512:
        return samples.argmax(-1)[..., None] >> np.arange(9) & 1 > 0
    return samples[..., :9] > 0.5


def test_tensors_are_read_alike(javascript: Callable[..., Any], tmp_path: Path) -> None:
    """What we write, and what only others do: the browser's numbers are ours, bit for bit."""
    random = np.random.default_rng(5)
    write_folder(
        tmp_path / "js",
        javascript_config("GrooveConverter", steps=32),
        {
            "float32": random.normal(size=(3, 5)).astype(np.float32),
            "float16": (100 * random.normal(size=(7, 3))).astype(np.float16),
            "int32": random.integers(-(2**31), 2**31, 9).astype(np.int32),
            "bool": random.random((2, 4)) > 0.5,
            "scalar": np.float32(0.1).reshape(()),
        },
        shard_bytes=50,
    )
    bits = {"uint8": np.arange(256, dtype="u1"), "uint16": random.integers(0, 65536, 99, "<u2")}
    manifest = json.loads((tmp_path / "js" / MANIFEST).read_text())
    for kind, values in bits.items():
        for dtype, scale in (("float32", 0.0123456789), ("int32", 0.25)):
            name = f"{kind}-{dtype}"
            (tmp_path / "js" / name).write_bytes(values.tobytes())
            quantisation = {"dtype": kind, "scale": scale, "min": -1.23}
            weight = {"name": name, "shape": [len(values)], "dtype": dtype}
            group = {"paths": [name], "weights": [{**weight, "quantization": quantisation}]}
            manifest.append(group)
    (tmp_path / "js" / MANIFEST).write_text(json.dumps(manifest))

    _, ours = read_folder(tmp_path / "js")
    theirs = javascript(folder=str(tmp_path / "js"), tensors=True)
    assert [tensor["name"] for tensor in theirs] == list(ours)
    for tensor in theirs:
        array = ours[tensor["name"]]
        assert (tensor["dtype"], tuple(tensor["shape"])) == (array.dtype.name, array.shape)
        assert np.array_equal(np.array(tensor["values"], array.dtype), array.ravel())


def test_every_configuration_makes_the_original_s_converter(
    javascript: Callable[..., Any],
) -> None:
    """magenta.js's own pitches differ from the original's, so that they must be said."""
    configs = {name: dict(config) for name, config in JAVASCRIPT_CONFIGS.items()}
    made = javascript(configs=configs)
    assert made.keys() == configs.keys()
    for name, converter in made.items():
        assert converter["numSteps"] == (64 if "4bar" in name else 32)
        assert converter.get("humanize", False) == ("humanize" in name)
        assert converter.get("tapify", False) == ("tap" in name)
        pitches = FULL if "full" in name else REDUCED
        voices = {pitch: voice for voice, group in enumerate(pitches) for pitch in group}
        assert dict(converter["voices"]) == voices
