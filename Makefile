# Two commands set everything up: `make refresh` (the main job) and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install refresh test unit lint types check ui deploy worker dictionary bundle lock bench clean

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

refresh: $(STAMP)
	$(BIN)/peacekeeping refresh $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

unit: $(STAMP)
	$(BIN)/python -m pytest tests --ignore tests/end_to_end $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(STAMP)
	$(BIN)/mypy

check: lint types test

# The Prefect server with its UI, on loopback; stop it with Ctrl-C.
ui: $(STAMP)
	DO_NOT_TRACK=1 $(BIN)/prefect server start

# Register the deployment with its schedule, then work it off; both need `make ui` running elsewhere.
deploy: $(STAMP)
	DO_NOT_TRACK=1 PEACEKEEPING_HOME="$(CURDIR)" $(BIN)/prefect --no-prompt work-pool create peacekeeping --type process --overwrite
	DO_NOT_TRACK=1 PEACEKEEPING_HOME="$(CURDIR)" $(BIN)/prefect --no-prompt deploy --all

worker: $(STAMP)
	DO_NOT_TRACK=1 $(BIN)/prefect worker start --pool peacekeeping

dictionary: $(STAMP)
	$(BIN)/python -m warehouse.dictionary docs/dictionary.md

# Write the bundled snapshots anew from a folder of figures: make bundle FROM=../figures
bundle: $(STAMP)
	$(BIN)/python -m sources.bundle $(FROM)

lock: $(STAMP)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --no-header --upgrade --output-file requirements.lock

bench: $(STAMP)
	$(BIN)/python benchmarks/refresh.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
