# Everything a person types. `make` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.ONESHELL:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV := $(shell command -v uv || echo .tools/bin/uv)
BIN := .venv/bin
export UV_COMPILE_BYTECODE := 1
export UV_PYTHON_DOWNLOADS := never
unexport PYTHONDONTWRITEBYTECODE

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | awk -F'\t' '{printf "%-16s%s\n", $$1, $$2}'

demo: .venv/run ## a simulated company of forty reps, all the way to a score, a return, a page and the CRM (ONCE=1: end by itself)
	@exec $(BIN)/headwater demo $(if $(ONCE),--once)

up: .venv/run ## start the local stack on your own data
	@exec $(BIN)/headwater up

test: .venv/dev ## the whole suite, under 15 minutes on 2 cores
	@$(BIN)/pytest -n 2 --dist loadfile

check: .venv/dev ## lint, types, imports, unit, property and contract tests, under 3 minutes
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q -n 2 --dist loadfile -m "not stack" tests/unit tests/property tests/contract tests/architecture

fmt: .venv/dev ## format and mend what a machine can mend
	@$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

chaos: .venv/run kafka ## kill everything at random under load, on both logs; half an hour
	@$(BIN)/python -m bench.chaos

eval-roi: .venv/run ## the judge of investments, held against known truth; up to 150 minutes, and it can be stopped and taken up again
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.eval_roi

figures: .venv/run ## every measured figure, as one table
	@$(BIN)/python -m bench.figures

lock: $(UV) ## pin every dependency again, with hashes
	@lock="$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet"
	$$lock pyproject.toml --output-file requirements/run.lock
	$$lock pyproject.toml --group dev --constraint requirements/run.lock --output-file requirements/dev.lock
	$$lock --group crm --output-file requirements/crm.lock
	$$lock bench/peers/requirements.in --output-file bench/peers/requirements.lock

crm: .venv-crm/ready ## a real CRM (Tryton) in an environment of its own, for the write-back's tests

bench: .venv/run .kafka/ready .venv-peers/ready ## throughput beside the limit and other Python streams, about 15 minutes
	@$(BIN)/python -m bench.throughput

peers: .venv-peers/ready ## what the platform is measured beside, in an environment of its own

kafka: .kafka/ready ## Apache Kafka itself (needs Java 17 and Maven), for its tests and benches

clean: ## remove the environments; the data in the home stays
	@rm -rf .kafka .venv .venv-crm .venv-peers .tools build dist

.PHONY: help demo up test check fmt eval-roi figures lock crm bench peers chaos kafka clean

.tools/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "headwater needs Python 3.11 to 3.13; $$($(PYTHON) --version) is what $(PYTHON) is: set PYTHON=python3.12, say"; exit 1; }
	echo "setting up: uv"
	$(PYTHON) -m venv .tools || { echo "python's venv module is missing: install it (on Debian: apt install python3-venv)"; exit 1; }
	.tools/bin/pip install --quiet --disable-pip-version-check uv==0.13.9

.venv/bin/python: | $(UV)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { echo "headwater needs Python 3.11 to 3.13; $$($(PYTHON) --version) is what $(PYTHON) is: set PYTHON=python3.12, say"; exit 1; }
	$(UV) venv --quiet --clear --python "$$(command -v $(PYTHON))" .venv

# The development environment holds all that the demo needs, at the same versions.
.venv/run: pyproject.toml requirements/run.lock | .venv/bin/python
	@[ .venv/dev -nt requirements/run.lock ] && [ .venv/dev -nt pyproject.toml ] && { touch $@; exit 0; } || true
	echo "setting up: the environment (a few minutes the first time)"
	$(UV) pip install --quiet --python .venv --require-hashes --requirement requirements/run.lock
	$(UV) pip install --quiet --python .venv --no-deps --editable .
	touch $@

.venv/dev: pyproject.toml requirements/run.lock requirements/dev.lock | .venv/bin/python
	@echo "setting up: the development environment (a few minutes the first time)"
	$(UV) pip sync --quiet --python .venv --require-hashes requirements/dev.lock
	$(UV) pip install --quiet --python .venv --no-deps --editable .
	touch $@

.venv-crm/ready: requirements/crm.lock $(wildcard $(addprefix activation/tryton_module/,* */* */*/*)) | $(UV)
	@echo "setting up: the CRM's environment"
	[ -x .venv-crm/bin/python ] || $(UV) venv --quiet --clear --python "$$(command -v $(PYTHON))" .venv-crm
	$(UV) pip sync --quiet --python .venv-crm --require-hashes requirements/crm.lock
	$(UV) pip install --quiet --python .venv-crm --no-deps activation/tryton_module
	touch $@

.venv-peers/ready: bench/peers/requirements.lock .venv/run | $(UV)
	@echo "setting up: the peers' environment"
	[ -x .venv-peers/bin/python ] || $(UV) venv --quiet --clear --python $(BIN)/python .venv-peers
	$(UV) pip sync --quiet --python .venv-peers --require-hashes bench/peers/requirements.lock
	touch $@

.kafka/ready: local/kafka/pom.xml
	@for tool in java mvn; do command -v $$tool >/dev/null || { echo "$$tool is not on the PATH: Apache Kafka needs Java 17 and Maven"; exit 1; }; done
	echo "setting up: Apache Kafka"
	rm -rf .kafka
	mvn --batch-mode --quiet --file local/kafka/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$(CURDIR)/.kafka"
	touch $@
