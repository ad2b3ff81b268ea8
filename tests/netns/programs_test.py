#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Unmodified programs through the gateway: what people run on either side of it. Neither
the IPv6 clients in six nor the IPv4 servers in four know that it exists.
"""
import hashlib
import json
import os
import subprocess

from gateway import newsletter, on
from harness import SLOW, check, contains, equal, main, test, wait_for
from hosts import DUAL6, FOUR, PATIENCE, ended
from peers import Program, noise

PREFIX = "64:ff9b::"
TARGET = on(FOUR, PREFIX)
URL = f"http://[{TARGET}]:8080"
SIZE = 10 << 20


def loaded(t):
    net, gw = newsletter(t)
    gw.load(prefix=PREFIX + "/96")
    return net, gw


def web_root(t):
    """A directory with one file; nginx's workers must be able to read it as nobody."""
    root = t.tmp / "www"
    root.mkdir()
    data = noise(SIZE, 1)
    (root / "file").write_bytes(data)
    return root, data


def fetch(t, host, url, *words, wrapper=()):
    out = t.tmp / "fetched"
    host.run(*wrapper, "curl", "-sS", "--fail", "--max-time", PATIENCE, "-o", out, *words, url)
    return out.read_bytes()


@test("programs: curl fetches 10 MiB from python's http.server", needs=("curl",))
def python_server(t):
    net, gw = loaded(t)
    root, want = web_root(t)
    Program(net.four, "/usr/bin/python3", "-m", "http.server", "--bind", FOUR, "--directory", root, 8080, port=8080)
    with gw.counts(CONNECTED=1, CLOSED=1):
        equal(fetch(t, net.six, f"{URL}/file"), want, "the file")


NGINX = """daemon off; worker_processes 1; pid {tmp}/nginx.pid; error_log {tmp}/nginx.err; user nobody nogroup;
events {{ }}
http {{
  access_log off; client_max_body_size 100m;
  client_body_temp_path {tmp}/b; proxy_temp_path {tmp}/p; fastcgi_temp_path {tmp}/f;
  uwsgi_temp_path {tmp}/u; scgi_temp_path {tmp}/s;
  server {{
    listen 192.0.2.2:8080;
    root {root};
    location /who {{ return 200 "$remote_addr\\n"; }}
    location /put/ {{ dav_methods PUT; }}
  }}
}}
"""


def nginx(t, net):
    root, want = web_root(t)
    (root / "put").mkdir(mode=0o777)
    (root / "put").chmod(0o777)
    conf = t.write("nginx.conf", NGINX.format(tmp=t.tmp, root=root))
    Program(net.four, "nginx", "-p", t.tmp, "-c", conf, port=8080)
    return root, want


@test("programs: curl and nginx: a download, ranges, keep-alive, an upload", needs=("curl", "nginx"))
def nginx_server(t):
    net, gw = loaded(t)
    root, want = nginx(t, net)
    equal(net.six.run("curl", "-sS", "--max-time", PATIENCE, f"{URL}/who"), "192.0.2.1\n", "the client as nginx sees it")
    equal(fetch(t, net.six, f"{URL}/file"), want, "the download")
    part = (root / "file").read_bytes()[1000:2000]
    equal(fetch(t, net.six, f"{URL}/file", "-r", "1000-1999"), part, "a range")
    with gw.counts(CONNECTED=1):
        twenty = net.six.run("curl", "-sS", "--max-time", PATIENCE, f"{URL}/who?[1-20]")
        equal(twenty, "192.0.2.1\n" * 20, "twenty requests on one connection")
    net.six.run("curl", "-sS", "--fail", "--max-time", PATIENCE, "-T", root / "file", f"{URL}/put/file")
    equal((root / "put/file").read_bytes(), want, "the upload")


@test("programs: 40 curls at once", needs=("curl", "nginx"))
def parallel_curls(t):
    net, gw = loaded(t)
    root, _ = nginx(t, net)
    small = noise(200_000, 2)
    (root / "small").write_bytes(small)
    with gw.counts(CONNECTED=40):
        clients = [net.six.start("curl", "-sS", "--fail", "--max-time", PATIENCE, f"{URL}/small", stdout=subprocess.PIPE)
                   for _ in range(40)]
        got = [client.communicate(timeout=30 * SLOW)[0] for client in clients]
    for number, data in enumerate(got):
        equal(data, small, f"download {number} of 40")


@test("programs: curl by name, unbound's DNS64 makes the address", needs=("curl", "unbound", "unshare"))
def by_name(t):
    net, gw = loaded(t)
    root, want = web_root(t)
    Program(net.four, "/usr/bin/python3", "-m", "http.server", "--bind", FOUR, "--directory", root, 8080, port=8080)
    # A zone instead of local-data: unbound answers local-data before its modules, DNS64
    # among them, have a say.
    zone = t.write("example.zone", f"@ 60 SOA ns root 1 60 60 60 60\n@ 60 NS ns\nns 60 A {FOUR}\nfour 60 A {FOUR}\n")
    conf = t.write("unbound.conf", f"""server:
  directory: "{t.tmp}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  interface: {DUAL6}
  access-control: 2001:db8:6::/64 allow
  module-config: "dns64 iterator"
  dns64-prefix: 64:ff9b::/96
auth-zone:
  name: "example."
  zonefile: "{zone}"
  for-downstream: no
remote-control:
  control-enable: no
""")
    Program(net.dual, "unbound", "-d", "-c", conf, port=53)
    resolv = t.write("resolv.conf", f"nameserver {DUAL6}\noptions timeout:{min(30, 5 * SLOW):g} attempts:3\n")
    as_six = ["unshare", "-m", "sh", "-c", f'mount --bind {resolv} /etc/resolv.conf && exec "$@"', "sh"]
    address = net.six.run(*as_six, "getent", "ahostsv6", "four.example").split()[0]
    equal(address, TARGET, "the address of four.example in six")
    equal(fetch(t, net.six, "http://four.example:8080/file", wrapper=as_six), want, "the file")


@test("programs: curl by a line of hosts(5), its address printed by map (N4)", needs=("curl", "unshare"))
def by_hosts_file(t):
    net, gw = loaded(t)
    root, want = web_root(t)
    Program(net.four, "/usr/bin/python3", "-m", "http.server", "--bind", FOUR, "--directory", root, 8080, port=8080)
    hosts = t.write("hosts", gw.run("map", FOUR).out.strip() + " four.example\n")
    as_six = ["unshare", "-m", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh"]
    equal(fetch(t, net.six, "http://four.example:8080/file", wrapper=as_six), want, "the file")


@test("programs: ncat to ncat, a file each way", needs=("ncat",))
def ncat(t):
    net, _ = loaded(t)
    data = t.write("data", noise(SIZE, 3))
    received = t.tmp / "received"
    for sender in ("client", "server"):
        read_first = f"exec ncat --send-only -l {FOUR} 2222 < {data}"
        write_first = f"exec ncat --recv-only -l {FOUR} 2222 > {received}"
        server = Program(net.four, "sh", "-c", write_first if sender == "client" else read_first, port=2222)
        client = (f"exec ncat -6 --send-only {TARGET} 2222 < {data}" if sender == "client" else
                  f"exec ncat -6 --recv-only {TARGET} 2222 > {received}")
        net.six.run("sh", "-c", client)
        server.process.wait(10 * SLOW)
        equal(received.read_bytes(), noise(SIZE, 3), f"what the {sender} sent")


@test("programs: socat half closes, the echo comes back whole", needs=("socat",))
def socat(t):
    net, _ = loaded(t)
    # The server answers only at the end of its input: without half close, never.
    Program(net.four, "socat", "-t", PATIENCE, f"TCP4-LISTEN:2222,bind={FOUR},fork,reuseaddr", "SYSTEM:sha256sum", port=2222)
    data = noise(3 << 20, 4)
    path = t.write("data", data)
    said = net.six.run("sh", "-c", f"exec socat -t {PATIENCE} - TCP6:[{TARGET}]:2222 < {path}")
    equal(said.split()[0], hashlib.sha256(data).hexdigest(), "SHA-256 as the server computed it")


@test("programs: ssh runs a command and carries 3 MiB through its stdin and stdout", needs=("ssh", "sshd", "ssh-keygen"))
def ssh(t):
    net, _ = loaded(t)
    for name in ("host", "user"):
        t.tmp.joinpath(name).unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", t.tmp / name], check=True)
    os.makedirs("/run/sshd", exist_ok=True)
    conf = t.write("sshd_config", f"""Port 22
ListenAddress {FOUR}
HostKey {t.tmp}/host
AuthorizedKeysFile {t.tmp}/user.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
""")
    Program(net.four, "/usr/sbin/sshd", "-D", "-e", "-f", conf, port=22)
    key = (t.tmp / "host.pub").read_text().split()
    t.write("known_hosts", f"{TARGET} {key[0]} {key[1]}\n")
    client = ["ssh", "-6", "-F", "none", "-i", t.tmp / "user", "-o", f"UserKnownHostsFile={t.tmp}/known_hosts",
              "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", f"root@{TARGET}"]
    contains(net.six.run(*client, "echo $SSH_CONNECTION"), "192.0.2.1", "SSH_CONNECTION")
    data = noise(3 << 20, 5)
    done = net.six.done(*client, "cat", input=data, seconds=20)
    equal(done.stdout, data, "what cat returned")


@test("programs: iperf3 both ways and at once with four streams", needs=("iperf3",))
def iperf3(t):
    net, gw = loaded(t)
    for words in ([], ["-R"], ["-P", "4"], ["--bidir"]):
        # One server for each: one that goes on is not there for a moment between two clients.
        server, before = Program(net.four, "iperf3", "-s", "-1", "-B", FOUR, port=5201), gw.relay()
        # So much, not so long: a busy machine may move little in a second. It is more than the sockets on the
        # way can hold, for what they hold at the end is not counted as received.
        said = json.loads(net.six.run("iperf3", "-6", "-J", "-n", "16M", "-w", "64K", "-c", TARGET, *words))
        received = said["end"]["sum_received"]["bytes"]
        check(received > 1 << 20, f"iperf3 {' '.join(words)} received only {received} octets")
        ended(server.process)

        def counted(before=before, received=received):
            after = gw.relay()
            return sum(after[way] - before[way] for way in ("bytes_to_server", "bytes_to_client")) >= received

        wait_for(counted, f"the relay to count the {received} octets that iperf3 received")


if __name__ == "__main__":
    main()
