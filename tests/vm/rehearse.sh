#!/bin/sh
# In the guest: plugs the virtual router of lab.toml into this kernel's USB bus, runs the given
# command beside it, or a shell, and unplugs it. Both start where lab.toml is the bench file that
# fits it.
PATH=$(dirname "$PYTHON"):$PATH
export PATH
mkdir -p /run/rehearsal
log=/run/rehearsal.log
harness virtual --usb --write /run/rehearsal/lab.toml >"$log" 2>&1 &
virtual=$!
until grep -q '^bench file' "$log"; do
  kill -0 "$virtual" 2>/dev/null || { cat "$log"; exit 3; }
  sleep 1
done
grep '^plugged' "$log"
ln -s "$PWD/tests" /run/rehearsal/tests
cd /run/rehearsal || exit 3
if [ $# -gt 0 ]; then
  sh -c "$*"
else
  echo "a shell in the guest: harness ls, harness at r1, harness accept; exit ends it"
  bash --norc -i
fi
status=$?
kill -INT "$virtual"
wait "$virtual"
exit "$status"
