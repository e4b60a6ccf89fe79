"""Watch the memory of containers until told to stop, then print what they took: `memory.py` in the background, SIGTERM.

Reads the engine's control groups on this machine, version 1 or 2. Containers that are there already when it starts do
not count. Cached files that the kernel may drop at any time do not count either, as in `docker stats`.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PLACES = ("memory/docker/*", "docker/*", "system.slice/docker-*.scope")
EVERY_S = 0.2


def groups() -> dict[str, Path]:
    found = (folder for place in PLACES for folder in ROOT.glob(place) if folder.is_dir())
    return {folder.name: folder for folder in found}


def taken(folder: Path) -> int:
    """Return the bytes of a group at this moment; 0 if it is gone."""
    try:
        for usage, cached in (("memory.usage_in_bytes", "total_inactive_file"), ("memory.current", "inactive_file")):
            if (folder / usage).exists():
                lines = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                return max(0, int((folder / usage).read_text()) - int(lines.get(cached, "0")))
    except (OSError, ValueError):
        pass
    return 0


def main() -> None:
    stopped = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    before = set(groups())
    together, alone = 0, dict[str, int]()
    while not stopped:
        now = {name: taken(folder) for name, folder in groups().items() if name not in before}
        together = max(together, sum(now.values()))
        for name, size in now.items():
            alone[name] = max(alone.get(name, 0), size)
        time.sleep(EVERY_S)
    # One-shot containers are gone by now, and never ran all at once.
    staying = sum(alone.get(name, 0) for name in groups())
    json.dump({"containers": len(alone), "together": together, "staying": staying}, sys.stdout)


if __name__ == "__main__":
    main()
