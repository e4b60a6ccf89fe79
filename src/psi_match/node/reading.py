"""What all sources share: failures that must not tell what a library says, and the check of column names."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from psi_match.base.errors import DataError
from psi_match.domain.dataset import DatasetSpec, missing_columns

Anything = TypeVar("Anything")


def attempt(action: Callable[[], Anything], sentence: str, hint: str) -> Anything:
    """Do something that may fail with a text that must not be shown; the failure leaves no context behind."""
    done: list[Anything] = []
    try:
        done.append(action())
    except DataError:
        raise
    except OSError as cause:
        if cause.errno:
            # The system's own text: what Arrow puts into `strerror` repeats the path.
            sentence = f"{sentence.removesuffix('.')}: {os.strerror(cause.errno)}."
    except Exception:  # any library error: its text may hold a value  # noqa: BLE001, S110
        pass
    if not done:
        raise DataError(sentence, hint)
    return done[0]


def explained(action: Callable[[], Anything], explain: Callable[[Exception], DataError]) -> Anything:
    """Do something; its failure becomes the error that explains it, without the failure as its context."""
    try:
        return action()
    except DataError:
        raise
    except Exception as cause:  # any library error: its text may hold a value  # noqa: BLE001
        error = explain(cause)
    raise error


def check_columns(spec: DatasetSpec, what: str, present: list[str]) -> None:
    """Check that a source has each needed column once.

    Raises:
        DataError: one is missing, or there more than once.
    """
    missing = [name for name in spec.source_columns if name not in present]
    if missing:
        raise missing_columns(spec.name, missing, present)
    twice = [name for name in spec.source_columns if present.count(name) > 1]
    if twice:
        raise DataError(f"{what} has column {', '.join(twice)} more than once.", "Rename one of them.")
