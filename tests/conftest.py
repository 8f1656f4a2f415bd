"""Where the tests find data that is not in the repository.

`GHOSTNOTE_SHARED` names a folder laid out like the project's shared data (`midi/`, `golden/`, the
GMD zip); without it, the folder `shared/data` beside the checkout is tried. `GHOSTNOTE_GMD` names
the GMD zip, or its unpacked folder, alone. Tests skip, with that reason, where there is nothing;
with `--require-data`, as in CI, they fail.
"""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pytest

from ghostnote.music.grid import to_performance
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import write_midi

if TYPE_CHECKING:
    from ghostnote.bundle import Bundle
    from ghostnote.data.corpus import Corpus
    from ghostnote.model.vae import GrooveVAE
    from ghostnote.train.config import RunConfig

_BESIDE = Path(__file__).parents[2] / "shared" / "data"
_SHARED = Path(os.environ.get("GHOSTNOTE_SHARED", _BESIDE))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-data",
        action="store_true",
        help="fail, rather than skip, where data outside the repository is not found",
    )
    parser.addoption(
        "--require-browser",
        action="store_true",
        help="fail, rather than skip, where Chromium, Node or npm is missing for the studio's page",
    )
    parser.addoption(
        "--write-notebooks",
        action="store_true",
        help="write the outputs of the notebooks in docs anew, rather than compare them",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: starts other processes, and takes some seconds")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As it is for what a shell starts in the background; the processes that tests start would
        # inherit that, and some of them are to be interrupted.
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in a browser come last: once Playwright has been started, there is an event loop that
    runs in this thread until the end, beside which no other can.
    """
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is read from the user's caches, and nothing is written there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GHOSTNOTE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def without_browser(request: pytest.FixtureRequest) -> Callable[[str], NoReturn]:
    """Skips a test that needs a browser or its tools, for this reason; or fails, as asked."""

    def give_up(reason: str) -> NoReturn:
        if request.config.getoption("--require-browser"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)

    return give_up


_NPM_SECONDS = 240


@pytest.fixture(scope="session")
def npm(without_browser: Callable[[str], NoReturn]) -> Callable[[str, str], Path]:
    """Installs a package of npm, by name and version, once into the user's cache.

    What is given is the folder that has it in its `node_modules`.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = home / "ghostnote-tests"

    def install(name: str, version: str) -> Path:
        missing = [program for program in ("node", "npm") if shutil.which(program) is None]
        if missing:
            without_browser(f"{name} needs {' and '.join(missing)}, which is not installed")
        target = cache / f"{name.replace('@', '').replace('/', '-')}-{version}"
        try:
            if not target.exists():
                _install(name, version, target)
        except OSError as error:
            without_browser(f"{name} cannot be kept in {cache}: {error.strerror}")
        except subprocess.TimeoutExpired:
            without_browser(f"npm did not install {name} in {_NPM_SECONDS} s")
        except subprocess.CalledProcessError as error:
            lines = [line for line in error.stderr.splitlines() if line.startswith("npm error")]
            said = " ".join(line.removeprefix("npm error").strip() for line in lines[:3])
            without_browser(f"npm cannot install {name} {version}: {said or error.stderr}")
        return target

    return install


def _install(name: str, version: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".installing-", dir=target.parent) as place:
        folder = Path(place) / target.name
        folder.mkdir()
        (folder / "package.json").write_text('{"private": true}')
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        command += ["--no-progress", "--fetch-retries=1", f"{name}@{version}"]
        subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_NPM_SECONDS, check=True
        )
        if not target.exists():  # another run may have been quicker
            folder.rename(target)


def _existing(request: pytest.FixtureRequest, path: Path, what: str, variable: str) -> Path:
    if not path.exists():
        missing = f"{what} not found: set {variable}"
        if request.config.getoption("--require-data"):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return path


@pytest.fixture(scope="session")
def gmd_zip(request: pytest.FixtureRequest) -> Path:
    """The official `groove-v1.0.0-midionly.zip`."""
    default = _SHARED / "groove-v1.0.0-midionly.zip"
    path = Path(os.environ.get("GHOSTNOTE_GMD", default))
    return _existing(request, path, "the Groove MIDI Dataset", "GHOSTNOTE_GMD")


@pytest.fixture(scope="session")
def gmd_takes(gmd_zip: Path) -> list[tuple[dict[str, str], bytes]]:
    """All takes of the Groove MIDI Dataset: (row of `info.csv`, bytes of the file)."""
    root = gmd_zip if gmd_zip.is_dir() else zipfile.Path(zipfile.ZipFile(gmd_zip))
    folder = next(folder for folder in (root, root / "groove") if (folder / "info.csv").exists())
    rows = csv.DictReader((folder / "info.csv").read_text(encoding="utf-8").splitlines())
    return [(row, (folder / row["midi_filename"]).read_bytes()) for row in rows]


@pytest.fixture(scope="session")
def gmd_corpus(gmd_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """GMD, parsed once for all tests."""
    from ghostnote.data.corpus import load_corpus

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GHOSTNOTE_HOME", str(tmp_path_factory.mktemp("home")))
        return load_corpus(gmd_zip)


@pytest.fixture(scope="session")
def shared_midi(request: pytest.FixtureRequest) -> Path:
    """A folder of odd, malformed and full-band MIDI files."""
    return _existing(request, _SHARED / "midi", "the folder of odd MIDI files", "GHOSTNOTE_SHARED")


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Path:
    """Golden vectors made by the original implementation."""
    return _existing(request, _SHARED / "golden", "golden vectors", "GHOSTNOTE_SHARED")


@pytest.fixture(scope="session")
def converted(golden: Path) -> Callable[[str], dict[str, Any]]:
    """Gives the arrays by name of one of the files that the original's converters made."""

    @cache
    def read(name: str) -> dict[str, Any]:
        with np.load(golden / "converters" / f"{name}.npz") as arrays:
            return dict(arrays)

    return read


@pytest.fixture(scope="session")
def imported(golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bundle]:
    """Gives the bundle of the golden set of a configuration of the original."""
    pytest.importorskip("torch")
    from ghostnote.interop.magenta import import_magenta
    from ghostnote.interop.weights import read_weights

    folder = tmp_path_factory.mktemp("imported")

    @cache
    def of(name: str) -> Bundle:
        return import_magenta(read_weights(golden / f"{name}.small"), folder / name)

    return of


# -- small models and what they are trained on ---------------------------------------------


@pytest.fixture(scope="session")
def make_model() -> Callable[..., GrooveVAE]:
    """Makes small models whose weights are so large that hits depend on z and on the past.

    Their numbers are rounded to float16, as those of a bundle are.
    """
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    from ghostnote.model.config import ModelConfig
    from ghostnote.model.vae import GrooveVAE
    from ghostnote.train.config import from_table

    decoders: dict[str, dict[str, Any]] = {
        "flat": {"kind": "flat", "size": 16},
        "hierarchical": {"kind": "hierarchical", "size": 16, "conductor": 12},
    }

    def make(
        kind: str, head: str | dict[str, Any] = "likelihood", *, seed: int = 0, **others: Any
    ) -> GrooveVAE:
        decoder = decoders[kind] | others.pop("decoder", {})
        settings = {"bars": 2, "latent": 8, "encoder": {"size": 8}, **others}
        config = from_table(ModelConfig, {"decoder": decoder, "head": head, **settings})
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = GrooveVAE(config)
        with torch.no_grad():
            for weight in model.parameters():
                weight.copy_((3 * weight).half())
            if config.head.kind in ("likelihood", "squared-error", "boolean"):
                model.decoder.core.project.bias[:9] = -1.0
        return model.eval()

    return make


@pytest.fixture(scope="session")
def make_bundle(
    make_model: Callable[..., GrooveVAE], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Bundle]:
    """Makes bundles of such models, taught `task`, whose z is drawn from N(0, I)."""
    from ghostnote.bundle import DECODER, ENCODER, FORMAT, LATENT, WEIGHTS, load_bundle
    from ghostnote.export.bundle import save_latent, write_bundle
    from ghostnote.export.graph import decoder_graph, encoder_graph
    from ghostnote.latent import Prior
    from ghostnote.train.config import to_table

    def make(kind: str, head: str, *, task: str = "identity", **others: Any) -> Bundle:
        from safetensors.torch import save

        model = make_model(kind, head, **others)
        size = model.config.latent
        prior = Prior(np.ones(1, "f4"), np.zeros((1, size), "f4"), np.eye(size, dtype="f4")[None])
        files = {
            WEIGHTS: save(model.state_dict()),
            LATENT: save_latent(prior, np.zeros(0, np.uint64)),
            ENCODER: encoder_graph(model).SerializeToString(),
            DECODER: decoder_graph(model).SerializeToString(),
        }
        config = {
            "format": FORMAT,
            "name": "made",
            "model": to_table(model.config),
            "meter": list(model.config.signature),
            "task": {"kind": task},
            "parameters": model.n_parameters,
            "sampling": {"temperature": 1.0, "components": 0, "bpm": 120.0},
            "origin": dict.fromkeys(
                ("source", "configuration", "step", "ghostnote", "commit"), "-"
            ),
            "scores": {},
            "files": {name: sha256(content).hexdigest() for name, content in files.items()},
        }
        path = tmp_path_factory.mktemp("made") / "model"
        write_bundle(path, config, files, overwrite=False)
        return load_bundle(path)

    return make


@pytest.fixture(scope="session")
def drumming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 20 takes of four bars, with an ``info.csv`` that splits them."""
    folder = tmp_path_factory.mktemp("drumming")
    lines = ["midi_filename,split"]
    for take in range(20):
        random = np.random.default_rng(take)
        hits = np.zeros((64, 9), bool)
        hits[::8, 0] = hits[4::8, 1] = hits[::2, 2 if take % 2 else 8] = True
        hits ^= random.random(hits.shape) < 0.05
        groove = Groove.from_cells(
            hits,
            random.integers(30, 128, hits.shape) / 127,
            random.integers(0, 30, hits.shape) / 120,
            bpm=90 + 2 * take,
        )
        write_midi(folder / f"{take}.mid", to_performance(groove, builtin_map("ghostnote")))
        split = "train" if take < 12 else "validation" if take < 16 else "test"
        lines.append(f"{take}.mid,{split}")
    (folder / "info.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def tiny_settings() -> list[str]:
    """What makes a preset so small that it is trained in a second, as ``--set`` takes it."""
    return [
        "model.bars=2", "model.latent=6", "model.encoder.size=8", "model.decoder.size=12",
        "model.decoder.conductor=8", "optimiser.batch=8", "epochs=3",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def tiny_bundle(
    drumming: Path, tiny_settings: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    """A bundle of a model that was trained for some steps on `drumming`."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    from ghostnote.cli.train import settings
    from ghostnote.data.bars import Bars
    from ghostnote.data.corpus import load_corpus
    from ghostnote.data.windows import windows
    from ghostnote.export.bundle import export_bundle
    from ghostnote.train.checkpoint import load_checkpoint
    from ghostnote.train.loop import BEST, Machine, train

    run: RunConfig = settings("groove-4bar", None, tiny_settings)
    corpus = load_corpus(drumming)
    training, validation = (
        windows(corpus.select(split=split), bars=run.model.bars)
        for split in ("train", "validation")
    )
    folder = tmp_path_factory.mktemp("run")
    machine = Machine(torch.device("cpu"), bf16=False)
    train(run, Bars.of(training), Bars.of(validation), folder, machine=machine)
    target = tmp_path_factory.mktemp("bundles") / "tiny"
    return export_bundle(load_checkpoint(folder / BEST), training, target, name="tiny")
