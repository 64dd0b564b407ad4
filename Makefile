# Two commands from a bare machine with Python: `make app`, `make test`.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python
# Waiting threads that spin make shared cores several times slower.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: help app space test test-fast lint fuzz bench weights clean
.DEFAULT_GOAL := app

help:  ## what there is to make
	@sed -n 's/^\([a-z-]*\):.*##/\1\t/p' $(MAKEFILE_LIST)

app: $(VENV)/app  ## the page on http://127.0.0.1:7860, on the shipped weights, offline
	HF_HUB_OFFLINE=1 $(RUN) app.py --host 127.0.0.1 --port 7860

space: $(VENV)/app  ## put the page on Hugging Face Spaces: make space REPO=user/name
	$(RUN) scripts/space.py "$(REPO)"

test: $(VENV)/dev  ## linter and tests; browser tests run where Chromium is installed
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	$(RUN) -m pytest -n 2 --dist loadfile

test-fast: $(VENV)/dev  ## the tests that take seconds, for every change
	$(RUN) -m pytest -n 2 --dist loadfile -m "not slow and not browser"

lint: $(VENV)/dev  ## mend what the linter can mend
	$(VENV)/bin/ruff check --fix . && $(VENV)/bin/ruff format .

fuzz: $(VENV)/dev  ## 10,000 mutated files through every reader
	$(RUN) tests/helpers/fuzz.py --count 10000

bench: $(VENV)/all  ## the README's table on photos that everybody has
	$(RUN) benchmarks/quality.py --mini

weights: $(VENV)/all  ## train the networks that ship: make weights DATA=folder MINUTES=720
	$(RUN) scripts/weights/recipe.py --data "$(DATA)" --minutes "$(MINUTES)" $(OPTIONS)

clean:
	rm -rf $(VENV)

# One environment, three stages: what the page needs, what training needs (PyTorch), and what developers need.
PIP = $(RUN) -m pip install --quiet --disable-pip-version-check

$(RUN):
	$(PYTHON) -m venv $(VENV)

$(VENV)/app: pyproject.toml | $(RUN)
	$(PIP) --editable ".[demo]"
	touch $@

$(VENV)/all: requirements.txt | $(RUN)
	$(PIP) --requirement requirements.txt
	touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/all
	$(PIP) --requirement requirements-dev.txt
	touch $@
