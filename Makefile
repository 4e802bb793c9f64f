# Needs Python >= 3.11, make and git; everything else is in the lock. `make help` lists the commands.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: help install run test shuffled mutants coverage bench lint format docs gallery lock clean
.DELETE_ON_ERROR:

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

install: $(VENV)/.run  ## the environment alone, in .venv

run: $(VENV)/.run  ## the published example, and its report
	@cache=$$($(BIN)/python -c 'import platformdirs; print(platformdirs.user_cache_dir("snakemake", "snakemake"))'); \
	mkdir -p "$$cache" 2> /dev/null && test -w "$$cache" || \
	{ echo "$$cache, the cache of Snakemake, cannot be written to; accepted: make run XDG_CACHE_HOME=FOLDER" >&2; exit 1; }
	$(BIN)/snakemake --report results/report.html --report-after-run

test: $(VENV)/.dev  ## the fast tests
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

coverage: $(VENV)/.dev  ## the unit and parity tests, with the share of lines that they run
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow" --cov=scripts/statmap --cov-report=term tests/unit tests/parity

bench: $(VENV)/.dev  ## all benchmarks, as Markdown
	$(BIN)/python tests/benchmarks/bench.py

shuffled: $(VENV)/.dev  ## the unit tests ten times, each in another order and with other random numbers
	for time in 1 2 3 4 5 6 7 8 9 10; do $(BIN)/python -m pytest -n 2 -p randomly -v -m "not slow" tests/unit || exit 1; done

mutants: $(VENV)/.dev  ## which changes of MODULE=regions/seeds no test sees (minutes)
	$(BIN)/python tests/mutants.py $(MODULE)

lint: $(VENV)/.dev  ## what must be clean: ruff, snakefmt, snakemake --lint, mypy, deptry
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile
	$(BIN)/snakemake --lint
	$(BIN)/mypy
	$(BIN)/deptry scripts

format: $(VENV)/.dev  ## put code into form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile

# --no-deps: the lock is complete, and one bound inside it is overridden on purpose (envs/overrides.txt).
$(VENV)/.run: envs/requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, found " + sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing envs/requirements.lock into $(VENV): pip prints nothing for a minute or more"
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement envs/requirements.lock
	touch $@

$(VENV)/.dev: $(VENV)/.run envs/dev.lock
	@echo "Installing envs/dev.lock into $(VENV): pip prints nothing for a minute or more"
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement envs/dev.lock
	touch $@

# uv is used to resolve only; the locks hold versions and hashes, no index address.
UV := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --override envs/overrides.txt \
      --generate-hashes --no-emit-index-url --no-annotate --no-header
docs: $(VENV)/.run  ## what is written from other files: tables of the docs, names in the schemas, config/config.yaml
	PYTHONPATH=scripts $(BIN)/python -m statmap.docs .

gallery: $(VENV)/.dev  ## the pictures of the README, from real runs (needs chromium)
	$(BIN)/python docs/gallery.py

lock: $(VENV)/.run  ## resolve both locks anew
	$(BIN)/python -m pip install --quiet uv
	$(UV) envs/requirements.in --output-file envs/requirements.lock
	$(UV) --no-deps envs/slurm.in --output-file envs/slurm.lock
	$(UV) envs/dev.in --constraint envs/requirements.lock --output-file envs/dev.lock

clean:  ## remove results
	rm -rf results/*/ results/*.csv results/*.html .snakemake
