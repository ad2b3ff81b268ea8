/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/link.h"

#include "datapath/object.h"
#include "datapath/occupants.h"
#include "faith/names.h"
#include "sys/rtnl.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>

#include <cerrno>

namespace faith::datapath {

namespace {

Result<sys::UniqueFd> link_xdp(int program, std::uint32_t interface_index, std::uint32_t flags) {
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
    sys::UniqueFd link(
        bpf_link_create(program, static_cast<int>(interface_index), BPF_XDP, &options));
    if (!link)
        return system_error(errno, "attach XDP");
    return link;
}

/* Native may be refused for what the driver or the MTU cannot do; then generic serves.
 * Anything else (busy, gone, not permitted) would fail there just the same. */
bool driver_refuses(const Error &error) {
    return error.sys_errno == EOPNOTSUPP || error.sys_errno == EINVAL ||
           error.sys_errno == ERANGE || error.sys_errno == E2BIG || error.sys_errno == ENOMEM;
}

struct bpf_tc_hook clsact_of(std::uint32_t interface_index) {
    struct bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = static_cast<int>(interface_index);
    hook.attach_point = BPF_TC_INGRESS;
    return hook;
}

struct TcIdentity {
    const char *program;
    std::uint32_t priority;
};

TcIdentity identity_of(TcPlace place) {
    switch (place) {
    case TcPlace::Guard:
        return {.program = FGW_PROG_TC, .priority = FGW_TC_PRIORITY};
    case TcPlace::Decap:
        return {.program = FGW_PROG_DECAP, .priority = FGW_TC_STF_PRIORITY};
    case TcPlace::Encap:
        break;
    }
    return {.program = FGW_PROG_ENCAP, .priority = FGW_TC_STF_PRIORITY};
}

Error tc_error(int number, const char *doing, const LibbpfWords &said) {
    Error error = system_error(number, doing);
    if (const std::string last = said.last(); !last.empty())
        error.text += "; " + last;
    return error;
}

} // namespace

const char *mode_name(XdpMode mode) {
    switch (mode) {
    case XdpMode::Auto:
        return "auto";
    case XdpMode::Native:
        return "native";
    case XdpMode::Generic:
        return "generic";
    }
    return "?";
}

std::string program_name(std::uint32_t id) {
    const sys::UniqueFd program(bpf_prog_get_fd_by_id(id));
    if (!program)
        return {};
    bpf_prog_info info{};
    std::uint32_t length = sizeof info;
    if (bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0)
        return {};
    return info.name;
}

Result<XdpLink> attach_xdp(int program, std::uint32_t interface_index,
                           const std::string &interface_name, XdpMode wanted) {
    TRY_ASSIGN(const XdpOccupant occupant, find_occupant(interface_index));
    if (occupant.id != 0)
        return Error{.kind = Errc::Busy,
                     .sys_errno = EBUSY,
                     .text = interface_name + " already runs the XDP program '" + occupant.name +
                             "' (id " + std::to_string(occupant.id) +
                             "); faith-gw does not replace it. Detach it first (ip link set dev " +
                             interface_name + " xdp off), or load another interface"};

    std::string note;
    if (wanted != XdpMode::Generic) {
        Result<sys::UniqueFd> link = link_xdp(program, interface_index, XDP_FLAGS_DRV_MODE);
        if (link)
            return XdpLink{.link = *std::move(link), .mode = XdpMode::Native, .note = {}};
        if (wanted == XdpMode::Native || !driver_refuses(link.error()))
            return std::move(link).error().wrap("native mode on " + interface_name);
        note = "native XDP refused by " + interface_name + " (" + link.error().text + ")";
    }
    Result<sys::UniqueFd> link = link_xdp(program, interface_index, XDP_FLAGS_SKB_MODE);
    if (!link)
        return std::move(link).error().wrap("generic mode on " + interface_name);
    return XdpLink{.link = *std::move(link), .mode = XdpMode::Generic, .note = std::move(note)};
}

Result<std::optional<XdpMode>> query_xdp(std::uint32_t interface_index) {
    TRY_ASSIGN(const XdpOccupant occupant, find_occupant(interface_index));
    if (occupant.name != FGW_PROG_XDP)
        return std::optional<XdpMode>();
    return std::optional<XdpMode>(occupant.mode);
}

Result<sys::UniqueFd> attach_sk_lookup(int program) {
    const sys::UniqueFd netns(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!netns)
        return system_error(errno, "open the network namespace");
    sys::UniqueFd link(bpf_link_create(program, netns.get(), BPF_SK_LOOKUP, nullptr));
    if (!link)
        return system_error(errno, "attach sk_lookup to the network namespace");
    return link;
}

Status attach_tc(int program, std::uint32_t interface_index, TcPlace place) {
    const LibbpfWords said;
    struct bpf_tc_hook hook = clsact_of(interface_index);
    if (const int failed = bpf_tc_hook_create(&hook); failed != 0 && failed != -EEXIST)
        return tc_error(-failed, "add clsact", said);
    LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .handle = FGW_TC_HANDLE,
                .priority = identity_of(place).priority);
    if (const int failed = bpf_tc_attach(&hook, &options); failed != 0)
        return tc_error(-failed, "attach the TC program", said);
    return Ok{};
}

Result<bool> has_tc(std::uint32_t interface_index, TcPlace place) {
    const LibbpfWords said;
    TRY_ASSIGN(const bool clsact, sys::has_clsact(interface_index));
    if (!clsact)
        return false;
    const struct bpf_tc_hook hook = clsact_of(interface_index);
    const TcIdentity identity = identity_of(place);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = FGW_TC_HANDLE, .priority = identity.priority);
    const int failed = bpf_tc_query(&hook, &options);
    if (failed == -ENOENT || failed == -EINVAL || failed == -ENODEV)
        return false;
    if (failed != 0)
        return tc_error(-failed, "ask for the TC program", said);
    return program_name(options.prog_id) == identity.program;
}

Status remove_tc(std::uint32_t interface_index, TcPlace place) {
    TRY_ASSIGN(const bool ours, has_tc(interface_index, place));
    if (!ours)
        return Ok{};
    const LibbpfWords said;
    const struct bpf_tc_hook hook = clsact_of(interface_index);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = FGW_TC_HANDLE,
                .priority = identity_of(place).priority);
    if (const int failed = bpf_tc_detach(&hook, &options); failed != 0 && failed != -ENOENT)
        return tc_error(-failed, "remove the TC program", said);
    TRY_ASSIGN(const std::size_t others, sys::count_clsact_filters(interface_index));
    return others == 0 ? sys::remove_clsact(interface_index) : Status(Ok{});
}

} // namespace faith::datapath
