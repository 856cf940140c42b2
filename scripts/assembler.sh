#!/usr/bin/env bash
# Tells whether OpenH264's assembler is really in a program: its SIMD comparison routines must be among the symbols.
set -euo pipefail
program=${1:?usage: scripts/assembler.sh PROGRAM}
if [[ $(uname -m) != x86_64 ]]; then
    echo "assembler.sh: this check knows x86_64 only; skipped."
    exit 0
fi
symbols=$(mktemp)
trap 'rm -f "$symbols"' EXIT
nm "$program" >"$symbols" 2>/dev/null || { echo "assembler.sh: $program has no symbols to look at." >&2; exit 1; }
if ! grep -qiE ' t _?WelsSampleSa\w+_(sse|avx)' "$symbols"; then
    echo "assembler.sh: OpenH264 was built without its assembler. Install nasm, then: cargo clean -p openh264-sys2" >&2
    exit 1
fi
echo "OpenH264 has its assembler ($(grep -ciE ' t _?WelsSampleSa\w+_(sse|avx)' "$symbols") routines)."
