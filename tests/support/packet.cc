/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "packet.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace faith::test {

namespace {

constexpr std::uint16_t type_ip4 = 0x0800;
constexpr std::uint16_t type_ip6 = 0x86dd;
constexpr std::uint8_t no_next_header = 59;
constexpr std::uint8_t ip6_in_ip = 41;

std::uint8_t low(std::size_t value) { return static_cast<std::uint8_t>(value & 0xff); }

void put16(Bytes &out, std::size_t at, std::size_t value) {
    out[at] = low(value >> 8);
    out[at + 1] = low(value);
}

void put32(Bytes &out, std::size_t at, std::uint32_t value) {
    put16(out, at, value >> 16);
    put16(out, at + 2, value & 0xffff);
}

void count_up(Bytes &out, std::size_t from) {
    for (std::size_t at = from; at < out.size(); ++at)
        out[at] = low(at - from);
}

/* RFC 1071, over as many pieces as there are. */
class InternetSum {
public:
    void add(const std::uint8_t *data, std::size_t bytes) {
        for (std::size_t at = 0; at < bytes; ++at)
            sum_ += at % 2 == 0 ? static_cast<std::uint64_t>(data[at]) << 8 : data[at];
    }
    void add_word(std::uint64_t value) { sum_ += (value >> 16) + (value & 0xffff); }
    std::uint16_t checksum() const {
        std::uint64_t folded = sum_;
        while (folded >> 16)
            folded = (folded & 0xffff) + (folded >> 16);
        return static_cast<std::uint16_t>(~folded & 0xffff);
    }

private:
    std::uint64_t sum_ = 0;
};

} // namespace

Ip6 address6(std::string_view text) {
    const Result<Ip6> parsed = parse_ip6(text);
    if (!parsed) {
        std::fprintf(stderr, "a test holds a bad address: %.*s\n", static_cast<int>(text.size()),
                     text.data());
        std::abort();
    }
    return *parsed;
}

Packet::Layer &Packet::add(Kind kind, std::uint16_t number, const Bytes &content) {
    layers_.push_back({.kind = kind,
                       .number = number,
                       .offset = bytes_.size(),
                       .checksum_at = {},
                       .next_at = {},
                       .length_at = {},
                       .length_from = 0});
    bytes_.insert(bytes_.end(), content.begin(), content.end());
    return layers_.back();
}

Packet &Packet::eth(const Eth &fields) {
    Bytes header(14);
    for (std::size_t i = 0; i < 6; ++i) {
        header[i] = fields.destination[i];
        header[6 + i] = fields.source[i];
    }
    put16(header, 12, fields.type.value_or(0));
    Layer &layer = add(Kind::Eth, 0, header);
    if (!fields.type)
        layer.next_at = layer.offset + 12;
    return *this;
}

Packet &Packet::vlan(const Vlan &fields) {
    Bytes tag(4);
    put16(tag, 0, fields.id);
    put16(tag, 2, fields.type.value_or(0));
    Layer &layer = add(Kind::Vlan, fields.tag_type, tag);
    if (!fields.type)
        layer.next_at = layer.offset + 2;
    return *this;
}

Packet &Packet::ip4(std::size_t bytes) {
    Bytes header(bytes);
    if (bytes > 0)
        header[0] = 0x45;
    add(Kind::Ip4, type_ip4, header);
    return *this;
}

Packet &Packet::ip4(const Ip4Header &fields) {
    Bytes header(20 + fields.options, 1);
    header[0] = low(static_cast<std::size_t>(fields.version) << 4 |
                    fields.words.value_or(low(header.size() / 4)));
    header[1] = fields.service;
    put16(header, 2, fields.total_length.value_or(0));
    put16(header, 4, fields.identification);
    put16(header, 6, fields.offset_flags);
    header[8] = fields.ttl;
    header[9] = fields.protocol.value_or(0);
    put16(header, 10, fields.checksum.value_or(0));
    put32(header, 12, fields.source.value);
    put32(header, 16, fields.destination.value);
    Layer &layer = add(Kind::Ip4, type_ip4, header);
    if (!fields.protocol)
        layer.next_at = layer.offset + 9;
    if (!fields.total_length)
        layer.length_at = layer.offset + 2;
    layer.length_from = layer.offset;
    if (!fields.checksum)
        layer.header_sum_at = layer.offset + 10;
    return *this;
}

Packet &Packet::ip6(const Ip6Header &fields) {
    Bytes header(40);
    put16(header, 0, static_cast<std::size_t>(fields.version << 12 | fields.traffic_class << 4));
    put16(header, 4, fields.payload_length.value_or(0));
    header[6] = fields.next_header.value_or(0);
    header[7] = fields.hop_limit;
    for (std::size_t i = 0; i < 16; ++i) {
        header[8 + i] = fields.source.bytes[i];
        header[24 + i] = fields.destination.bytes[i];
    }
    Layer &layer = add(Kind::Ip6, type_ip6, header);
    if (!fields.next_header)
        layer.next_at = layer.offset + 6;
    if (!fields.payload_length)
        layer.length_at = layer.offset + 4;
    layer.length_from = layer.offset + 40;
    return *this;
}

Packet &Packet::extension(std::uint8_t number, const Extension &fields, std::uint8_t length) {
    Bytes header(fields.bytes);
    if (!header.empty())
        header[0] = fields.next_header.value_or(0);
    if (header.size() > 1)
        header[1] = fields.length.value_or(length);
    Layer &layer = add(Kind::Extension, number, header);
    if (!fields.next_header && !header.empty())
        layer.next_at = layer.offset;
    return *this;
}

Packet &Packet::hop_by_hop(const Extension &fields) {
    return extension(0, fields, low(fields.bytes / 8 - 1));
}

Packet &Packet::routing(const Extension &fields) {
    return extension(43, fields, low(fields.bytes / 8 - 1));
}

Packet &Packet::destination_options(const Extension &fields) {
    return extension(60, fields, low(fields.bytes / 8 - 1));
}

Packet &Packet::authentication(const Extension &fields) {
    return extension(51, fields, low(fields.bytes / 4 - 2));
}

Packet &Packet::fragment(const Fragment &fields) {
    Bytes header(8);
    header[0] = fields.next_header.value_or(0);
    put16(header, 2,
          static_cast<std::size_t>(fields.offset << 3 | (fields.reserved_bits & 3) << 1 |
                                   (fields.more ? 1 : 0)));
    put32(header, 4, fields.identification);
    Layer &layer = add(Kind::Extension, 44, header);
    if (!fields.next_header)
        layer.next_at = layer.offset;
    return *this;
}

Packet &Packet::tcp(const Tcp &fields) {
    Bytes header(20);
    header.resize(20 + fields.options, 1);
    put16(header, 0, fields.source_port);
    put16(header, 2, fields.destination_port);
    put32(header, 4, fields.sequence);
    put32(header, 8, fields.acknowledgement);
    header[12] = low(fields.data_offset.value_or(low(header.size() / 4)) << 4U);
    header[13] = fields.flags;
    put16(header, 14, fields.window);
    put16(header, 16, fields.checksum.value_or(0));
    Layer &layer = add(Kind::Upper, 6, header);
    if (!fields.checksum)
        layer.checksum_at = layer.offset + 16;
    return *this;
}

Packet &Packet::udp(const Udp &fields) {
    Bytes header(8);
    put16(header, 0, fields.source_port);
    put16(header, 2, fields.destination_port);
    put16(header, 6, fields.checksum.value_or(0));
    Layer &layer = add(Kind::Upper, 17, header);
    layer.length_at = layer.offset + 4;
    layer.length_from = layer.offset;
    if (!fields.checksum)
        layer.checksum_at = layer.offset + 6;
    return *this;
}

Packet &Packet::icmp6(const Icmp6 &fields) {
    Bytes header(8);
    header[0] = fields.type;
    header[1] = fields.code;
    put16(header, 2, fields.checksum.value_or(0));
    put32(header, 4, fields.body);
    Layer &layer = add(Kind::Upper, 58, header);
    if (!fields.checksum)
        layer.checksum_at = layer.offset + 2;
    return *this;
}

Packet &Packet::upper(std::uint8_t number, std::size_t bytes) {
    add(Kind::Upper, number, Bytes(bytes));
    count_up(bytes_, layers_.back().offset);
    return *this;
}

Packet &Packet::raw(const Bytes &bytes) {
    add(Kind::Data, no_next_header, bytes);
    return *this;
}

Packet &Packet::payload(std::size_t bytes) {
    add(Kind::Data, no_next_header, Bytes(bytes));
    count_up(bytes_, layers_.back().offset);
    return *this;
}

Packet &Packet::padding(std::size_t bytes) {
    add(Kind::Padding, 0, Bytes(bytes));
    return *this;
}

void Packet::fill_next(Bytes &out, std::size_t index) const {
    const Layer &layer = layers_[index];
    if (!layer.next_at)
        return;
    const bool last = index + 1 == layers_.size() || layers_[index + 1].kind == Kind::Padding;
    if (layer.kind == Kind::Eth || layer.kind == Kind::Vlan)
        put16(out, *layer.next_at, last ? 0 : layers_[index + 1].number);
    else if (!last && layers_[index + 1].kind == Kind::Ip6)
        out[*layer.next_at] = ip6_in_ip;
    else
        out[*layer.next_at] = last ? no_next_header : low(layers_[index + 1].number);
}

void Packet::fill_checksum(Bytes &out, const Layer &upper) const {
    std::size_t end = out.size();
    const Layer *network = nullptr;
    for (const Layer &layer : layers_) {
        if (layer.kind == Kind::Padding)
            end = layer.offset;
        if (layer.kind == Kind::Ip6 && layer.offset < upper.offset)
            network = &layer;
    }
    if (network == nullptr)
        return;
    InternetSum sum;
    sum.add(&out[network->offset + 8], 32);
    sum.add_word(end - upper.offset);
    sum.add_word(upper.number);
    sum.add(&out[upper.offset], end - upper.offset);
    const std::uint16_t checksum = sum.checksum();
    /* In UDP zero means "none" (RFC 8200 8.1). */
    put16(out, *upper.checksum_at, checksum == 0 && upper.number == 17 ? 0xffff : checksum);
}

void Packet::fill_header_sum(Bytes &out, const Layer &ip4) const {
    InternetSum sum;
    const std::size_t length = (out[ip4.offset] & 15U) * 4;
    sum.add(&out[ip4.offset], std::min(length, out.size() - ip4.offset));
    put16(out, *ip4.header_sum_at, sum.checksum());
}

Bytes Packet::bytes() const {
    Bytes out = bytes_;
    std::size_t end = out.size();
    for (const Layer &layer : layers_)
        if (layer.kind == Kind::Padding && layer.offset < end)
            end = layer.offset;
    for (std::size_t index = 0; index < layers_.size(); ++index) {
        const Layer &layer = layers_[index];
        fill_next(out, index);
        if (layer.length_at && end - layer.length_from <= 0xffff)
            put16(out, *layer.length_at, end - layer.length_from);
    }
    for (const Layer &layer : layers_) {
        if (layer.checksum_at)
            fill_checksum(out, layer);
        if (layer.header_sum_at)
            fill_header_sum(out, layer);
    }
    return out;
}

Bytes cut(const Bytes &packet, std::size_t length) {
    return Bytes(packet.begin(),
                 packet.begin() + static_cast<std::ptrdiff_t>(std::min(length, packet.size())));
}

std::string hex(const Bytes &bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

} // namespace faith::test
