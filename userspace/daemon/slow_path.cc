/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/slow_path.h"

#include "base/log.h"
#include "datapath/second_look.h"
#include "faith/abi.h"
#include "sys/packet_socket.h"

#include <cstring>

namespace faith::daemon {

namespace {

/* Then the loop looks whether somebody else wants something. */
constexpr int packets_at_once = 256;
constexpr sys::Millis cleaning_interval{1000};
constexpr std::uint8_t protocol_icmp = 1;

} // namespace

Result<std::unique_ptr<SlowPath>> SlowPath::start(sys::EventLoop &loop, Kernel kernel) {
    std::unique_ptr<SlowPath> made(new SlowPath(loop, kernel));
    TRY(made->open());
    return made;
}

Status SlowPath::open() {
    TRY_ASSIGN(sender_, sys::open_frame_sender());
    TRY_ASSIGN(TunnelErrors errors, TunnelErrors::open(kernel_.path_mtus));
    errors_.emplace(std::move(errors));
    TRY_ASSIGN(datapath::Ring ring,
               datapath::Ring::open(
                   {.map = kernel_.ring, .name = "the slow path", .at_once = packets_at_once},
                   [this](std::span<const std::uint8_t> record) { on_record(record); }));
    ring_.emplace(std::move(ring));
    TRY_ASSIGN(watch_, loop_.watch(ring_->fd(), sys::Interest{.read = true}, [this](sys::Ready) {
        if (Status read = ring_->consume(); !read)
            log::warning(read.error().text);
    }));
    return Ok{};
}

ReasonCounts SlowPath::reasons() const {
    ReasonCounts counts = errors_->counts();
    counts[FGW_STF_FRAGMENT_LATE] = reassembly_.counts().late;
    counts[FGW_STF_FRAGMENT_BAD] = reassembly_.counts().bad;
    counts[FGW_STF_FRAGMENT_FULL] = reassembly_.counts().full;
    counts[FGW_STF_FRAGMENT_LOST] = not_sent_;
    return counts;
}

void SlowPath::on_record(std::span<const std::uint8_t> record) {
    fgw_slow_packet head{};
    if (record.size() < sizeof head)
        return;
    std::memcpy(&head, record.data(), sizeof head);
    record = record.subspan(sizeof head);
    if (head.length > record.size() || head.length == 0)
        return;
    const slowpath::Bytes packet = record.first(head.length);
    const auto header = slowpath::read_header4(packet);
    if (head.mtu != 0)
        errors_->on_too_long(packet, head.mtu, loop_.now());
    else if (header && header->protocol == protocol_icmp)
        errors_->on_icmp4(head.ifindex, packet, loop_.now());
    else
        on_fragment(head.ifindex, packet);
}

void SlowPath::on_fragment(std::uint32_t interface_index, std::span<const std::uint8_t> fragment) {
    if (const auto whole = reassembly_.add(interface_index, fragment, loop_.now()))
        bring_in(interface_index, *whole);
    clean_later();
}

void SlowPath::bring_in(std::uint32_t interface_index, std::span<const std::uint8_t> packet) {
    const Result<std::optional<datapath::TakenOut>> out =
        datapath::second_look(kernel_.xdp_program, interface_index, packet);
    if (out && !*out)
        return; // refused; the program has counted why
    Status sent =
        out ? sys::send_frame(sender_.get(), (*out)->peer, (*out)->frame) : Status(out.error());
    if (sent)
        return;
    ++not_sent_;
    log::debug("a packet put together is lost: " + sent.error().text);
}

/* Packets that never become whole go without further news, too. */
void SlowPath::clean_later() {
    if (cleaning_ || reassembly_.empty())
        return;
    cleaning_ = loop_.after(cleaning_interval, [this] {
        reassembly_.give_up_late(loop_.now());
        clean_later();
    });
}

} // namespace faith::daemon
