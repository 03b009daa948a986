# Every target does its own set-up; a second call is quick.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
CRATE := .venv-crate
TORCH := 2.13.0
# Where pip finds torch without CUDA if no local wheel is there; empty: PyPI only.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
MIRROR := $(if $(HARNESS_MIRROR),--mirror $(HARNESS_MIRROR))
ARGS ?=
TEST_JOBS ?= 2

.PHONY: help install crate-tools demo test test-slow test-podman test-browser test-all soak gpu-check check format bench locks lock schema clean
help:
	@echo "make demo | test | test-podman | test-browser | test-all | gpu-check | check | bench | locks | install | reproduce-<method>[-<backbone>] [ARGS=...]"

install: $(VENV)/.installed

# A machine without GPU gets torch without CUDA: megabytes instead of gigabytes.
$(VENV)/.installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(or $(shell command -v $(PYTHON)),python3) -m venv $(VENV)
	@if command -v nvidia-smi >/dev/null; then $(BIN)/pip install -q --no-deps torch==$(TORCH); \
	else $(BIN)/pip install -q --no-deps "torch==$(TORCH)+cpu" 2>/dev/null || \
	  $(BIN)/pip install -q --no-deps --index-url $(TORCH_INDEX) "torch==$(TORCH)+cpu"; fi
	$(BIN)/pip install -q --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
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
	$(BIN)/python -m pytest -n $(TEST_JOBS) -m "not slow and not upstream and not podman and not slurm and not gpu and not browser" $(ARGS)

test-slow: install crate-tools
	$(BIN)/python -m pytest -n $(TEST_JOBS) -m "slow and not upstream and not podman and not slurm and not gpu and not browser" $(ARGS)

# Rootless if called by an ordinary user.
test-podman: install
	$(BIN)/python -m pytest -m podman $(ARGS)

# The report in headless Chromium (Debian: chromium chromium-driver).
test-browser: install
	$(BIN)/python -m pytest -m "browser and not upstream" $(ARGS)

# Plans on a Slurm of two nodes that is started for it (Debian: slurm-wlm munge); root.
.PHONY: test-slurm
test-slurm: install
	$(BIN)/python -m pytest -m "slurm and not upstream" $(ARGS)

test-all: install crate-tools
	$(BIN)/python -m pytest -n $(TEST_JOBS) $(ARGS)

# At least 200 faults at random points of the demo chain; hours. ARGS="--faults 20 --only kill"
soak: install
	$(BIN)/python -m tests.soak $(ARGS)

# On a machine with a GPU: the losses CPU = CUDA, then one iteration of every training of every chain, with its peak memory.
# HARNESS_GPU_RUNTIME=process where there is no container engine.
gpu-check: install
	$(BIN)/python -m pytest -m gpu -rs tests/gpu $(ARGS)

check: install
	$(BIN)/ruff format --check -q .
	$(BIN)/ruff check -q .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/harness manifest check
	$(BIN)/python tests/checks/upstream_lines.py
	$(BIN)/python -m pytest -n $(TEST_JOBS) -q tests/unit

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install
	$(BIN)/python -m benchmarks $(ARGS)

# After a change to pyproject.toml or dockerfiles/*/*.in. Without CUDA for harness itself and the demo.
locks: install
	$(BIN)/python tests/checks/locks.py
lock: locks

schema: install
	$(BIN)/harness manifest schema docs/schema

# make reproduce-sipe-res101 ARGS="--seeds 5"
reproduce-%: install
	$(BIN)/harness reproduce $(call method,$*) $(call backbone,$*) $(MIRROR) $(ARGS)

# The method is the longest name of a manifest that the target starts with; the rest is the backbone.
METHODS := $(basename $(notdir $(wildcard manifests/methods/*.yaml)))
method = $(firstword $(foreach m,$(METHODS),$(if $(filter $(m) $(m)-%,$(1)),$(m))) $(1))
backbone = $(addprefix --backbone ,$(patsubst $(call method,$(1))-%,%,$(filter-out $(call method,$(1)),$(1))))

clean:
	rm -rf $(VENV) $(CRATE) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
