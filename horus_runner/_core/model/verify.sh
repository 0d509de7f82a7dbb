#!/usr/bin/env bash
# Check ring.pml, doorbell.pml and growth.pml with spin: the models as they are must pass whole, each planted fault must be found.
#   verify.sh                what a minute allows
#   verify.sh quick          smaller models, the same faults
#   verify.sh quick LOOK     of those, what has LOOK in its name
# SPIN_MEMORY_MB (2000) bounds each search; one that runs into it fails.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
size="${1:-bounded}"
only="${2:-}"
failed=0

for tool in spin gcc; do
  if ! command -v "$tool" >/dev/null; then
    echo "horus-runner: $tool is not installed, which checks the model. On Debian or Ubuntu: sudo apt-get install spin gcc" >&2
    exit 1
  fi
done
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# search FILE FLAG...: what the verifier says of that model, in $work/said; fails when it could not be built or run.
search() {
  local file="$1"
  shift
  (
    cd "$work"
    rm -f pan* ./*.trail
    spin -a "$@" "$here/$file" >built 2>&1 &&
      gcc -O1 -w -DSAFETY -DNOCLAIM -DMEMLIM="${SPIN_MEMORY_MB:-2000}" -o pan pan.c >>built 2>&1 || { cat built >&2; exit 1; }
    ./pan -m20000 -n >said 2>&1 || { cat said >&2; exit 1; }
  )
}

states() { sed -nE 's/^ *([0-9.e+]+) states, stored.*/\1/p' "$work/said"; }

whole() { ! grep -qiE 'out of memory|max search depth|not completed|interrupted' "$work/said"; }

# passes WHAT FILE FLAG...
passes() {
  local what="$1"
  shift
  [[ "$what" == *"$only"* ]] || return 0
  if search "$@" && grep -q 'errors: 0$' "$work/said" && whole; then
    printf 'holds    %-58s %12s states\n' "$what" "$(states)"
  else
    printf 'FAILS    %s\n' "$what (spin $*)"
    grep -E 'pan:1|errors:|memory|depth too small' "$work/said" || true
    failed=1
  fi
}

# caught FAULT FILE FLAG...
caught() {
  local fault="$1" file="$2"
  shift 2
  [[ "$fault" == *"$only"* ]] || return 0
  if search "$file" "-D$fault" "$@" && grep -qE '^pan:1: (assertion violated|invalid end state)' "$work/said"; then
    printf 'caught   %-58s %12s states, %s steps\n' "$fault" "$(states)" "$(sed -nE 's/^pan:1:.*at depth ([0-9]+).*/\1/p' "$work/said")"
  else
    printf 'MISSED   %s\n' "$fault ($file $*)"
    failed=1
  fi
}

nobody=(-DWRITER_DEATHS=0 -DREADER_DEATHS=0)
if [ "$size" = quick ]; then
  passes "ring: any free slot" ring.pml "${nobody[@]}" -DMESSAGES=4 -DANY_SLOT
  passes "ring: writer killed" ring.pml -DREADER_DEATHS=0 -DMESSAGES=4
  passes "ring: reader killed, two cleaners" ring.pml -DWRITER_DEATHS=0 -DMESSAGES=3
  passes "doorbell: dead publisher taken over" doorbell.pml -DMESSAGES=2
  passes "doorbell: dead publisher left" doorbell.pml -DMESSAGES=2 -DSUPERVISED=0
  passes "growth: two readers" growth.pml
else
  passes "ring: any free slot, 6 messages" ring.pml "${nobody[@]}" -DMESSAGES=6 -DANY_SLOT
  passes "ring: any free slot, capacity 2, 6 messages" ring.pml "${nobody[@]}" -DCAPACITY=2 -DMESSAGES=6 -DANY_SLOT
  passes "ring: two readers, 4 messages" ring.pml "${nobody[@]}" -DROWS=2 -DMESSAGES=4
  passes "ring: writer killed twice, 5 messages" ring.pml -DREADER_DEATHS=0 -DWRITER_DEATHS=2 -DMESSAGES=5
  passes "ring: writer killed, capacity 2, 6 messages" ring.pml -DREADER_DEATHS=0 -DCAPACITY=2 -DMESSAGES=6
  passes "ring: reader killed, two cleaners, 4 messages" ring.pml -DWRITER_DEATHS=0 -DMESSAGES=4
  passes "ring: writer and reader killed, 3 messages" ring.pml -DMESSAGES=3
  passes "doorbell: dead publisher taken over, 3 messages each" doorbell.pml
  passes "doorbell: dead publisher left, 3 messages each" doorbell.pml -DSUPERVISED=0
  passes "growth: two readers, 2 messages, then 1" growth.pml -DBEFORE=2
  passes "growth: two readers, 1 message, then 2" growth.pml -DAFTER=2
fi

for fault in LEASE_AFTER_LOOK SCAN_BEFORE_RETIRE FILL_BEFORE_ODD CLEAR_BEFORE_READ ONE_SLOT_FEWER COPY_WITHOUT_LEASE; do
  caught "$fault" ring.pml "${nobody[@]}" -DMESSAGES=4
done
for fault in ROW_FREED_FIRST CLEAR_WITHOUT_CAS; do
  caught "$fault" ring.pml -DWRITER_DEATHS=0 -DMESSAGES=4
done
for fault in WORD_AFTER_CHECK RESTART_SILENT LOOK_BEFORE_HEAD CHECK_BEFORE_FLAG; do
  caught "$fault" doorbell.pml -DMESSAGES=2
done
for fault in MARK_SILENT MARK_UNNUMBERED PURGE_EAGER LEAVE_FIRST; do
  caught "$fault" growth.pml
done
caught RINGER_CLEARS doorbell.pml -DMESSAGES=2 -DSUPERVISED=0

if ((failed)); then
  echo "horus-runner: the model does not hold, or does not see a fault that was planted" >&2
fi
exit "$failed"
