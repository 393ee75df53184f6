# What a person types. Each target does its own set-up; `python -m masar_research TARGET`
# does the same where make is missing.
PYTHON ?= python3
RUN = @$(PYTHON) -m masar_research

.DEFAULT_GOAL := help
.PHONY: help setup briefs test test-full lab bench verify clean lock

help:
	$(RUN) --help

setup briefs test test-full lab bench verify clean:
	$(RUN) $@

# For maintainers: one universal, hashed lock for Python 3.11-3.13 on Linux, macOS and Windows.
LOCK = uv pip compile --universal --python-version 3.11 --generate-hashes --quiet \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock:
	$(LOCK) pyproject.toml --extra test --extra build -o requirements.lock
