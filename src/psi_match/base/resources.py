"""What this process has used and may use of its machine: memory, processors."""

from __future__ import annotations

import os
import resource
from pathlib import Path

_KIB = 1024


def peak_rss_bytes() -> int:
    """Return the largest resident memory of this process so far.

    The kernel's ``VmHWM`` is asked first: ``ru_maxrss`` of a process also counts the parent from which it was forked.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * _KIB
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


def usable_cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
