"""SPU's connection between the parties of a bench."""

from __future__ import annotations

from typing import Any

_RETRY_MS, _RETRIES = 10, 6000


def connect(libspu: Any, task: dict[str, Any]) -> tuple[Any, int]:  # noqa: ANN401 - a library without types
    """Connect to all other parties; return the link and the own rank.

    Args:
        libspu: the library.
        task: ``party`` and ``addresses``, of which the first has rank 0.
    """
    description = libspu.link.Desc()
    description.id = "bench"
    # Whoever comes first finds nobody listening and tries again, by default after a second.
    description.connect_retry_interval_ms, description.connect_retry_times = _RETRY_MS, _RETRIES
    for name, address in task["addresses"].items():
        description.add_party(name, address)
    rank = list(task["addresses"]).index(task["party"])
    return libspu.link.create_brpc(description, rank), rank
