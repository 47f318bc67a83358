# Everything a person does here, by name. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
SETUP := tests/setup/setup.sh

.PHONY: help setup up test fmt lint deny advisories unit property cluster crds snapshots bench

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## build or install what the tests need, once, outside the checkout
	@$(SETUP) >/dev/null

up: ## a local control plane with the operator and examples/quickstart, until Ctrl-C (ARGS=--exit ends at once)
	@$(SETUP) leash controlplane helm >/dev/null
	@cargo build --quiet --bin faas-iam --example up
	@exec cargo run --quiet --example up -- $(ARGS)

test: setup fmt lint deny unit cluster ## everything that must pass, set-up included

fmt: ## whether the code is formatted
	cargo fmt --check

lint: ## clippy, warnings are errors
	cargo clippy --all-targets --quiet -- -D warnings

deny: ## dependencies: bans, licences, sources
	$$($(SETUP) cargo-deny) --log-level error check bans licenses sources

advisories: ## dependencies with known faults; fetches the database of advisories
	$$($(SETUP) cargo-deny) check advisories

unit: ## pure tests, property tests and doc tests; needs nothing but Rust
	@$(SETUP) --preflight
	cargo test --lib --bins
	cargo test --doc

cluster: ## tests against a real API server
	cargo test --test cluster

crds: ## write crds/*.yaml from the Rust types
	UPDATE_CRDS=1 cargo test --quiet --lib api::crds

snapshots: ## accept what the snapshot tests see now; look at the diff afterwards
	INSTA_UPDATE=always cargo test --lib --quiet

bench: ## time decisions and compiles, count allocations
	cargo bench
