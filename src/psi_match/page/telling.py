"""What visitors are told of an error: enough to know which node to ask, and no more than they need.

Anybody who reaches the page may read it, and errors are written for whoever runs a node. Without ``operators`` a
visitor gets one general sentence per kind of error, and the party that it is about. With it the page is a demonstration
on one machine, and who looks runs the nodes too: then the error's own sentence and hint are shown. Text with a path of
a file is never shown. What was left out stands in the page's log.
"""

from __future__ import annotations

import re

import structlog

from psi_match.base.errors import (
    DeadlineExceeded,
    PeerAborted,
    PolicyRefusal,
    PsiMatchError,
    TransportError,
    UsageError,
)
from psi_match.domain.parties import display_name
from psi_match.page.texts import Words

_PATH = re.compile(r"(?:^|[\s\"'(`:=])(?:~|\.{0,2})/[^\s/]|[A-Za-z]:\\|\w/\w[\w./-]*\.\w+")
"""A path of a file, absolute or not; steps such as ``join/toeslagen`` and times do not fit."""


class Telling:
    """Decides on words.

    Args:
        detailed: whether who looks also runs the nodes: the setting ``operators``.
    """

    def __init__(self, detailed: bool) -> None:
        self._detailed = detailed

    def of(self, error: PsiMatchError, t: Words) -> PsiMatchError:
        """Return an error as visitors may read it; of the same class where that decides on the answer's status."""
        if self._detailed and not has_path(error.sentence) and not has_path(error.hint):
            return error
        # Also of an error of a node: its sentence holds no value, but may hold a rule or a file of somebody's.
        structlog.get_logger().warning("error told in general", error=type(error).__name__, sentence=str(error))
        return _general(error, t)

    def of_record(self, error: str, t: Words) -> str:
        """Return what a node's record says of its failure, as visitors may read it."""
        return error if self._detailed and not has_path(error) else t("problem_record")


def has_path(text: str) -> bool:
    """Tell whether a text holds a path of a file."""
    return bool(_PATH.search(text))


def _general(error: PsiMatchError, t: Words) -> PsiMatchError:
    node = display_name(error.peer) if error.peer else t("problem_a_node")
    if isinstance(error, PolicyRefusal):
        return PolicyRefusal(t("problem_refused", node=node), t("problem_refused_hint"))
    if isinstance(error, TransportError | DeadlineExceeded):
        return TransportError(t("problem_away", node=node), t("problem_away_hint"))
    if isinstance(error, PeerAborted):
        return PeerAborted(t("problem_aborted", node=node), t("problem_refused_hint"))
    if isinstance(error, UsageError):
        return UsageError(t("run_unknown"), t("run_unknown_hint"))
    return PsiMatchError(t("problem_other"), t("problem_other_hint"))
