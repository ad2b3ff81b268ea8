#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Installs the Debian packages that building and testing need, only those that are
# missing, and says which. Touches no network when none is missing.
#
# usage: deps.sh [vm]    vm: what `make vmtest` needs besides
set -eu

build='g++ make pkg-config clang-19 llvm-19 bpftool libbpf-dev libelf-dev zlib1g-dev
  libspdlog-dev libfmt-dev catch2 libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libmnl-dev libsystemd-dev'
run='iproute2 procps python3'
tests='clang-format-19 pyflakes3 curl ethtool ncat socat iperf3 iputils-ping unbound nginx-light openssh-server
  openssh-client tcpdump mandoc git vsftpd lftp tnftp openssl libsodium23 libclang-rt-19-dev
  netbase libkrb5-3 libk5crypto3 libcom-err2 libpam0g libevent-2.1-7 libtirpc3 libwrap0 libselinux1 libnsl2'
# Unpacked and not installed: an FTP server excludes every other, and nobody's machine shall have
# an inetd, telnet and the r-commands, with set-user-ID programs, for the sake of tests.
unpacked='pure-ftpd openbsd-inetd xinetd inetutils-inetd inetutils-telnet inetutils-telnetd inetutils-ftpd rsh-server rsh-client'
unpacked_to=/usr/local/lib/faith-gw-tests
vm='qemu-system-x86 kmod busybox-static python3-venv clang-14'

missing=
[ "${1:-}" = vm ] || vm=
for package in $build $run $tests $vm; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) in
	installed) ;;
	*) missing="$missing $package" ;;
	esac
done
to_unpack=
for package in $unpacked; do
	[ -d "$unpacked_to/$package" ] || to_unpack="$to_unpack $package"
done
[ -n "$missing$to_unpack" ] || exit 0

echo "missing packages:$missing $to_unpack"
if [ "$(id -u)" != 0 ]; then
	echo "run as root to install them: sudo make deps" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# Servers are test peers here; Debian would start them as services otherwise.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	trap 'rm -f $policy' EXIT
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod +x $policy
fi
apt-get update -q
# shellcheck disable=SC2086  # a list of words
[ -z "$missing" ] || apt-get install -y -q --no-install-recommends $missing
for package in $to_unpack; do
	new=$unpacked_to/$package.new
	rm -rf "$new"
	mkdir -p "$new"
	(cd "$new" && apt-get download -q -o APT::Sandbox::User=root "$package" && dpkg-deb -x ./*.deb .)
	mv "$new" "$unpacked_to/$package"
done
