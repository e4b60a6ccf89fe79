"""psi-match: match citizens between public bodies on BSN, and learn only what was agreed."""

from __future__ import annotations

__version__ = "0.1.0"
