# Fernsicht. The two commands first: `make demo` and `make test`. Both install what they need.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
CARGO ?= cargo
SECONDS ?= 60
# More words for `make torture`, such as --only flood or --short.
TORTURE ?=
# More words for `make bench`, such as --only picture --rows key,page --picture-turns 1.
BENCH ?=
# Under CI a colourless log; a terminal keeps cargo's own choice.
export CARGO_TERM_COLOR ?= auto

# Built together: cargo would compile the dependencies twice for two choices of packages.
RELEASE := $(CARGO) build --release --locked -p fernsicht-relay -p fernsicht-agent -p fernsicht-console -p fernsicht-tests --bins

.PHONY: demo-windows windows test-windows lint-windows packages-windows demo test bench bench-network torture fuzz screenshots lint deny assembler packages peers help

help:
	@echo "make demo               relay, console and agent on your display; without one: a driven demo on virtual screens"
	@echo "make test               formatting, lints, all tests with the real programs"
	@echo "make bench              what relay and recorder cost, how fast a recording opens (target/bench/relay.json);"
	@echo "                        the picture beside TigerVNC and xpra (target/bench/picture.json; as root)"
	@echo "make bench-network      the picture over thin, narrow and long lines (as root). BENCH: more words for both"
	@echo "make fuzz SECONDS=60    fuzzes messages and state machines, each target that long; RUNS=n: so many executions each"
	@echo "make torture            hostile people, bad networks, kills, at length (target/torture/summary.json; as root)"
	@echo "make screenshots        the gallery of the agent's pages, from the running programs (docs/gallery; as root)"
	@echo "make windows            agent, console and auditor for Windows (target/windows); make test-windows: tests under wine"
	@echo "make demo-windows       the driven demo with the Windows agent, under wine"
	@echo "make lint | make deny   formatting and clippy | licences, sources and banned packages of all dependencies"

demo: packages
	$(RELEASE)
	target/release/demo

test: packages lint
	$(CARGO) build --locked --workspace --all-targets
	$(MAKE) --no-print-directory assembler
	$(CARGO) test --locked --workspace
	@echo "make test: everything passed."

# OpenH264 without nasm builds silently without assembler and is then 2 to 3 times slower.
assembler:
	@scripts/assembler.sh target/debug/fernsicht-agent

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --features fernsicht-tests/bench -- -D warnings

# Types and lints of the programs for Windows; nothing is linked.
lint-windows: packages-windows
	scripts/windows.sh check

windows: packages-windows
	scripts/windows.sh build

# The core's, the formats' and the agent's own tests as Windows programs, and the attached and signed agent, under wine.
test-windows: windows
	@scripts/packages.sh wine
	scripts/windows.sh test
	$(CARGO) build --locked --workspace --bins --examples
	scripts/windows-sign.sh target/windows/x86_64-pc-windows-gnu/release/fernsicht-agent.exe \
		target/debug/fernsicht-relay target/debug/examples/attached

# The whole story with the Windows agent under wine; relay, console and auditor are this system's.
demo-windows: packages windows
	@scripts/packages.sh wine
	$(RELEASE)
	target/release/demo --windows target/windows/x86_64-pc-windows-gnu/release/fernsicht-agent.exe --output target/demo-windows --revocations 5

# rustup's standard library for Windows, or Debian's compiler where it cannot be fetched.
packages-windows:
	@scripts/packages.sh windows
	@scripts/windows.sh rust || scripts/packages.sh windows-rust

bench: packages peers
	$(RELEASE) --features fernsicht-tests/bench
	target/release/bench $(BENCH)

bench-network: packages peers
	$(RELEASE) --features fernsicht-tests/bench
	failed=0; for line in thin narrow long; do \
		target/release/bench --only picture --line $$line $(BENCH) || failed=1; \
	done; exit $$failed

torture: packages
	$(RELEASE)
# Only programs built for tests can draw areas wrong.
	$(CARGO) build --locked --workspace --bins
	target/release/torture $(TORTURE)

fuzz: packages
	tests/fuzz/run.sh $(if $(RUNS),runs=$(RUNS),$(SECONDS))

# The tests that read the pages of the running programs keep what they read.
screenshots: packages
	$(CARGO) build --locked --workspace --bins
	FERNSICHT_TEST_PICTURES=$(CURDIR)/docs/gallery $(CARGO) test --locked --workspace --test stories --test pages --test transfer

# Installed where it is missing, into target/tools; without optimisation, since it runs for seconds and is compiled for minutes.
DENY := target/tools/bin/cargo-deny
$(DENY):
	$(CARGO) install cargo-deny --version 0.20.2 --locked --quiet --debug --root target/tools

deny: $(DENY)
	$(DENY) --log-level error check bans licenses sources

packages:
	@scripts/packages.sh

# What is measured beside ours.
peers:
	@scripts/packages.sh bench
