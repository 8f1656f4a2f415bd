"""Golden vectors of the original: what its models make of given weights and windows.

    python -m benchmarks.peer_magenta.golden NAME… -o FOLDER [--env FOLDER] [--seed 0]

From the root of a checkout. It sets magenta 2.1.4 up as ``python -m benchmarks.peer_magenta``
does, and writes a folder FOLDER/NAME.small for each name: one of the original's 23 configurations,
shrunk, or one of `theirs_golden.EXTRAS`, which have the decoders that no configuration has.
``benchmarks/golden_parity.py`` compares such folders with ours. Where the original cannot be
installed it says why, and ends.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.peer_magenta.environment import SetUpError, set_up
from benchmarks.peer_magenta.theirs_golden import EXTRAS
from ghostnote.data.home import data_home
from ghostnote.errors import GhostnoteError
from ghostnote.files import atomic_folder
from ghostnote.interop.configs import CONFIGS

ROOT = Path(__file__).parents[2]
MODULE = "benchmarks.peer_magenta.theirs_golden"
SETTINGS = {
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # it adds up in an order of its own
}
"""What the original is run with, so that the same machine always gives the same numbers."""


def make(name: str, folder: Path, interpreter: Path, seed: int) -> None:
    """Have the original fill `folder` with the set of that name.

    Raises:
        CalledProcessError: it failed; `stderr` has what it said.
    """
    environment = {**os.environ, **SETTINGS}
    environment.pop("PYTHONPATH", None)  # what it names is for this interpreter
    subprocess.run(
        [str(interpreter), "-m", MODULE, name, str(folder), "--seed", str(seed)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )


def main() -> None:
    names = [*CONFIGS, *EXTRAS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "names", nargs="+", choices=names, metavar="NAME", help=f"one of: {', '.join(names)}"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--env", type=Path, default=data_home() / "peer-magenta")
    parser.add_argument("--python", help="the Python 3.11 to make the environment with")
    parser.add_argument("--seed", type=int, default=0, help="of weights, windows and noise")
    options = parser.parse_args()
    targets = {name: options.out.resolve() / f"{name}.small" for name in options.names}
    if there := [str(target) for target in targets.values() if target.exists()]:
        sys.exit(f"--out: there already: {', '.join(there)}")
    try:
        interpreter = set_up(options.env.expanduser().resolve(), options.python)
    except SetUpError as error:
        print(f"magenta 2.1.4 cannot be set up here, so nothing is made: {error}")
        print(*(f"    {line}" for line in error.lines), sep="\n")
        return
    except FileExistsError as error:
        sys.exit(f"--env: {error}")
    for name, target in targets.items():
        try:
            with atomic_folder(target) as folder:
                make(name, folder, interpreter, options.seed)
        except subprocess.CalledProcessError as error:
            last = "\n".join(error.stderr.splitlines()[-15:])
            sys.exit(f"{name}: the original failed:\n{last}")
        except GhostnoteError as error:
            sys.exit(str(error))
        print(target, flush=True)


if __name__ == "__main__":
    main()
