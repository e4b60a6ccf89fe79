"""A PostgreSQL server as docker-compose.yml runs it: services/database/entrypoint.sh, in folders of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from psi_match.node.local_nodes import free_ports
from psi_match.node.source_config import DatabaseLogin, SqlSource

SERVICE = Path(__file__).parents[2] / "services" / "database"
_START_WAIT_S = 180.0
PASSWORDS = {
    "cjib": "geheim-1'\"\\ é",
    "cjib_reader": "geheim-2",
    "belastingdienst": "geheim-3",
    "belastingdienst_reader": "geheim-4",
    "gemeente_a": "geheim-5",
    "gemeente_a_reader": "geheim-6",
}
SECRET = "geheim"
WAITS_FOR_A_LOCK = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"


def binaries() -> Path:
    """Return the folder of the newest PostgreSQL; a machine without one fails the tests, on purpose."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    assert found, "no PostgreSQL in /usr/lib/postgresql: install the Debian package postgresql"
    return found[-1].parent


def _as_nobody_special() -> list[str]:
    """Return the command that makes the next one run as another user: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]


@dataclass(slots=True)
class Server:
    """A running server.

    Args:
        folder: short, because the path of a socket must be.
        port: on loopback.
    """

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def write_passwords(self, passwords: dict[str, str]) -> None:
        secrets = self.folder / "secrets"
        shutil.rmtree(secrets, ignore_errors=True)
        secrets.mkdir(mode=0o700)
        for name, password in passwords.items():
            (secrets / name).write_text(password + "\n")
            (secrets / name).chmod(0o400)
        self._own(secrets)

    def _own(self, folder: Path) -> None:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            for path in (folder, *folder.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid)

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{binaries()}:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "DATABASE_FOLDER": f"{self.folder}/data",
            "SECRETS_FOLDER": f"{self.folder}/secrets",
            "SOCKET_FOLDER": f"{self.folder}/socket",
            "LISTEN": "127.0.0.1",
            "PORT": str(self.port),
        }

    def command(self) -> list[str]:
        return [*_as_nobody_special(), "sh", f"{self.folder}/service/entrypoint.sh"]

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=self.environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/"
            )
        deadline = time.monotonic() + _START_WAIT_S
        while True:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                self.admin("SELECT 1")
            except (OSError, subprocess.CalledProcessError):
                time.sleep(0.05)
            else:
                return

    def stop(self, with_signal: int = signal.SIGINT) -> None:
        if self.process is not None:
            self.process.send_signal(with_signal)
            self.process.wait(120)
            self.process = None

    def admin(self, statement: str, database: str = "postgres") -> str:
        """Run SQL as the superuser, over the socket."""
        command = [*_as_nobody_special(), "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]
        command += ["--set=ON_ERROR_STOP=1", f"--host={self.folder}/socket", f"--port={self.port}"]
        command += ["--username=postgres", f"--dbname={database}", f"--command={statement}"]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=True, cwd="/")
        return done.stdout.strip()

    def owner(self, database: str, statement: str) -> str:
        """Run SQL as the role that owns a database, so that its reader may read what it makes."""
        return self.admin(f"SET ROLE {database}; {statement}", database)

    def connect(self, user: str) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as a role, for more than one statement in a transaction."""
        password = self.password_file(user).read_text().removesuffix("\n")
        return psycopg.connect(self.url(user).replace("+psycopg", ""), password=password)

    def url(self, user: str, database: str | None = None, **more: str) -> str:
        options = "".join(f"{'&' if place else '?'}{name}={value}" for place, (name, value) in enumerate(more.items()))
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database or user.removesuffix('_reader')}{options}"

    def password_file(self, user: str) -> Path:
        return self.folder / "secrets" / user

    def login(self, user: str, database: str | None = None, **more: str) -> DatabaseLogin:
        return DatabaseLogin.model_validate(
            {"url": self.url(user, database, **more), "password_file": self.password_file(user)}
        )

    def source(self, user: str = "cjib_reader", database: str | None = None, **source: Any) -> SqlSource:
        given = {"kind": "sql", "url": self.url(user, database), "password_file": self.password_file(user)}
        return SqlSource.model_validate(given | source)

    def wait_for(self, condition: str, wanted: str = "t") -> None:
        """Wait until a query of the superuser gives what is wanted."""
        deadline = time.monotonic() + 60
        while (found := self.admin(condition)) != wanted:
            assert time.monotonic() < deadline, found
            time.sleep(0.02)


@contextmanager
def postgres(passwords: dict[str, str]) -> Iterator[Server]:
    """Make and run a server with databases for these roles; throw it away at the end."""
    folder = Path(tempfile.mkdtemp(prefix="psi-match-pg-", dir="/tmp"))
    try:
        shutil.copytree(SERVICE, folder / "service")
        for name in ("data", "socket"):
            (folder / name).mkdir(mode=0o700)
        server = Server(folder, free_ports(1)[0])
        server._own(folder)
        server.write_passwords(passwords)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
