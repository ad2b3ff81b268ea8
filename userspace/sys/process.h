/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a daemon asks of its own process. */
#pragma once

#include "base/result.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <sys/types.h>

#include <initializer_list>
#include <optional>
#include <string>

namespace faith::sys {

/* Blocks these signals in this thread and all it starts, and delivers them here.
 * SIGPIPE is ignored with it. */
Result<UniqueFd> signal_descriptor(std::initializer_list<int> signals);
/* The next signal of such a descriptor, 0 if there is none. */
int next_signal(int descriptor);

/* Raises the soft limit to the hard one. */
struct DescriptorLimit {
    int most = 0;     /* descriptors are numbered below this */
    int before = 0;   /* the soft limit that was; for programs that close all they may have */
    std::string note; /* says so when that is few for a gateway */
};
DescriptorLimit raise_descriptor_limit();

/* Nothing, or 0, when there is no such process or it may not be looked at. */
std::optional<ino_t> mount_namespace_of(int pid);
int parent_of(int pid);

/* Both wait at most so long, then fail with Busy. */
Status end_process(int pid, Millis longest); /* SIGKILL */
Status wait_for_exit(int pid, Millis longest);

/* Becomes a session of its own in a child. In the parent: the report, which the child
 * sends with Starter::report. */
class Starter {
public:
    /* nullopt in the child. */
    struct Outcome {
        bool in_child = false;
        std::string report; /* parent: what the child said; "" when it died silently */
    };
    Result<Outcome> fork_away();
    /* Child: hands the text to the parent, which returns from fork_away, and lets go of
     * the terminal. */
    void report(const std::string &text);
    /* Parent of a child that failed: until it is gone, and nothing of it left. */
    void wait_for_child() const;

private:
    UniqueFd to_parent_;
    int child_ = 0;
};

} // namespace faith::sys
