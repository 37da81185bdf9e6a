# Everything a developer needs; `make help` lists it. Only python3 (3.11 or newer) and pip must be there.

PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test check lint format lock schema pages bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/runtime pages ## Set up, migrate, seed and serve on 127.0.0.1:8000, with GraphiQL
	@$(BIN)/python -m app serve --prepare

test: .venv/development pages ## Run every test
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal

check: lint ## Lint, and test catalogues, migrations and README
	@$(BIN)/python -m pytest -q tests/test_locales.py tests/test_migrations.py tests/test_readme.py

lint: .venv/development ## Form, types, direction of imports, schema
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m app schema export --check

format: .venv/development ## Put the code into its form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

schema: .venv/runtime ## Write schema.graphql from the code
	@$(BIN)/python -m app schema export

lock: .venv/development ## Choose the newest versions of the dependencies and pin them
	@$(BIN)/uv pip compile -q -U --universal --python-version 3.11 --no-header --generate-hashes \
		pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q -U --universal --python-version 3.11 --no-header --generate-hashes \
		pyproject.toml --group dev -o requirements-dev.lock

pages: .venv/runtime ## Build GraphiQL's page from its npm packages
	@$(BIN)/python viewer/build.py

bench: .venv/runtime ## Measure the server beside others; takes about ten minutes, wants a quiet machine
	@$(BIN)/python -m benchmarks.compare

clean: ## Remove what set-up made; the data folder stays
	@rm -rf .venv viewer/dist viewer/node_modules tests/clients/node_modules \
		benchmarks/compare/peers/mercurius/node_modules .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "python3 3.11 or newer is needed; name one with make PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/runtime: requirements.lock | .venv/bin/python
	@echo "Installing what the server runs on ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/development: requirements-dev.lock | .venv/runtime
	@echo "Installing what tests and checks need ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
