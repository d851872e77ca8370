# Second stage, on the host's root under an overlay: kernel modules, udev, the result share, the
# command. GUEST-EXIT on the console is how the host learns the command's exit status.
. /guest.env
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root PYTHON LANG=C.UTF-8 TERM=dumb
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
# A private /tmp: the host's is large, slow over 9p, and not ours. The checkout and its virtual
# environment are, and may be in there.
mkdir -p /run/kept/checkout /run/kept/environment
mount --bind "$CHECKOUT" /run/kept/checkout
mount --bind "$ENVIRONMENT" /run/kept/environment
mount -t tmpfs tmp /tmp
mkdir -p "$CHECKOUT" "$ENVIRONMENT"
mount --bind /run/kept/checkout "$CHECKOUT"
mount --bind /run/kept/environment "$ENVIRONMENT"
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/udev /run/lock /run/netns
# The modules must be in place before the first modprobe.
rm -rf "/lib/modules/$KERNEL_RELEASE"
mkdir -p "/lib/modules/$KERNEL_RELEASE"
mount --bind "$MODULES" "/lib/modules/$KERNEL_RELEASE"
modprobe configfs
mount -t configfs configfs /sys/kernel/config
hostname vbench
ip link set lo up
mkdir -p "$RESULTS"
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none results "$RESULTS"
rm -f /etc/udev/rules.d/70-persistent-net.rules
/lib/systemd/systemd-udevd --daemon --resolve-names=early
cd "$CHECKOUT" || exit 1
if [ "$KEYBOARD" = 1 ]; then
  setsid -c sh /guest_command.sh </dev/hvc0 >/dev/hvc0 2>&1
else
  sh /guest_command.sh </dev/null >/dev/hvc0 2>&1
fi
echo "GUEST-EXIT $?" >/dev/hvc0
sync
echo o >/proc/sysrq-trigger
# The first process must not end before the power is off; its shell needs no file for this.
while :; do :; done
