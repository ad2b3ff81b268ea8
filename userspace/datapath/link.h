/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The three ways a program hangs in the kernel. XDP and sk_lookup are BPF links: they
 * live as long as a descriptor or a pin does. At TC we are classic clsact
 * filters (libbpf 1.1 has no TCX): nothing but remove_tc() takes one away, so it is found
 * again by handle, priority and program name.
 */
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <cstdint>
#include <optional>
#include <string>

namespace faith::datapath {

enum class XdpMode { Auto, Native, Generic };
const char *mode_name(XdpMode mode); /* "auto", "native", "generic" */

struct XdpLink {
    sys::UniqueFd link;
    XdpMode mode = XdpMode::Native; /* what it became */
    std::string note;               /* why Auto fell back to Generic; "" if it did not */
};

/* Refuses with Busy, naming it, when somebody else's program is on the interface. */
Result<XdpLink> attach_xdp(int program, std::uint32_t interface_index,
                           const std::string &interface_name, XdpMode wanted);
/* The mode of our program on the interface; nothing when it is not there. */
Result<std::optional<XdpMode>> query_xdp(std::uint32_t interface_index);

/* sk_lookup for the network namespace of the calling thread. */
Result<sys::UniqueFd> attach_sk_lookup(int program);

/* Where a TC program of ours hangs, and which one; all at ingress. */
enum class TcPlace {
    Guard, /* an interface without our XDP */
    Decap, /* an uplink */
    Encap, /* the hidden peer of a tunnel's device */
};

Status attach_tc(int program, std::uint32_t interface_index, TcPlace place);
/* Takes our filter away, and the clsact with it when nothing else hangs there. What is
 * not there is not an error; what is there but not ours is left alone. */
Status remove_tc(std::uint32_t interface_index, TcPlace place);
Result<bool> has_tc(std::uint32_t interface_index, TcPlace place);

/* Name of a loaded program by its id, "" if it is gone. */
std::string program_name(std::uint32_t id);

} // namespace faith::datapath
