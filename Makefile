# Everything a person types here, CI types too. `make` alone lists what there is.
.POSIX:
.SUFFIXES:

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
UV = $(BIN)/uv
UV_COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
PACKAGES = segue producers stream_processors trainer api ui infra benchmarks
STAMPS = $(VENV)/.stamps

.PHONY: help install demo up down test check chaos bench docs screenshots lock browser clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

install: $(STAMPS)/prepared ## a virtual environment with everything a user needs, locked and hashed

demo: install ## start everything on real tracks, and recommend
	$(BIN)/segue up --demo

up: install ## start everything, empty
	$(BIN)/segue up

down: ## stop what `make demo` or `make up` started
	@if [ -x $(BIN)/segue ]; then $(BIN)/segue down; else echo "nothing is installed, so nothing runs"; fi

test: $(STAMPS)/dev $(STAMPS)/prepared browser ## every test that this machine can run, and why the others were left out
	$(BIN)/pytest

check: $(STAMPS)/dev ## format, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(PACKAGES) tests
	$(BIN)/lint-imports

chaos: $(STAMPS)/dev $(STAMPS)/prepared ## the long runs with injected faults and with hostile records
	SEGUE_CHAOS_FAULTS=$${SEGUE_CHAOS_FAULTS:-30} SEGUE_HOSTILE_RECORDS=$${SEGUE_HOSTILE_RECORDS:-100000} \
	  $(BIN)/pytest -s -m chaos tests/chaos

bench: $(STAMPS)/dev $(STAMPS)/prepared ## all benchmarks, and a table of the results
	$(BIN)/python -m benchmarks all

docs: $(STAMPS)/dev ## docs/openapi.json, docs/asyncapi.json and the client's methods and shapes, from the code
	$(BIN)/python -m api.openapi docs/openapi.json
	$(BIN)/python -m segue.asyncapi docs/asyncapi.json
	$(BIN)/python segue/client/writer.py docs/openapi.json

lock: $(STAMPS)/uv ## choose the newest versions that pyproject.toml allows, again
	@printf 'hatchling\neditables\n' | $(UV_COMPILE) --upgrade --extra local --extra ui --output-file requirements.lock pyproject.toml -
	$(UV_COMPILE) --upgrade --extra local --extra ui --extra otel --extra dev --output-file requirements-dev.lock pyproject.toml
	@printf 'uv\n' | $(UV_COMPILE) --upgrade --output-file requirements-uv.lock -

screenshots: $(STAMPS)/dev browser ## pictures for the documentation, of the demo that runs
	$(BIN)/python -m tests.e2e.screenshots docs/images

browser:
	@for name in chromium chromium-browser google-chrome-stable google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "installing Chromium for the tests in a browser" && \
	  { apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium >/dev/null; }; } || \
	echo "no Chromium here: the tests in a browser are left out; apt install chromium, and make test again runs them"

clean: ## remove the virtual environment and all caches; data of the stack stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Segue needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)."; \
	  echo "Install one (apt install python3.11 python3.11-venv) and run: make install PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "This Python cannot make virtual environments. Run: apt install python3-venv, then make install again."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/uv: $(VENV)/pyvenv.cfg requirements-uv.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/installed: $(STAMPS)/uv requirements.lock pyproject.toml
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(STAMPS)/dev: $(STAMPS)/installed requirements-dev.lock
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

$(STAMPS)/prepared: $(STAMPS)/installed
	$(BIN)/segue prepare
	@touch $@
