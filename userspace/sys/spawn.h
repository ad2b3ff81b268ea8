/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Other programs on a connection, as inetd runs them: the socket is their standard input,
 * output and error, the directory is /, no other descriptor is open, no signal is blocked.
 */
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <optional>
#include <string>
#include <vector>

namespace faith::sys {

struct Program {
    std::string path;
    std::vector<std::string> argv;        /* argv[0] first */
    std::vector<std::string> environment; /* "NAME=value"; nothing is inherited */
    int descriptors = 0;                  /* its soft limit; 0: ours */
};

/* Whether it can be executed by root. The text is "PATH: why not". */
Status executable(const std::string &path);
/* Whether it is the program that runs here. */
bool is_ourselves(const std::string &path);

/* A running child. Its handle becomes readable at its end, and then reap() has to be called;
 * dropping a Child lets it go on. */
struct Child {
    int pid = 0;
    UniqueFd handle;
};

/* Starts it in a session of its own. Returns when it has begun, or why it has not. The
 * connection stays the caller's, and is blocking afterwards. */
Result<Child> spawn_on(int connection, const Program &program);

/* For one that cannot be watched: SIGKILL, and nothing of it is left. */
void end_child(const Child &child);

struct Ended {
    int status = 0; /* of exit() */
    int signal = 0; /* that ended it, or 0 */
};
/* Nothing while it runs. */
std::optional<Ended> reap(const Child &child);
std::string to_string(const Ended &ended); /* "exit status 1", "signal 9 (Killed)" */

/* Becomes that program, in this process. Returns only to say why not. */
Error become_on(int connection, const Program &program);

} // namespace faith::sys
