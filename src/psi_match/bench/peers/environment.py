"""The environment of the programs compared with: Python 3.11 with their own dependencies, which are not ours.

Theirs and ours cannot be installed together (SPU wants numpy below 2), so that nothing here imports them: each party of
theirs is a process of ``.venv-peers``, which ``make peers`` builds.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from psi_match.base.errors import ConfigError

ENVIRONMENT_NAME = ".venv-peers"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PROGRAMS = ("spu", "openmined-psi", "mpyc", "gmpy2", "numpy", "jax")
"""Distributions whose versions a report names."""
_VERSIONS = (
    "import importlib.metadata as m, json, platform, sys;"
    "print(json.dumps({n: m.version(n) for n in sys.argv[1:]} | {'python': platform.python_version()}))"
)
_WAIT_S = 60.0


def peers_python() -> Path:
    """Return the interpreter of the programs compared with.

    It is looked for in the working directory and in the checkout that this package is in.

    Raises:
        ConfigError: there is none.
    """
    for folder in (Path.cwd(), *Path(__file__).resolve().parents[4:5]):
        python = folder / ENVIRONMENT_NAME / "bin" / "python"
        if python.exists():
            return python
    raise ConfigError(
        f"The programs to compare with are not installed: there is no {ENVIRONMENT_NAME}.",
        "Run `make peers` first; it needs Python 3.11.",
    )


def peer_versions() -> dict[str, str]:
    """Return the versions of the programs compared with and of what they stand on, by distribution.

    Raises:
        ConfigError: they are not installed, or not completely.
    """
    command = [str(peers_python()), "-c", _VERSIONS, *PROGRAMS]
    # Our own code in an interpreter that `make peers` installed.
    done = subprocess.run(command, capture_output=True, text=True, timeout=_WAIT_S, check=False)  # noqa: S603
    if done.returncode:
        raise ConfigError(f"{ENVIRONMENT_NAME} is not complete.", "Remove it and run `make peers` again.")
    versions: dict[str, str] = json.loads(done.stdout)
    return versions
