# Everything a newcomer needs. Python 3.11 or newer is all that must be there; PYTHON=python3.13 picks another one.
PYTHON ?= python3
KILLS ?= 200
SEED ?= 1
PIP = $(@D)/bin/python -m pip --disable-pip-version-check

.PHONY: setup demo test test-train chaos lint format ci clean

# Make .venv with Earmark in it; does nothing while pyproject.toml and constraints.txt stay the same.
setup: .venv/.done

# Replay the sample through the real pipeline and open the board.
demo: setup
	@.venv/bin/earmark demo $(ARGS)

# Run the tests but the slow ones; ARGS="tests/test_router.py -x" runs some, ARGS="-m ''" all.
test: setup
	@.venv/bin/pytest --numprocesses auto --dist worksteal $(ARGS)

# Run the tests of training, which need torch, in an environment of their own: the product runs without it.
test-train: .venv-train/.done
	@.venv-train/bin/pytest -m '' tests/classifiers/test_training.py tests/classifiers/test_transformer.py \
		tests/classifiers/test_fixed_scales.py $(ARGS)

# Kill processes at random and at named points, on both engines; KILLS=200 kills as many of each, SEED=2 kills others.
chaos: setup
	@EARMARK_CHAOS_KILLS=$(KILLS) EARMARK_CHAOS_SEED=$(SEED) .venv/bin/pytest -m '' -s tests/test_chaos.py $(ARGS)

# Check style, types and layers.
lint: setup
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo

# Write the code as the style wants it.
format: setup
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

# Do what CI does; as root it installs what the machine lacks.
ci:
	@.ci/run

# Remove what the targets above made.
clean:
	rm -rf .venv .venv-train .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

.venv/.done: EXTRAS = postgres
.venv-train/.done: EXTRAS = postgres,train
.venv/.done .venv-train/.done: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Earmark needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(@D)
	$(PIP) install --quiet --constraint constraints.txt --upgrade pip # older ones know no --group
	$(PIP) install --quiet --constraint constraints.txt --build-constraint constraints.txt --editable '.[$(EXTRAS)]' --group dev
	@touch $@
