# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts in tools/ share. Sourced, never run.

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

# Bazel wants a home for its caches; some CI runners don't set one.
if [[ -z ${HOME:-} ]]; then
  HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
  export HOME
fi

say() { printf '== %s\n' "$*" >&2; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Prints the comment at the top of the script that calls it: one text for readers and for --help.
usage() { sed -n '3,${/^#/!q;s/^# \{0,1\}//;p}' "$0"; }

bad_option() {
  printf '%s: unknown option %s\n\n' "${0##*/}" "$1" >&2
  usage >&2
  exit 2
}

bazel() { "$ROOT/tools/bazel" "$@"; }

# Repeats a command until it succeeds, for at most so many seconds: within SECONDS COMMAND...
within() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}
