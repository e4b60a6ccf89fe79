"""``psi-match agreement``: propose, sign, verify and show what parties allow each other."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psi_match.cli.options import Json, Language, check_language

if TYPE_CHECKING:
    from psi_match.governance.agreement import Agreement
    from psi_match.governance.agreement_files import SignedAgreement
    from psi_match.scenario.join_model import AnyScenario

app = typer.Typer(help="Agreements: in force only when every party has signed.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="Agreement file: NAME.toml; signatures lie beside it as NAME.PARTY.sig.")]
Folder = Annotated[
    Path | None, typer.Option("--folder", help="Folder of scenario files; default: those that come along.")
]
SignersFile = Annotated[Path, typer.Option("--signers", help="signers.toml: which signing key is whose.")]
_FORMATS = ["%Y-%m-%d"]


@app.command("propose")
def propose(
    scenario: Annotated[str, typer.Argument(help="Name of the scenario.")],
    signers: SignersFile,
    out: Annotated[Path, typer.Option("--out", help="Folder that receives NAME.toml; made if missing.")],
    grondslag_nl: Annotated[str, typer.Option("--grondslag-nl", help="The legal basis, in Dutch: law and article.")],
    grondslag_en: Annotated[str, typer.Option("--grondslag-en", help="The same in English.")],
    start: Annotated[datetime.datetime, typer.Option("--start", formats=_FORMATS, help="First day.")],
    end: Annotated[datetime.datetime, typer.Option("--end", formats=_FORMATS, help="Last day.")],
    name: Annotated[str, typer.Option("--name", help="Name of the agreement; default: that of the scenario.")] = "",
    valid_from: Annotated[
        datetime.datetime | None,
        typer.Option("--valid-from", formats=_FORMATS, help="First day of the legal basis; default: --start."),
    ] = None,
    valid_until: Annotated[
        datetime.datetime | None,
        typer.Option("--valid-until", formats=_FORMATS, help="Last day of the legal basis; default: it has none."),
    ] = None,
    runs: Annotated[int, typer.Option("--runs", min=1, help="Runs in any period.")] = 12,
    period_days: Annotated[int, typer.Option("--period-days", min=1, help="Length of the period.")] = 365,
    result_days: Annotated[int, typer.Option("--result-days", min=0, help="Days that results stay.")] = 30,
    secret_days: Annotated[
        int, typer.Option("--secret-days", min=0, help="Days that what opens a commitment to rows stays.")
    ] = 30,
    record_days: Annotated[int, typer.Option("--record-days", min=0, help="Days that run records stay.")] = 1825,
    max_set_size: Annotated[int, typer.Option("--max-set-size", min=256, help="Largest public size of a set.")] = 1
    << 22,
    folder: Folder = None,
) -> None:
    """Write a proposal from a scenario. Read it, change what people decide, and let every party sign."""
    from pydantic import ValidationError

    from psi_match.base.errors import UsageError
    from psi_match.governance.agreement import Grondslag, Retention, Runs
    from psi_match.governance.agreement_files import write_agreement
    from psi_match.governance.proposal import Conditions
    from psi_match.governance.proposal import propose as proposed
    from psi_match.governance.signing import Signers
    from psi_match.scenario.catalogue import Catalogue
    from psi_match.scenario.model import Text

    text = Catalogue(folder).get(scenario)
    problem = ""
    try:
        conditions = Conditions(
            grondslag=Grondslag(
                reference=Text(nl=grondslag_nl, en=grondslag_en),
                valid_from=(valid_from or start).date(),
                valid_until=valid_until.date() if valid_until else None,
            ),
            start=start.date(),
            end=end.date(),
            runs=Runs(max=runs, period_days=period_days),
            retention=Retention(result_days=result_days, secret_days=secret_days, record_days=record_days),
            max_set_size=max_set_size,
        )
        agreement = proposed(text, name or text.name, Signers.read(signers), conditions)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = f"{where or 'The agreement'}: {first['msg'].removeprefix('Value error, ')}."
    if problem:
        raise UsageError(f"This is no agreement: {problem}", "Compare it with docs/governance.md.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise UsageError(f"Cannot make {out}: {cause.strerror}.", "Choose another --out.") from None
    path = write_agreement(out, agreement)
    typer.echo(f"{path}: digest {agreement.digest.hex()}. To be signed by {', '.join(agreement.party_ids)}.")


@app.command("sign")
def sign(
    file: File,
    party: Annotated[str, typer.Option("--party", help="Which party signs.")],
    keys: Annotated[
        Path | None, typer.Option("--keys", help="Key folder with signing.key.", envvar="PSI_MATCH_KEYS")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="The node's config, where the key is in a PKCS#11 token.")
    ] = None,
) -> None:
    """Sign as a party, with its signing key. Read it first: `psi-match agreement show`."""
    from psi_match.base.errors import UsageError
    from psi_match.governance.agreement_files import read_signed, sign_agreement
    from psi_match.governance.signing import SIGNING_KEY_NAME, KeySigner
    from psi_match.node.config import read_config
    from psi_match.node.signing_config import open_signer

    if (keys is None) == (config is None):
        raise UsageError("Say where the signing key is.", "Give either --keys or --config.")
    if config is not None:
        node = read_config(config)
        signer = open_signer(node.signing, node.keys.directory)
    else:
        # Safe: one of the two is there.
        assert keys is not None  # noqa: S101
        signer = KeySigner.read(keys / SIGNING_KEY_NAME)
    written = sign_agreement(file, party, signer)
    missing = read_signed(file).missing
    rest = f"Still to sign: {', '.join(missing)}." if missing else "All parties have signed."
    typer.echo(f"{written}. {rest}")


@app.command("verify")
def verify(
    file: File,
    signers: SignersFile,
    folder: Folder = None,
    on: Annotated[
        datetime.datetime | None, typer.Option("--on", formats=_FORMATS, help="As of this day; default: today.")
    ] = None,
) -> None:
    """Exit 0 if the agreement is in force: signed by all with keys that are known, on this scenario, today."""
    from psi_match.governance.agreement_files import read_signed
    from psi_match.governance.decision import check_in_force
    from psi_match.governance.signing import Signers
    from psi_match.scenario.catalogue import Catalogue

    signed = read_signed(file)
    day = on.date() if on else datetime.datetime.now(datetime.UTC).date()
    check_in_force(signed, Catalogue(folder).get(signed.agreement.scenario), Signers.read(signers), day)
    typer.echo(f"{signed.agreement.name}: in force on {day}, signed by {', '.join(signed.signed)}.")


@app.command("show")
def show(file: File, folder: Folder = None, language: Language = "nl", as_json: Json = False) -> None:
    """Show what it says and who has signed, with the disclosure table of the scenario it is on."""
    from psi_match.cli.tables import print_disclosure
    from psi_match.governance.agreement import names_scenario
    from psi_match.governance.agreement_files import read_signed
    from psi_match.scenario.catalogue import Catalogue

    english = check_language(language) == "en"
    signed = read_signed(file)
    if as_json:
        content = signed.agreement.model_dump(mode="json") | {
            "digest": signed.agreement.digest.hex(),
            "signed": list(signed.signed),
            "missing": signed.missing,
        }
        sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        return
    _print(signed, language)
    catalogue = Catalogue(folder)
    name = signed.agreement.scenario
    scenario: AnyScenario | None = catalogue.get(name) if name in catalogue.names() else None
    if scenario is None or not names_scenario(signed.agreement, scenario):
        text = (
            "\nThe scenario that it names by digest is not among those here; its disclosure table cannot be shown.\n"
            if english
            else "\nHet scenario dat zij met een digest noemt is hier niet; wie wat leert kan niet worden getoond.\n"
        )
        sys.stdout.write(text)
        return
    sys.stdout.write("\n")
    print_disclosure(scenario, language)


@app.command("sign-all")
def sign_all(
    keys: Annotated[Path, typer.Argument(help="Folder with one key folder per party, as `keys init` makes it.")],
    folder: Folder = None,
) -> None:
    """For demos: play every party, and agree on every scenario of the folder.

    Each party gets its agreements, with all signatures, in `agreements` in its own key folder.
    """
    from psi_match.base.errors import UsageError
    from psi_match.governance.signing import SIGNING_KEY_NAME
    from psi_match.node.local_governance import agree_as_all, demo_conditions
    from psi_match.scenario.catalogue import Catalogue

    parties = {path.parent.name: path.parent for path in sorted(keys.glob(f"*/{SIGNING_KEY_NAME}"))}
    if not parties:
        raise UsageError(f"{keys} holds no key folders with signing keys.", "Make them with `psi-match keys init`.")
    folders = {party: path / "agreements" for party, path in parties.items()}
    today = datetime.datetime.now(datetime.UTC).date()
    agreed = agree_as_all(Catalogue(folder).all(), parties, folders, demo_conditions(today))
    names = sorted({name for own in agreed.values() for name in own})
    typer.echo(f"{len(names)} agreements, each signed by all of its parties. For demos and tests only.")


def _print(signed: SignedAgreement, language: str) -> None:
    from psi_match.cli.tables import number, print_table
    from psi_match.domain.parties import display_name

    english = language == "en"
    agreement = signed.agreement
    for label, value in _facts(agreement, language):
        sys.stdout.write(f"{label + ':':<16}{value}\n")
    sys.stdout.write("\n")
    headers = (
        ("party", "roles", "dataset", "columns read", "largest set", "signed")
        if english
        else ("partij", "rollen", "bestand", "gelezen kolommen", "grootste omvang", "getekend")
    )
    yes, wrong, no = ("yes", "not under this text", "no") if english else ("ja", "niet onder deze tekst", "nee")
    rows = [
        [
            display_name(party.id),
            ", ".join(party.roles),
            party.dataset or "-",
            ", ".join(party.columns) or "-",
            number(party.max_set_size) if party.max_set_size else "-",
            yes if party.id in signed.signed else wrong if party.id in signed.wrong else no,
        ]
        for party in agreement.parties
    ]
    print_table(headers, rows, numbers=(4,))
    sys.stdout.write("\n")
    titles = ("output", "recipient", "of what") if english else ("uitkomst", "ontvanger", "waarvan")
    print_table(titles, [[o.kind, display_name(o.recipient), ", ".join(o.columns) or "-"] for o in agreement.outputs])


def _facts(agreement: Agreement, language: str) -> list[tuple[str, str]]:
    english = language == "en"
    basis, kept, runs = agreement.grondslag, agreement.retention, agreement.runs
    until = f" - {basis.valid_until}" if basis.valid_until else ""
    said = [
        (("Agreement", "Overeenkomst"), agreement.name),
        (("Digest", "Digest"), agreement.digest.hex()),
        (("Scenario", "Scenario"), f"{agreement.scenario}, {agreement.scenario_digest}"),
        (("Purpose", "Doel"), agreement.purpose.in_language(language)),
        (("Legal basis", "Grondslag"), f"{basis.reference.in_language(language)} ({basis.valid_from}{until})"),
        (("Term", "Looptijd"), f"{agreement.start} - {agreement.end}"),
        (
            ("Runs", "Runs"),
            f"{runs.max} in {runs.period_days} days" if english else f"{runs.max} per {runs.period_days} dagen",
        ),
        (
            ("Retention", "Bewaren"),
            f"results {kept.result_days}, secrets {kept.secret_days}, records {kept.record_days} days"
            if english
            else f"uitkomsten {kept.result_days}, geheimen {kept.secret_days}, verslagen {kept.record_days} dagen",
        ),
        (("Least group", "Kleinste groep"), str(agreement.min_group)),
    ]
    return [(both[not english], value) for both, value in said]
