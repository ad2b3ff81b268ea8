/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What comes from a network to the slow path: fragments, ICMPv4 errors and what they quote. The
 * input is packets, each behind two bytes with its length. */
#include "slowpath/icmp4.h"
#include "slowpath/icmp6.h"
#include "slowpath/reassembly.h"
#include "tests/fuzz/fuzz.h"

using namespace faith;
using namespace faith::slowpath;
using fuzz::promise;

namespace {

constexpr std::size_t most_bytes = 20'000;

void check_whole(const Packet &packet) {
    const auto header = read_header4(packet);
    promise(header.has_value(), "what comes out is a packet");
    promise(header->total == packet.size(), "of the length it says");
    promise(header->offset == 0 && !header->more, "and no fragment");
    promise(checksum(Bytes(packet).first(header->length)) == 0, "with the right checksum");
}

void check_inner(Bytes packet) {
    for (const Problem problem : {Problem::Unreachable, Problem::TooBig}) {
        const auto error = icmp6_error(packet, problem, 1280);
        promise(error.size() <= 1240, "an error fits the least MTU");
        if (may_be_told(packet, problem))
            promise(read_header6(packet).has_value(), "who is told is known");
    }
}

void check_error(Bytes packet) {
    const auto error = read_icmp4_error(packet);
    if (!error)
        return;
    promise(error->inner.size() <= error->quoted.total, "no more is quoted than there was");
    if (const auto mtu = path_mtu(*error))
        promise(*mtu >= 68 && *mtu < error->quoted.total, "a path MTU is below the packet");
    check_inner(error->inner);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    Reassembly reassembly({.bytes = most_bytes, .longest = Millis(1000)});
    Millis now{0};
    Bytes rest(data, size);
    while (rest.size() >= 2) {
        const std::size_t length = std::min<std::size_t>(read_be16(rest, 0), rest.size() - 2);
        const Bytes packet = rest.subspan(2, length);
        rest = rest.subspan(2 + length);
        check_error(packet);
        check_inner(packet);
        now += Millis(100);
        if (const auto whole = reassembly.add(1, packet, now))
            check_whole(*whole);
        promise(reassembly.bytes() <= most_bytes, "memory is bounded");
    }
    return 0;
}
