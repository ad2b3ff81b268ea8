#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The first thing that runs in the guest: makes a machine out of a bare kernel, then runs
# the rings (or, asked for a shell, a shell). The host's files are all there, read-only;
# what is written stays in the guest's memory, except under $out, which is the host's.
set -eu

out=/run/faith-vmtest
. $out/plan # tree, factor, shell
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LC_ALL=C.UTF-8 FAITH_VMTEST=1
export FAITH_TIME_FACTOR="$factor" FAITH_TEST_SLOW="$factor"

# The root comes by 9p without a cache: each exec would read its program anew, and one `ip`
# would take half a second in emulation. The same files once more, with a cache, and a
# writable layer over those that programs come from.
cached=/run/faith-host
mkdir -p $cached /run/faith-modules
mount -t 9p -o ro,version=9p2000.L,trans=virtio,access=any,msize=512000,cache=loose faithhost $cached
[ ! -d /usr/lib/modules ] || mount --bind /usr/lib/modules /run/faith-modules

overlay() { # path
	layer=/run/faith-layers/$1
	mkdir -p "$layer/upper" "$layer/work" "$1"
	mount -t overlay -o "lowerdir=$cached/$1,upperdir=$layer/upper,workdir=$layer/work" overlay "$1"
}
overlay /usr
mkdir -p /usr/lib/modules
mount --bind /run/faith-modules /usr/lib/modules
mount -t tmpfs tmpfs /tmp
chmod 1777 /tmp
overlay "$tree"

mkdir -p /run/netns /sys/fs/bpf /sys/kernel/tracing
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
ip link set lo up
# A running system has this node from the start, and the module comes with its first use.
modprobe tun 2>/dev/null || true
# virtme-ng locks the accounts, and sshd lets nobody into a locked one, key or not.
sed 's/^root:[^:]*/root:*/' /etc/shadow >/run/faith-shadow
cat /run/faith-shadow >/etc/shadow

# An emulated processor that the host did not schedule for a while is no lockup. These are
# the kernel's own time-outs, scaled like everybody else's.
scaled() { # sysctl seconds at-most
	value=$(($2 * factor))
	[ ! -w "/proc/sys/kernel/$1" ] || echo $((value < $3 ? value : $3)) >"/proc/sys/kernel/$1"
}
scaled watchdog_thresh 10 60
scaled hung_task_timeout_secs 120 1200
stall=/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout
[ ! -w $stall ] || echo $((21 * factor < 300 ? 21 * factor : 300)) >$stall

cd "$tree"
if [ -n "${shell:-}" ]; then
	echo "kernel $(uname -r), tree $tree; for example: python3 tests/run.py --build build netns"
	export PS1='guest:\w# '
	exec bash --norc -i
fi
uname -r >$out/started
exec python3 vmtest/rings.py $out
