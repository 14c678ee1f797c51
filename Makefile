# wsanalyze: everything a fresh machine needs, in two commands: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
PURE := .venv-pure
BIN := $(VENV)/bin
# What the demonstration installs beside wsanalyze itself: it shows wss and HTTP/2, too.
EXTRAS := tls,http2
DEMO := captures/aiohttp-chat.pcapng
# Programs that the tests hold our results against, or show them with, and their Debian packages.
TOOLS := tshark:tshark tcpdump:tcpdump dumpcap:wireshark-common ip:iproute2 setpriv:util-linux \
	chromium:chromium
# What the kernels do, alone and together; the rest of the tests sees no difference.
PURE_TESTS := $(addprefix tests/,capture transport websocket layers http2 tls tunnels tables monitoring \
	checks/test_bits.py checks/test_prediction.py checks/test_pieces.py views/test_message_lines.py \
	test_captures.py test_pipeline.py test_analysis.py test_streams.py test_damage.py test_losses.py \
	test_partial_captures.py test_live_analysis.py test_uncompiled.py cli/test_main.py)
NODE_MODULES := $(abspath $(VENV))/node/node_modules
KERNEL_SOURCES := $(shell find wsanalyze -name '*.py' -o -name '*.pxd' -o -name 'kernels.txt')

# Installs what $(1) names, WSANALYZE_EXTENSIONS being $(2). It takes minutes, and pip is silent: who
# waits is told every half minute that it goes on.
define installing
@echo "Compiling the kernels: this takes some minutes, once (5 to 10 on a slow machine)."
@WSANALYZE_EXTENSIONS=$(2) $(BIN)/python -m pip install --quiet $(1) & pip=$$!; waited=0; \
while kill -0 $$pip 2>/dev/null; do \
  sleep 1; waited=$$((waited + 1)); \
  if [ $$((waited % 30)) = 0 ]; then echo "  still compiling, after $$waited s"; fi; \
done; \
wait $$pip
endef

.PHONY: demo test test-compiled test-pure check fuzz fuzz-guided sanitize bench attacks clean tools

demo: $(VENV)/.installed
	$(BIN)/wsanalyze --version
	$(BIN)/wsanalyze summary $(DEMO)
	rm -rf out && $(BIN)/wsanalyze export $(DEMO) -f csv -o out
	@echo
	@echo "The tables of $(DEMO) are in out/ (CSV); the messages of its connection 1:"
	@$(BIN)/wsanalyze export $(DEMO) -t messages -c 1 -f jsonl -o -
	@echo
	@$(BIN)/python captures/watched.py
	@echo
	@$(BIN)/wsanalyze report -q $(DEMO) -o out/report.html
	@echo "Everything that is in $(DEMO), on one page: open out/report.html in a browser."
	@echo
	@echo "Now in this shell: . $(VENV)/bin/activate"
	@echo "Then: wsanalyze captures/chromium.pcapng, or wss: wsanalyze captures/chat-wss.pcapng"

test: check test-compiled test-pure

check: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/mypy

test-compiled: $(VENV)/.tested tools $(VENV)/.node
	NODE_PATH=$(NODE_MODULES) $(BIN)/pytest -n 2 -rs

# Once more with the kernels as plain Python: their own tests, and whole captures, file and live.
test-pure: $(VENV)/.tested $(PURE)/.tested tools $(VENV)/.node
	NODE_PATH=$(NODE_MODULES) WSANALYZE_OTHER_PYTHON=$(abspath $(BIN)/python) $(PURE)/bin/pytest -n 2 -rs $(PURE_TESTS)

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

# Cython compiles the kernels where there is a C compiler; without one they run as they are.
$(VENV)/.installed: $(VENV)/.created pyproject.toml setup.py $(KERNEL_SOURCES)
	$(call installing,".[$(EXTRAS)]",auto)
	touch $@

$(VENV)/.tested: $(VENV)/.created pyproject.toml setup.py $(KERNEL_SOURCES)
	$(call installing,".[test]",require)
	touch $@ $(VENV)/.installed

$(PURE)/.tested: pyproject.toml setup.py $(KERNEL_SOURCES)
	test -d $(PURE) || $(PYTHON) -m venv $(PURE)
	$(PURE)/bin/python -m pip install --quiet --upgrade pip
	WSANALYZE_EXTENSIONS=skip $(PURE)/bin/python -m pip install --quiet ".[test]"
	$(PURE)/bin/python -m pip uninstall --quiet --yes Cython
	touch $@

# A peer of the tests; they do without where there is no Node.
$(VENV)/.node: $(VENV)/.created
	@if ! command -v npm >/dev/null; then echo "no npm: the tests go without Node's ws"; \
	elif npm install --silent --no-fund --prefix $(VENV)/node ws; then touch $@; \
	else echo "npm could not install ws: the tests go without it"; fi

tools:
	@for tool in $(TOOLS); do \
	  command -v $${tool%%:*} >/dev/null || missing="$$missing $${tool##*:}"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "installing$$missing"; \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	  $$sudo apt-get update -q && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
	fi

# How long in all, and which targets (all of them): `make fuzz SECONDS=600 TARGETS="heads frames"`.
SECONDS := 60
TARGETS :=

fuzz: $(VENV)/.tested
	cd tests && $(abspath $(BIN))/python -m fuzz --seconds $(SECONDS) $(TARGETS)

# One target, looking at the paths taken, which takes kernels that are not compiled.
fuzz-guided: $(PURE)/.tested
	WSANALYZE_EXTENSIONS=skip $(PURE)/bin/python -m pip install --quiet ".[fuzz]"
	cd tests && $(abspath $(PURE))/bin/python -m fuzz.guided --seconds $(SECONDS) $(TARGETS)

# The kernels with AddressSanitizer, UBSan and every check of Cython forced on.
sanitize: $(VENV)/.tested
	$(BIN)/python tests/support/sanitize.py

bench: $(VENV)/.tested
	$(BIN)/python benchmarks/run.py

attacks: $(VENV)/.tested
	$(BIN)/python benchmarks/attacks.py

clean:
	rm -rf $(VENV) $(PURE) build out *.egg-info
	find wsanalyze -name '*.so' -o -name '*.c' | xargs rm -f
