#!/usr/bin/env bash
# The one place that names the system packages of Fernsicht.
#
#   scripts/packages.sh [build|run|test|bench|windows|windows-rust|wine]...
#                            installs what is missing (default: build, run and test)
#
# Quiet if everything is there. Knows Debian 12 and its kin (apt); elsewhere it says what is wanted.
set -euo pipefail

# To compile: a C and C++ compiler, nasm for OpenH264 (without it the build falls silently
# back to code that is 2 to 3 times slower), and the headers that scrap links against.
BUILD="build-essential pkg-config nasm libxcb1-dev libxcb-shm0-dev libxcb-randr0-dev"
# To open a window: eframe loads these at run time.
RUN="libxcb1 libxcb-shm0 libxcb-randr0 libx11-6 libxcursor1 libxi6 libxrandr2 libx11-xcb1
     libxkbcommon-x11-0 libgl1 libegl1 libgl1-mesa-dri"
# To test and to demonstrate: virtual screens and outputs, a window manager, ordinary applications; a browser
# for receipts and reports, ffmpeg for films, zbarimg for the code on the card, what makes small disks and
# networks, good and bad ones, the buses by which screen readers read pages, and clocks that are wrong.
TEST="xvfb xserver-xorg-core xserver-xorg-video-dummy xkb-data x11-xkb-utils x11-xserver-utils xinput xdotool
      openbox xterm mousepad feh imagemagick xclip
      fonts-dejavu-core xfonts-base chromium ffmpeg zbar-tools e2fsprogs mount util-linux
      iproute2 nftables dbus-daemon at-spi2-core faketime"

# To be measured beside: other programs that show a screen elsewhere. Only `make bench` wants them.
BENCH="tigervnc-scraping-server tigervnc-viewer
       xpra python3-gi-cairo python3-lz4 python3-brotli python3-numpy python3-pil"

# To build for Windows: compilers, resource compiler and libraries of mingw; as few as `make lint-windows` wants.
WINDOWS="gcc-mingw-w64-x86-64-win32 g++-mingw-w64-x86-64-win32 binutils-mingw-w64-x86-64 nasm"
# Where rustup cannot fetch the standard library for Windows: Debian's compiler, and the library's sources.
WINDOWS_RUST="rustc-web cargo-web rust-web-src rust-web-clippy"
# To run and sign Windows programs here.
WINE="wine wine64 xvfb osslsigncode openssl"

wanted=""
for group in "${@:-all}"; do
    case "$group" in
        build) wanted+=" $BUILD" ;;
        run) wanted+=" $RUN" ;;
        test) wanted+=" $TEST" ;;
        bench) wanted+=" $BENCH" ;;
        windows) wanted+=" $WINDOWS" ;;
        windows-rust) wanted+=" $WINDOWS_RUST" ;;
        wine) wanted+=" $WINE" ;;
        all) wanted+=" $BUILD $RUN $TEST" ;;
        *) echo "packages.sh: unknown group '$group'; known are build, run, test, bench, windows, windows-rust and wine." >&2; exit 2 ;;
    esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "packages.sh: this is not a Debian system, so nothing was installed. Please install what corresponds to:" >&2
    echo $wanted >&2
    exit 1
fi

missing=""
for package in $wanted; do
    status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
    [[ "$status" == "install ok installed" ]] || missing+=" $package"
done
[[ -z "$missing" ]] && exit 0

as_root=""
if [[ $(id -u) -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
        echo "packages.sh: these packages are missing and only root can install them:$missing" >&2
        echo "Run as root: apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
    as_root="sudo"
fi

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 "$@"
}

echo "Installing system packages:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt update && apt install -y --no-install-recommends $missing; } </dev/null >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "packages.sh: the packages could not be installed; the lines above say why." >&2
    exit 1
fi
