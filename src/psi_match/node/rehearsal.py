"""A dry run: load, validate and check peers as a run would, and send nothing of a run."""

from __future__ import annotations

from typing import Any

from psi_match.governance.decision import Permit, check_sizes
from psi_match.node.context import NodeContext
from psi_match.node.contribution import Contribution, contribute
from psi_match.node.greeting import check_scenario_known, greet
from psi_match.node.joint_contribution import JointContribution, contribute_jointly
from psi_match.node.run_ledger import Use
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import AnyScenario, JoinScenario, StatisticsOutput


def rehearse(context: NodeContext, scenario: AnyScenario, permit: Permit) -> dict[str, Any]:
    """Check everything that a run needs, and use nothing up.

    Returns:
        What was checked: own rows and public size, and each peer's software version.

    Raises:
        PsiMatchError: the first thing that a run would trip over.
    """
    own: Contribution | JointContribution
    if isinstance(scenario, JoinScenario):
        own = contribute_jointly(context, scenario)
        size = max(own.row_size, own.set_size)
        statistics = any(isinstance(output, StatisticsOutput) for output in scenario.outputs)
    else:
        own = contribute(context, scenario)
        size, statistics = own.size, False
    check_sizes(permit, {context.party: size})
    context.ledger.check(Use(permit, "", scenario.leaders, own.snapshot, statistics))
    peers = {}
    for party in [party for party in scenario.party_ids if party != context.party]:
        reply = greet(context.config.peer(party).address, party, context.credentials)
        check_scenario_known(reply, scenario.name, digest(scenario))
        peers[party] = reply.software_version
    return {
        "dry_run": True,
        "agreement": permit.agreement.name,
        "scenario": scenario.name,
        "scenario_digest": digest(scenario).hex(),
        "rows_loaded": own.rows_loaded,
        "rows_rejected": own.rows_rejected,
        "rows_in": own.rows_in,
        "opted_out": own.opted_out,
        "public_size": size,
        "reference_date": str(own.reference_date or ""),
        "peers": peers,
    }
