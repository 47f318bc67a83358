# Everything a person does here, by name. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
SETUP := tests/setup/setup.sh

# Whether all that a workspace depends on may be there.
allowed = @cargo_deny=$$($(SETUP) cargo-deny); set -x; "$$cargo_deny" --manifest-path $1 --config deny.toml --log-level error check bans licenses sources

# The order of `test` means something.
.NOTPARALLEL:

.PHONY: help setup up standalone test preflight fmt lint deny advisories quick unit cluster tiers shown crds snapshots bench rivals mutants fuzz fuzzed soak

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## build or install what the tests need, once, outside the checkout
	@$(SETUP) >/dev/null

up: ## a local control plane with operator, examples/quickstart and gateway, until Ctrl-C (ARGS=--exit ends at once)
	@$(SETUP) leash controlplane provider helm >/dev/null
	@cargo build --bin faas-iam --example up
	@exec cargo run --quiet --example up -- $(ARGS)

standalone: ## the gateway from examples/standalone, without Kubernetes, until Ctrl-C (ARGS=--exit ends at once)
	@$(SETUP) leash provider >/dev/null
	@cargo build --bin faas-iam --example up
	@exec cargo run --quiet --example up -- --standalone $(ARGS)

# The cheap ones first; what takes minutes to build is built when they have passed.
test: preflight fmt lint quick setup deny tiers fuzzed shown ## everything that must pass, set-up included

preflight: # names everything that this machine lacks
	@$(SETUP) --preflight

fmt: ## whether the code is formatted
	cargo fmt --check
	cargo fmt --check --manifest-path tests/fuzz/Cargo.toml

lint: ## clippy, and vet for the Go programs of the tests; warnings are errors
	cargo clippy --all-targets -- -D warnings
	CARGO_TARGET_DIR=$${CARGO_TARGET_DIR:-target}/fuzz cargo clippy --locked --manifest-path tests/fuzz/Cargo.toml -- -D warnings
	for module in leash keyring oidc provider registry watchdog; do (cd tests/$$module && go vet ./...); done

deny: ## dependencies: bans, licences, sources
	$(call allowed,Cargo.toml)
	$(call allowed,tests/fuzz/Cargo.toml)

advisories: ## dependencies with known faults; fetches the database of advisories
	@cargo_deny=$$($(SETUP) cargo-deny); set -x; "$$cargo_deny" check advisories

quick: # what fails soonest; `tiers` has the rest
	cargo test --lib --bins
	cargo test --doc

unit: quick ## unit, property and doc tests: they need nothing but Rust
	cargo test --test semantics --test alloc

cluster: ## tests against a real API server
	cargo test --test cluster

tiers: # every integration test there is
	cargo test --test '*'

fuzzed: # what reads foreign bytes holds for the corpus, and for two seconds beyond it
	@SEED=1 tests/fuzz/run.sh 2

shown: # what `make up` shows is as it promises
	@$(MAKE) --no-print-directory up ARGS=--exit

crds: ## write crds/*.yaml from the Rust types
	UPDATE_CRDS=1 cargo test --quiet --lib api::crds

snapshots: ## accept what the snapshot tests see now; look at the diff afterwards
	INSTA_UPDATE=always cargo test --lib --test cli --quiet
	INSTA_UPDATE=always cargo test --test cluster --quiet chart::

soak: ## ten minutes of random edits and faults, then quiet: is all as it should be? (SOAK_SECONDS, SOAK_SEED)
	cargo test --test cluster soak_for_as_long_as_asked -- --ignored --nocapture

bench: ## time decisions, compiles, the gateway and how soon an edit is felt; count allocations
	cargo bench

fuzz: ## each reader of foreign bytes under libFuzzer for a minute, or FOR=… seconds (KEEP=1 keeps what is new)
	@tests/fuzz/run.sh $(or $(FOR),60)

rivals: ## time decisions beside cedar-policy, casbin, regorus and OPA, which takes a long build; writes table and picture
	$(call allowed,benches/rivals/Cargo.toml)
	cd benches/rivals/opa && go vet ./...
	cd benches/rivals && cargo run --release -- $(ARGS)

mutants: ## break `engine` and `compile` in 300 small ways and see which a test notices; hours, goes on where it was (NUMBER=…)
	@tests/mutants/run.sh $(NUMBER)
