"""The whole demonstration on one machine without containers: people, nodes on loopback, and pages in the browser."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.request import urlopen

import tomli_w

from psi_match.base.errors import ConfigError
from psi_match.base.randomness import SystemRandomness
from psi_match.bench.demonstration import prepare_nodes
from psi_match.bench.evaluation import evaluate
from psi_match.domain.parties import BODIES
from psi_match.node.local_nodes import LocalNode, free_ports, running
from psi_match.page.config import PageConfig, read_page_config
from psi_match.page.scenario_view import recipients
from psi_match.population.generate import generate
from psi_match.scenario.catalogue import Catalogue
from psi_match.sim.self_test import self_test

RECIPIENT = "gemeente-a"
"""Whose own page is served beside the main one."""
_STOP_WAIT_S = 10.0
_START_WAIT_S = 60.0
_POLL_S = 0.1


@contextmanager
def demonstration(
    folder: Path, persons: int, seed: int, port: int, on_stage: Callable[[str], None] = lambda _stage: None
) -> Iterator[tuple[PageConfig, str]]:
    """Make everything in an empty folder and start the nodes; stop them at the end.

    Args:
        folder: receives population, keys, node folders and configs.
        persons: size of the population.
        seed: of the population.
        port: of the page on loopback; 0 picks a free one.
        on_stage: called as each stage begins: ``population``, ``evaluation``, ``kernels``, ``nodes``, ``page``.

    Yields:
        The config of the page, and the address of the recipient's page.

    Raises:
        PsiMatchError: whatever fails on the way.
    """
    scenarios = Catalogue().all()
    on_stage("population")
    generate(persons, seed, folder / "population", datetime.datetime.now(datetime.UTC).date())
    on_stage("evaluation")
    (folder / "evaluation.json").write_text(json.dumps(evaluate(folder / "population")))
    on_stage("kernels")
    # Once here, so that the nodes find compiled kernels instead of compiling them many times over.
    self_test(SystemRandomness())
    bodies = [body.id for body in BODIES]
    others = sorted({party for scenario in scenarios for party in scenario.party_ids} - set(bodies))
    nodes = prepare_nodes(folder, [*bodies, *others])
    own, recipient = free_ports(2)
    public, recipient_url = f"http://127.0.0.1:{port or own}", f"http://127.0.0.1:{recipient}"
    urls = {RECIPIENT: recipient_url} if any(RECIPIENT in recipients(scenario) for scenario in scenarios) else {}
    config = _page_config(folder, nodes, public, urls)
    on_stage("nodes")
    with ExitStack() as stack:
        stack.enter_context(running(list(nodes.values())))
        if urls:
            stack.enter_context(_recipient_page(folder, nodes[RECIPIENT], recipient_url))
        on_stage("page")
        yield config, recipient_url


def _page_config(folder: Path, nodes: dict[str, LocalNode], public_url: str, urls: dict[str, str]) -> PageConfig:
    agreements = folder / "agreements"
    agreements.mkdir(exist_ok=True)
    for node in nodes.values():
        for path in sorted((node.folder / "agreements").iterdir()):
            shutil.copyfile(path, agreements / path.name)
    content = {
        "listen": public_url.removeprefix("http://"),
        "public_url": public_url,
        "allowed_hosts": [public_url.removeprefix("http://").replace("127.0.0.1", "localhost")],
        "agreements": "agreements",
        "evaluation": "evaluation.json",
        "operators": "keys",
        "recipient_urls": urls,
        "nodes": [{"party": party, "address": node.address, "keys": str(node.keys)} for party, node in nodes.items()],
    }
    path = folder / "page.toml"
    path.write_text(tomli_w.dumps(content))
    return read_page_config(path)


@contextmanager
def _recipient_page(folder: Path, node: LocalNode, url: str) -> Iterator[None]:
    """Serve a recipient's own page, as a process of its own: the main page holds nothing of it."""
    content = {
        "party": node.party,
        "listen": url.removeprefix("http://"),
        "public_url": url,
        "node": node.address,
        "synthetic": True,
        "keys": {"directory": str(node.keys)},
    }
    path = folder / "recipient.toml"
    path.write_text(tomli_w.dumps(content))
    command = [sys.executable, "-m", "psi_match", "page", "recipient", "--config", str(path)]
    with (folder / "recipient.log").open("ab") as log:
        process = subprocess.Popen(  # our own interpreter and module  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ)
        )
    try:
        _wait_healthy(process, f"{url}/health", folder / "recipient.log")
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_healthy(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until a page answers.

    Raises:
        ConfigError: it ended, or did not answer in time.
    """
    deadline = time.monotonic() + _START_WAIT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(url, timeout=_START_WAIT_S) as response:  # our own address  # noqa: S310
                if response.status == HTTPStatus.OK:
                    return
        except OSError:
            time.sleep(_POLL_S)
    raise ConfigError("The recipient's page does not start.", f"See {log}.")
