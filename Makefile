# The commands of this repository. `make practice` runs the wizard on a simulated homelab, `make test` passes the tests.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
CACHE  := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/homelab-wizard
LABDIR ?= $(or $(XDG_STATE_HOME),$(HOME)/.local/state)/homelab-wizard/lab
# A test of the screens or of a real terminal waits for half of its time: two for each processor.
WORKERS ?= $(shell expr 2 '*' $$(getconf _NPROCESSORS_ONLN))
# Of the engine, and as many of the whole install.
SCHEDULES ?= 1000

# Where the environment forbids byte code, as many images do, every process that a test starts compiles all of the
# wizard anew, and every worker all of the tests.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help practice test lint types contracts fast lab lab-down test-lab test-lab-full test-faults record bench screenshots lock clean

help:            ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

$(READY): requirements.lock pyproject.toml tools/install.sh
	@tools/install.sh "$(PYTHON)" "$(VENV)"
	@touch $@

practice: $(READY)  ## the wizard on a simulated homelab: nothing but Python is needed
	@$(BIN)/wizard practice

test: lint types contracts fast  ## lint, types, import contracts and the fast tests: under five minutes

lint: $(READY)   ## ruff over the code, shellcheck over the remote scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	tools/shell-lint.sh

types: $(READY)  ## mypy --strict over code and tests
	MYPY_CACHE_DIR="$(CACHE)/mypy" $(BIN)/mypy

contracts: $(READY)  ## who may import whom
	$(BIN)/lint-imports --no-cache

fast: $(READY)   ## the fast tests
	$(BIN)/pytest -m "not lab and not bench" -n $(WORKERS) --dist worksteal

test-faults: $(READY)  ## seeded schedules of kills, cut links and power cuts: 1,000 of the engine, 1,000 of the whole install
	WIZARD_SCHEDULES=$(SCHEDULES) $(BIN)/pytest tests/engine/test_crash.py -n $(WORKERS)
	WIZARD_SCHEDULES=$(SCHEDULES) $(BIN)/pytest tests/engine/test_cluster_crash.py -n $(WORKERS)

lab: $(READY)    ## real hosts in containers: build them (16 minutes and more the first time), run the whole install on them, show doctor
	tools/packages.sh lab
	$(BIN)/wizard lab up
	$(BIN)/wizard lab spec > "$(LABDIR)/cluster.yaml"
	$(BIN)/wizard apply -f "$(LABDIR)/cluster.yaml" --plain --yes
	$(BIN)/wizard doctor -f "$(LABDIR)/cluster.yaml"

lab-down: $(READY)  ## take the lab away
	$(BIN)/wizard lab down

test-lab: $(READY)  ## the tests on real hosts, on one shared lab
	tools/packages.sh lab
	$(BIN)/pytest -m "lab and not bench" --durations=15

test-lab-full: $(READY)  ## these, and six nodes of Kubernetes on the lab's guests (builds Kubernetes: 15 minutes the first time)
	tools/packages.sh lab
	WIZARD_LAB_SIX_NODES=1 $(BIN)/pytest -m "lab and not bench" --durations=15

record: $(READY)  ## record every remote script anew on the lab
	tools/packages.sh lab
	WIZARD_RECORD=1 $(BIN)/pytest tests/lab/test_recordings.py

bench: $(READY)  ## benchmarks, each beside its rival (installs pyinfra and ansible into the cache)
	tools/packages.sh lab
	$(BIN)/pytest -m bench -s

screenshots: $(READY)  ## draw the README's pictures anew, from the practice homelab
	PYTHONPATH=. $(BIN)/python tools/screenshots.py docs/pictures

lock: $(READY)   ## write requirements.lock anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --output-file requirements.lock

clean:           ## forget the virtual environment
	rm -rf $(VENV)
