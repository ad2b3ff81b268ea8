/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pin directory of one network namespace:
 *
 *   /sys/fs/bpf/faith-gw/<netns inode>/abi<N>/{maps,progs,links}
 *
 * Everything is pinned into an aside directory beside it, and one rename publishes it.
 * The caller holds the instance lock (daemon/instance.h). A pin name has no dot, so
 * links are named by ifindex (bpffs refuses dots).
 */
#pragma once

#include "base/result.h"
#include "datapath/object.h"
#include "sys/fd.h"

#include <cstdint>
#include <string>
#include <vector>

namespace faith::datapath {

class Pins {
public:
    explicit Pins(std::uint64_t netns_inode);

    /* Mounts a BPF file system on /sys/fs/bpf if none is there, as ip(8) and bpftool(8)
     * do. In a private mount namespace, where `ip netns exec` puts every command, the one
     * outside is used: pins must outlive the last process in here. Call it before making
     * a Pins. */
    static Status ensure_bpffs();

    Status pin_aside(const Object &object);
    Status pin_link_aside(int link, const std::string &name);
    Status commit();                                    /* aside -> abi<N> */
    Status pin_link(int link, const std::string &name); /* after commit */
    Status unpin_link(const std::string &name);
    /* Every pin of this namespace, aside directories and other ABIs included. */
    Status remove_all();

    bool exists() const;
    std::vector<std::string> link_names() const;
    std::string path(const char *kind, const std::string &name) const; /* kind: "maps", ... */
    const std::string &directory() const { return published_; }

    static std::string xdp_link_name(std::uint32_t interface_index);

private:
    Status make_base() const;

    std::string root_;      /* /sys/fs/bpf/faith-gw */
    std::string base_;      /* .../<netns inode> */
    std::string published_; /* .../<netns inode>/abi<N> */
    std::string aside_;     /* .../<netns inode>/new_<pid> */
};

/* Descriptors from pins, for a command that finds no daemon to ask. */
struct PinnedMaps {
    Maps maps;
    std::vector<sys::UniqueFd> owners;
};
/* NotLoaded when nothing is pinned, AbiMismatch when another build pinned it. */
Result<PinnedMaps> open_pinned_maps(const Pins &pins);

} // namespace faith::datapath
