"""Write a new file that only its owner can read: for what may hold BSNs."""

from __future__ import annotations

import os
from pathlib import Path


def write_private_file(out: Path, content: bytes) -> None:
    """Write a file of mode 0600; never over another one.

    Raises:
        UsageError: it exists already, or cannot be written.
    """
    from psi_match.base.errors import UsageError

    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as cause:
        raise UsageError(f"Cannot write {out}: {cause.strerror}.", "Choose another --out.") from None
