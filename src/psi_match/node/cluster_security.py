"""How a node gets into its own Dask cluster: TLS on both sides, under an authority that knows no other party."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificates

from psi_match.base.errors import ConfigError
from psi_match.node.cluster_config import DaskConfig

if TYPE_CHECKING:
    from distributed import Security


def security(config: DaskConfig, peers_ca: Path | None) -> Security | None:
    """Return Dask's TLS settings, None for a connection without; and quieten the library in this process.

    Args:
        config: what the node's config says.
        peers_ca: certificates of the authority that signs those of the parties; it must not be the cluster's.

    Raises:
        ConfigError: the package ``distributed`` is missing, or a TLS file is not usable.
    """
    try:
        import dask
        import distributed
    except ImportError:
        raise ConfigError(
            "The config names a Dask cluster, but the package distributed is not installed.",
            "Install it beside psi-match: pip install 'psi-match[cluster]'",
        ) from None
    # A bucket's task carries 20 MB on purpose. The library's own log would show tasks, if only by name.
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GiB"})
    for name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if not config.encrypted:
        return None
    settings = distributed.Security(
        tls_ca_file=str(config.ca),
        tls_client_cert=str(config.certificate),
        tls_client_key=str(config.key),
        require_encryption=True,
    )
    try:
        settings.get_connection_args("client")
    except OSError as error:
        raise ConfigError(
            f"A TLS file of the node's cluster cannot be used: {error.strerror or type(error).__name__}.",
            "Check ca, certificate and key under [cluster].",
        ) from None
    if config.ca and peers_ca and _authorities(config.ca) & _authorities(peers_ca):
        raise ConfigError(
            "The cluster's ca also signs the certificates of the parties: every peer could run code on the cluster.",
            "Make an authority for the cluster alone.",
        )
    return settings


def _authorities(path: Path) -> set[bytes]:
    """Return the public keys of the certificates in a file."""
    try:
        certificates = load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise ConfigError(f"{path} holds no certificates.", "Check ca under [cluster] and [keys].") from None
    return {
        certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for certificate in certificates
    }
