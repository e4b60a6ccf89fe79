"""What a bench ran on: processor, memory, kernel, Python, packages. No host name, user or path is in it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from psi_match.base.resources import usable_cores

_FLAGS = ("aes", "sha_ni", "avx2", "vaes", "vpclmulqdq", "avx512f", "avx512vl", "avx512ifma", "gfni")
"""What AES, hashes, bit matrices and other programs' curves are faster with."""
_PACKAGES = (
    "psi-match",
    "cryptography",
    "grpcio",
    "llvmlite",
    "numba",
    "numpy",
    "openmined-psi",
    "pandas",
    "protobuf",
    "pyarrow",
    "rbcl",
)
IDENTITY = ("cpu", "cores", "cpu_flags", "memory_gib", "architecture", "system")
"""What makes a machine another one; kernel and Python may be news of the same."""


def describe() -> dict[str, str | int | float]:
    """Describe this machine, and how busy it is now."""
    info = _pairs(Path("/proc/cpuinfo"))
    flags = set(info.get("flags", "").split())
    memory_kib = _pairs(Path("/proc/meminfo")).get("MemTotal", "0 kB").split()[0]
    return {
        "cpu": info.get("model name") or platform.processor() or "unknown",
        "cores": usable_cores(),
        "cpu_flags": " ".join(flag for flag in _FLAGS if flag in flags),
        "memory_gib": round(int(memory_kib) / (1 << 20), 1),
        "architecture": platform.machine(),
        "system": platform.system(),
        "kernel": platform.release(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def versions(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the versions of this program and of the packages that its speed depends on.

    Args:
        extra: those of other programs that took part.
    """
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found | dict(extra or {})


def differences(
    old: Mapping[str, str | int | float], new: Mapping[str, str | int | float], keys: tuple[str, ...] = IDENTITY
) -> list[str]:
    """Say in what two machines differ."""
    return [
        f"{key.replace('_', ' ')} {old.get(key, 'unknown')} against {new.get(key, 'unknown')}"
        for key in keys
        if old.get(key) != new.get(key)
    ]


def _pairs(path: Path) -> dict[str, str]:
    """Read lines of ``name : value``; of a name that comes often, the first."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), value.strip())
    return found
