"""``psi-match doctor``: the checks that a node does before it says that it is ready, its governance, and its peers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from psi_match.node.config import NodeConfig


def doctor(
    config: Annotated[
        Path | None, typer.Option("--config", help="A node's config; without it only this machine.")
    ] = None,
) -> None:
    """Check this machine, and with --config a node's keys, data, scenarios and peers."""
    from psi_match.base.errors import PsiMatchError
    from psi_match.cli.options import keep_numba_quiet

    keep_numba_quiet()
    failures: list[PsiMatchError] = []

    def check(name: str, action: Callable[[], str]) -> bool:
        try:
            said = action()
        except PsiMatchError as error:
            failures.append(error)
            sys.stdout.write(f"FAIL  {name}: {error}\n")
            if error.hint:
                sys.stdout.write(f"      {error.hint}\n")
            return False
        sys.stdout.write(f"ok    {name}{': ' + said if said else ''}\n")
        return True

    check("protocol self-test", _self_test)
    check("engine ecdh", _ecdh)
    check("scenarios", lambda: _scenarios(None))
    if config:
        _check_node(config, check)
    if failures:
        raise failures[0]


def _self_test() -> str:
    from psi_match.base.randomness import SystemRandomness
    from psi_match.sim.self_test import self_test

    self_test(SystemRandomness())
    return "kernels, AES, group and intersection give the right answer"


def _ecdh() -> str:
    from psi_match.base.errors import ConfigError
    from psi_match.protocols.ecdh_psi import library_version

    try:
        return f"openmined-psi {library_version()}"
    except ConfigError:
        # A node without the reference engine is complete; scenarios that ask for it are refused.
        return "not here, openmined-psi has no wheel for this machine"


def _scenarios(folder: Path | None) -> str:
    from psi_match.scenario.catalogue import Catalogue

    return f"{len(Catalogue(folder).all())} valid"


def _check_node(path: Path, check: Callable[[str, Callable[[], str]], bool]) -> None:
    from psi_match.node.certificates import NODE, Credentials
    from psi_match.node.config import read_config
    from psi_match.node.greeting import greet
    from psi_match.node.revocation import REVOKED_NAME, revoked_serials
    from psi_match.node.signing_config import open_signer
    from psi_match.node.sources import load
    from psi_match.node.store import Store

    found: list[NodeConfig] = []

    def read() -> str:
        found.append(read_config(path))
        return f"node {found[0].party}"

    if not check("config", read):
        return
    config = found[0]

    def keys() -> str:
        return str(Credentials.read(config.keys.directory, NODE).identity.party)

    def store() -> str:
        Store(config.state_dir)
        return str(config.state_dir)

    def signing_key() -> str:
        return open_signer(config.signing, config.keys.directory).public_key.hex()

    keys_are_fine = check("keys", keys)
    check("signing key", signing_key)
    check("revocation list", lambda: f"{len(revoked_serials(config.keys.directory / REVOKED_NAME))} revoked")
    _check_governance(config, check)
    check("state folder", store)
    check("own scenarios", lambda: _scenarios(config.scenario_dir))
    for dataset in config.datasets:
        check(f"dataset {dataset.spec.name}", lambda d=dataset: f"{load(d.spec, d.source).rows} rows")  # type: ignore[misc]
    if not keys_are_fine:
        return
    credentials = Credentials.read(config.keys.directory, NODE)
    for peer in config.peers:
        check(
            f"peer {peer.party}",
            lambda p=peer: f"psi-match {greet(p.address, p.party, credentials).software_version}",  # type: ignore[misc]
        )


def _check_governance(config: NodeConfig, check: Callable[[str, Callable[[], str]], bool]) -> None:
    """Check the policy, and each agreement that it names: whether it is in force today."""
    import datetime

    from psi_match.governance.agreement_files import read_signed
    from psi_match.governance.decision import check_in_force
    from psi_match.governance.policy import Policy, read_policy
    from psi_match.governance.signing import SIGNERS_NAME, Signers
    from psi_match.scenario.catalogue import Catalogue

    found: list[Policy] = []

    def policy() -> str:
        found.append(read_policy(config.governance.policy))
        return f"{len(found[0].agreements)} agreements, {len(found[0].peers)} peers"

    def agreement(name: str) -> str:
        signed = read_signed(config.governance.agreements / f"{name}.toml")
        scenario = Catalogue(config.scenario_dir).get(signed.agreement.scenario)
        signers = Signers.read(config.governance.signers or config.keys.directory / SIGNERS_NAME)
        check_in_force(signed, scenario, signers, datetime.datetime.now(datetime.UTC).date())
        return f"in force until {signed.agreement.end}"

    if check("policy", policy):
        for name in found[0].agreements:
            check(f"agreement {name}", lambda n=name: agreement(n))  # type: ignore[misc]
