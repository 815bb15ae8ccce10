# Every chore of the project; `make help` lists them.
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := app ocs_archive ingest_worker
FILES ?= 2000
FAULTS ?= 200
CASES ?= 5000
SEED ?= 1
SEARCHES ?= 300
WRITES ?= 10000
PROCESSES ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test check bench bench-zip bench-portal bench-pages bench-indexes soak recount faults fuzz broken-inputs attacks audit-dependencies \
	lint format types lock clean screenshots services

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.run ## start the archive on http://127.0.0.1:8000 (HOST, PORT, DATA_DIR, WORKERS …), until Ctrl-C
	@exec $(BIN)/python -m app.launcher

# Each process starts servers of its own; a Redis that TEST_REDIS_URL names is one, and tests empty it.
test: services $(VENV)/.test ## run every test, on SQLite and on PostgreSQL (PROCESSES=2)
	@$(BIN)/pytest $(if $(TEST_REDIS_URL),,--numprocesses $(PROCESSES) --dist loadscope)

check: services $(VENV)/.test lint types audit-dependencies test ## what CI runs: format, lint, types, known holes, tests

faults: services $(VENV)/.test ## let an archive live through a bad night (FILES=2000 FAULTS=200 SEED=1 KEEP=folder)
	@$(BIN)/python -m tests.faults --files $(FILES) --faults $(FAULTS) --seed $(SEED) $(if $(KEEP),--keep $(KEEP))

fuzz: services $(VENV)/.test ## send an archive whatever its OpenAPI document leads to (CASES=5000 SEED=1)
	@$(BIN)/python -m tests.fuzz --cases $(CASES) --seed $(SEED)

broken-inputs: services $(VENV)/.test ## send an archive every broken file, and write docs/broken-inputs.md
	@$(BIN)/python -m tests.ingest_worker.broken_inputs

attacks: services $(VENV)/.test ## attack an archive in every way, and write docs/security.md
	@$(BIN)/python -m tests.attacks

audit-dependencies: $(VENV)/.test ## ask PyPI for known holes of the libraries, if it can be reached
	@$(BIN)/python -m tests.attacks.dependencies

# An empty folder or database is filled first, which takes as long as the bench; KEEP and DATABASE_URL keep it.
LOADED = $(if $(DATABASE),--database $(DATABASE)) $(if $(filter command,$(origin DATABASE_URL)),--url $(DATABASE_URL)) $(if $(KEEP),--keep $(KEEP))

bench: services $(VENV)/.test ## measure ingest; with N=10000000 frames, reads (WRITE=1: into docs/performance.md; DATABASE=sqlite KEEP=folder)
	@$(BIN)/python -m $(if $(N),bench.search --frames $(N) $(LOADED),bench.ingest $(if $(INGEST_N),--files $(INGEST_N))) \
		$(if $(WRITE),--write)

bench-indexes: services $(VENV)/.test ## measure the query that needs each index, with it and without it (N=1000000 WRITE=1; as above)
	@$(BIN)/python -m bench.indexes $(if $(N),--frames $(N)) $(LOADED) $(if $(WRITE),--write)

soak: services $(VENV)/.test ## read and ingest at once, for a while (MINUTES=10 N=1000000 WRITE=1; DATABASE_URL, KEEP as above)
	@$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),10) $(if $(N),--frames $(N)) $(LOADED) $(if $(WRITE),--write)

recount: services $(VENV)/.test ## compare counts, values and pages with plain SQL, between random writes (DATABASE=postgresql SEED=1 SEARCHES=300 WRITES=10000)
	@$(BIN)/python -m tests.frame_columns.recount $(if $(DATABASE),--database $(DATABASE)) --seed $(SEED) --searches $(SEARCHES) --writes $(WRITES)

bench-zip: services $(VENV)/.test ## measure zips: their speed, and the memory of the web server (WRITE=1: into docs/performance.md)
	@$(BIN)/python -m bench.zip $(if $(WRITE),--write)

bench-portal: services $(VENV)/.test ## measure requests of others while the Observation Portal is away (WRITE=1: as above)
	@$(BIN)/python -m bench.portal $(if $(WRITE),--write)

bench-pages: services $(VENV)/.test ## measure the search page in a browser (N=1000000 WRITE=1; DATABASE_URL, KEEP as above)
	@$(BIN)/python -m bench.pages $(if $(N),--frames $(N)) $(LOADED) $(if $(WRITE),--write)

lint: $(VENV)/.test ## look at format and style
	@$(BIN)/ruff format --check --quiet . || { echo 'Run “make format”.'; exit 1; }
	@$(BIN)/ruff check --quiet .

format: $(VENV)/.test ## put format and imports in order
	@$(BIN)/ruff check --quiet --select I --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.test ## check the types of the three packages
	@$(BIN)/mypy --strict

lock: $(VENV)/.run ## pin the newest versions of what requirements.in and requirements-dev.in name
	@$(PIP) install pip-tools
	@for name in requirements requirements-dev; do \
		$(BIN)/pip-compile --quiet --upgrade --strip-extras --no-header --no-emit-index-url --no-emit-find-links \
			--no-emit-trusted-host --output-file $$name.txt $$name.in || exit; done

clean: ## remove what was built; the data in ./var stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(PACKAGES) tests migrations -name __pycache__ -prune -exec rm -rf {} +

services:
	@tests/install-services

# The oldest Python that we support comes first: the wheel with the embedded Redis does not exist for the newest.
$(VENV)/.run: requirements.txt
	@for python in python3.11 python3.12 python3 python3.13; do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; done; \
	test "$$python" || { echo 'Python 3.11 or newer is missing: install it, as in “apt-get install python3 python3-venv”.'; exit 1; }; \
	$$python -c 'import ensurepip' 2>/dev/null || { echo 'Python lacks its venv module: “apt-get install python3-venv”.'; exit 1; }; \
	test -x $(BIN)/python || echo "Installing into $(VENV) …"; \
	$$python -m venv $(VENV)
	@$(PIP) install --requirement requirements.txt
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements-dev.txt
	@$(PIP) install --requirement requirements-dev.txt
	@touch $@

screenshots: $(VENV)/.test ## take the README's pictures anew: make screenshots URL=http://127.0.0.1:8000
	@$(BIN)/python -m docs.make_screenshots $(URL)
