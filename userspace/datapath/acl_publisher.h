/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A new generation of rules, put in force under running programs (bpf/lib/acl.h reads).
 *
 *  1. A run of a program reads the generation once and walks the one table of slot
 *     `generation & 1`.
 *  2. The idle slot is not written while a run may still be on its way to it.
 *  3. Before COMMIT nothing that a packet can see has changed; after it, nothing that
 *     matters can fail.
 *  4. A slot of fgw_acl and fgw_hits that a generation uses means the same rule until no
 *     run of that generation is left.
 *
 *   prepare   new rules into their slots (4) -> table made, filled -> outer[idle] = table
 *   commit    generation + 1                            one word: COMMIT
 *             outer[live] = its own table once more     the grace step, which makes (2) true
 *             rules that went, the old table            removed
 *
 * The grace step looks as if it could go: it writes what is already there. But writing the
 * word waits for nobody, while the kernel returns from a write to a map of maps only when
 * every program that ran before it has ended. Without it the next prepare() can put its
 * table into the slot that a slow run of the generation before is about to read
 * (tests/bpf/acl_publisher_test.cc shows it happen).
 */
#pragma once

#include "base/result.h"
#include "datapath/object.h"
#include "sys/fd.h"

#include <cstdint>
#include <span>
#include <vector>

namespace faith::datapath {

/* The rules of a generation as the kernel wants them, and how they differ from those in
 * force. Slots are those of acl::Image. */
struct AclUpdate {
    std::uint32_t generation = 0;          /* one more than the one in force */
    std::span<const fgw_acl_block> blocks; /* acl::Tables; its head says the generation, too */
    std::vector<std::uint32_t> slots;      /* of the rules that come, or stand elsewhere now */
    std::vector<fgw_rule> rules;           /* by the same index */
    std::vector<std::uint32_t> fresh;      /* slots of rules that come: their hits begin at 0 */
    std::vector<std::uint32_t> gone;       /* slots of rules that go */
};

class AclPublisher {
public:
    /* Production waits; the test that shows why does not. */
    enum class Grace { Wait, Skip };

    explicit AclPublisher(const Maps &maps, Grace grace = Grace::Wait)
        : maps_(maps), grace_(grace) {}

    Result<std::uint32_t> generation() const; /* in force; 0: none yet */
    /* All that can fail. Calling it again before commit() replaces what was prepared. */
    Status prepare(const AclUpdate &update);
    Status commit(const AclUpdate &update);

private:
    Maps maps_;
    Grace grace_;
    sys::UniqueFd table_; /* prepared */
};

} // namespace faith::datapath
