PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo serve pages wheel client test check clean

STATIC := src/mien/apps/web/static/index.html
# As in hatch_build.py, what tests alone need makes no page stale.
PAGES := $(shell find web -type f $(foreach no,node_modules e2e tests,-not -path 'web/$(no)/*'))

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

serve: .venv/web $(STATIC) ## open the web application on 127.0.0.1
	$(BIN)/mien serve

pages: $(STATIC) ## build the web application's pages; needs Node

wheel: .venv/run $(STATIC) ## build a wheel with the pages under dist/; needs Node
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

.venv/web: .venv/run
	$(BIN)/pip install --quiet --editable '.[web]'
	touch $@

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund

$(STATIC): web/node_modules/.package-lock.json $(PAGES)
	cd web && npm run build

client: .venv/web web/node_modules/.package-lock.json ## generate the pages' types from OpenAPI
	$(BIN)/python -c "import json; from mien.apps.web.app import create_app; \
	  print(json.dumps(create_app().openapi(), indent=2))" > web/openapi.json
	cd web && npm run client

test: .venv/dev ## set up what tests need and run them all
	$(BIN)/python -m pytest

check: .venv/dev ## format, lint, types and the arrows between modules
	$(BIN)/ruff format --check . && $(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean: ## remove the environment and the demo's results
	rm -rf .venv demo
