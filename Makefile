# make setup | demo | test | vm | lint | bench | bench-glaas | proto

# Probes are loaded by root alone: make works as root, or through sudo where it must, and leaves no file of root's here.
ifneq ($(shell id -u),0)
SUDO := sudo -E PYTHONDONTWRITEBYTECODE=1 PYTEST_ADDOPTS="-p no:cacheprovider" \
  HYPOTHESIS_STORAGE_DIRECTORY=/root/.cache/hypothesis
endif
CONTRACT := ../shared/checks/contract.py

.PHONY: setup demo test vm lint bench bench-glaas proto

setup:
	@scripts/setup

demo: setup
	@scripts/demo

test: lint
	$(SUDO) .venv/bin/pytest
	@if [ -e $(CONTRACT) ]; then set -x; $(SUDO) .venv/bin/python $(CONTRACT); fi

vm: setup
	$(SUDO) scripts/vm-image
	$(SUDO) .venv/bin/python tests/vm/run.py

lint: setup
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: setup
	$(SUDO) .venv/bin/python tests/bench/bench.py

bench-glaas: setup
	.venv/bin/python tests/bench/bench_glaas.py

proto: setup
	scripts/protoc
