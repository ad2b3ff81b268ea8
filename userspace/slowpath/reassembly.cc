/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "slowpath/reassembly.h"

namespace faith::slowpath {

namespace {

constexpr std::size_t longest_packet = 65535;
constexpr std::size_t offset_unit = 8;
/* What a fragment costs beside its bytes, generously: nobody gets memory for nothing. */
constexpr std::size_t overhead = 256;

constexpr std::uint8_t mark_bits = 3, marked = 3; /* RFC 3168 5: two bits, CE is both */

enum class Fit { New, Duplicate, Bad };

/* Where a piece lies among those that are there. */
Fit fit(const std::map<std::size_t, Packet> &pieces, std::size_t offset, std::size_t length) {
    const auto next = pieces.lower_bound(offset);
    if (next != pieces.end() && next->first == offset && next->second.size() == length)
        return Fit::Duplicate;
    if (next != pieces.end() && next->first < offset + length)
        return Fit::Bad;
    if (next == pieces.begin())
        return Fit::New;
    const auto before = std::prev(next);
    return before->first + before->second.size() <= offset ? Fit::New : Fit::Bad;
}

/* Whether a piece agrees with where the packet ends, as far as anybody has said. */
bool agrees(const std::map<std::size_t, Packet> &pieces, std::optional<std::size_t> length,
            std::size_t end, bool more) {
    if (length)
        return more ? end <= *length : end == *length;
    if (more || pieces.empty())
        return true;
    const auto &[offset, last] = *pieces.rbegin();
    return offset + last.size() <= end;
}

/* One mark for the whole (RFC 3168 5.3). Nothing: a sender marks all of a packet's fragments
 * as able or none, so these are not of one packet. */
std::optional<std::uint8_t> joined_mark(std::uint8_t marks, std::uint8_t first) {
    constexpr std::uint8_t not_able = 1;
    if ((marks & not_able) != 0 && marks != not_able)
        return std::nullopt;
    return (marks & 1U << marked) != 0 ? marked : first;
}

} // namespace

std::optional<Packet> Reassembly::add(std::uint32_t interface_index, Bytes fragment, Millis now) {
    give_up_late(now);
    const std::optional<Header4> header = read_header4(fragment);
    if (!header || header->total > fragment.size())
        return std::nullopt; // the program in the kernel lets none of these through
    const Place place = find_or_begin({.interface_index = interface_index,
                                       .source = header->source,
                                       .destination = header->destination,
                                       .identification = header->identification,
                                       .protocol = header->protocol},
                                      now);
    Unfinished &packet = place->second;
    const std::size_t length = header->total - header->length;
    const std::size_t end = header->offset + length;
    const Fit fits = fit(packet.pieces, header->offset, length);
    if (length == 0 || (header->more && length % offset_unit != 0) ||
        end + header->length > longest_packet || fits == Fit::Bad ||
        !agrees(packet.pieces, packet.length, end, header->more)) {
        forget_bad(place);
        return std::nullopt;
    }
    if (fits == Fit::Duplicate)
        return std::nullopt;

    const Bytes piece = fragment.subspan(header->length, length);
    packet.pieces.emplace(header->offset, Packet(piece.begin(), piece.end()));
    packet.held += length;
    packet.cost += length + overhead;
    bytes_ += length + overhead;
    packet.marks |= static_cast<std::uint8_t>(1U << (header->service & mark_bits));
    if (header->offset == 0)
        packet.header.assign(fragment.begin(),
                             fragment.begin() + static_cast<std::ptrdiff_t>(header->length));
    if (!header->more)
        packet.length = end;
    if (packet.header.empty() || packet.length != packet.held) {
        while (bytes_ > limits_.bytes) { // perhaps this one
            ++counts_.full;
            forget(packets_.find(order_.front()));
        }
        return std::nullopt;
    }

    Packet whole = packet.header;
    const std::uint8_t service = whole[1];
    const std::optional<std::uint8_t> mark = joined_mark(packet.marks, service & mark_bits);
    if (!mark || whole.size() + packet.held > longest_packet) {
        forget_bad(place);
        return std::nullopt;
    }
    for (const auto &[offset, bytes] : packet.pieces)
        whole.insert(whole.end(), bytes.begin(), bytes.end());
    forget(place);
    write_whole4(whole, static_cast<std::uint8_t>((service & ~mark_bits) | *mark));
    return whole;
}

void Reassembly::give_up_late(Millis now) {
    while (!order_.empty()) {
        const Place oldest = packets_.find(order_.front());
        if (oldest->second.since + limits_.longest > now)
            return;
        ++counts_.late;
        forget(oldest);
    }
}

Reassembly::Place Reassembly::find_or_begin(const Key &key, Millis now) {
    const auto [place, is_new] = packets_.try_emplace(key);
    if (is_new) {
        place->second.since = now;
        place->second.place = order_.insert(order_.end(), key);
    }
    return place;
}

void Reassembly::forget(Place place) {
    bytes_ -= place->second.cost;
    order_.erase(place->second.place);
    packets_.erase(place);
}

void Reassembly::forget_bad(Place place) {
    ++counts_.bad;
    forget(place);
}

} // namespace faith::slowpath
