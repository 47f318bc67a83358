# Says everything at once that a machine lacks, each with its cure, before any build starts. Sourced by setup.sh.
#
# The minimal versions are read where they are declared: `rust-version` in Cargo.toml, `go` in the modules' go.mod.

# at_least HAVE WANT: whether version HAVE is WANT or newer.
at_least() {
  [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

# versioned NAME COMMAND WANT CURE: complains where COMMAND is missing or older than WANT.
versioned() {
  local have
  if ! have=$($2 2>/dev/null | grep -Eo '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1); then
    say "  $1 $3 or newer is missing: $4"
    return 1
  fi
  at_least "$have" "$3" || { say "  $1 is $have, $3 or newer is needed: $4"; return 1; }
}

# present NAME CURE COMMAND…: complains where none of the commands exists.
present() {
  local name=$1 cure=$2
  shift 2
  for candidate in "$@"; do
    if command -v "${candidate:-/nowhere}" >/dev/null; then return 0; fi
  done
  say "  $name is missing: $cure"
  return 1
}

# preflight: ends the whole set-up where something is missing.
preflight() {
  local rust go complaints
  rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
  go=$(sed -n 's/^go //p' "$root/tests/controlplane/go.mod")
  complaints=$({
    versioned Rust 'rustc --version' "$rust" 'install the stable toolchain with rustup (https://rustup.rs)' || true
    versioned Cargo 'cargo --version' "$rust" 'it comes with Rust' || true
    versioned Go 'go version' "${go%.0}" 'install it from https://go.dev/dl' || true
    present 'a C compiler' 'install gcc or clang (Debian: build-essential)' "${CC:-}" cc gcc clang || true
    present 'a C++ compiler' 'install g++ or clang (Debian: build-essential)' "${CXX:-}" c++ g++ clang++ || true
    present make 'install GNU make (Debian: build-essential)' make || true
    present git 'install git' git || true
  } 2>&1)
  [[ -z $complaints ]] && return 0
  say "this machine lacks what the build needs:"
  say "$complaints"
  exit 1
}
