"""Datasets that a node keeps in memory because their config says so, read again when their file changes."""

from __future__ import annotations

import threading

from psi_match.domain.dataset import Dataset
from psi_match.node.config import DatasetConfig
from psi_match.node.sources import fingerprint, load


class DatasetCache:
    """Loads datasets, and keeps those that are marked ``preload``."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, Dataset]] = {}
        self._lock = threading.Lock()

    def get(self, config: DatasetConfig) -> Dataset:
        """Return a dataset, loaded and checked.

        Raises:
            DataError: it cannot be read or holds rows that its declaration does not allow.
        """
        if not config.preload:
            return load(config.spec, config.source)
        # One loader at a time: two sessions that start together share one copy.
        with self._lock:
            now = fingerprint(config.source)
            kept = self._kept.get(config.spec.name)
            if kept is None or kept[0] != now:
                kept = (now, load(config.spec, config.source))
                self._kept[config.spec.name] = kept
            return kept[1]
