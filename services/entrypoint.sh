#!/bin/sh
# Give numba a kernel cache that it can write, filled with the kernels of the image; then run psi-match.
set -eu
for feature in avx2 bmi2 fma; do
    if ! grep --quiet --word-regexp --max-count=1 "$feature" /proc/cpuinfo; then
        echo "Error: this CPU has no $feature; the image is built for $NUMBA_CPU_NAME." >&2
        exit 1
    fi
done
if [ ! -e "$NUMBA_CACHE_DIR" ]; then
    cp -R /opt/psi-match/numba-cache "$NUMBA_CACHE_DIR"
fi
exec psi-match "$@"
