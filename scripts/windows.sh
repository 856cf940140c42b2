#!/usr/bin/env bash
# Builds, checks and tests the Windows programs from Debian 12.
#
#   scripts/windows.sh check      types and lints of the agent, the console and the auditor for Windows
#   scripts/windows.sh build      release programs in target/windows, looked at with scripts/windows-look.sh
#   scripts/windows.sh rust       is there a compiler for Windows?
#   scripts/windows.sh test       the core's, the formats' and the agent's own tests as Windows programs, under wine
#
# The compiler: the pinned one, where rustup can fetch its standard library for Windows; else Debian's (rustc-web), with
# the standard library built from the sources that come with it.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:?usage: scripts/windows.sh rust|check|build|test}

TARGET=x86_64-pc-windows-gnu
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/windows}
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$PWD/scripts/windows-wine.sh
export CARGO_PROFILE_RELEASE_STRIP=symbols
mkdir -p "$CARGO_TARGET_DIR"

CARGO=(cargo)
FLAGS=()
channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
if command -v rustup >/dev/null && rustup target list --installed --toolchain "$channel" 2>/dev/null | grep -qx "$TARGET"; then
    :
elif command -v rustup >/dev/null && timeout 120 rustup target add --toolchain "$channel" "$TARGET" >/dev/null 2>&1; then
    :
elif [[ -x /usr/bin/rustc && -x /usr/bin/cargo ]]; then
    CARGO=(env PATH=/usr/bin:/bin RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
        CARGO_HOME="${FERNSICHT_WINDOWS_CARGO_HOME:-$CARGO_TARGET_DIR/cargo-home}" /usr/bin/cargo)
    FLAGS=(-Zbuild-std=std,panic_unwind,test)
else
    echo "windows.sh: neither rustup's standard library for $TARGET nor Debian's rustc-web is there." >&2
    echo "Install the latter: scripts/packages.sh windows-rust" >&2
    exit 1
fi

PROGRAMS=(-p fernsicht-agent -p fernsicht-console)
case "$what" in
    rust) ;;
    check)
        "${CARGO[@]}" clippy --locked --target "$TARGET" "${FLAGS[@]}" "${PROGRAMS[@]}" -p fernsicht-protocol \
            -p fernsicht-recordings --lib --bins -- -D warnings
        # The leaf's own tests.
        "${CARGO[@]}" clippy --locked --target "$TARGET" "${FLAGS[@]}" -p fernsicht-agent --lib --profile test -- -D warnings
        ;;
    build)
        "${CARGO[@]}" build --release --locked --target "$TARGET" "${FLAGS[@]}" "${PROGRAMS[@]}" --bins
        scripts/windows-look.sh "$CARGO_TARGET_DIR/$TARGET/release"
        ;;
    test)
        "${CARGO[@]}" test --release --locked --target "$TARGET" "${FLAGS[@]}" -p fernsicht-protocol --lib --test snapshots
        "${CARGO[@]}" test --release --locked --target "$TARGET" "${FLAGS[@]}" -p fernsicht-recordings --test format
        "${CARGO[@]}" test --release --locked --target "$TARGET" "${FLAGS[@]}" -p fernsicht-agent --lib
        ;;
    *)
        echo "windows.sh: rust, check, build or test." >&2
        exit 2
        ;;
esac
