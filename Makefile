PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test check lint clean

help:
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

.venv/run: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[report]' 'scikit-image>=0.24'
	touch $@

.venv/dev: .venv/run
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

demo: .venv/run ## read the sample photograph and clip; results under demo/
	$(BIN)/python examples/samples.py demo
	$(BIN)/mien analyze demo/astronaut.png demo/astronaut.mp4 --annotate demo
	$(BIN)/mien analyze demo/astronaut.png demo/astronaut.mp4 --format json --out demo/readings.json
	@ls -1 demo/*.annotated.* demo/readings.json

test: .venv/dev ## set up what tests need and run them all
	$(BIN)/python -m pytest

check: .venv/dev ## format, lint, types and the arrows between modules
	$(BIN)/ruff format --check . && $(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean: ## remove the environment and the demo's results
	rm -rf .venv demo
