#!/bin/busybox sh
# First process of the guest: loads what the root file system needs, mounts the host's root under
# an overlay and goes there.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do
  insmod "/m/$module" || echo "guest: insmod $module: refused"
done < /modules.order
mkdir -p /lower /rw /new
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /lower
mount -t tmpfs rw /rw
mkdir -p /rw/upper /rw/work
mount -t overlay -o lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work,xino=off none /new
mount --move /dev /new/dev
mount --move /proc /new/proc
mount --move /sys /new/sys
mkdir -p /new/run
cp /guest_init.sh /guest_command.sh /guest.env /new/
exec switch_root /new /bin/sh /guest_init.sh
