# One obvious command each. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help setup setup-dev accept test lint unit test-usb rehearse test-usb-night bench bench-at bench-usb bench-userplane bench-measure bench-record bench-pool fuzz docs defects explore mutants mutants-firmware clean-runs clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/:/' | column -t -s:

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "make: $(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || $(PYTHON) -m venv --without-pip $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 \
	  || $(PYTHON) -m pip --python $(BIN)/python install --quiet pip setuptools \
	  || { rm -rf $(VENV); echo "make: $(PYTHON) has neither ensurepip nor pip; install python3-venv (Debian) or name another Python: make PYTHON=…" >&2; exit 2; }

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: .ci/dev.lock $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/dev.lock
	@touch $@

$(VENV)/.forecast: .ci/forecast.lock $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .ci/forecast.lock
	@touch $@

setup: $(VENV)/.runtime ## make .venv with what requirements.lock pins
setup-dev: $(VENV)/.dev ## the same with the tools of the gate

accept: setup ## set up, then judge the virtual router: the main job
	$(BIN)/harness accept

lint: setup-dev ## format, lint, types, arrows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Each of these starts a virtual bench and waits most of its time: four at once share two cores.
WORLDS := tests/defects tests/faults tests/whole
unit: export HYPOTHESIS_PROFILE ?= ci
unit: setup-dev ## pytest with coverage
	$(BIN)/coverage run -m pytest -n 4 --dist worksteal $(WORLDS)
	$(BIN)/coverage run -m pytest $(addprefix --ignore=,$(WORLDS))
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=90

test: lint unit ## set up, then everything CI runs

test-usb: setup-dev ## the tier with a real kernel's USB stack, in a VM (root installs what it needs)
	$(BIN)/python -m tests.vm

rehearse: setup-dev ## a shell beside a virtual USB router, in the VM; or CMD='harness ls'
	$(BIN)/python -m tests.vm --rehearse --timeout-s 86400 $(if $(CMD),-- '$(CMD)')

test-usb-night: setup-dev ## a thousand re-enumerations of a virtual USB router, in the VM
	$(BIN)/python -m tests.vm --timeout-s 10800 -- env USB_ROUNDS=$${N:-1000} $(BIN)/python \
	  -m pytest -c tests/usb/pytest.ini --rootdir=tests/usb -q -p no:cacheprovider tests/usb/test_usb_faults.py -k re_enumerations

bench: bench-at bench-usb bench-userplane bench-measure bench-record bench-pool ## every benchmark: ours and the peer's figures
bench-at: setup-dev
	$(BIN)/python tests/bench/bench_at.py
bench-usb: setup-dev
	$(BIN)/python -m tests.bench.bench_usb
bench-userplane: setup-dev
	$(BIN)/python -m tests.bench.bench_userplane
bench-measure: setup-dev
	$(BIN)/python -m tests.bench.bench_measure
	$(BIN)/python -m tests.bench.truthset
bench-record: setup-dev
	PYTHONPATH=. $(BIN)/python tests/bench/bench_record.py
bench-pool: setup-dev $(VENV)/.forecast
	$(BIN)/python tests/bench/bench_pool.py

fuzz: setup-dev ## ten million inputs on framing, dialogue and every parser
	$(BIN)/python tests/fuzz/fuzz_at.py --inputs 10000000

docs: setup ## write the catalogue of cases into tests/README.md
	$(BIN)/harness cases --readme tests/README.md
defects: setup ## plant every fault, see who is blamed; writes the table in tests/README.md
	$(BIN)/harness defects --readme tests/README.md
clean-runs: setup ## a thousand case runs on a healthy bench: how many false alarms?
	$(BIN)/harness defects --clean $${N:-1000}
explore: setup-dev ## draw stories of injections, and shrink one that breaks a promise
	$(BIN)/python -m tests.explore --examples $${N:-50}
mutants: setup-dev ## change each line of the pure AT modules: what no test notices has a written reason
	rm -rf mutants
	$(BIN)/mutmut run --max-children 1 >/dev/null
	$(BIN)/python tests/mutants/judge.py

mutants-firmware: setup-dev ## change the virtual firmware, N times: which changes does the suite notice?
	$(BIN)/python -m tests.mutants.firmware --sample $${N:-60}

clean: ## remove what the targets made, but not runs/
	rm -rf $(VENV) build mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
