/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A network namespace for one test. /sys stays the old one's: tests that need bpffs or
 * sysfs of the namespace want more than this.
 */
#pragma once

#include "sys/fd.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sched.h>

#include <cstdio>
#include <string>

namespace faith {

/* This thread and its children live in a fresh namespace, lo up, until the scope ends. */
class FreshNetns {
public:
    FreshNetns() : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
        REQUIRE(before_);
        REQUIRE(::unshare(CLONE_NEWNET) == 0);
        run("ip link set lo up");
    }
    ~FreshNetns() { ::setns(before_.get(), CLONE_NEWNET); }

    /* Runs a shell command that must succeed; returns what it printed. */
    static std::string run(const std::string &command) {
        FILE *pipe = ::popen((command + " 2>&1").c_str(), "re");
        REQUIRE(pipe != nullptr);
        std::string output;
        char chunk[4096];
        while (const std::size_t bytes = std::fread(chunk, 1, sizeof(chunk), pipe))
            output.append(chunk, bytes);
        const int exit_code = ::pclose(pipe);
        INFO(command << "\n" << output);
        REQUIRE(exit_code == 0);
        return output;
    }

private:
    sys::UniqueFd before_;
};

} // namespace faith
