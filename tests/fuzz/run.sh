#!/bin/sh
# Fuzzes every target for so many seconds, as many at a time as there are cores:
#   tests/fuzz/run.sh SECONDS [TARGET ..]
# Starts from the committed corpora; what it finds goes to target/fuzz/. Exits 1 if a
# promise was broken; the bytes that broke it are target/fuzz/TARGET.crash-*. Summary: target/fuzz/summary.txt.
# Stable Rust: the instrumentation is LLVM's, asked for by flags of rustc.
set -eu
cd "$(dirname "$0")"
seconds=${1:?usage: run.sh SECONDS [TARGET ..]}
shift
[ $# -gt 0 ] || set -- $(ls corpus)
out=$(cd ../.. && pwd)/target/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
mkdir -p "$out"

RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares" \
CARGO_TARGET_DIR="$out/build" cargo build --release --locked --target "$host"
driver=$out/build/$host/release/fernsicht-fuzz

fuzz() {
    mkdir -p "$out/corpus/$1"
    # Operations cost more than bytes of a document: short runs find more.
    case $1 in
    altered | epoch | guard | heads | mux | pairing | peer | router) longest=512 ;;
    recording) longest=20000 ;;
    *) longest=4096 ;;
    esac
    FUZZ_TARGET=$1 "$driver" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=$longest \
        -print_final_stats=1 -artifact_prefix="$out/$1." "$out/corpus/$1" "corpus/$1" \
        >"$out/$1.log" 2>&1 && state=held || state=BROKEN
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$1.log")
    edges=$(sed -n 's/.*cov: \([0-9]*\).*/\1/p' "$out/$1.log" | tail -1)
    echo "$1 $state executions=${runs:-?} edges=${edges:-?}"
}

rm -f "$out"/*.summary
for target in "$@"; do
    fuzz "$target" >"$out/$target.summary" &
    pids="${pids:-} $!"
    count=$((${count:-0} + 1))
    if [ $((count % $(nproc))) -eq 0 ]; then wait $pids; pids=; fi
done
wait ${pids:-}
cat "$out"/*.summary | tee "$out/summary.txt"
! grep -q BROKEN "$out/summary.txt"
