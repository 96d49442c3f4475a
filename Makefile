# The two main commands are `make refresh` and `make test`; each installs what it needs first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
# The paths that prefect.yaml fills in; telemetry is off; loopback is reached through no proxy.
PREFECT = DO_NOT_TRACK=1 PEACEKEEPING_HOME="$(CURDIR)" PEACEKEEPING_DATA="$(abspath $(or $(PEACEKEEPING_DATA),data))" \
	PEACEKEEPING_MINUTE="$$($(BIN)/python -c 'from flows.steps.settings import minute; print(minute())')" \
	no_proxy="$$($(BIN)/python -m flows.steps.proxies)" $(BIN)/prefect
# The address of the server of `make server`, for workers and deployments.
SERVED := PREFECT_API_URL="$(or $(PREFECT_API_URL),http://127.0.0.1:$(or $(PREFECT_SERVER_API_PORT),4200)/api)"
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install

# Bytecode is kept: without it each command compiles the project's modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install refresh briefing test test-slow soak lint types check ui server deploy worker replica dictionary bundle lock bench clean

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

$(DEV): $(STAMP) requirements-dev.lock
	$(PIP) --require-hashes -r requirements-dev.lock
	touch $@

refresh: $(STAMP)
	$(BIN)/peacekeeping refresh $(ARGS)

# Write the briefing of MINUSMA as of the article's day, and the index of missions, to briefings/
briefing: $(STAMP)
	$(BIN)/peacekeeping briefing MINUSMA --up-to 2019-01-25 --output briefings $(ARGS)

PYTEST := $(BIN)/python -m pytest --no-loadscope-reorder

# A file's tests run in one process, because some of its fixtures are built once per process.
test: $(DEV)
	$(PYTEST) --dist loadfile -n auto --maxprocesses 4 -m "not slow" $(ARGS)

# The tests that kill processes, open browsers, start PostgreSQL or wait for Prefect's clocks: three at once, also on two
# cores, because many wait.
test-slow: $(DEV)
	$(PYTEST) --dist loadfile -n 3 -m slow $(ARGS)

# Ten simulated years for each of many seeds: make soak SEEDS=200 FIRST=1 ARGS='--jobs 4'
soak: $(DEV)
	PYTHONPATH=tests $(BIN)/python -m soak.run --seeds $(or $(SEEDS),20) --first $(or $(FIRST),1) $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(DEV)
	$(BIN)/mypy

check: lint types test test-slow

# The Prefect server with its UI on loopback, and all schedules, in one process; stop it with Ctrl-C.
ui: $(STAMP)
	$(BIN)/peacekeeping serve

# The same in parts, for several machines: a server, the registration of the deployments, a worker.
server: $(STAMP)
	$(PREFECT) server start

deploy: $(STAMP)
	$(SERVED) $(PREFECT) --no-prompt work-pool create peacekeeping --type process --overwrite
	$(SERVED) $(PREFECT) --no-prompt deploy --all
	$(SERVED) DO_NOT_TRACK=1 $(BIN)/python -m flows.automations

worker: $(STAMP)
	$(SERVED) $(PREFECT) worker start --pool peacekeeping

# The publishers as a demonstration, without a network: make replica ARGS='--fault html --times 1'
replica: $(DEV)
	$(BIN)/python tests/replica.py $(ARGS)

dictionary: $(DEV)
	$(BIN)/python -m warehouse.dictionary docs/dictionary.md

# Rewrite the bundled snapshots from a folder of figures: make bundle FROM=../figures
bundle: $(STAMP)
	$(BIN)/python -m sources.bundle $(FROM)

COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --upgrade

lock: $(STAMP)
	$(PIP) uv
	$(COMPILE) --extra build --output-file requirements.lock
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

bench: $(DEV)
	$(BIN)/python benchmarks/refresh.py
	$(BIN)/python benchmarks/commands.py
	$(BIN)/python benchmarks/fetch.py
	$(BIN)/python benchmarks/answers.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
