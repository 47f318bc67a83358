#!/usr/bin/env bash
# Builds or installs what the tests need, once, and prints where each thing is.
#
#   tests/setup/setup.sh [--preflight] [NAME…]     NAME: leash controlplane keyring oidc provider registry watchdog
#                                                  helm cargo-deny; none means all of these; cargo-mutants and nginx come only
#                                                  when they are named
#
# Each NAME gives one line on standard output: the path of its program. Everything else goes to standard error.
# What is built lies outside the checkout, by version, in ${FAAS_IAM_CACHE:-${XDG_CACHE_HOME:-~/.cache}/faas-iam}.
# Several may run at once; an interrupted one leaves nothing half-built, because only a finished folder gets its name.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${FAAS_IAM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/faas-iam}

readonly KUBERNETES=1.36.3 HELM=4.3.1 CARGO_DENY=0.20.2 CARGO_MUTANTS=27.1.0

say() { printf '%s\n' "$*" >&2; }

# shellcheck source=tests/setup/preflight.sh
source "$here/preflight.sh"

# sources FOLDER: a digest of a Go module's own files, so that an edit makes a new name in the cache.
sources() {
  (cd "$root/tests/$1" && cat go.mod go.sum ./*.go 2>/dev/null) | git hash-object --stdin | cut -c1-12
}

# Where each program is to be, by everything that decides what it is.
place() {
  case $1 in
    leash) echo "leash-$(sources leash)/leash" ;;
    controlplane) echo "controlplane-$KUBERNETES-$(sources controlplane)/controlplane" ;;
    keyring | oidc | provider | registry | watchdog) echo "$1-$(sources "$1")/$1" ;;
    helm) echo "helm-$HELM/helm" ;;
    cargo-deny) echo "cargo-deny-$CARGO_DENY/bin/cargo-deny" ;;
    cargo-mutants) echo "cargo-mutants-$CARGO_MUTANTS/bin/cargo-mutants" ;;
    nginx) echo "nginx-debian/nginx" ;;
    *) say "setup: unknown name \`$1\`"; exit 2 ;;
  esac
}

# How long each takes on two idle cores with nothing downloaded, in seconds: for the progress lines alone.
typical() {
  case $1 in leash) echo 10 ;; controlplane) echo 360 ;; oidc) echo 40 ;; provider | watchdog) echo 30 ;; keyring | registry) echo 90 ;; helm) echo 150 ;; cargo-deny) echo 480 ;; cargo-mutants) echo 150 ;; nginx) echo 5 ;; esac
}

# build NAME FOLDER: makes NAME's program below FOLDER.
build() {
  local out=$2
  case $1 in
    leash | keyring | oidc | provider | registry | watchdog) cd "$root/tests/$1" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$out/$1" . ;;
    controlplane)
      local version=k8s.io/component-base/version
      cd "$root/tests/controlplane" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$out/controlplane" \
        -ldflags "-s -w -X $version.gitVersion=v$KUBERNETES -X $version.gitMajor=1 -X $version.gitMinor=${KUBERNETES:2:2}" . ;;
    helm) cd / && CGO_ENABLED=0 GOBIN=$out go install -trimpath -ldflags '-s -w' "helm.sh/helm/v4/cmd/helm@v$HELM" ;;
    cargo-deny | cargo-mutants)
      local version=$CARGO_DENY
      [[ $1 == cargo-deny ]] || version=$CARGO_MUTANTS
      # Its own target folder, so that this build and the product's do not wait for each other's lock.
      cd / && env -u CARGO_BUILD_BUILD_DIR CARGO_TARGET_DIR="$out/target" \
        cargo install --quiet --locked --root "$out" --version "$version" "$1" && rm -rf "$out/target" ;;
    # Debian's, unpacked: neither root nor an installation is needed.
    nginx) cd "$out" && apt-get download nginx && dpkg -x nginx_*.deb . && rm nginx_*.deb && mv usr/sbin/nginx nginx ;;
  esac
}

working=''
building=''
interrupted() {
  [[ -z $building ]] || kill -TERM -- "-$building" 2>/dev/null || true
  [[ -z $working ]] || rm -rf "$working" "$working.log"
}
trap interrupted EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# make_it NAME PATH: builds into a folder of another name, saying every 15 s how far it is, then renames it.
make_it() {
  local name=$1 goal=$2 folder began
  folder=$(dirname "$goal")
  [[ $name != cargo-* ]] || folder=$(dirname "$folder")
  rm -rf "$cache/building-$name-"* # of one that was killed; the lock says that nobody else is at it
  working=$(mktemp -d "$cache/building-$name-XXXXXX")
  began=$SECONDS
  say "setup: building $name, about $(typical "$name") s"
  set -m
  (build "$name" "$working") >"$working.log" 2>&1 </dev/null &
  building=$!
  set +m
  while kill -0 "$building" 2>/dev/null; do
    if ! sleep_or_end 15 "$building"; then say "setup: building $name, $((SECONDS - began)) s of about $(typical "$name") s"; fi
  done
  if ! wait "$building"; then
    building=''
    say "setup: building $name failed; its last lines:"
    tail -n 30 "$working.log" >&2
    rm -f "$working.log"
    exit 1
  fi
  building=''
  rm -f "$working.log"
  chmod 755 "$working"
  rm -rf "$folder" && mv "$working" "$folder"
  working=''
  say "setup: $name is ready after $((SECONDS - began)) s"
}

# sleep_or_end SECONDS PID: true as soon as PID has ended, false when the time is up.
sleep_or_end() {
  local until=$((SECONDS + $1))
  while kill -0 "$2" 2>/dev/null; do
    ((SECONDS < until)) || return 1
    sleep 0.2
  done
}

# ensure NAME: builds it where it is missing, one process at a time, and prints its path.
ensure() {
  local goal
  # The measure for a proxy is the one that a machine has.
  if [[ $1 == nginx ]] && command -v nginx; then return; fi
  goal=$cache/$(place "$1")
  if [[ ! -x $goal ]]; then
    mkdir -p "$cache"
    exec 9>"$cache/$1.lock"
    command -v flock >/dev/null && { flock -n 9 || { say "setup: another process is building $1; waiting for it"; flock 9; }; }
    [[ -x $goal ]] || make_it "$1" "$goal"
    exec 9>&-
  fi
  echo "$goal"
}

main() {
  local names=()
  for argument in "$@"; do
    [[ $argument == --preflight ]] || names+=("$argument")
  done
  [[ ${#names[@]} -gt 0 ]] || names=(leash controlplane keyring oidc provider registry watchdog helm cargo-deny)
  for name in "${names[@]}"; do place "$name" >/dev/null; done
  preflight
  [[ ${1:-} != --preflight || $# -gt 1 ]] || exit 0
  for name in "${names[@]}"; do ensure "$name"; done
}

main "$@"; exit
