# Every target sets up what it needs: a private .venv from requirements.lock, the package in place.
PYTHON ?= python3
BIN := .venv/bin
THREADS := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
# Tests run in two processes; one that has none left takes half of what the other has.
WORKERS := -n 2 --dist worksteal
export ROMI_DATA ?= ../shared/data

.PHONY: demo test test-slow check bench docs pictures format lock clean

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: .venv/ready  ## a split, its doubt and its proof, from the shipped example
	@$(BIN)/romi demo

test: .venv/ready  ## the suite, without the slow lane
	$(THREADS) $(BIN)/pytest -q $(WORKERS) -m "not slow"

test-slow: .venv/ready  ## the slow lane
	$(THREADS) $(BIN)/pytest -q $(WORKERS) -m slow

check: .venv/ready  ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/ready  ## print the figures
	$(THREADS) $(BIN)/python -m benchmarks.allocator
	$(THREADS) $(BIN)/python -m benchmarks.schedule
	$(THREADS) $(BIN)/python -m benchmarks.markets
	$(THREADS) $(BIN)/python -m benchmarks.scale
	$(THREADS) $(BIN)/python -m benchmarks.speed
	$(THREADS) $(BIN)/python -m benchmarks.many
	$(THREADS) $(BIN)/python -m benchmarks.geo
	$(THREADS) $(BIN)/python -m benchmarks.customers
	$(THREADS) $(BIN)/python -m benchmarks.regret --markets 125
	$(THREADS) $(BIN)/python -m benchmarks.service_jobs
	$(THREADS) $(BIN)/python -m benchmarks.service_kills
	$(THREADS) $(BIN)/python -m benchmarks.service_schema
	$(THREADS) $(BIN)/python -m benchmarks.page

docs: .venv/ready  ## write again what follows from the code: examples, schemas, README's output
	$(THREADS) $(BIN)/python -m scenarios.make
	$(BIN)/python -m docs.schemas
	$(BIN)/python -m docs.openapi
	$(BIN)/python -m docs.words
	$(BIN)/python -m docs.catalogues
	$(THREADS) $(BIN)/python -m docs.examples

pictures: .venv/ready  ## take the pictures of the page anew; needs chromium
	$(THREADS) $(BIN)/python -m docs.pictures

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:  ## needs uv; hashes of every file, no index address
	uv pip compile pyproject.toml --extra dev --generate-hashes --no-header --no-annotate --python-version 3.11 -o requirements.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
