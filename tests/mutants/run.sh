#!/usr/bin/env bash
# Breaks `engine` and `compile` in one small way after another and sees whether a test notices.
#
#   tests/mutants/run.sh [NUMBER]     NUMBER: of mutants that compile, 300 unless given
#
# A sample: mutants in the order of a hash of what they do, so that which ones are tried depends neither on who tries
# nor on what else there is. Each verdict is written to `results.txt` as soon as it is known, and what stands there is
# not tried again unless its file has changed since; to have one tried again, delete its line. May be stopped at any time.
#
# They are tried in a copy that has nothing but the pure core, which builds in a fifth of the time: first against the
# tests of the two modules themselves, then against all unit tests of the core, the tables and the laws.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
results=$here/results.txt
wanted=${1:-300}
work=${CARGO_TARGET_DIR:-$root/target}/mutants
core=$work/core

readonly CORE=(api bundle compile engine manifest model token trust)
readonly MUTATED=(-f 'src/engine/**' -f 'src/compile/**')

say() { printf 'mutants: %s\n' "$*" >&2; }

# The pure core by itself, with the product's own manifest as far as it goes.
copy() {
  rm -rf "$core"
  mkdir -p "$core/src" "$core/tests"
  for module in "${CORE[@]}"; do
    for there in "$root/src/$module" "$root/src/$module.rs"; do [[ ! -e $there ]] || cp -r "$there" "$core/src/"; done
    echo "pub mod $module;" >>"$core/src/lib.rs"
  done
  cp -r "$root/tests/semantics" "$root/tests/fixtures" "$root/tests/support" "$core/tests/"
  cp -r "$root/crds" "$root/Cargo.lock" "$core/"
  awk '/^\[\[/ { exit } { print }' "$root/Cargo.toml" >"$core/Cargo.toml"
  printf '%s\n' '[[test]]' 'name = "semantics"' 'path = "tests/semantics/main.rs"' >>"$core/Cargo.toml"
  # What is built anew for each mutant is not optimised.
  awk '/^\[profile.dev/ { on = 1 } /^\[profile.release/ { on = 0 } on' "$root/Cargo.toml" |
    sed '/^\[profile.dev.package.faas-iam\]/,/^opt-level/ s/^opt-level = 1/opt-level = 0/' >>"$core/Cargo.toml"
}

# Each mutant there is: its number, the digest of its file, and what it does, told apart from its like by a count.
# Without lines and columns, which any edit moves.
mutants() {
  local number=0 name file
  local -A digests seen
  while IFS= read -r name; do
    file=${name%%:*}
    name="$file:${name#*:*:*:}"
    seen[$name]=$((${seen[$name]:-0} + 1))
    [[ -v digests[$file] ]] || digests[$file]=$(git hash-object "$file" | cut -c1-8)
    ((seen[$name] == 1)) || name+=" #${seen[$name]}"
    printf '%s\t%s %s\n' "$number" "${digests[$file]}" "$name"
    number=$((number + 1))
  done
}

# tried NUMBER OF ARGUMENT…: what comes of one mutant under these tests.
tried() {
  local verdict shard=$1/$2
  shift 2
  "$cargo_mutants" mutants --in-place --baseline skip --no-shuffle --timeout 300 --build-timeout 600 "${MUTATED[@]}" \
    --output "$work" --shard "$shard" "$@" >"$work/log" 2>&1 || true
  for verdict in caught timeout unviable missed; do
    if [[ -s $work/mutants.out/$verdict.txt ]]; then echo "$verdict"; return; fi
  done
  say "cargo-mutants gave no verdict on $shard:"
  cat "$work/log" >&2
  exit 1
}

judged() {
  local verdict
  verdict=$(tried "$@" --cargo-arg=--lib -- -- engine:: compile::)
  [[ $verdict != missed ]] || verdict=$(tried "$@" --cargo-arg=--lib --cargo-arg=--test=semantics)
  echo "$verdict"
}

# The verdicts by what they are about: the digest of a file, and a mutant in it.
declare -A verdicts

# remember: what was found before, of the mutants that are still the same.
remember() {
  local number verdict mutant
  local -A there
  while IFS=$'\t' read -r number mutant; do there[$mutant]=1; done <"$work/all"
  while read -r verdict mutant; do
    [[ -z ${there[$mutant]:-} ]] || verdicts[$mutant]=$verdict
  done < <(cat "$results" 2>/dev/null)
}

save() {
  for mutant in "${!verdicts[@]}"; do printf '%-8s %s\n' "${verdicts[$mutant]}" "$mutant"; done | sort -k3 >"$results.new"
  mv "$results.new" "$results"
}

# count VERDICT…: how many have one of these.
count() { printf '%s\n' "${verdicts[@]}" | grep -cxF "$(printf '%s\n' "$@")" || true; }

main() {
  local number of mutant
  mkdir -p "$work"
  exec 9>"$work/lock"
  flock -n 9 || { say "they are being tried already"; exit 1; }
  cargo_mutants=$("$root/tests/setup/setup.sh" cargo-mutants)
  export CARGO_TARGET_DIR=$work/target RUST_BACKTRACE=0 FAAS_IAM_LAW_CASES=300 INSTA_UPDATE=no
  copy
  cd "$core"
  say "are the tests green without one?"
  cargo test --quiet --lib --test semantics >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  "$cargo_mutants" mutants --list "${MUTATED[@]}" | mutants >"$work/all"
  # By what they do; under a fixed source `sort -R` is the order of a hash.
  sort -t ' ' -k 2 -R --random-source=<(yes) "$work/all" >"$work/sample"
  of=$(wc -l <"$work/all")
  remember
  say "$of there are, $(count caught timeout missed) were tried before, $wanted are wanted"
  while IFS=$'\t' read -r number mutant; do
    (($(count caught timeout missed) < wanted)) || break
    [[ -z ${verdicts[$mutant]:-} ]] || continue
    verdicts[$mutant]=$(judged "$number" "$of" </dev/null)
    save
    say "$(count caught timeout missed): ${verdicts[$mutant]} ${mutant#* }"
  done <"$work/sample"
  say "$(count caught timeout) of $(count caught timeout missed) caught"
}

main
