# `make app` opens the dashboard, `make test` runs every test. Both do all the set-up first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check -q

# Without an NVIDIA GPU the CPU build of torch serves as well and is a tenth of the size. It comes
# from PyTorch's own index; where that cannot be reached, pip falls back to the one it knows.
TORCH_CPU ?= torch==2.13.0 torchvision==0.28.0
CPU_INDEX ?= https://download.pytorch.org/whl/cpu

.PHONY: app test check sample clean

app: $(VENV)/.runtime
	$(BIN)/streamlit run app.py

test: $(VENV)/.dev
	OMP_NUM_THREADS=2 $(BIN)/python -m pytest

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

sample: $(VENV)/.runtime
	$(BIN)/python assets/make_sample.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache

$(BIN)/pip:
	$(PYTHON) -c 'import sys; sys.exit("Assay needs Python 3.11 or newer." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt | $(BIN)/pip
	@echo "Installing what Assay needs into $(VENV); the first time takes a minute or two."
	@if ! command -v nvidia-smi >/dev/null 2>&1; then \
		$(PIP) install --retries 0 --timeout 15 --extra-index-url $(CPU_INDEX) $(TORCH_CPU) \
			|| echo "No CPU build of torch found; taking the standard one."; \
	fi
	$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(PIP) install -r requirements-dev.txt
	@touch $@
