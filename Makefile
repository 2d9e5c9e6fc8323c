# `make demo` and `make test` do all the set-up on a fresh machine: system libraries, .venv, packages.
PYTHON ?= python3
BIN := .venv/bin
# A process for each core, and a file at a time in the order of folders: the slowest files, of tests/acceptance, come first.
PYTEST := $(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

.PHONY: demo test quick coverage explore check catalogues reference lock clean

demo: .venv/ready
	$(BIN)/qareport demo --out out/demo

test: .venv/ready
	deploy/system-packages tests
	$(PYTEST) $(PYTEST_ARGS)

# The unit tests alone: no recording, no database, no document. Under a minute.
quick: .venv/ready
	$(PYTEST) tests/unit

# The whole suite once more, and which lines it reaches: not below the floor. Tracing takes a third of the time.
COVERAGE_FLOOR ?= 95
coverage: .venv/ready
	deploy/system-packages tests
	$(PYTEST) --cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE_FLOOR)

# Property tests with thousands of new examples each time; what fails is printed with the line that repeats it.
explore: .venv/ready
	HYPOTHESIS_PROFILE=explore $(PYTEST) -m 'hypothesis' tests/unit

check: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/ready: pyproject.toml constraints.txt deploy/system-packages
	deploy/system-packages
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "qareport needs Python 3.11 or newer: make PYTHON=python3.12 demo")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[engine,desk,sso,postgres,parquet,pandas,ray,docs,dev]'
	touch $@

# Collects what documents say and compiles the catalogues (qareport/presentation/locales).
catalogues: .venv/ready
	$(BIN)/python tools/make_catalogues.py

# Builds the documentation as a site in out/site, which needs no server and no network.
.PHONY: docs
docs: .venv/ready
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo 'Open out/site/index.html'

# Writes the pages of docs/reference that are made from the code.
reference: .venv/ready
	$(BIN)/python -m tools.make_reference

# Writes constraints.txt from what .venv holds. torch is pinned without its build (+cpu, +cu…), so each machine gets its own.
lock: .venv/ready
	echo '# What is tested, pinned. `make lock` writes this file anew.' > constraints.txt
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu//' >> constraints.txt

clean:
	rm -rf .venv out
