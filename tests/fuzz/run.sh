#!/usr/bin/env bash
# Runs what reads foreign bytes under libFuzzer.
#
#   tests/fuzz/run.sh [SECONDS] [TARGET…]     each target for so long, 60 unless given; all targets unless named
#
# Each begins with its corpus, `corpus/TARGET`, and what it finds new goes to `target/fuzz/new/TARGET`, from where
# `KEEP=1` takes what reaches further into the corpus. Bytes that break a promise are left in `target/fuzz/broken`, and
# FUZZ_TARGET=TARGET target/fuzz/…/fuzz FILE shows them again.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
seconds=${1:-60}
targets=("${@:2}")
[[ ${#targets[@]} -gt 0 ]] || for folder in "$here"/corpus/*/; do targets+=("$(basename "$folder")"); done
work=${CARGO_TARGET_DIR:-$here/../../target}/fuzz

# Counters at each edge and the values of comparisons, for our own code alone: what it is built from is compiled as ever.
export RUSTC_WORKSPACE_WRAPPER=$here/counted.sh CARGO_TARGET_DIR=$work
cargo build --quiet --locked --manifest-path "$here/Cargo.toml"

for target in "${targets[@]}"; do
  mkdir -p "$work/new/$target" "$work/broken"
  if ! FUZZ_TARGET=$target "$work/debug/fuzz" -max_total_time="$seconds" -seed="${SEED:-0}" -timeout=60 -rss_limit_mb=1024 -max_len=4096 \
    -verbosity=0 -print_final_stats=1 -artifact_prefix="$work/broken/$target-" \
    "$work/new/$target" "$here/corpus/$target" >"$work/log" 2>&1; then
    cat "$work/log" >&2
    echo "fuzz: $target is broken by the bytes above, which lie in $work/broken" >&2
    exit 1
  fi
  echo "fuzz: $target held for $(awk '/number_of_executed_units/ { print $2 }' "$work/log") inputs" >&2
  if [[ -n ${KEEP:-} ]]; then
    FUZZ_TARGET=$target "$work/debug/fuzz" -set_cover_merge=1 -verbosity=0 "$here/corpus/$target" "$work/new/$target" >"$work/log" 2>&1
  fi
done
