"""Who opted out at this node: its own list, and the joint register that all bodies keep."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.node.config import NodeConfig
from psi_match.node.dataset_cache import DatasetCache


def opted_out(config: NodeConfig, cache: DatasetCache) -> NDArray[np.uint32]:
    """Return the BSNs of everybody who opted out here, ascending and distinct.

    Raises:
        DataError: a list cannot be read. Then nothing runs: to go on without it would be to forget them.
    """
    names = [name for name in (config.opt_outs, config.opt_out_register) if name is not None]
    lists = [cache.get(config.dataset(name)).bsn for name in names]
    return np.unique(np.concatenate(lists)) if lists else np.empty(0, dtype=np.uint32)
