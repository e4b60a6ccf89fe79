"""Ask a node's gRPC health service over mTLS whether it serves."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from psi_match.node.certificates import Credentials
from psi_match.node.channels import open_channel

_TIMEOUT_S = 5.0


def is_serving(address: str, credentials: Credentials) -> bool:
    """Tell whether the node of the credentials' own party serves at an address."""
    with open_channel(address, credentials.identity.party, credentials) as channel:
        try:
            reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S)
        except grpc.RpcError:
            return False
    return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)
