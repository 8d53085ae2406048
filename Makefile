# Every target but `help` and `clean` first makes the environment: nothing but git, make and Python 3.11+ is needed.
SHELL := /bin/sh
VENV := .venv
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
STAMP := $(VENV)/.made-from
CANDIDATE ?= HEAD
CANDIDATES ?= $(CANDIDATE)
PROFILE ?= quick
OUT ?= reports
SEED ?=
CHALLENGE ?=

.DEFAULT_GOAL := help
.PHONY: help setup eval compare publish test lint bench selftest soak adapters demo doctor clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo '  variables: CANDIDATE CANDIDATES CHALLENGE PROFILE=quick|full SEED OUT'

$(STAMP): pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo 'setup: Python 3.11 or newer was not found on PATH; install it, or name it: make PYTHON=/path/to/python3 ...' >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --require-hashes -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

setup: $(STAMP) ## make .venv from the lock

eval: $(STAMP) ## measure CANDIDATE (a manifest id, a path, a commit, REPO#COMMIT)
	$(VENV)/bin/harness eval "$(CANDIDATE)" --profile $(PROFILE) --out $(OUT) $(if $(SEED),--seed $(SEED)) $(if $(CHALLENGE),--challenge $(CHALLENGE))

compare: $(STAMP) ## measure CANDIDATES, what is missing of them, and set them side by side
	$(VENV)/bin/harness compare $(CANDIDATES) --profile $(PROFILE) --out $(OUT) $(if $(SEED),--seed $(SEED)) $(if $(CHALLENGE),--challenge $(CHALLENGE))

publish: $(STAMP) ## what was measured, as a static site in OUT/site
	$(VENV)/bin/harness publish --out $(OUT)

test: $(STAMP) ## the tests of this project and the quick selftest, under 10 minutes on 2 cores
	$(VENV)/bin/harness selftest --quick --out build
	$(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(STAMP) ## ruff and strict mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: $(STAMP) ## benchmarks, as ratios against a floor or a peer in the same run
	$(VENV)/bin/harness bench

selftest: $(STAMP) ## judge the judge: every known-bad specimen caught, every known-good one clean (half an hour)
	$(VENV)/bin/harness selftest

soak: $(STAMP) ## kill a run at 50 seeded points and resume each: about 20 minutes
	$(VENV)/bin/python -m tests.soak.kill_points $(CANDIDATE) 50

adapters: $(STAMP) ## the adapters with the commits themselves, beside each commit's own entry point: the network, some minutes
	$(VENV)/bin/python -m pytest -o python_files='check_*.py' tests/adapters

demo: $(STAMP) ## three pipeline processes, one killed, clocks apart: a page to look at, reports/demo/ (90 seconds)
	$(VENV)/bin/python -m demo --out $(OUT)/demo $(if $(SEED),--seed $(SEED))

doctor: $(STAMP) ## what this machine has, and what each absence costs
	$(VENV)/bin/harness doctor

clean: ## nothing of ours is left running or lying about; reports/ stays
	@if test -x $(VENV)/bin/harness; then $(VENV)/bin/harness clean; fi
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
