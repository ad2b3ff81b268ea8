/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The connection itself is in tests/netns/inetd_test.py. */
#include "daemon/inetd.h"

#include <catch2/catch.hpp>

using namespace faith;
using daemon::inetd_local;
using Words = std::vector<std::string>;

TEST_CASE("inetd: a path in inetd.conf is the local daemon, and its argv[0] (D60)") {
    const config::Local local = inetd_local(Words{"/usr/sbin/sshd", "-i"});
    CHECK(local.path == "/usr/sbin/sshd");
    CHECK(local.argv == Words{"/usr/sbin/sshd", "-i"});
}

TEST_CASE("inetd: a name is looked for in libexec, then in sbin (D60)") {
    CHECK(inetd_local(Words{"nosuchd", "-l", "-a"}).path == "/usr/libexec/nosuchd");
    CHECK(inetd_local(Words{"nosuchd", "-l", "-a"}).argv ==
          Words{"/usr/libexec/nosuchd", "-l", "-a"});
    /* adduser and the like: in every Debian, and in no libexec. */
    CHECK(inetd_local(Words{"useradd"}).path == "/usr/sbin/useradd");
}

TEST_CASE("inetd: without a word there is no local daemon") { CHECK(inetd_local({}).path.empty()); }
