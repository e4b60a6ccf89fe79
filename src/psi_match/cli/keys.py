"""``psi-match keys init / show / revoke / signer``: keys and certificates, and which of them are still good."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from psi_match.cli.options import Json, Language, check_language

if TYPE_CHECKING:
    from psi_match.governance.signing import Signer

app = typer.Typer(help="Keys and certificates.", no_args_is_help=True)
KeyFolder = Annotated[Path, typer.Argument(help="A node's key folder.")]


@app.callback()
def _group() -> None:
    """Keys and certificates."""


@app.command("init")
def init(
    directory: Annotated[Path, typer.Argument(help="Folder to make; one folder per party in it.")],
    party: Annotated[
        list[str] | None, typer.Option("--party", help="Party id; repeat. Default: all that the scenarios name.")
    ] = None,
    language: Language = "nl",
) -> None:
    """Make, for demos and tests, a certificate authority and each party's certificates and signing key.

    Each party gets certificates of a node, an operator, an auditor and an observer, and a list of all parties' public
    signing keys. The authority's own key is thrown away after use: nobody can issue another certificate under it.
    """
    import datetime

    from psi_match.base.errors import ConfigError, UsageError
    from psi_match.domain.parties import BODIES, OTHERS, is_party_id
    from psi_match.node.certificates import ROLES, VALID_DAYS, Authority, write_key_folder
    from psi_match.node.signing_config import write_signing_keys

    check_language(language)
    folders = {name: directory / name for name in party or [body.id for body in (*BODIES, *OTHERS)]}
    for name in folders:
        if not is_party_id(name):
            raise UsageError("A party id is lower case, digits and hyphens.", "For example: --party cjib.")
    if any(folder.exists() and any(folder.iterdir()) for folder in folders.values()):
        raise UsageError(f"{directory} holds keys already.", "Choose a new folder, or remove the old keys first.")
    now = datetime.datetime.now(datetime.UTC)
    try:
        authority = Authority.create(now)
        for name, folder in folders.items():
            write_key_folder(folder, authority, name, ROLES, now)
        write_signing_keys(folders)
    except OSError as cause:
        raise ConfigError(f"Cannot write in {directory}: {cause.strerror}.", "Check the folder's owner.") from None
    count = len(folders)
    typer.echo(
        f"Keys of {count} parties in {directory}, valid for {VALID_DAYS} days. For demos and tests only."
        if language == "en"
        else f"Sleutels van {count} partijen in {directory}, {VALID_DAYS} dagen geldig. Alleen voor demo en test."
    )


@app.command("show")
def show(directory: KeyFolder, language: Language = "nl", as_json: Json = False) -> None:
    """Show a key folder's certificates, how long they are valid, whether they are revoked, and the signing key."""
    from psi_match.base.errors import ConfigError
    from psi_match.cli.tables import print_table
    from psi_match.governance.signing import SIGNING_KEY_NAME, KeySigner
    from psi_match.node.certificates import ROLES
    from psi_match.node.revocation import REVOKED_NAME, revoked_serials

    check_language(language)
    revoked = revoked_serials(directory / REVOKED_NAME)
    files = [path for role in ROLES if (path := directory / f"{role}.pem").exists()]
    if not files:
        raise ConfigError(f"{directory} holds no certificate.", "Give the folder of one party.")
    certificates = [_certificate(path, revoked) for path in files]
    # A key in a hardware module has no file here.
    key_file = directory / SIGNING_KEY_NAME
    public_key = KeySigner.read(key_file).public_key.hex() if key_file.exists() else None
    if as_json:
        content = {"certificates": certificates, "signing_public_key": public_key}
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
        return
    english = language == "en"
    headers = ("party", "role", "name", "days left", "revoked", "serial")
    if not english:
        headers = ("partij", "rol", "naam", "dagen geldig", "ingetrokken", "serienummer")
    yes, no = ("yes", "no") if english else ("ja", "nee")
    print_table(
        headers,
        [
            [c["party"], c["role"], c["name"], str(c["days_left"]), yes if c["revoked"] else no, c["serial"]]
            for c in certificates
        ],
        numbers=(3,),
    )
    none = "not in this folder" if english else "niet in deze map"
    sys.stdout.write(f"\n{'signing key' if english else 'ondertekensleutel'}: {public_key or none}\n")


@app.command("revoke")
def revoke_certificate(
    certificate: Annotated[Path, typer.Argument(help="The certificate, PEM.")],
    revocations: Annotated[Path, typer.Option("--list", help="The list, revoked.toml in a node's key folder.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; one line, for people.")],
    language: Language = "nl",
) -> None:
    """Put a certificate on a node's list of revoked ones. The node follows the list without a restart."""
    import datetime

    from psi_match.node.revocation import revoke

    check_language(language)
    found = _certificate(certificate, frozenset())
    is_new = revoke(revocations, int(found["serial"], 16), reason, datetime.datetime.now(datetime.UTC).date())
    said = ("Revoked", "Revoked already") if language == "en" else ("Ingetrokken", "Was al ingetrokken")
    typer.echo(f"{said[0] if is_new else said[1]}: {found['serial']} ({found['party']}, {found['role']})")


@app.command("signer")
def signer(
    directory: KeyFolder,
    module: Annotated[Path | None, typer.Option("--module", help="PKCS#11 module, if the key is in a token.")] = None,
    token: Annotated[str, typer.Option("--token", help="The token's label.")] = "",
    label: Annotated[str, typer.Option("--label", help="The key's label.")] = "",
    pin_file: Annotated[Path | None, typer.Option("--pin-file", help="File with the PIN, mode 0600.")] = None,
) -> None:
    """Print a party's public signing key as an entry for its peers' signers.toml.

    The party is that of the folder's node certificate. The key is the folder's, or with --module that of a token.
    """
    from psi_match.base.errors import UsageError
    from psi_match.node.certificates import NODE
    from psi_match.node.signing_config import FileSigning, Pkcs11Signing, open_signer

    given = (module, token, label, pin_file)
    opened: Signer
    if module and token and label and pin_file:
        opened = open_signer(
            Pkcs11Signing(kind="pkcs11", module=module, token=token, label=label, pin_file=pin_file), directory
        )
    elif any(given):
        raise UsageError("A key in a token needs four options.", "Give --module, --token, --label and --pin-file.")
    else:
        opened = open_signer(FileSigning(), directory)
    party = _certificate(directory / f"{NODE}.pem", frozenset())["party"]
    typer.echo(f'\n[[signers]]\nparty = "{party}"\npublic_key = "{opened.public_key.hex()}"')


def _certificate(path: Path, revoked: frozenset[int]) -> dict[str, Any]:
    """Return what a certificate says, and whether it is revoked.

    Raises:
        ConfigError: it cannot be read, or is not a certificate of psi-match.
    """
    import datetime

    from psi_match.base.errors import ConfigError
    from psi_match.node.certificates import certificate_identity, days_left, serial_of

    try:
        pem = path.read_bytes()
        identity, serial = certificate_identity(pem), serial_of(pem)
        left = days_left(pem, datetime.datetime.now(datetime.UTC))
    except OSError as cause:
        raise ConfigError(f"Cannot read {path}: {cause.strerror}.", "Check the path and the permissions.") from None
    except ValueError:
        raise ConfigError(f"{path} is not a PEM certificate.", "Give the .pem file.") from None
    if identity is None:
        raise ConfigError(f"{path} is not a certificate of psi-match.", "It needs one name psi-match://PARTY/ROLE.")
    return {
        "party": identity.party,
        "role": identity.role,
        "name": identity.name,
        "serial": f"{serial:x}",
        "days_left": left,
        "revoked": serial in revoked,
    }
