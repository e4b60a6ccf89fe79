"""openmined-psi from CSV file to CSV file: the first party is the client and learns the intersection.

The package makes and reads messages and leaves their transport to its user; here it is one TCP connection, each message
after its length.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[[Callable[[str], None]], "dict[str, int]"]
_LENGTH_BYTES = 8
_RETRY_S = 0.01
FALSE_POSITIVES = 1e-9
"""Chance that a run has any false positive: the default structure GCS is a filter."""


def prepare(task: dict[str, Any]) -> Run:
    """Load the library and connect the parties.

    Args:
        task: ``party``, ``addresses`` of client and server, ``column``, ``csv`` and ``result``.
    """
    import private_set_intersection.python as psi

    client, server = task["addresses"]
    host, port = task["addresses"][server].rsplit(":", 1)
    if task["party"] == client:
        return _client(psi, task, _connect(host, int(port)), f"{client}->{server}")
    return _server(psi, task, _accept(host, int(port)), f"{server}->{client}")


def _client(psi: Any, task: dict[str, Any], connection: socket.socket, pair: str) -> Run:  # noqa: ANN401
    def run(begin: Callable[[str], None]) -> dict[str, int]:
        begin("read")
        numbers = _read(task)
        begin("request")
        # First of all, so that the server can set up meanwhile.
        _send(connection, len(numbers).to_bytes(_LENGTH_BYTES, "big"))
        client = psi.client.CreateWithNewKey(True)
        request = client.CreateRequest(numbers).SerializeToString()
        begin("exchange")
        _send(connection, request)
        setup, response = psi.ServerSetup(), psi.Response()
        setup.ParseFromString(_receive(connection))
        response.ParseFromString(_receive(connection))
        begin("match")
        found = [numbers[index] for index in client.GetIntersection(setup, response)]
        begin("write")
        Path(task["result"]).write_text("\n".join([task["column"], *found, ""]), encoding="ascii")
        return {pair: len(request) + _LENGTH_BYTES}

    return run


def _server(psi: Any, task: dict[str, Any], connection: socket.socket, pair: str) -> Run:  # noqa: ANN401
    def run(begin: Callable[[str], None]) -> dict[str, int]:
        begin("read")
        numbers = _read(task)
        begin("wait")
        # The filter's size depends on the size of the other set.
        size = int.from_bytes(_receive(connection), "big")
        begin("setup")
        server = psi.server.CreateWithNewKey(True)
        setup = server.CreateSetupMessage(FALSE_POSITIVES, size, numbers).SerializeToString()
        begin("respond")
        request = psi.Request()
        request.ParseFromString(_receive(connection))
        response = server.ProcessRequest(request).SerializeToString()
        begin("send")
        _send(connection, setup)
        _send(connection, response)
        return {pair: len(setup) + len(response)}

    return run


def _read(task: dict[str, Any]) -> list[str]:
    header, *numbers = Path(task["csv"]).read_text(encoding="ascii").split()
    if header != task["column"]:
        raise ValueError("the CSV file has another header")
    return numbers


def _accept(host: str, port: int) -> socket.socket:
    with socket.create_server((host, port)) as listener:
        connection, _ = listener.accept()
    return connection


def _connect(host: str, port: int) -> socket.socket:
    while True:
        try:
            return socket.create_connection((host, port))
        except ConnectionRefusedError:
            time.sleep(_RETRY_S)


def _send(connection: socket.socket, message: bytes) -> None:
    connection.sendall(len(message).to_bytes(_LENGTH_BYTES, "big"))
    connection.sendall(message)


def _receive(connection: socket.socket) -> bytes:
    with connection.makefile("rb", buffering=0) as stream:
        return _exactly(stream, int.from_bytes(_exactly(stream, _LENGTH_BYTES), "big"))


def _exactly(stream: Any, count: int) -> bytes:  # noqa: ANN401 - a raw stream of a socket
    buffer = bytearray(count)
    view, done = memoryview(buffer), 0
    while done < count:
        got = stream.readinto(view[done:])
        if not got:
            raise EOFError("the other party closed the connection")
        done += got
    return bytes(buffer)
