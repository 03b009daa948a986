# Every target does its own set-up; a second call is quick.
# The newest that harness is tested with, else any: .ci/install.py tells what to do about it.
PYTHON ?= $(firstword $(foreach name,python3.11 python3 python3.12 python3.13 python3.14,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
CRATE := .venv-crate
ARGS ?=
TEST_JOBS ?= 2

.PHONY: help install crate-tools demo test test-slow test-podman test-browser test-all soak gpu-check check lint format bench bench-tools smoke mirror locks lock schema clean
help:
	@echo "make demo | test | test-podman | test-browser | test-all | gpu-check | check | lint | bench | smoke | mirror | locks | install | doctor-, rehearse-, reproduce-<method>[-<backbone>] [ARGS=...] | report-<method>"

install: $(VENV)/.installed

# A machine without GPU gets torch without CUDA: megabytes instead of gigabytes.
$(VENV)/.installed: requirements.lock pyproject.toml dockerfiles/host.constraints.txt
	@test -n "$(PYTHON)" || { \
	  echo "error: no Python 3 is on PATH" >&2; \
	  echo "hint: install Python 3.11 (Debian: apt-get install python3 python3-venv), or name one: make install PYTHON=..." >&2; \
	  exit 3; }
	@"$(PYTHON)" .ci/install.py
	@touch $@

# What tests read archives with: the two need an older rich than import-linter does.
crate-tools: $(CRATE)/.installed

$(CRATE)/.installed: tests/services/crate_tools.lock | install
	test -x $(CRATE)/bin/python || $(BIN)/python -m venv $(CRATE)
	$(CRATE)/bin/pip install -q --no-deps --require-hashes -r tests/services/crate_tools.lock
	@touch $@

demo: install
	$(BIN)/harness reproduce demo --losses all --seeds 2 --runtime process

test: install crate-tools
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist worksteal -m "not slow and not upstream and not podman and not slurm and not gpu and not browser" $(ARGS)

test-slow: install crate-tools
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist worksteal -m "slow and not upstream and not podman and not slurm and not gpu and not browser" $(ARGS)

# Rootless if called by an ordinary user; on a Slurm, too, where that is installed.
test-podman: install
	$(BIN)/python -m pytest -m podman $(ARGS)

# The report in headless Chromium (Debian: chromium chromium-driver).
test-browser: install
	$(BIN)/python -m pytest -m "browser and not upstream" $(ARGS)

# Plans on a Slurm of two nodes that is started for it (Debian: slurm-wlm munge); root.
.PHONY: test-slurm
test-slurm: install
	$(BIN)/python -m pytest -m "slurm and not podman and not upstream" $(ARGS)

test-all: install crate-tools
	$(BIN)/python -m pytest -n $(TEST_JOBS) $(ARGS)

# At least 200 faults at random points of the demo chain; hours. ARGS="--faults 20 --only kill"
soak: install
	$(BIN)/python -m tests.soak $(ARGS)

# On a machine with a GPU: the losses CPU = CUDA, then one iteration of every training of every chain, with its peak memory.
# HARNESS_GPU_RUNTIME=process where there is no container engine.
gpu-check: install
	$(BIN)/python -m pytest -m gpu -rs tests/gpu $(ARGS)

check: lint
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist worksteal -q tests/unit

# What can be said without running a test.
lint: install
	$(BIN)/ruff format --check -q .
	$(BIN)/ruff check -q .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/harness manifest check
	$(BIN)/python tests/checks/upstream_lines.py

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# ARGS="--only peers" beside Snakemake and cwltool alone, which come in an environment of their own.
bench: install bench-tools
	$(BIN)/python -m benchmarks $(ARGS)

bench-tools: install
	$(BIN)/python -m benchmarks.peers.tools

# After a change to pyproject.toml or dockerfiles/*/*.in. Without CUDA for harness itself and the demo.
locks: install
	$(BIN)/python tests/checks/locks.py
lock: locks

schema: install
	$(BIN)/harness manifest schema docs/schema

# make reproduce-sipe-res101 [LOSSES=isl,fsl] [SEEDS=3] [ARGS="--jobs 8"]; HARNESS_RUNS, HARNESS_DATA and HARNESS_MIRROR count.
# `make -n` shows the command.
SEEDS ?= 5
PLACES := $(if $(HARNESS_RUNS),--runs '$(HARNESS_RUNS)') $(if $(HARNESS_DATA),--data '$(HARNESS_DATA)')
chain = $(call method,$*) $(call backbone,$*)
losses = $(if $(LOSSES),--losses $(LOSSES))
seeds = $(if $(filter --seed --seed=% --seeds --seeds=%,$(ARGS)),,--seeds $(SEEDS))

doctor-% rehearse-% reproduce-% report-% mirror smoke: export PATH := $(CURDIR)/$(BIN):$(PATH)

reproduce-%: install
	$(strip harness reproduce $(chain) $(losses) $(seeds) $(PLACES) $(ARGS))

doctor-%: install
	$(strip harness doctor $(chain) $(losses) $(seeds) $(PLACES) $(ARGS))

# With both losses, the most expensive arm, whatever LOSSES are.
rehearse-%: install
	$(strip harness rehearse $(chain) $(PLACES) $(ARGS))

# The finished runs of a method, for a job's summary and for keeping, in the folder OUT.
OUT ?= .
report-%: install
	$(strip harness report $* --format markdown --output '$(OUT)/report.md' $(PLACES))
	$(strip harness report $* --output '$(OUT)/report.html' $(PLACES))
	$(strip harness record export $* --ro-crate '$(OUT)/records.zip' $(if $(HARNESS_RUNS),--runs '$(HARNESS_RUNS)'))

# Every stage of every method on a CPU. `make mirror` gathers what it needs in SMOKE_MIRROR, else .mirror; with SMOKE_MIRROR
# it then runs without a network.
SMOKE_MIRROR ?=
smoke: install
	$(strip harness reproduce all --scale smoke --losses none --seeds 1 --runtime process $(if $(SMOKE_MIRROR),--mirror '$(SMOKE_MIRROR)') $(PLACES) $(ARGS))

mirror: install
	$(strip harness mirror create '$(or $(SMOKE_MIRROR),.mirror)' --scale smoke --runtime process $(ARGS))

# The method is the longest name of a manifest that the target starts with; the rest is the backbone.
METHODS := $(basename $(notdir $(wildcard manifests/methods/*.yaml)))
method = $(firstword $(foreach m,$(METHODS),$(if $(filter $(m) $(m)-%,$(1)),$(m))) $(1))
backbone = $(addprefix --backbone ,$(patsubst $(call method,$(1))-%,%,$(filter-out $(call method,$(1)),$(1))))

clean:
	rm -rf $(VENV) $(CRATE) .venv-bench build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
