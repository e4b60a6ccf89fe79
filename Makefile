# `make demo` and `make test` do all set-up themselves. `make check` is what CI runs, without the container tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PEERS_PYTHON ?= python3.11
DEMO_ARGS ?=
TEST_ARGS ?=

.PHONY: demo test lint types contracts proto check peers test-peers test-compose test-browser test-postgres test-hsm clean

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

# The product with its page and its report: what a user of the demo needs.
$(VENV)/.installed: pyproject.toml | $(VENV)/bin/pip
	$(BIN)/python -m pip --quiet --disable-pip-version-check install --upgrade "pip>=25.1"
	$(BIN)/python -m pip --quiet --disable-pip-version-check install --editable ".[page,postgresql,report]"
	touch $@

# And what a developer needs: test runner, linters, generator.
$(VENV)/.developer: pyproject.toml $(VENV)/.installed
	$(BIN)/python -m pip --quiet --disable-pip-version-check install --group dev
	touch $@

demo: $(VENV)/.installed
	$(BIN)/psi-match demo $(DEMO_ARGS)

test: $(VENV)/.developer
	$(BIN)/pytest $(TEST_ARGS)

lint: $(VENV)/.developer
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.developer
	$(BIN)/mypy

contracts: $(VENV)/.developer
	$(BIN)/lint-imports

proto: $(VENV)/.developer
	PYTHON=$(BIN)/python scripts/proto --check

check: test lint types contracts proto
	$(BIN)/psi-match demo --persons 20000

# The programs that `psi-match bench --peers` compares with, in an environment of their own: docs/bench-peers.md.
PEERS := .venv-peers
PEERS_PINS := src/psi_match/bench/peers/requirements.txt

peers: $(PEERS)/.installed

$(PEERS)/.installed: $(PEERS_PINS)
	@$(PEERS_PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { echo "make peers: $(PEERS_PYTHON) is no Python 3.11, and SecretFlow SPU has no package for later ones. Install Python 3.11, or name one: make peers PEERS_PYTHON=/path/to/python3.11" >&2; exit 1; }
	rm -rf $(PEERS)
	$(PEERS_PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip --quiet --disable-pip-version-check install --requirement $(PEERS_PINS)
	@$(PEERS)/bin/python -c 'import gmpy2, mpyc, private_set_intersection.python, spu' || { echo "make peers: a program cannot be loaded on this machine; the line above says why." >&2; exit 1; }
	touch $@

# The same programs, run by the tests: builds their environment first.
test-peers: $(VENV)/.developer peers
	$(BIN)/pytest -m peers tests/peers

# The signing key in a PKCS#11 token. Needs SoftHSM 2; as root on Debian it is installed.
test-hsm: $(VENV)/.developer
	test -e /usr/lib/softhsm/libsofthsm2.so || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends softhsm2; }
	$(BIN)/pytest -m softhsm tests/hsm

# Datasets in a real PostgreSQL. As root on Debian its programs are installed; fails where there are none.
test-postgres: $(VENV)/.developer
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends postgresql; }
	$(BIN)/pytest -m postgres tests/postgres

# The pages in a real browser, with real nodes on loopback. As root on Debian Chromium is installed; fails where there is none.
test-browser: $(VENV)/.developer
	command -v chromium >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends chromium; }
	$(BIN)/pytest -m browser tests/browser

# Needs root and Linux, or a Docker engine; fails where no engine can run.
test-compose:
	tests/compose/run.sh

clean:
	rm -rf $(VENV) .venv-* wheelhouse build dist
