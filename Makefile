# Everything a person does with this project, each a target; `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STARTER := smm4h_core/starter
STAMP  := $(VENV)/.installed
export HF_HUB_OFFLINE := 1
export RAY_USAGE_STATS_ENABLED := 0

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-unit lint format docs benchmark results fusion starter clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with everything in it, `smm4h` in .venv/bin

# torch comes first and by its exact version, so that nothing later asks for another build.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,benchmark,docs]'
	@touch $@

demo: $(STAMP) ## the whole journey on the synthetic sample: read, train, search, bundle, report
	$(BIN)/smm4h demo

test: $(STAMP) ## all tests
	$(BIN)/pytest

test-unit: $(STAMP) ## the tests that need no Ray, a few minutes
	$(BIN)/pytest tests/unit tests/law

lint: $(STAMP) ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## put the code into the house's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP) ## build the documentation into site/, each link and anchor checked, no network
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

results: $(STAMP) ## train the three corpora's ensembles (hours on two cores) and print their table
	$(BIN)/python -m benchmarks.results --train

fusion: $(STAMP) ## train every row of the paper's table on embedded encoders (many hours) and print it
	$(BIN)/python -m benchmarks.fusion --train

starter: $(STAMP) ## train the starter bundle's parts (an hour on two cores) and put them into the package
	for part in classifier_en classifier_ru extractor_en extractor_ru linker; do \
	  $(BIN)/smm4h train tune_configs/starter/starter_$$part.yaml || exit; done
	$(BIN)/smm4h bundle build $(STARTER) --name starter \
	  --classifier runs/starter_classifier_en/bundle --classifier runs/starter_classifier_ru/bundle \
	  --extractor runs/starter_extractor_en/bundle --extractor runs/starter_extractor_ru/bundle \
	  --linker runs/starter_linker/bundle

benchmark: $(STAMP) ## baselines, speed and Ray's overhead, each measured in this run
	$(BIN)/python -m benchmarks

clean: ## remove what the targets made, runs excepted
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache
