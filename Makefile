# Two commands: `make run` and `make test`. Everything they need, they set up themselves.
#
#   make run                   set up, build, index samples/, answer a question, serve the page
#   make run NOTES=~/notes     the same on your own folder
#   make test                  every test, with real weights and a real browser
#   make screenshot            the picture in the README, taken by the browser test; SAMPLES=DIR
#                              takes a copy of samples/ whose path may be shown
#   make kills KILLS=1000      kills it so often while a folder changes, and compares with a clean run
#   make lint                  formatting, clippy, and cargo-deny where it is installed

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.PHONY: run test build setup setup-test models kills lint screenshot

export CARGO_TARGET_DIR ?= $(HOME)/.cache/vademecum/target
VADE := $(CARGO_TARGET_DIR)/release/vade
DATA := $(or $(XDG_DATA_HOME),$(HOME)/.local/share)
QUESTION := How much is the deposit for the flat at Cooper's Yard?

# The samples have an index of their own, so that they never mix with your notes.
ifdef NOTES
RUN := $(VADE) up "$(NOTES)"
else
RUN := $(VADE) --data-dir "$(DATA)/vade-samples" up samples --ask "$(QUESTION)"
endif

run: setup build
	exec $(RUN)

build:
	echo "building (the first time takes about 20 minutes on 2 cores; later builds take seconds)"
	cargo build --release --workspace --locked $(if $(FEATURES),--features vade/$(FEATURES))

test: setup-test build models
	cargo fmt --all --check
	cargo test --release --workspace --locked

# The models that the end-to-end tests run: small ones, and the one that most people get.
models: build
	$(VADE) models pull onnxruntime pp-ocrv6-small multilingual-e5-small-q4 smollm2-135m-instruct \
	    qwen2.5-coder-1.5b-instruct

kills: setup build models
	VADE_KILLS=$(or $(KILLS),1000) VADE_KILLS_SEED=$(or $(SEED),$$(date +%s)) \
	    cargo test --release --workspace --locked --test it -- --nocapture kills::

screenshot: setup-test build models
	VADE_SCREENSHOT=$(CURDIR)/web/screenshot.png \
	    VADE_TEST_SAMPLES="$(abspath $(or $(SAMPLES),samples))" \
	    VADE_TEST_LANGUAGE_MODEL=qwen2.5-coder-1.5b-instruct \
	    cargo test --release --workspace --locked --test it -- browser::a_question

lint:
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets --locked -- -D warnings
	if cargo deny --version >/dev/null 2>&1; then cargo deny check bans licenses; fi

# What is missing is installed with the platform's package manager. $(1): commands to look for,
# $(2): Debian packages, $(3): Fedora packages, $(4): Arch packages, $(5): Homebrew packages.
define install
	missing=""
	for command in $(1); do command -v $$command >/dev/null || missing="$$missing $$command"; done
	if [ -n "$$missing" ]; then
	    sudo=""; [ "$$(id -u)" = 0 ] || sudo="sudo -n"
	    if command -v apt-get >/dev/null; then
	        packages="$(2)"
	        install="$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$packages"
	        update="$$sudo apt-get update -qq"
	    elif command -v dnf >/dev/null; then
	        packages="$(3)"; install="$$sudo dnf install -y -q $$packages"; update=true
	    elif command -v pacman >/dev/null; then
	        packages="$(4)"; install="$$sudo pacman -S --noconfirm --needed $$packages"; update=true
	    elif command -v brew >/dev/null; then
	        packages="$(5)"; install="brew install -q $$packages"; update=true
	    else
	        echo "missing:$$missing; install them and run make again" >&2; exit 1
	    fi
	    echo "missing:$$missing; installing: $$packages"
	    { $$update && $$install; } >/dev/null || {
	        echo "could not install them; run: $$install" >&2; exit 1; }
	fi
endef

setup:
	$(call install,protoc cc make,protobuf-compiler gcc libc6-dev make,protobuf-compiler gcc make,protobuf gcc make,protobuf)
	command -v cargo >/dev/null || {
	    echo "Rust is missing: install it with rustup (1.94 or newer) and run make again" >&2; exit 1; }

setup-test: setup
	$(call install,chromedriver strace,chromium chromium-driver strace,chromium chromedriver strace,chromium strace,chromedriver)
	$(call install,faketime,faketime,libfaketime,libfaketime,libfaketime)
