"""Compiled kernels: plain Python loops over arrays, compiled by numba when first called, without a compiler installed.

Every kernel of the project is decorated with ``kernel`` and nothing else: cached on disk, and free of the interpreter
lock, so that several sessions and gRPC's own threads go on meanwhile. Kernels do not check bounds; their callers do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from numba import njit

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")


def kernel(function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
    """Compile a function at its first call; keep the machine code in numba's cache folder."""
    compiled: Callable[Parameters, Returned] = njit(cache=True, nogil=True)(function)
    return compiled
