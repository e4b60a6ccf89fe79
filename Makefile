# `make demo` and `make test` do all set-up themselves. `make check` is what CI runs, without the container tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_ARGS ?=
TEST_ARGS ?=

.PHONY: demo test lint types contracts proto check test-compose clean

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip --quiet --disable-pip-version-check install --upgrade "pip>=25.1"

# The product alone: what a user of the demo needs.
$(VENV)/.installed: pyproject.toml | $(VENV)/bin/pip
	$(BIN)/python -m pip --quiet --disable-pip-version-check install --editable .
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

# Needs root and Linux, or a Docker engine; fails where no engine can run.
test-compose:
	tests/compose/run.sh

clean:
	rm -rf $(VENV) .venv-* wheelhouse build dist
