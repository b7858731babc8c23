# Headrace. `make help` lists what there is. Each target sets up what it needs.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
WORKERS ?= 3

.PHONY: help setup kafka demo check test drill bench docs clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(BIN)/.ready  ## the virtual environment with everything in it

$(BIN)/.ready: requirements.lock pyproject.toml scripts/setup
	@scripts/setup $(VENV)
	@touch $@

kafka: setup  ## Java, Maven and Kafka's jars, for the tests that run on a real broker
	@scripts/java
	@$(BIN)/headrace broker fetch

demo: setup  ## the main job: a simulated world, all processes; ARGS="--once 50000 --json" passes options on
	@$(BIN)/headrace demo $(ARGS)

check: setup  ## linters, types, layers, doctests
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q streams checkpoints learners serving headrace

test: setup kafka  ## every test that ends within minutes; WORKERS=1 runs one after the other
	$(BIN)/python -m pytest -m "not drill" -n $(WORKERS) --dist loadfile $(ARGS)

drill: setup kafka  ## the long ones: random kills, large data
	$(BIN)/python -m pytest -m drill --timeout 3600 $(ARGS)

bench: setup kafka  ## every script under benchmarks/, in its short form
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script --quick --json || exit 1; done

docs: setup  ## write the generated pages anew
	$(BIN)/headrace docs write

clean:  ## forget the environment and run-time data
	rm -rf $(VENV) var
