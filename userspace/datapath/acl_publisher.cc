/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/acl_publisher.h"

#include <bpf/libbpf.h>
#include <sys/mman.h>

#include <cstring>

namespace faith::datapath {

namespace {

constexpr std::uint32_t only_entry = 0;

Result<sys::UniqueFd> make_table(std::span<const fgw_acl_block> blocks) {
    bpf_map_create_opts options{};
    options.sz = sizeof options;
    options.map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE; /* as bpf/lib/maps.h says */
    sys::UniqueFd table(bpf_map_create(BPF_MAP_TYPE_ARRAY, "fgw_acl_table", sizeof(std::uint32_t),
                                       sizeof(fgw_acl_block),
                                       static_cast<std::uint32_t>(blocks.size()), &options));
    if (!table)
        return system_error(errno, "make a table of " + std::to_string(blocks.size_bytes()) +
                                       " bytes for the rules");
    void *memory =
        ::mmap(nullptr, blocks.size_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, table.get(), 0);
    if (memory == MAP_FAILED)
        return system_error(errno, "write the table of the rules");
    std::memcpy(memory, blocks.data(), blocks.size_bytes());
    ::munmap(memory, blocks.size_bytes());
    return table;
}

/* Returns when every run that began before has ended. */
Status write_outer(int outer, std::uint32_t slot, int table) {
    if (bpf_map_update_elem(outer, &slot, &table, BPF_ANY) != 0)
        return system_error(errno, "hand over the table of the rules");
    return Ok{};
}

} // namespace

Result<std::uint32_t> AclPublisher::generation() const {
    TRY_ASSIGN(const std::optional<std::uint32_t> word, maps_.acl_generation.find(only_entry));
    return word.value_or(0);
}

Status AclPublisher::prepare(const AclUpdate &update) {
    TRY(maps_.hits.clear(update.fresh));
    TRY(maps_.acl.put_all(update.slots, update.rules));
    TRY_ASSIGN(table_, make_table(update.blocks));
    return write_outer(maps_.acl_tables, update.generation & 1, table_.get());
}

Status AclPublisher::commit(const AclUpdate &update) {
    /* COMMIT: the next run of any program reads the new rules. */
    TRY(maps_.acl_generation.put(only_entry, update.generation));
    if (grace_ == Grace::Skip)
        return Ok{};
    TRY(write_outer(maps_.acl_tables, update.generation & 1, table_.get()));
    table_.reset(); /* the outer map keeps it */
    /* Nobody is left in the old generation: what only it used can go. */
    const std::uint32_t idle = ~update.generation & 1;
    static_cast<void>(bpf_map_delete_elem(maps_.acl_tables, &idle)); /* there may be none yet */
    return maps_.acl.erase_all(update.gone);
}

} // namespace faith::datapath
