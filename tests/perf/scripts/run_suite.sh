#!/usr/bin/env bash
# Runs one app's suite, or everything: run_suite.sh [a1 … a8 | b2b] [flags of `cargo xtask`]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
case "${1:-}" in
  a[1-8] | b2b) exec cargo xtask suite "$@" ;;
  *) exec cargo xtask ecosystem "$@" ;;
esac
