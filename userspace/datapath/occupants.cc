/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/occupants.h"

#include "sys/fd.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>

namespace faith::datapath {

Result<XdpOccupant> find_occupant(std::uint32_t interface_index) {
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    const int failed = bpf_xdp_query(static_cast<int>(interface_index), 0, &query);
    if (failed != 0)
        return system_error(-failed, "ask for the XDP program");
    XdpOccupant occupant;
    if (query.drv_prog_id != 0 || query.hw_prog_id != 0)
        occupant.id = query.drv_prog_id != 0 ? query.drv_prog_id : query.hw_prog_id;
    else if (query.skb_prog_id != 0)
        occupant = {.id = query.skb_prog_id, .mode = XdpMode::Generic, .name = {}};
    else
        occupant.id = query.prog_id;
    if (occupant.id != 0)
        occupant.name = program_name(occupant.id);
    return occupant;
}

Result<std::vector<std::string>> sk_lookup_programs(std::uint64_t netns_inode) {
    std::vector<std::string> names;
    std::uint32_t id = 0;
    while (bpf_link_get_next_id(id, &id) == 0) {
        const sys::UniqueFd link(bpf_link_get_fd_by_id(id));
        bpf_link_info info{};
        std::uint32_t length = sizeof info;
        if (!link || bpf_obj_get_info_by_fd(link.get(), &info, &length) != 0)
            continue; // gone meanwhile
        if (info.type == BPF_LINK_TYPE_NETNS && info.netns.attach_type == BPF_SK_LOOKUP &&
            info.netns.netns_ino == static_cast<std::uint32_t>(netns_inode))
            names.push_back(program_name(info.prog_id));
    }
    if (errno != ENOENT)
        return system_error(errno, "list BPF links");
    return names;
}

} // namespace faith::datapath
