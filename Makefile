# `make demo` sets up and runs the main job; `make test` sets up and passes the tests, `make test-all` the long ones too.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: demo test test-all lint docs bare bench web-test clean

demo: $(VENV)/.ready
	$(BIN)/pav demo

# In minutes: a few examples of each property, no long sweeps. What is left out, `test-all` does.
test: $(VENV)/.ready-dev
	HYPOTHESIS_PROFILE=quick $(BIN)/pytest --durations=20

test-all: $(VENV)/.ready-dev
	$(BIN)/pytest -m "" --durations=20

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m spec.tools.registry --check

# The API reference, from docstrings; fails if a link in it leads nowhere.
docs: $(VENV)/.ready-dev
	rm -rf out/docs
	$(BIN)/python -m docs.reference out/docs

# The reader in TypeScript, by its own tests and as a black box; needs Node 20 and npm.
WEB_READER := node player/web/dist/cli.js {}
REAL_HEAD := $(or $(PAV_TEST_DATA),../shared/data)/lam/status.zip
web-test: $(VENV)/.ready-dev
	cd player/web && npm ci --no-audit --no-fund --silent && npm run --silent lint && npm run --silent test
	$(BIN)/python -m spec.tools.conformance --decoder "$(WEB_READER)"
	head=; if [ -f "$(REAL_HEAD)" ]; then head=player/web/build/head.pav && \
	    $(BIN)/pav encode --quiet --no-search --force "$(REAL_HEAD)" -o $$head; fi && \
	    $(BIN)/python -m tests.fuzz.agreement --decoder "$(WEB_READER)" player/pavplayer/demo/avatar.pav $$head

bench: $(VENV)/.ready-dev
	$(BIN)/python -m tests.benchmarks

# Reading and writing need NumPy and zstandard, nothing else.
bare:
	rm -rf .venv-bare && $(PYTHON) -m venv .venv-bare
	.venv-bare/bin/pip install --quiet --disable-pip-version-check .
	.venv-bare/bin/python tests/bare_environment.py "$$(mktemp -d)"

clean:
	rm -rf $(VENV) .venv-bare out build player/web/build player/web/dist player/web/node_modules

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[player]'
	touch $@

# torch first and pinned: what depends on it would else pull gigabytes of CUDA.
$(VENV)/.ready-dev: $(VENV)/.ready
	$(PIP) torch==2.13.0
	$(PIP) -e '.[dev]'
	touch $@
