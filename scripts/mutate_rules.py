"""Take each rule of a node out in turn, in a copy of the project, and show that a test fails without it.

    .venv/bin/python scripts/mutate_rules.py            # all
    .venv/bin/python scripts/mutate_rules.py hours      # those whose name has this in it

A mutation replaces one piece of code, which must be there exactly once. It survives if its tests still pass: then a
rule is not tested. Exits 0 only if none survives.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = (
    "src",
    "tests",
    "scenarios",
    "synthetic_data",
    "services",
    "docs",
    "scripts",
    "proto",
    "pyproject.toml",
    "README.md",
)
_PATIENCE_S = 300
OBSERVERS = "tests/grpc/test_observers.py"
UNIT, NODES, JOINT = "tests/unit", "tests/grpc/test_governance.py", "tests/grpc/test_joint_run.py"


@dataclass(frozen=True, slots=True)
class Mutation:
    """A rule taken out.

    Args:
        rule: what is taken out.
        file: below src/psi_match.
        old: code that is there once.
        new: what it becomes.
        tests: what must fail.
    """

    rule: str
    file: str
    old: str
    new: str
    tests: str


AGREEMENT, DECISION, LEDGER = f"{UNIT}/test_agreement.py", f"{UNIT}/test_decision.py", f"{UNIT}/test_run_ledger.py"
AUDIT = f"{UNIT}/test_audit.py tests/property/test_audit_property.py"

MUTATIONS = [
    Mutation(
        "engine: a joint run takes one that the scenario lists",
        "node/participating.py",
        "if proposal.engine not in scenario.engines:",
        "if False:",
        f"{JOINT}::test_a_proposal_that_does_not_fit_is_refused",
    ),
    Mutation(
        "engine and adder: all parties go by the same",
        "protocols/join_plan.py",
        'how = f"{self.engine}/{self.plan.adder}".encode()',
        'how = b""',
        "tests/sim/test_join_leaks.py::test_parties_that_disagree_on_how_stop_before_anything_else_is_sent",
    ),
    Mutation(
        "policy: a broken one permits nothing",
        "node/gate.py",
        "raise refusal(Rule.POLICY, error.sentence, error.hint) from None",
        "raise",
        f"{NODES}::test_without_a_policy_nothing_runs",
    ),
    Mutation(
        "caller: role",
        "node/own_people.py",
        " or identity.role not in roles",
        "",
        f"{NODES}::test_an_auditor_reads_records_and_log_and_never_a_result",
    ),
    Mutation(
        "caller: own party",
        "node/own_people.py",
        " or identity.party != self._context.party or",
        " or",
        f"{NODES}::test_others_than_its_own_people_may_do_nothing_at_a_node",
    ),
    Mutation(
        "caller: revoked certificate",
        "node/channels.py",
        "        if refusal:",
        "        if False:",
        f"{NODES}::test_a_revoked_node_is_refused_at_its_next_call",
    ),
    Mutation(
        "caller: known peers only",
        "node/peer_service.py",
        " or identity.role != NODE or identity.party not in known",
        "",
        f"{NODES}::test_a_node_that_is_no_peer_here_is_nobody",
    ),
    Mutation(
        "operator",
        "governance/decision.py",
        "    if name not in policy.operators:",
        "    if False:",
        f"{NODES}::test_an_operator_who_is_not_named_may_do_nothing",
    ),
    Mutation(
        "auditor",
        "governance/decision.py",
        "    if name not in policy.auditors:",
        "    if False:",
        f"{NODES}::test_an_auditor_reads_records_and_log_and_never_a_result",
    ),
    Mutation(
        "observer",
        "governance/decision.py",
        "    if name not in policy.observers:",
        "    if False:",
        f"{OBSERVERS}::test_the_policy_names_who_looks_on_and_by_default_nobody",
    ),
    Mutation(
        "observer: no other role looks on",
        "node/observer_service.py",
        "        observer = self._people.admit(context, OBSERVER)\n"
        "        self._count(context, observer.name)\n        self._note(",
        "        observer = self._people.admit(context, OBSERVER, 'operator', 'auditor')\n"
        "        self._count(context, observer.name)\n        self._note(",
        f"{OBSERVERS}::test_other_people_do_not_look_on_with_their_own_certificate",
    ),
    Mutation(
        "observer: not the log",
        "node/operator_service.py",
        "self._people.admit(context, AUDITOR)",
        "self._people.admit(context, AUDITOR, OBSERVER)",
        f"{OBSERVERS}::test_an_observer_reads_records_and_events_and_nothing_else",
    ),
    Mutation(
        "observer: a watch is checked again for the policy",
        "node/observer_service.py",
        "        self._people.admit(context, OBSERVER)\n        certificate",
        "        certificate",
        f"{OBSERVERS}::test_a_watch_ends_when_the_policy_names_the_observer_no_more",
    ),
    Mutation(
        "observer: a watch is checked again for revocation",
        "node/observer_service.py",
        "        reason = self._revoked.refusal(serial_of(certificate))",
        '        reason = ""',
        f"{OBSERVERS}::test_a_watch_ends_when_its_certificate_is_revoked",
    ),
    Mutation(
        "observer: a watch ends with its certificate",
        "node/observer_service.py",
        "if not reason and expires_at",
        "if False and expires_at",
        f"{OBSERVERS}::test_a_watch_ends_when_its_certificate_expires",
    ),
    Mutation(
        "observer: places of their own",
        "node/call_limits.py",
        "        if is_watch and party == self._own:",
        "        if False:",
        f"{OBSERVERS}::test_watches_have_places_of_their_own",
    ),
    Mutation(
        "observer: a timeline goes with its record",
        "node/store.py",
        "return [folder / TIMELINE_NAME, folder / RECORD_NAME]",
        "return [folder / RECORD_NAME]",
        f"{OBSERVERS}::test_a_timeline_goes_with_its_record_and_stays_as_long",
    ),
    Mutation(
        "hours", "governance/decision.py", "    if not policy.open_at(now):", "    if False:", f"{NODES} -k hours"
    ),
    Mutation(
        "hours: days of the week", "governance/policy.py", "DAYS[local.weekday()] in self.days and ", "", DECISION
    ),
    Mutation(
        "hours: local time",
        "governance/policy.py",
        "return moment.astimezone(zoneinfo.ZoneInfo(self.timezone))",
        "return moment",
        DECISION,
    ),
    Mutation(
        "peer", "governance/decision.py", "    if strangers:", "    if False:", f"{NODES} -k not_named_takes_no_part"
    ),
    Mutation(
        "scenario: same text",
        "node/shared_scenario.py",
        "    if not hmac.compare_digest(digest(scenario), their_digest):",
        "    if False:",
        "tests/grpc/test_faults.py -k 'fit_is_refused and digest'",
    ),
    Mutation(
        "scenario: same text, joint",
        "node/shared_scenario.py",
        "    if not hmac.compare_digest(digest(scenario), their_digest):",
        "    if False:",
        f"{JOINT} -k 'fit_is_refused and digest'",
    ),
    Mutation(
        "agreement: named by the policy",
        "node/gate.py",
        "        if name not in policy.agreements:",
        "        if False:",
        f"{NODES} -k agreement_that_is_not_named",
    ),
    Mutation(
        "agreement: both ends mean the same",
        "node/gate.py",
        "            if hmac.compare_digest(agreement.digest, digest):",
        "            if True:",
        f"{NODES}::test_both_ends_mean_the_same_agreement",
    ),
    Mutation("signatures: all", "governance/decision.py", "    if signed.missing:", "    if False:", AGREEMENT),
    Mutation(
        "signatures: of this text",
        "governance/agreement_files.py",
        "            self.agreement == agreement.digest.hex()\n            and ",
        "            ",
        AGREEMENT,
    ),
    Mutation(
        "signatures: by the key in the text",
        "governance/agreement_files.py",
        "            and named == [self.public_key]\n",
        "",
        AGREEMENT,
    ),
    Mutation(
        "signatures: verified",
        "governance/signing.py",
        "    except (InvalidSignature, ValueError):\n        return False",
        "    except (InvalidSignature, ValueError):\n        return True",
        AGREEMENT,
    ),
    Mutation("signatures: known keys", "governance/decision.py", "    if unknown:", "    if False:", AGREEMENT),
    Mutation(
        "digest",
        "governance/decision.py",
        "    if not names_scenario(agreement, scenario):",
        "    if False:",
        AGREEMENT,
    ),
    Mutation("contents", "governance/decision.py", "    if found:", "    if False:", AGREEMENT),
    *(
        Mutation(
            f"contents: {what}", "governance/agreement.py", code, code.replace("if ", "if False and ", 1), AGREEMENT
        )
        for what, code in {
            "purpose": "if agreement.purpose != scenario.purpose:",
            "scenario": "if agreement.scenario != scenario.name:",
            "roles": "if party.roles != tuple(scenario.roles(party.id)):",
            "dataset": "if party.dataset != part.dataset:",
            "columns": "if party.columns != columns_read(scenario, party.id):",
            "outputs": "if agreement.outputs != outputs_of(scenario):",
        }.items()
    ),
    Mutation(
        "term: start",
        "governance/decision.py",
        "agreement.start <= today <= agreement.end",
        "today <= agreement.end",
        AGREEMENT,
    ),
    Mutation(
        "term: end",
        "governance/decision.py",
        "agreement.start <= today <= agreement.end",
        "agreement.start <= today",
        AGREEMENT,
    ),
    Mutation("grondslag: from", "governance/decision.py", "today < basis.valid_from or ", "", AGREEMENT),
    Mutation(
        "grondslag: until",
        "governance/decision.py",
        " or (basis.valid_until is not None and today > basis.valid_until)",
        "",
        AGREEMENT,
    ),
    Mutation(
        "min-group: policy",
        "governance/decision.py",
        "max(allowed.policy.limits.min_group, allowed.agreement.min_group)",
        "allowed.agreement.min_group",
        DECISION,
    ),
    Mutation(
        "min-group: agreement",
        "governance/decision.py",
        "max(allowed.policy.limits.min_group, allowed.agreement.min_group)",
        "allowed.policy.limits.min_group",
        DECISION,
    ),
    Mutation(
        "set-size: policy",
        "governance/decision.py",
        "largest = min(limits.max_set_size, agreed)",
        "largest = agreed",
        DECISION,
    ),
    Mutation(
        "set-size: agreement",
        "governance/decision.py",
        "largest = min(limits.max_set_size, agreed)",
        "largest = limits.max_set_size",
        DECISION,
    ),
    Mutation(
        "population-share",
        "governance/decision.py",
        "        if size > limits.max_population_share * limits.population:",
        "        if False:",
        DECISION,
    ),
    Mutation(
        "sizes: own, as leader",
        "node/leading.py",
        "    check_sizes(permit, {context.party: own.size})\n",
        "",
        f"{NODES} -k 'too_large_own and cjib-cjib'",
    ),
    Mutation(
        "sizes: the leader's, at a data party",
        "node/answering.py",
        "    check_sizes(permit, {link.peer: hello.leader_size})\n",
        "",
        f"{NODES}::test_a_leader_that_is_too_large_is_refused_by_its_peer",
    ),
    Mutation(
        "sizes: the data party's, at the leader",
        "node/leading.py",
        "    check_sizes(permit, sizes)\n",
        "",
        f"{NODES}::test_a_peer_that_is_too_large_is_refused_by_the_leader",
    ),
    Mutation(
        "sizes: of all, in a joint run",
        "node/joint_run.py",
        "        check_sizes(self.permit, {party: max(e.row_size, e.set_size) for party, e in named.items()})\n",
        "",
        f"{JOINT}::test_a_set_that_is_too_large_ends_a_joint_run",
    ),
    Mutation(
        "runs: agreement",
        "node/run_ledger.py",
        '            (f"agreement {permit.agreement.name}", ours, agreed.max, agreed.period_days),\n',
        "",
        LEDGER,
    ),
    Mutation(
        "runs: policy",
        "node/run_ledger.py",
        '            ("the policy", [moment for moment, _ in noted], limits.max_runs, limits.period_days),\n',
        "",
        LEDGER,
    ),
    Mutation(
        "runs: a clock set back", "node/steady_clock.py", "max(self._latest, self._system())", "self._system()", LEDGER
    ),
    Mutation(
        "runs: a clock set back before a restart",
        "node/steady_clock.py",
        "self._latest = self._written = self._read()",
        "self._latest = self._written = datetime.datetime.min.replace(tzinfo=datetime.UTC)",
        LEDGER,
    ),
    Mutation(
        "snapshot-runs",
        "node/run_ledger.py",
        "            if used >= bound:\n                raise refusal(\n                    Rule.SNAPSHOT_RUNS",
        "            if False:\n                raise refusal(\n                    Rule.SNAPSHOT_RUNS",
        LEDGER,
    ),
    Mutation(
        "snapshot-runs: over all agreements",
        "node/run_ledger.py",
        'folder = self._snapshots / f"{name}.{leader}"\n                    folder.mkdir',
        'folder = self._snapshots / f"{name}.{leader}.{use.permit.agreement.name}"\n                    folder.mkdir',
        LEDGER,
    ),
    Mutation(
        "snapshot-runs: same date",
        "node/run_ledger.py",
        'f"date/{dataset}/{reference_date}".encode()',
        'f"date/{dataset}/{reference_date}".encode() + content',
        LEDGER,
    ),
    Mutation(
        "snapshot-runs: same rows",
        "node/run_ledger.py",
        'b"rows/"',
        'f"rows/{reference_date}".encode()',
        LEDGER,
    ),
    Mutation(
        "snapshot-runs: the last place once",
        "node/run_ledger.py",
        "        with self._lock:\n            self.check(use)\n",
        "        with self._lock:\n",
        LEDGER,
    ),
    Mutation(
        "snapshot-runs: counted by a data party",
        "node/answering.py",
        "            context.ledger.take(use)\n",
        "",
        f"{NODES} -k 'used_up and belastingdienst'",
    ),
    Mutation(
        "snapshot-runs: counted by a leader",
        "node/leading.py",
        "    context.ledger.take(use)\n",
        "",
        f"{NODES} -k 'used_up and cjib'",
    ),
    Mutation(
        "snapshot-runs: counted in a joint run",
        "node/joint_run.py",
        "                self.context.ledger.take(self.use)\n",
        "                pass\n",
        f"{JOINT}::test_a_small_cell_is_suppressed_and_a_snapshot_is_counted_once",
    ),
    Mutation(
        "statistics-once",
        "node/run_ledger.py",
        "if any((self._statistics / name).exists() for name in snapshot.names):",
        "if False:",
        LEDGER,
    ),
    Mutation(
        "signed-head: a peer's head",
        "node/log_heads.py",
        "party in self._seen or not is_head_of(head, self._key_of(party))",
        "party in self._seen",
        f"{NODES}::test_a_head_that_its_party_did_not_sign_is_refused",
    ),
    Mutation(
        "signed-head: countersignature",
        "node/log_heads.py",
        "        if not is_countersigned(self._own, party, signature=signature, public_key=self._key_of(party)):",
        "        if False:",
        f"{NODES}::test_a_countersignature_of_another_head_is_refused",
    ),
    Mutation(
        "sessions",
        "node/sessions.py",
        "            if len(self._live) >= self.limit:",
        "            if False:",
        f"{UNIT}/test_node_parts.py",
    ),
    Mutation(
        "run-id: once",
        "node/store.py",
        "        except FileExistsError:\n            raise refusal(Rule.RUN_ID",
        "        except FileExistsError:\n            return\n            raise refusal(Rule.RUN_ID",
        f"{UNIT}/test_node_parts.py tests/grpc/test_faults.py -k 'run_id or private_and_complete'",
    ),
    Mutation(
        "run-id: no stream that nobody expects",
        "node/sessions.py",
        "            if link.peer not in self.expected or link.peer in self.links:",
        "            if False:",
        "tests/grpc/test_joint_faults.py -k nobody_expects",
    ),
    Mutation(
        "a peer is told the public sentence",
        "wire/aborts.py",
        "sentence = error.public or error.sentence",
        "sentence = error.sentence",
        DECISION,
    ),
    Mutation(
        "a refusal is recorded",
        "node/answering.py",
        "        context.refusals.note(error, peer=link.peer, **about)\n",
        "",
        f"{NODES} -k hours",
    ),
    Mutation(
        "a refusal is recorded once it is many",
        "node/refusals.py",
        "                caller.unwritten += 1\n",
        "",
        f"{NODES}::test_refusals_without_end_do_not_fill_the_log",
    ),
    Mutation(
        "opt-outs: own list, pairwise",
        "node/opt_outs.py",
        "(config.opt_outs, config.opt_out_register)",
        "(config.opt_out_register,)",
        f"{NODES}::test_who_opted_out_at_either_end_is_in_no_result",
    ),
    Mutation(
        "opt-outs: register, pairwise",
        "node/opt_outs.py",
        "(config.opt_outs, config.opt_out_register)",
        "(config.opt_outs,)",
        f"{NODES}::test_who_opted_out_at_either_end_is_in_no_result",
    ),
    Mutation(
        "opt-outs: pairwise at all",
        "node/contribution.py",
        "numbers = chosen[~is_among(chosen, opted_out(config, context.datasets))]",
        "numbers = chosen",
        f"{NODES}::test_who_opted_out_at_either_end_is_in_no_result",
    ),
    Mutation(
        "opt-outs: joint",
        "node/joint_contribution.py",
        "opted_out=opted_out(config, cache),",
        "opted_out=opted_out(config, cache)[:0],",
        f"{JOINT}::test_what_a_recipient_gets_is_what_its_rows_are",
    ),
    Mutation(
        "retention: before a result is handed out",
        "node/operator_service.py",
        "            purge(self._context.store, self._context.audit, self._context.clock.today())\n            path",
        "            path",
        f"{NODES}::test_what_is_due_is_deleted_and_written_down",
    ),
    Mutation(
        "retention: at the start",
        "node/maintenance.py",
        "            self._purge()\n",
        "",
        f"{NODES}::test_what_is_due_is_deleted_and_written_down",
    ),
    Mutation(
        "retention: written down",
        "node/retention.py",
        '        audit.append("purged", run=part.run_id, what=part.part)\n',
        "",
        f"{NODES}::test_what_is_due_is_deleted_and_written_down",
    ),
    Mutation(
        "one node per state folder",
        "node/server.py",
        "self._lock = StateLock(config.state_dir)",
        "self._lock = StateLock.__new__(StateLock)\n        self._lock._descriptor = -1",
        f"{NODES}::test_one_node_per_state_folder",
    ),
    Mutation(
        "the run depends on the agreement",
        "governance/decision.py",
        'hash_fields("run", digest(scenario), allowed.agreement.digest)',
        'hash_fields("run", digest(scenario))',
        DECISION,
    ),
    Mutation(
        "signed-head: the caller's countersignature",
        "node/pair_run.py",
        "    heads.take_countersignature(link.peer, countersigned.signature)\n",
        "",
        f"{NODES}::test_an_old_head_is_of_no_use_to_a_thief_of_a_tls_key",
    ),
    Mutation(
        "scenario: nothing of those without a part for the caller",
        "node/shared_scenario.py",
        "known = {peer, context.party} <= set(scenario.party_ids)",
        "known = True",
        f"{NODES}::test_a_peer_learns_nothing_of_scenarios_without_a_part_for_it",
    ),
    Mutation(
        "ledger: not begun anew without its key",
        "node/run_ledger.py",
        " and not any(_files(part) for part in (self._runs, self._snapshots))",
        "",
        LEDGER,
    ),
    Mutation(
        "notices: only from parties of the run",
        "node/notice_run.py",
        "    if not run.may_give_notice(peer):",
        "    if False:",
        "tests/grpc/test_notices.py",
    ),
    Mutation(
        "notices: a recipient looks only when asked",
        "node/notice_run.py",
        "if context.store.take_notices_run(run_id, peer) else None",
        "if context.store.take_notices_run(run_id, peer) or True else None",
        "tests/grpc/test_notices.py",
    ),
    Mutation(
        "notices: peers that the policy names",
        "node/notice_gate.py",
        "    if peer not in policy.peers:",
        "    if False:",
        "tests/grpc/test_notices.py",
    ),
    Mutation(
        "audit: every line is signed",
        "governance/audit/lines.py",
        "    return is_signed(public_key, line.signature, _LINE, bytes.fromhex(log), line.body)",
        "    return True",
        AUDIT,
    ),
    *(
        Mutation(f"audit: {what}", f"governance/audit/{file}.py", code, code.replace("if ", "if False and ", 1), AUDIT)
        for what, file, code in (
            ("a missing line", "chain", "if line.sequence > state.due:"),
            ("a moved line", "chain", "elif line.sequence < state.due:"),
            ("a line of another history", "chain", "elif state.digest is not None and line.previous != state.digest:"),
            (
                "an unknown key",
                "chain",
                "if self.signers and not self.signers.knows(opening.party, opening.public_key):",
            ),
            ("a log that is gone, by a peer's head", "witnesses", "elif head.log not in logs:"),
            ("a cut, by a peer's head", "witnesses", "elif (head.log, head.sequence) not in walk.digests:"),
            (
                "a rewritten line, by a peer's head",
                "witnesses",
                "elif walk.digests[head.log, head.sequence] != head.digest:",
            ),
        )
    ),
    Mutation(
        "audit: no field that is not declared",
        "governance/audit/events.py",
        "        if fits is None:",
        "        if False:",
        f"{UNIT}/test_audit.py",
    ),
    Mutation(
        "audit: no value that does not fit",
        "governance/audit/events.py",
        "        if not fits(value):",
        "        if False:",
        f"{UNIT}/test_audit.py",
    ),
]


def main() -> int:
    """Run the mutations that are asked for."""
    wanted = [m for m in MUTATIONS if all(word in m.rule for word in sys.argv[1:])]
    survived = []
    with tempfile.TemporaryDirectory(prefix="psi-match-mutations-") as temporary:
        copy = Path(temporary)
        for part in PARTS:
            source = ROOT / part
            # With the compiled kernels: numba takes them for those of the copy, since times and sizes are the same.
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, copy / part)
        for number, mutation in enumerate(wanted, 1):
            began = time.monotonic()
            killed, said = _fails_without(mutation, copy)
            if not killed:
                survived.append(mutation.rule)
            verdict = "ok      " if killed else "SURVIVED"
            print(
                f"{verdict} {number}/{len(wanted)} {mutation.rule}: {said} ({time.monotonic() - began:.1f} s)",
                flush=True,
            )
    print(f"{len(wanted) - len(survived)} passed, {len(survived)} failed")
    return 1 if survived else 0


def _fails_without(mutation: Mutation, copy: Path) -> tuple[bool, str]:
    path = copy / "src" / "psi_match" / mutation.file
    text = path.read_text()
    if text.count(mutation.old) != 1:
        return False, f"its code is there {text.count(mutation.old)} times in {mutation.file}"
    path.write_text(text.replace(mutation.old, mutation.new))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header", "--tb=no"]
    command += shlex.split(mutation.tests)
    environment = os.environ | {
        "PYTHONPATH": str(copy / "src"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(copy / ".hypothesis"),
    }
    try:
        done = subprocess.run(  # our own interpreter and tests  # noqa: S603
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return True, "its test did not end"
    finally:
        path.write_text(text)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    if done.returncode == 1 and failed:
        return True, failed[0].removeprefix("FAILED ").split(" - ")[0]
    return False, f"pytest ended with {done.returncode}: {(done.stdout.strip().splitlines() or [''])[-1]}"


if __name__ == "__main__":
    sys.exit(main())
