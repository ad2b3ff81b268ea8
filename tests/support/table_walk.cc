/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/support/table_walk.h"

#include "lib/acl_walk.h"

namespace faith::test {

namespace {

std::uint64_t word_of(const std::uint8_t *bytes) {
    std::uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word = word << 8 | bytes[i];
    return word;
}

} // namespace

std::uint32_t walk(const acl::Tables &tables, const acl::Packet &packet) {
    const acl_key key = {
        .source = {word_of(packet.source.bytes.data()), word_of(packet.source.bytes.data() + 8)},
        .target_port = std::uint64_t{packet.target.value} << 32 | std::uint64_t{packet.port} << 16,
    };
    return acl_walk(&tables, &key);
}

} // namespace faith::test

static const fgw_acl_block *acl_block(const void *table, __u32 index) {
    const auto &blocks = static_cast<const faith::acl::Tables *>(table)->blocks;
    return index < blocks.size() ? &blocks[index] : nullptr;
}
