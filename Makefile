# Diorama: `make cube` opens the first scene, `make test` runs all tests. Both set the machine up first.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV  := .venv
PY    := $(VENV)/bin/python
ARGS  ?=
ONLY  ?=
SCENE ?= scenes/cube.hu
# One worker per core, two at least (tests/support/session.py); ARGS="-n 0" runs all in one process.
# Bytecode is kept, as compiling takes half of the start of each process.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(PY) -m pytest -n auto --dist worksteal

RUN_READY  := $(VENV)/.ready-run
TEST_READY := $(VENV)/.ready-test
DEV_READY  := $(VENV)/.ready-dev
BENCH_READY := $(VENV)/.ready-bench
INPUTS     := pyproject.toml tools/setup.sh

.PHONY: help setup cube test proof check bench clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(RUN_READY): $(INPUTS)
	@sh tools/setup.sh run
	@touch $@

# The role test includes run, dev includes both: each target marks the roles that it includes.
$(TEST_READY): $(INPUTS)
	@sh tools/setup.sh test
	@touch $(RUN_READY) $@

$(DEV_READY): $(INPUTS)
	@sh tools/setup.sh dev
	@touch $(RUN_READY) $(TEST_READY) $@

$(BENCH_READY): $(INPUTS)
	@sh tools/setup.sh bench
	@touch $(RUN_READY) $(TEST_READY) $@

setup: $(RUN_READY) ## install what a run needs: missing system packages, .venv, Python packages

cube: $(RUN_READY) ## open scenes/cube.hu, or draw it to build/cube.png where there is no display
	@sh tools/cube.sh $(PY) $(SCENE) $(ARGS)

test: $(TEST_READY) ## run the tests, with samples of the proofs (ARGS="-k plan" selects some)
	@$(PYTEST) $(ARGS)

proof: $(TEST_READY) ## run every proof in full (ONLY=short: in 3 minutes; ONLY=plan: one area; ARGS="-k NAME": one)
	@$(PYTEST) --proof $(or $(ONLY),all) -v --durations=20 $(ARGS)

check: $(DEV_READY) ## lint, format, types, layer contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(BENCH_READY) ## run the benchmarks into build/bench.json (ONLY=plan for one area)
	@$(PY) tests/bench $(if $(ONLY),--only $(ONLY))

clean: ## remove everything built and installed here
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find engine features viewer tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
	find scenes assets -name '*.ogCache*' -type f -exec rm -f {} +
