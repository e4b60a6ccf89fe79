#!/bin/sh
# What the one-shot services of the synthetic population do, each once: `generate`, `load`, `evaluate`.
#
#   /truth/population      all files of the population, and the truth: no node sees it
#   /run/secrets           passwords of the roles that own the bodies' databases
#   /evaluation            counts for the page
set -eu
umask 077
readonly population=/truth/population
case $1 in
generate)
    if [ ! -e /truth/generated ]; then
        # Also after a first try that was cut off.
        rm -rf "$population"
        psi-match population generate --persons "$PERSONS" --out "$population"
        touch /truth/generated
    fi
    ;;
load)
    if [ ! -e /truth/loaded ]; then
        # As `psi-match population load` does it, but in one process: starting Python for each body takes longer than all.
        python3 - "$population" /run/secrets <<'PYTHON'
import sys
from pathlib import Path

from psi_match.bench.population_database import load_population
from psi_match.node.source_config import DatabaseLogin

population, passwords = map(Path, sys.argv[1:])
for reader in sorted(passwords.glob("*_reader")):
    owner = reader.name.removesuffix("_reader")
    login = {"url": f"postgresql+psycopg://{owner}@database/{owner}", "password_file": passwords / owner}
    tables = load_population(population, owner.replace("_", "-"), DatabaseLogin.model_validate(login))
    print(f"{owner}: {len(tables)} tables, {sum(tables.values())} rows", flush=True)
PYTHON
        touch /truth/loaded
    fi
    ;;
evaluate)
    if [ ! -e /evaluation/evaluation.json ]; then
        psi-match population evaluate "$population" --out /tmp/evaluation.json
        cp /tmp/evaluation.json /evaluation/evaluation.json.part
        mv /evaluation/evaluation.json.part /evaluation/evaluation.json
    fi
    ;;
*)
    echo "Error: unknown step $1." >&2
    exit 2
    ;;
esac
