"""Why a run failed, as far as others than the node's own people may read it.

A record holds the sentence that its node's own operator needs: how many rows a set has, which rows are wrong, which
limit of the policy was met. A report goes to others, so it repeats what the wire may carry and nothing else.
"""

from __future__ import annotations

import re

from psi_match.governance.rules import PUBLIC

_RULE = re.compile(r"Rule ([a-z-]+): ")
_PUBLIC = {rule.value: sentence for rule, sentence in PUBLIC.items()}
_OF_A_PEER = re.compile(r"\(peer [^()]+\)$")


def told(error: str) -> str:
    """Return what may be told of a failure; empty if its sentence is for the node's own people.

    Args:
        error: of a record: the sentence, and in brackets the peer and the step that it is about.

    Returns:
        Of a refusal the public sentence of its rule. The sentence itself where it is about a peer: silent, gone, out of
        step, or one that gave its own public reason. Of whatever else - own data, own files - nothing.
    """
    refused = _RULE.match(error)
    if refused:
        return _PUBLIC.get(refused[1], "")
    return error if _OF_A_PEER.search(error) else ""
