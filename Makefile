# The commands of the README. Each sets up what it needs: a virtual environment in .venv, torch's CPU build,
# and on Debian or Ubuntu the Qt and GL libraries, if they are missing and apt may install them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SCREEN := $(DISPLAY)$(WAYLAND_DISPLAY)
XVFB := xvfb-run -a -s "-screen 0 1366x768x24"
# Quick tests run in so many processes; more than the cores only slows them.
WORKERS ?= 2
PYTEST_OPTIONS = -o qt_api=$(QT_API) -n $(WORKERS) --dist worksteal
export QT_API ?= pyqt6

.PHONY: help demo test test-gui test-slow lint docs bench screenshots default-models setup clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  */make \1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do \
		printf '%-20s %s\n' "$$name" "$$what"; done

demo: $(READY)  ## a drawn cell, predicted, written to ./demo and shown where there is a screen
	$(if $(SCREEN),sh tools/system_packages.sh)
	$(BIN)/cellforce demo --out demo $(if $(SCREEN),--show)

test: $(READY) lint  ## what CI runs first: style, types, architecture, and all quick tests
	sh tools/system_packages.sh
	$(XVFB) $(BIN)/python -m pytest -m "not slow" $(PYTEST_OPTIONS)

test-gui: $(READY)  ## the panels alone; QT_API=pyside6 takes the other Qt binding
	sh tools/system_packages.sh
	$(XVFB) $(BIN)/python -m pytest -m "not slow" $(PYTEST_OPTIONS) tests/gui

test-slow: $(READY)  ## kills, long movies, docs, examples
	sh tools/system_packages.sh
	$(XVFB) $(BIN)/python -m pytest -m slow

lint: $(READY)  ## style, types and architecture alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY)  ## the documentation, in ./site
	$(BIN)/mkdocs build --strict

screenshots: $(READY)  ## the pictures of the documentation, from a real window
	sh tools/system_packages.sh
	$(XVFB) $(BIN)/python docs/make_screenshots.py

bench: $(READY)  ## ratios, as JSON in benchmarks/results
	for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

default-models: $(READY)  ## trains the bundled predictors again, from seed and settings (hours on 2 cores)
	$(BIN)/python tools/default_models.py

setup: $(READY)  ## the environment in .venv, which all of these make if it is not there

# torch first, and from its CPU index where it is not on disk: PyPI's build brings gigabytes of CUDA.
$(READY): pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python tools/install_torch.py
	$(BIN)/python -m pip install --quiet -e ".[test,docs]"
	touch $@

clean:  ## away with the environment and what was built
	rm -rf $(VENV) demo site build dist
