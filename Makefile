# `make help` lists what can be made. Everything happens in a virtual environment of its own, which is set up once,
# and again when pyproject.toml or the source of the compiled core has changed.
#
#   make PYTHON=python3.12 test      another interpreter, in .venv-python3.12
#   make VENV=/tmp/v test            another place for the environment
#   make PYTEST_ARGS="-k ring" test  some of the tests

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help run test check lint types stubs layers build model tsan bench picture test-pythons clean

PYTHONS := $(foreach minor,10 11 12 13 14,python3.$(minor))
SUITABLE = import sys; sys.exit(sys.version_info < (3, 10))
PYTHON ?= $(or $(shell for p in python3 $(PYTHONS); do "$$p" -c '$(SUITABLE)' 2>/dev/null && echo "$$p" && break; done),python3)
VENV ?= .venv$(if $(filter file,$(origin PYTHON)),,-$(subst /,_,$(PYTHON)))
PYTEST_ARGS ?=
BIN := $(VENV)/bin

MODEL := horus_runner/_core/model
CORE := $(wildcard horus_runner/_core/*.pyx horus_runner/_core/*.pxd horus_runner/_core/*.h horus_runner/_core/build.py)
STUBBED := $(subst /,.,$(basename $(wildcard horus_runner/_core/*.pyi)))

NO_PYTHON = horus-runner: there is no $(PYTHON). Install Python 3.10 or newer, or name one: make PYTHON=python3.12 ...

# What a machine may lack, said in a sentence before pip says it in a page. Runs on any Python, so that it can tell.
define PREFLIGHT
import os, shutil, sys, sysconfig
def need(found, sentence):
    if not found:
        sys.exit("horus-runner: " + sentence)
version = "%d.%d" % sys.version_info[:2]
need(sys.version_info >= (3, 10), "Python 3.10 or newer is needed and this is %s. Name another: make PYTHON=python3.12 ..." % version)
need(sys.platform.startswith("linux"), "this is %s; it needs Linux (x86-64 or aarch64)." % sys.platform)
try:
    import ensurepip, venv
except ImportError:
    need(False, "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python%s-venv" % version)
compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
need(any(map(shutil.which, (compiler, "gcc", "cc"))), "there is no C compiler. On Debian or Ubuntu: sudo apt-get install gcc")
header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
need(os.path.exists(header), "%s is missing. On Debian or Ubuntu: sudo apt-get install python%s-dev" % (header, version))
endef
export PREFLIGHT

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

run: $(VENV)/.vision ## set up, then run graphs/faces.yaml on a real video
	@$(BIN)/horus run graphs/faces.yaml

test: $(VENV)/.dev ## set up, then run the tests
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: lint types stubs layers test ## ruff, mypy strict, stubtest, import layers, tests

lint: $(VENV)/.dev ## ruff: rules and format
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## mypy, strict
	@$(BIN)/mypy

stubs: $(VENV)/.dev ## the core's stubs against the compiled core
	@$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml $(STUBBED)

layers: $(VENV)/.dev ## who may import whom
	@$(BIN)/lint-imports

build: $(VENV)/.vision ## set up and compile, when something has changed

model: ## model-check the ring with spin, planted faults too (a minute; needs spin and gcc)
	@$(MODEL)/verify.sh

tsan: ## run the ring in threads: as it is, and under ThreadSanitizer (20 s; needs gcc)
	@$(MODEL)/stress.sh

bench: $(VENV)/.vision ## measure on this machine
	@$(BIN)/horus bench

picture: $(VENV)/.vision ## record the dashboard of graphs/faces.yaml as graphs/faces.svg
	@$(BIN)/python -m horus_runner.dashboard.picture graphs/faces.yaml graphs/faces.svg 10

test-pythons: ## run the tests on every Python from 3.10 on that is found
	@results=""; failed=0
	for version in $(subst python,,$(PYTHONS)); do
	  for candidate in "python$$version" "$$HOME/.pyenv/versions/$$version".*/bin/python; do
	    "$$candidate" -c '$(SUITABLE)' 2>/dev/null || continue
	    echo "== Python $$version ($$candidate)"
	    if $(MAKE) --no-print-directory test PYTHON="$$candidate" VENV=".venv-$$version"; then
	      results+="$$version passed; "
	    else
	      results+="$$version FAILED; "; failed=1
	    fi
	    break
	  done
	done
	echo "== $${results:-no Python from 3.10 on was found}"
	exit $$failed

clean: ## remove what was made: environments, compiled core, caches
	@rm -rf .venv .venv-* build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -f horus_runner/_core/*.so $(patsubst %.pyx,%.c,$(wildcard horus_runner/_core/*.pyx))
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An edited header or .pxd makes no .so old in setuptools' eyes: those of this interpreter are removed first.
define install
	@command -v "$(PYTHON)" >/dev/null || { echo "$(NO_PYTHON)" >&2; exit 1; }
	"$(PYTHON)" -c "$$PREFLIGHT"
	echo "Setting up $(VENV) with $$("$(PYTHON)" --version) (this takes a minute or two) ..."
	[ -x $(BIN)/pip ] || "$(PYTHON)" -m venv $(VENV)
	suffix=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
	rm -f horus_runner/_core/*"$$suffix"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(1)]'
	touch $(2)
endef

$(VENV)/.vision: pyproject.toml $(CORE)
	$(call install,vision,$@)

$(VENV)/.dev: pyproject.toml $(CORE)
	$(call install,vision$(comma)dev,$@ $(VENV)/.vision)

comma := ,
