"""Find the scenario that a peer proposes, and tell it nothing of scenarios in which it has no part."""

from __future__ import annotations

import hmac

from psi_match.base.errors import PolicyRefusal, ScenarioError
from psi_match.governance.rules import Rule
from psi_match.node.context import NodeContext
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import AnyScenario


def not_shared(sentence: str, peer: str, step: str) -> PolicyRefusal:
    """Return a refusal by rule ``scenario``. Its sentence holds names only, and is told to the peer as it is."""
    return PolicyRefusal(sentence, peer=peer, step=step, rule=Rule.SCENARIO)


def shared_scenario(context: NodeContext, name: str, their_digest: bytes, peer: str, step: str) -> AnyScenario:
    """Return this node's own text of a scenario in which both have a part, if it is the peer's text too.

    Raises:
        PolicyRefusal: rule ``scenario``: there is none, or its text is another one.
    """
    try:
        scenario = context.catalogue.get(name)
        known = {peer, context.party} <= set(scenario.party_ids)
    except ScenarioError:
        known = False
    if not known:
        raise not_shared(f"Node {context.party} does not know this scenario.", peer, step)
    if not hmac.compare_digest(digest(scenario), their_digest):
        raise not_shared(f"Node {context.party} has another text of scenario {name}.", peer, step)
    return scenario
