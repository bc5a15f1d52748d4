# What you can ask for:
#   make lab        JupyterLab on the start notebook (LAB_ARGS="--no-browser --port 8890" is passed on)
#   make test       the quick tests, a process a core (WORKERS=1 for one)
#   make test-all   the quick tests, their properties on ten times as many examples, the apps' tests on ipywidgets 7, then slow, notebook, browser and GPU tests
#   make test-widgets-7   the apps' tests on the ipywidgets 7.7 of Colab
#   make test-gpu   what needs a CUDA card, in some five minutes; its figures are printed
#   make notebooks  rebuild each .ipynb from its .py, and execute the lessons
#   make exercises  cut the solutions out of notebooks/exercises/*_solution.py
#   make figures    the paper's figures at the classroom's scale, into figures/ (FIGURES_ARGS="--scale tiny")
#   make slides     the executed lessons as slides (REVEAL=folder of reveal.js, in a room without network)
#   make docs       the computed parts of README.md and docs/
#   make wheels     all packages into wheels/, for a class without network
#   make app        all apps on one page, for a class (SCALE=tiny; VOILA_ARGS=--Voila.ip=0.0.0.0 lets others in)
#   make site       a page with a model in it for any web host, into site/ (needs npm for onnxruntime-web)
#   make lint       ruff, and mypy over both packages
# Each target makes .venv first if it has to. None needs root.

PYTHON ?= python3
VENV ?= .venv
# The one place where torch is pinned, and where its CPU wheels are. TORCH_INDEX= switches the index off.
TORCH_SPEC ?= torch==2.13.0
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
SCALE ?= classroom

BIN := $(VENV)/bin
PY := $(BIN)/python
STAMPS := $(VENV)/stamps
COLAB_WIDGETS := $(VENV)/ipywidgets7
TORCH_STAMP := $(STAMPS)/$(subst =,-,$(TORCH_SPEC))
READY := $(STAMPS)/test

QUICK := not browser and not notebook and not gpu and not slow
REST := browser or notebook or gpu or slow
PYTEST := OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1 $(PY) -m pytest
# The quick tests run in WORKERS processes, a core each; the others start processes of their own and have time limits.
WORKERS ?= auto
IN_PARALLEL := -n $(WORKERS) --dist worksteal
LESSONS := $(sort $(wildcard notebooks/[0-9][0-9]_*.py))
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help lab test test-all test-widgets-7 test-gpu notebooks exercises figures slides docs wheels app site lint
.DELETE_ON_ERROR:

help:
	@sed -n '/^# /s/^# //p;/^PYTHON/q' Makefile

# The .py halves of the notebooks are not listed.
lab: $(READY) $(STAMPS)/kernel
	$(PY) -m jupyterlab --ContentsManager.hide_globs="['[0-9][0-9]_*.py','__pycache__','*.pyc','.DS_Store','*~']" \
	  --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb \
	  $(ROOT_FLAG) $(LAB_ARGS)

test: $(READY)
	$(PYTEST) $(IN_PARALLEL) -m "$(QUICK)" $(PYTEST_ARGS)

# pytest ends with 5 when it finds no test at all. Here that is no failure: PYTEST_ARGS may name files that have none.
test-all: test test-widgets-7 $(STAMPS)/browser $(STAMPS)/apps $(STAMPS)/site
	CLIPBENCH_EXAMPLES=thorough $(PYTEST) $(IN_PARALLEL) -m "hypothesis and $(QUICK)" $(PYTEST_ARGS) || { code=$$?; [ $$code -eq 5 ]; }
	$(PYTEST) -m "$(REST)" $(PYTEST_ARGS) || { code=$$?; [ $$code -eq 5 ] || exit $$code; \
	  echo "make test-all: no browser, notebook, GPU or slow tests among these"; }

test-widgets-7: $(STAMPS)/ipywidgets7
	PYTHONPATH=$(COLAB_WIDGETS) $(PYTEST) $(IN_PARALLEL) -m "$(QUICK)" tests/widgets $(PYTEST_ARGS)

test-gpu: $(READY)
	$(PYTEST) -s -m gpu tests/gpu $(PYTEST_ARGS)

notebooks: $(READY) exercises
	$(PY) -m jupytext --to ipynb --update $(LESSONS)
	CLIPBENCH_SCALE=classroom TQDM_DISABLE=1 $(PY) -m nbconvert --to notebook --execute --inplace \
	  --ExecutePreprocessor.record_timing=False --ExecutePreprocessor.store_widget_state=False \
	  --ExecutePreprocessor.timeout=1800 $(LESSONS:.py=.ipynb)
	$(PY) -c "$$STRIP_WIDGET_STATE" $(LESSONS:.py=.ipynb)
	$(PY) -m tools.translate_lessons

exercises: $(READY)
	$(PY) -m tools.build_exercises notebooks/exercises

figures: $(READY)
	$(BIN)/clipbench figures --out figures $(FIGURES_ARGS)

slides: $(READY)
	$(PY) tools/slides.py --out slides $(if $(REVEAL),--reveal $(REVEAL)) $(LESSONS:.py=.ipynb)

docs: $(READY)
	$(PY) tools/docs/findings.py
	$(PY) tools/docs/build.py

# All that an installation needs, for computers without a network. The folder fits this system and Python version.
wheels: $(TORCH_STAMP)
	$(PY) -m pip download --dest wheels $(if $(TORCH_INDEX),--extra-index-url "$(TORCH_INDEX)") "$(TORCH_SPEC)" \
	  "setuptools>=77" wheel ".[all,apps]"

app: $(READY) $(STAMPS)/apps $(STAMPS)/kernel
	CLIPBENCH_SCALE="$(SCALE)" $(PY) -m voila app/app.ipynb --Voila.config_file_paths=app $(VOILA_ARGS)

site: $(READY) $(STAMPS)/site
	$(PY) -m tools.site.build --out site $(SITE_ARGS)

lint: $(STAMPS)/lint
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

# --- the environment -------------------------------------------------------------------------------

$(PY):
	@$(PYTHON) -c "import sys; sys.exit(0 if sys.version_info >= (3, 10) else \
	  'clipbench needs Python 3.10 or newer; this is ' + sys.version.split()[0] + '. Try make PYTHON=python3.11 ...')"
	$(PYTHON) -m venv $(VENV)

# torch comes first and alone. Without an NVIDIA driver it is PyTorch's CPU build, so that nothing
# else brings in gigabytes of CUDA; every later install repeats TORCH_SPEC, so that pip keeps it.
$(TORCH_STAMP): | $(PY)
	@mkdir -p $(STAMPS)
	@if command -v nvidia-smi >/dev/null 2>&1; then \
	  echo "NVIDIA driver found: installing $(TORCH_SPEC)"; \
	  $(PY) -m pip install "$(TORCH_SPEC)"; \
	elif [ -n "$(TORCH_INDEX)" ] && $(PY) -c "$$INDEX_ANSWERS" "$(TORCH_INDEX)/torch/" 2>/dev/null; then \
	  echo "no NVIDIA driver: installing the CPU build of $(TORCH_SPEC)"; \
	  $(PY) -m pip install --extra-index-url "$(TORCH_INDEX)" "$(TORCH_SPEC)"; \
	else \
	  echo "no NVIDIA driver and no answer from TORCH_INDEX: installing $(TORCH_SPEC) from your own index"; \
	  $(PY) -m pip install "$(TORCH_SPEC)"; \
	fi
	@touch "$@"

# This environment's kernel under its full path, and no question about news on a first start.
$(STAMPS)/kernel: $(READY)
	$(PY) -m ipykernel install --sys-prefix
	$(BIN)/jupyter-labextension disable --level=sys_prefix "@jupyterlab/apputils-extension:announcements"
	@touch $@

# .venv/stamps/EXTRA: clipbench with the extra of that name, again only when pyproject.toml changes. The tests compare
# with open_clip; it comes alone, because it asks for torchvision, which would choose a torch of its own.
$(STAMPS)/%: pyproject.toml $(TORCH_STAMP)
	$(PY) -m pip install "$(TORCH_SPEC)" -e ".[$*]"
	$(if $(filter test,$*),$(PY) -m pip install --no-deps open_clip_torch)
	@touch $@

# Colab's ipywidgets in a folder of its own, found before the installed one by whoever names it in PYTHONPATH.
$(STAMPS)/ipywidgets7: $(READY)
	$(PY) -m pip install --no-deps --target $(COLAB_WIDGETS) --upgrade ipywidgets==7.7.1 ipython_genutils==0.2.0
	PYTHONPATH=$(COLAB_WIDGETS) $(PY) -c "import ipywidgets; assert ipywidgets.__version__ == '7.7.1'"
	@touch $@

# --- two small programs ----------------------------------------------------------------------------

# Exits with 0 when the page answers within three seconds, name look-up included.
define INDEX_ANSWERS
import signal, sys, urllib.request
signal.alarm(3)
urllib.request.urlopen(sys.argv[1], timeout=3).close()
endef
export INDEX_ANSWERS

# Widget state in a notebook makes GitHub refuse to show it.
define STRIP_WIDGET_STATE
import sys, nbformat
for path in sys.argv[1:]:
    notebook = nbformat.read(path, as_version=4)
    if notebook.metadata.pop("widgets", None) is not None:
        nbformat.write(notebook, path)
endef
export STRIP_WIDGET_STATE
