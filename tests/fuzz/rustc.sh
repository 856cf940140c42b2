#!/bin/sh
# rustc of the fuzz build: instruments this project's crates, and those that read certificates and requests for them. The
# arithmetic of the cryptography would drown what is to be covered, and cost ten times the time. Comparisons are not
# traced: that took half the time of the state machines, and what the parsers compare with is in their seeds. Stable
# Rust: the instrumentation is LLVM's, asked for by flags of rustc.
case " $* " in
*" --crate-name fernsicht_"* | *" --crate-name asn1_rs "* | *" --crate-name der_parser "* | *" --crate-name rcgen "* | \
*" --crate-name webpki "* | *" --crate-name x509_parser "*)
    exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
    ;;
*) exec "$@" ;;
esac
