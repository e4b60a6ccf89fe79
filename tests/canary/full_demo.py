"""The demo that is searched: real node processes, four kinds of runs, refusals, failures, and commands that look.

Everything that a node or a command writes lands in one folder: state, logs, output, temporary files, the home folder,
the working directory (where a core dump would be), and what other users of the machine could see of a process. What is
in the memory of a process is not searched.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from canary.planted_people import DATABASE_BODY, FETCHED, WITHDRAWING_BODY, WITHDRAWN_LIST, Planting
from canary.search import Canary
from canary.spellings import of_secret
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from psi_match.bench.demonstration import COLUMNS, prepare_nodes
from psi_match.node.certificates import Authority
from psi_match.node.local_nodes import LocalDataset, LocalNode, running
from psi_match.population.generate import generate

PERSONS = 3000
CREDITORS = ("cjib", "belastingdienst", "toeslagen", "cak")
PARTIES = (*CREDITORS, "svb", "uwv", "gemeente-a", "gemeente-b", "rekennode", "cbs")
_NODE_PROGRAM = Path(__file__).with_name("remembering_node.py")
_REFUSED, _WRONG_DATA, _ABORTED, _UNREACHABLE = 5, 4, 8, 6
_KILL_WITHIN_S = 300.0

OWN_STATE = {
    "drawn/node/run_ledger.py": "nodes/{party}/state/ledger/key",
    "drawn/node/contribution.py": "nodes/{party}/state/nonces/*",
    "drawn/node/joint_contribution.py": "nodes/{party}/state/nonces/*",
    "drawn/node/notice_run.py": "nodes/{party}/state/nonces/*",
}
"""The secrets that a node keeps, by who drew them: the key of its ledger's names, and what opens its commitments."""
_LOG_ID = "drawn/node/audit_log.py"
"""Sixteen random bytes that name a log, for everyone to see."""


@dataclass(slots=True)
class RememberingNode(LocalNode):
    """A node whose secrets are written down outside of the searched folder, and all of whose files are in it."""

    secrets: Path = Path()
    home: Path = Path()

    def start(self) -> None:
        """Start the process; it is ready when ``wait_ready`` returns."""
        ready = self.folder / "address"
        ready.unlink(missing_ok=True)
        command = [sys.executable, str(_NODE_PROGRAM), str(self.secrets), "node", "serve"]
        command += ["--config", str(self.folder / "node.toml"), "--address-file", str(ready)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=_environment(self.home), cwd=self.home
            )


@dataclass(slots=True)
class FullDemo:
    """Plays the demo, and gathers what to look for.

    Args:
        folder: receives everything that is written.
        outside: receives a list of secrets per node.
    """

    folder: Path
    outside: Path
    planting: Planting = field(init=False)
    nodes: dict[str, LocalNode] = field(init=False)
    canaries: list[Canary] = field(default_factory=list)
    _commands: int = 0
    _authority_key: bytes = b""

    def play(self) -> None:
        """Run everything, and gather the canaries."""
        generate(PERSONS, 1, self.folder / "population", datetime.datetime.now(datetime.UTC).date())
        self.planting = Planting(self.folder)
        self._prepare()
        with running(list(self.nodes.values())):
            self._show_processes()
            self._match()
            self._stop_a_node()
            self._fail()
            self._look()
        self.canaries = [*self.planting.canaries, *self._secrets(), *self._private_keys()]

    def _prepare(self) -> None:
        create = Authority.create
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Authority, "create", lambda now: self._noted_authority(create(now)))
            prepared = prepare_nodes(self.folder, list(PARTIES))
        self.nodes = {}
        for party, node in prepared.items():
            home = self.folder / "homes" / party
            home.mkdir(parents=True)
            self.nodes[party] = RememberingNode(
                party, node.folder, node.keys, node.port, secrets=self.outside / party, home=home
            )
        with (self.nodes[DATABASE_BODY].folder / "node.toml").open("a") as config:
            config.write(_dataset_in_database(self.folder / "population" / DATABASE_BODY / "arrears.sqlite"))

    def _noted_authority(self, authority: Authority) -> Authority:
        self._authority_key = _private_bytes(authority.key)
        return authority

    def _show_processes(self) -> None:
        """Copy what other users of the machine, or a crash reporter, could see of a node's process."""
        for party, node in self.nodes.items():
            # Safe: they have just been started.
            assert node.process is not None
            for name in ("cmdline", "environ"):
                content = Path(f"/proc/{node.process.pid}/{name}").read_bytes()
                (self.folder / "homes" / f"{party}.{name}").write_bytes(content)

    def _match(self) -> None:
        pairwise = self._run("betalingsregeling-rijk-paren", "cjib", "--json")
        joint = self._run(
            "vroegsignaal-gezamenlijk", "belastingdienst", "--json", "--out", self._own("belastingdienst")
        )
        self._run("aio-niet-gebruik", "svb", "--json")
        self._run("overlap-statistiek", "cak", "--lang", "en")
        # One table of a snapshot, once.
        self._run("overlap-statistiek", "cak", code=_REFUSED)
        self._dossier(joint)
        self._withdraw(joint)
        for (party, file), run_id in zip(FETCHED.items(), (pairwise, joint), strict=True):
            self._command("result", run_id, "--out", self._own(party) / file, *self._as_operator(party))
        self._command("result", joint, "--out", self._own("cak") / "x.csv", *self._as_operator("cak"), code=2)

    def _dossier(self, run_id: str) -> None:
        """Look on at every node of a run, as the observer of each."""
        nodes = [word for party, node in self.nodes.items() for word in ("--node", f"{party}={node.address}")]
        keys = self.folder / "keys" / "{party}"
        self._command("dossier", run_id, *nodes, "--keys", keys, "--out", self.folder / "dossier")

    def _withdraw(self, run_id: str) -> None:
        path = self.folder / WITHDRAWN_LIST
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{text}\n" for text in self.planting.withdrawn))
        operator = self._as_operator(WITHDRAWING_BODY)
        self._command("signal", "withdraw", run_id, "--file", path, "--reason", "objection", *operator)
        self._command("signal", "list", run_id, "--json", *self._as_operator("gemeente-a"))

    def _stop_a_node(self) -> None:
        """Kill a compute node in the middle of a joint run: while it draws the scalars of a base OT."""
        victim = self.nodes["uwv"]
        # Safe: it was started with the others.
        assert victim.process is not None
        before = self._scalars_of(victim)
        with self._output("killed", "out").open("wb") as out, self._output("killed", "err").open("wb") as err:
            line = self._line("run", "aio-niet-gebruik", *self._as_operator("svb"))
            run = subprocess.Popen(line, stdout=out, stderr=err, env=_environment(self.folder / "homes"))
            deadline = time.monotonic() + _KILL_WITHIN_S
            while self._scalars_of(victim) == before:
                assert time.monotonic() < deadline, "the run did not begin"
                time.sleep(0.01)
            victim.process.kill()
            assert run.wait(_KILL_WITHIN_S) in {_ABORTED, _UNREACHABLE}

    def _scalars_of(self, node: LocalNode) -> int:
        return (self.outside / node.party).read_bytes().count(b"\nscalar\t")

    def _fail(self) -> None:
        """Run with rows that no dataset may hold: at a peer, and at the own node, which says which rows they are."""
        self.planting.spoil()
        self._run("betalingsregeling-rijk-paren", "cjib", code=_ABORTED)
        self._run("vroegsignaal-gezamenlijk", DATABASE_BODY, code=_WRONG_DATA)
        self._command("doctor", "--config", self.nodes["toeslagen"].folder / "node.toml", code=_WRONG_DATA)

    def _look(self) -> None:
        config = self.nodes["gemeente-a"].folder / "node.toml"
        self._command("node", "purge", "--dry-run", "--config", config)
        self._command("status", "--json", *self._as_operator("belastingdienst"))
        logs = [self._own(party) / "log" for party in ("cjib", "belastingdienst")]
        for party, log in zip(("cjib", "belastingdienst"), logs, strict=True):
            self._command("audit", "fetch", "--out", log, *self._as_operator(party))
        self._command("audit", "show", logs[0])
        self._command("audit", "show", "--json", logs[1])
        self._command("audit", "compare", *logs)
        self._command("audit", "verify", logs[0], "--signers", self.nodes["cjib"].keys / "signers.toml", "--json")

    def _run(self, scenario: str, party: str, *arguments: object, code: int = 0) -> str:
        """Run a scenario; return the id of the run, which a run with ``--json`` prints."""
        text = self._command("run", scenario, *arguments, *self._as_operator(party), code=code)
        return str(json.loads(text)["run_id"]) if "--json" in arguments else ""

    def _command(self, *arguments: object, code: int = 0) -> str:
        """Run a command, keep what it says, and check how it ends."""
        self._commands += 1
        name = f"{self._commands:02}-{'-'.join(str(each) for each in arguments[:2] if not isinstance(each, Path))}"
        out, err = (self._output(name, kind) for kind in ("out", "err"))
        with out.open("wb") as stdout, err.open("wb") as stderr:
            done = subprocess.run(
                self._line(*arguments),
                stdout=stdout,
                stderr=stderr,
                stdin=subprocess.DEVNULL,
                env=_environment(self.folder / "homes"),
                timeout=300,
                check=False,
            )
        assert done.returncode == code, f"{name} ended with {done.returncode}: {err.read_text()}"
        return out.read_text()

    def _line(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "psi_match", *map(str, arguments)]

    def _output(self, name: str, kind: str) -> Path:
        folder = self.folder / "commands"
        folder.mkdir(exist_ok=True)
        return folder / f"{name}.{kind}"

    def _as_operator(self, party: str) -> tuple[object, ...]:
        node = self.nodes[party]
        return ("--node", node.address, "--keys", node.keys)

    def _own(self, party: str) -> Path:
        folder = self.folder / "operators" / party
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _secrets(self) -> Iterator[Canary]:
        """What the nodes' processes wrote down."""
        for path in sorted(self.outside.iterdir()):
            for number, line in enumerate(path.read_text().splitlines()):
                what, secret = line.split("\t")
                if what != _LOG_ID:
                    may = (OWN_STATE[what].format(party=path.name),) if what in OWN_STATE else ()
                    yield Canary(f"{path.name}/{what}/{number}", of_secret(bytes.fromhex(secret)), may=may)

    def _private_keys(self) -> Iterator[Canary]:
        """The secret part of every private key: the rest of such a file is the public key, which others have too."""
        for path in sorted(self.folder.glob("keys/*/*.key")):
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
            # Safe: psi-match makes no others.
            assert isinstance(key, EllipticCurvePrivateKey | Ed25519PrivateKey)
            place = str(path.relative_to(self.folder))
            yield Canary(place, of_secret(_private_bytes(key)), must=(place,))
        yield Canary("authority's key", of_secret(self._authority_key))


def _dataset_in_database(path: Path) -> str:
    columns = ("open_cents", "oldest_claim_months", "reminder_sent", "instalment_cents", "municipality")
    dataset = LocalDataset(path, {name: COLUMNS[name] for name in columns}).toml("arrears")
    return dataset.replace(
        f'kind = "parquet"\npath = "{path}"', f'kind = "sql"\nurl = "sqlite:///{path}"\ntable = "arrears"'
    )


def _private_bytes(key: EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.private_bytes_raw()
    return key.private_numbers().private_value.to_bytes(32, "big")


def _environment(home: Path) -> dict[str, str]:
    return os.environ | {"TMPDIR": str(home), "HOME": str(home)}
