"""The rules by which a node says no, and what a peer is told of each.

A refusal names its rule to the node's own operator, log and audit log. A peer gets one public sentence, which tells
neither a number of this node's policy nor how much of it is used up.
"""

from __future__ import annotations

from enum import StrEnum

from psi_match.base.errors import PolicyRefusal


class Rule(StrEnum):
    """What a node checks. Everything that no rule allows is refused."""

    POLICY = "policy"
    """The node has a policy, and it can be read."""
    CALLER = "caller"
    """The caller's certificate is valid, not revoked, and of a role and party that may call this."""
    OPERATOR = "operator"
    """The policy names the operator."""
    AUDITOR = "auditor"
    """The policy names the auditor."""
    OBSERVER = "observer"
    """The policy names the observer."""
    HOURS = "hours"
    """Runs take place at these hours only."""
    PEER = "peer"
    """The policy names every other party of the run."""
    SCENARIO = "scenario"
    """Both ends have the same text of the scenario, and it has a part for both."""
    AGREEMENT = "agreement"
    """The policy names an agreement on this scenario, and both ends mean the same one."""
    SIGNATURES = "signatures"
    """Every party has signed it, with a key that is known to be its own."""
    DIGEST = "digest"
    """It names the scenario by the digest of the text that is to run."""
    CONTENTS = "contents"
    """What it says of purpose, parties, roles, datasets, columns and recipients is what the scenario does."""
    TERM = "term"
    """Today is neither before its start nor after its end."""
    GRONDSLAG = "grondslag"
    """Today its legal basis is valid."""
    MIN_GROUP = "min-group"
    """Released groups are as large as policy and agreement ask."""
    SET_SIZE = "set-size"
    """No set is larger than policy and agreement allow."""
    POPULATION_SHARE = "population-share"
    """No set is so large a share of the population that it would be a list of everybody."""
    RUNS = "runs"
    """The runs of a period that agreement and policy allow are not used up."""
    SNAPSHOT_RUNS = "snapshot-runs"
    """One leader runs on one snapshot only so often, over all agreements together."""
    STATISTICS_ONCE = "statistics-once"
    """One table of one snapshot is released, once."""
    SIGNED_HEAD = "signed-head"
    """The peer shows a head of its audit log under its signing key, and countersigns ours."""
    SESSIONS = "sessions"
    """A place for a run is free."""
    RUN_ID = "run-id"
    """The run id is new; a stream that joins a run names one that is under way and expects it."""


PUBLIC: dict[Rule, str] = {
    Rule.POLICY: "The node permits no runs at present.",
    Rule.CALLER: "The certificate is not that of a caller who may ask this here.",
    Rule.OPERATOR: "The operator is not one whom this node's policy names.",
    Rule.AUDITOR: "The auditor is not one whom this node's policy names.",
    Rule.OBSERVER: "The observer is not one whom this node's policy names.",
    Rule.HOURS: "The node takes no part in runs at this hour.",
    Rule.PEER: "The node takes no part in runs with these parties.",
    Rule.SCENARIO: "The node has no part in this run of this scenario.",
    Rule.AGREEMENT: "No agreement that this node knows covers the run.",
    Rule.SIGNATURES: "The agreement is not in force at this node.",
    Rule.DIGEST: "The agreement is not in force at this node.",
    Rule.CONTENTS: "The agreement is not in force at this node.",
    Rule.TERM: "The agreement is not in force at this node.",
    Rule.GRONDSLAG: "The agreement is not in force at this node.",
    Rule.MIN_GROUP: "The groups that the run would release are smaller than this node allows.",
    Rule.SET_SIZE: "A set of the run is larger than this node allows.",
    Rule.POPULATION_SHARE: "A set of the run is larger than this node allows.",
    Rule.RUNS: "The node takes no further part in runs under this agreement at present.",
    Rule.SNAPSHOT_RUNS: "The node takes no further part in runs on its present data.",
    Rule.STATISTICS_ONCE: "The node releases no further statistics of its present data.",
    Rule.SIGNED_HEAD: "The node's log and the peer's do not confirm each other.",
    Rule.SESSIONS: "The node has as many runs at work as it allows.",
    Rule.RUN_ID: "The run id was used before, or belongs to no run that expects this stream.",
}


def refusal(
    rule: Rule, sentence: str, hint: str = "", *, peer: str | None = None, step: str | None = None
) -> PolicyRefusal:
    """Return the refusal of a rule.

    Args:
        rule: which one.
        sentence: what is wrong, for this node's own people; no value of a row.
        hint: what they can do.
        peer: the party id that it is about.
        step: the step in which it happened.
    """
    return PolicyRefusal(f"Rule {rule}: {sentence}", hint, peer=peer, step=step, rule=rule, public=PUBLIC[rule])
