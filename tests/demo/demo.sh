#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# faith-gw at work, in three network namespaces on this machine:
#
#     six  ---------------- dual ---------------- four
#     IPv6 only             the gateway           IPv4 only
#
# An unmodified curl in six fetches a file from an unmodified web server in four, by
# address and by name. Ends with 0 only if every byte arrived and nothing is left behind.
#
#   usage: sudo tests/demo/demo.sh [BUILD]         (BUILD: where faith-gw is, default build)
set -euo pipefail
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"

build=$(realpath "${1:-build}")
gw=$build/faith-gw
work=$build/demo
six=faith-demo-six dual=faith-demo-dual four=faith-demo-four

# --- telling -----------------------------------------------------------------------------

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' off=$'\e[0m'; else bold= dim= green= red= off=; fi
step=0
chapter() { step=$((step + 1)); printf '\n%s%d. %s%s\n' "$bold" $step "$*" "$off"; }
say() { printf '   %s\n' "$@"; }
good() { printf '   %s✓ %s%s\n' "$green" "$*" "$off"; }
fail() {
	printf '   %s✗ %s%s\n' "$red" "$*" "$off" >&2
	exit 1
}
# Shows a command as a person in that namespace would type it, then runs it there.
show() {
	local where=$1
	shift
	prompt "$where" "${*/#$gw/faith-gw}"
	inside "$where" "$@" 2>&1 | sed 's/^/     /'
}
prompt() { printf '   %s%s#%s %s\n' "$dim" "${1#faith-demo-}" "$off" "$2"; }
inside() {
	local where=$1
	shift
	nsenter --net="/run/netns/$where" "$@"
}

# --- cleaning up, however it ends ----------------------------------------------------------

clean() {
	for name in $six $dual $four; do
		[ -e "/run/netns/$name" ] || continue
		[ $name != $dual ] || [ ! -x "$gw" ] || inside $dual "$gw" unload >/dev/null 2>&1 || true
		# Whoever is in a namespace that only this demo makes belongs to this demo.
		for pid in $(ip netns pids $name 2>/dev/null); do kill -9 "$pid" 2>/dev/null || true; done
		ip netns del $name 2>/dev/null || true
	done
}
ended() {
	local code=$?
	trap - EXIT
	clean
	[ $code = 0 ] || printf '\n%sThe demo failed.%s What the servers said is in %s/*.log\n' "$red" "$off" "$work" >&2
	exit $code
}

# --- what the demo needs ---------------------------------------------------------------------

[ "$(id -u)" = 0 ] || { echo "The demo makes network namespaces and loads BPF programs: sudo make demo" >&2; exit 1; }
[ -x "$gw" ] || { echo "There is no $gw: make first, or name the build directory" >&2; exit 1; }
for tool in ip nsenter curl unbound bpftool ss /usr/bin/python3 unshare sha256sum; do
	command -v "$tool" >/dev/null || { echo "The demo needs $tool: sudo make deps" >&2; exit 1; }
done
# Two demos at once would take each other's namespaces away.
exec 9>/run/faith-gw-demo.lock
flock -n 9 || { echo "Another demo is running." >&2; exit 1; }

trap ended EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
clean
rm -rf "$work"
mkdir -p "$work/www"

wait_for_port() { # host port what pid
	for _ in $(seq 200); do
		[ -z "$(inside "$1" ss -H -ltn "sport = :$2")" ] || return 0
		kill -0 "$4" 2>/dev/null || break
		sleep 0.05
	done
	fail "$3 does not listen on port $2; see $work"
}
# A detail of the machine that must not be left behind: objects of ours in this namespace.
# The kernel takes a moment to free what the last process held.
traces() {
	local inode
	inode=$(stat -Lc %i /run/netns/$dual)
	inside $dual bpftool net show | grep fgw_ || true
	bpftool link show | grep -w "netns_ino $inode" || true
	inside $dual ip -6 route show table all | grep -E 'dev lo .*proto 250|64:ff9b' || true
	for path in "/sys/fs/bpf/faith-gw/$inode" "/run/faith-gw/$inode"; do [ ! -e "$path" ] || echo "$path"; done
	for pid in $(ip netns pids $dual); do
		[ "$(readlink "/proc/$pid/exe")" != "$gw" ] || echo "process $pid"
	done
}

# --- the demo ----------------------------------------------------------------------------------

cat <<EOF
${bold}faith-gw: IPv6-only clients reach IPv4-only servers${off}

      six                     dual                     four
   IPv6 only               the gateway               IPv4 only
  2001:db8:6::2 --- 2001:db8:6::1  192.0.2.1 --- 192.0.2.2:8080

   Three hosts, made of network namespaces; they are gone when the demo ends.
EOF

chapter "The three hosts"
for name in $six $dual $four; do
	ip netns add $name
	ip -n $name link set lo up
	inside $name sh -c 'echo 0 | tee /proc/sys/net/ipv6/conf/all/accept_dad /proc/sys/net/ipv6/conf/default/accept_dad
		echo reno > /proc/sys/net/ipv4/tcp_congestion_control' >/dev/null
done
ip link add eth0 netns $six type veth peer name eth0 netns $dual
ip link add eth0 netns $four type veth peer name eth1 netns $dual
ip -n $six addr add 2001:db8:6::2/64 dev eth0 nodad
ip -n $dual addr add 2001:db8:6::1/64 dev eth0 nodad
ip -n $dual addr add 192.0.2.1/24 dev eth1
ip -n $four addr add 192.0.2.2/24 dev eth0
ip -n $six link set eth0 up
ip -n $four link set eth0 up
ip -n $dual link set eth0 up
ip -n $dual link set eth1 up
ip -n $six -6 route add default via 2001:db8:6::1
show $six ip -br -6 addr show dev eth0 scope global
show $six ip -6 route show default
say "six has no IPv4 address, four has no IPv6 address, and dual does not forward:"
show $dual sysctl net.ipv6.conf.all.forwarding net.ipv4.ip_forward

chapter "An ordinary web server in four"
head -c 10000000 /dev/urandom >"$work/www/file"
want=$(sha256sum <"$work/www/file")
inside $four /usr/bin/python3 -m http.server --bind 192.0.2.2 --directory "$work/www" 8080 >"$work/http.log" 2>&1 &
disown
wait_for_port $four 8080 "the web server" $!
say "python3 -m http.server on 192.0.2.2:8080, with 10 MB of random bytes:" "SHA-256 ${want%% *}"

chapter "The gateway in dual: one command"
show $dual "$gw" load eth0
good "loaded: the prefix 64:ff9b::/96 now stands for all of IPv4"

fetch() { # output, command...
	local out=$1
	shift
	rm -f "$out"
	if "$@" -sS --fail --max-time 30 -o "$out"; then
		[ "$(sha256sum <"$out")" = "$want" ] || fail "the bytes differ"
		good "$(stat -c %s "$out") bytes, the same SHA-256"
	else
		fail "curl ended with $?"
	fi
}

chapter "By address: the last 32 bits are 192.0.2.2"
prompt $six 'curl http://[64:ff9b::192.0.2.2]:8080/file'
fetch "$work/by-address" inside $six curl "http://[64:ff9b::192.0.2.2]:8080/file"

chapter "By name: an ordinary DNS64 makes that address, here unbound in dual"
cat >"$work/example.zone" <<EOF
@     60 SOA ns root 1 60 60 60 60
@     60 NS  ns
ns    60 A   192.0.2.1
four  60 A   192.0.2.2
EOF
cat >"$work/unbound.conf" <<EOF
server:
  directory: "$work"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  interface: 2001:db8:6::1
  access-control: 2001:db8:6::/64 allow
  # Answers an AAAA question from the A record when there is no AAAA record.
  module-config: "dns64 iterator"
  dns64-prefix: 64:ff9b::/96
# In place of the internet's name servers: a zone with the one name of this demo. Not
# local-data, which unbound answers before its modules, DNS64 among them, have a say.
auth-zone:
  name: "example."
  zonefile: "$work/example.zone"
  for-downstream: no
remote-control:
  control-enable: no
EOF
inside $dual unbound -d -c "$work/unbound.conf" >"$work/unbound.log" 2>&1 &
disown
wait_for_port $dual 53 "unbound" $!
echo "nameserver 2001:db8:6::1" >"$work/resolv.conf"
# six has a resolv.conf of its own, in a mount namespace of its own.
as_six() {
	inside $six unshare -m sh -c "mount --bind '$work/resolv.conf' /etc/resolv.conf && exec \"\$@\"" sh "$@"
}
prompt $six 'getent ahostsv6 four.example'
as_six getent ahostsv6 four.example | sed -n '1s/^/     /p' || fail "four.example has no address in six"
prompt $six 'curl http://four.example:8080/file'
fetch "$work/by-name" as_six curl "http://four.example:8080/file"
grep -q '^192\.0\.2\.1 ' "$work/http.log" || fail "the web server saw another client"
say "The web server believes that its client was the gateway:"
tail -n 1 "$work/http.log" | sed 's/^/     /'

chapter "What the gateway counted"
show $dual "$gw" status

chapter "A look inside, with bpftool"
maps=$(echo "/sys/fs/bpf/faith-gw/$(stat -Lc %i /run/netns/$dual)"/abi*/maps)
say "The programs on the interfaces, and the link that chooses the listener:"
show $dual bpftool net show
bpftool link show | grep -B 1 -w "netns_ino $(stat -Lc %i /run/netns/$dual)" | sed 's/^/     /' || true
if [ -d "$maps" ]; then
	say "The prefixes, and the sockmap with one listener per worker:"
	show $dual bpftool map dump pinned "$maps/fgw_prefixes"
	prompt $dual "bpftool map dump pinned $maps/fgw_socks | grep -v 'no entry'"
	bpftool map dump pinned "$maps/fgw_socks" 2>/dev/null | grep -v -e 'no entry' -e 'No such file' | sed 's/^/     /'
fi

chapter "And away again"
show $dual "$gw" unload
left=
for _ in $(seq 100); do
	left=$(traces)
	[ -n "$left" ] || break
	sleep 0.05
done
[ -z "$left" ] || fail "left behind: $left"
good "no program, link, route, pin, socket or process is left in dual"
if as_six curl -sS --fail --max-time 1 -o /dev/null "http://[64:ff9b::192.0.2.2]:8080/file" 2>/dev/null; then
	fail "six still reaches four without a gateway"
fi
good "and six no longer reaches four"

rm -rf "$work/www" "$work"/by-*
printf '\n%sAll of it worked.%s Next: the README, or\n' "$bold" "$off"
say "faith-gw load IFACE      on a host with IPv6 on one side and IPv4 on the other"
