#!/usr/bin/env bash
# Build stress.c and run it: as it is, then under ThreadSanitizer, which must be silent, then with a planted fault (the
# store that clears a lease is relaxed), which ThreadSanitizer must report.
#   stress.sh [SECONDS]      of each of the first two runs (5)
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
seconds="${1:-5}"

if ! command -v gcc >/dev/null; then
  echo "horus-runner: gcc is not installed, which builds the stress. On Debian or Ubuntu: sudo apt-get install gcc" >&2
  exit 1
fi
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
flags=(-std=gnu11 -O2 -g -Wall -Wextra -pthread)

gcc "${flags[@]}" -o "$work/plain" "$here/stress.c"
printf 'threads:         '
"$work/plain" "$seconds"

# gcc's ThreadSanitizer does not know fences (-Wtsan says so): what orders payloads is acquire and release.
sanitize=("${flags[@]}" -fsanitize=thread)
echo 'int main(void) { return 0; }' >"$work/nothing.c"
if ! gcc "${sanitize[@]}" -o "$work/nothing" "$work/nothing.c" 2>"$work/said"; then
  echo "horus-runner: this gcc has no ThreadSanitizer: $(tail -1 "$work/said")" >&2
  exit 1
fi
gcc "${sanitize[@]}" -Wno-tsan -o "$work/tsan" "$here/stress.c"
# Its shadow memory does not go with every layout of addresses that newer kernels choose.
fixed=()
if setarch "$(uname -m)" -R true 2>/dev/null; then fixed=(setarch "$(uname -m)" -R); fi
printf 'ThreadSanitizer: '
TSAN_OPTIONS=halt_on_error=1 "${fixed[@]}" "$work/tsan" "$seconds"

mkdir -p "$work/planted/model"
cp "$here"/../*.h "$work/planted/"
cp "$here/stress.c" "$work/planted/model/"
sed -i '/^static inline void hr_clear(/,/^}/s/memory_order_release/memory_order_relaxed/' "$work/planted/ring.h"
if cmp -s "$here/../ring.h" "$work/planted/ring.h"; then
  echo "horus-runner: ring.h has no hr_clear with a release store any more: plant the fault elsewhere" >&2
  exit 1
fi
gcc "${sanitize[@]}" -Wno-tsan -o "$work/faulty" "$work/planted/model/stress.c"
if TSAN_OPTIONS=halt_on_error=1 "${fixed[@]}" "$work/faulty" 5 >"$work/said" 2>&1 || ! grep -q 'data race' "$work/said"; then
  echo "horus-runner: ThreadSanitizer does not see that a lease is cleared without order" >&2
  exit 1
fi
echo "planted fault:   a relaxed clear is reported as a data race"
