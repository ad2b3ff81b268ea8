/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What differs between two packets, in the words of the protocols. */
#include "packet.h"

#include <algorithm>
#include <cstdio>
#include <initializer_list>

namespace faith::test {

namespace {

struct Field {
    std::string name;
    std::size_t offset;
    std::size_t bytes;
};

std::size_t number_at(const Bytes &packet, std::size_t offset, std::size_t bytes) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < bytes && offset + i < packet.size(); ++i)
        value = value << 8 | packet[offset + i];
    return value;
}

/* Names for the bytes of a packet, from the front to the first thing not understood. */
class Names {
public:
    explicit Names(const Bytes &packet) : packet_(packet) { frame(); }
    const std::vector<Field> &fields() const { return fields_; }

private:
    void name(const std::string &header, std::initializer_list<std::pair<const char *, int>> list) {
        for (const auto &[field, bytes] : list) {
            const std::size_t length = static_cast<std::size_t>(bytes);
            fields_.push_back({header + "." + field, at_, length});
            at_ += length;
        }
    }

    void frame() {
        name("eth", {{"destination", 6}, {"source", 6}, {"type", 2}});
        std::size_t type = number_at(packet_, at_ - 2, 2);
        for (; type == 0x8100 || type == 0x88a8; type = number_at(packet_, at_ - 2, 2))
            name("vlan", {{"id", 2}, {"type", 2}});
        if (type == 0x0800)
            internet4();
        else if (type == 0x86dd)
            internet();
    }

    void internet4() {
        const std::size_t words = number_at(packet_, at_, 1) & 15;
        name("ip4", {{"version_words", 1},
                     {"service", 1},
                     {"total_length", 2},
                     {"identification", 2},
                     {"offset_flags", 2},
                     {"ttl", 1},
                     {"protocol", 1},
                     {"checksum", 2},
                     {"source", 4},
                     {"destination", 4}});
        if (words > 5)
            name("ip4", {{"options", static_cast<int>(words) * 4 - 20}});
        if (number_at(packet_, at_ - (words > 5 ? words * 4 : 20) + 9, 1) == 41)
            internet();
    }

    void internet() {
        const std::size_t start = at_;
        name("ip6", {{"version_class_flow", 4},
                     {"payload_length", 2},
                     {"next_header", 1},
                     {"hop_limit", 1},
                     {"source", 16},
                     {"destination", 16}});
        std::size_t next = number_at(packet_, start + 6, 1);
        while (at_ < packet_.size() &&
               (next == 0 || next == 43 || next == 44 || next == 51 || next == 60))
            next = extension(next);
        if (next == 6)
            name("tcp", {{"source_port", 2},
                         {"destination_port", 2},
                         {"sequence", 4},
                         {"acknowledgement", 4},
                         {"offset_flags", 2},
                         {"window", 2},
                         {"checksum", 2},
                         {"urgent", 2}});
        else if (next == 17)
            name("udp",
                 {{"source_port", 2}, {"destination_port", 2}, {"length", 2}, {"checksum", 2}});
        else if (next == 58)
            name("icmp6", {{"type", 1}, {"code", 1}, {"checksum", 2}, {"body", 4}});
    }

    std::size_t extension(std::size_t number) {
        const std::size_t start = at_;
        const std::size_t length = number_at(packet_, at_ + 1, 1);
        const std::size_t bytes = number == 44   ? 8
                                  : number == 51 ? (length + 2) * 4
                                                 : (length + 1) * 8;
        name("extension-" + std::to_string(number),
             {{"next_header", 1}, {"length", 1}, {"content", static_cast<int>(bytes) - 2}});
        return number_at(packet_, start, 1);
    }

    const Bytes &packet_;
    std::vector<Field> fields_;
    std::size_t at_ = 0;
};

std::string show(const Bytes &packet, const Field &field) {
    if (field.offset >= packet.size())
        return "nothing";
    std::string text;
    char hex[4];
    const std::size_t end = std::min(field.offset + field.bytes, packet.size());
    for (std::size_t at = field.offset; at < end; ++at) {
        std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned>(packet[at]));
        text += hex;
    }
    if (field.bytes <= 4)
        text = std::to_string(number_at(packet, field.offset, field.bytes)) + " (0x" + text + ")";
    return text;
}

bool same(const Bytes &one, const Bytes &other, const Field &field) {
    for (std::size_t at = field.offset; at < field.offset + field.bytes; ++at)
        if ((at < one.size()) != (at < other.size()) || (at < one.size() && one[at] != other[at]))
            return false;
    return true;
}

} // namespace

std::string difference(const Bytes &expected, const Bytes &actual) {
    std::string lines;
    if (expected.size() != actual.size())
        lines += "length: expected " + std::to_string(expected.size()) + ", got " +
                 std::to_string(actual.size()) + "\n";
    std::vector<Field> fields = Names(expected).fields();
    const std::size_t named = fields.empty() ? 0 : fields.back().offset + fields.back().bytes;
    const std::size_t longest = std::max(expected.size(), actual.size());
    for (std::size_t at = named; at < longest; ++at)
        fields.push_back({"byte", at, 1});
    for (const Field &field : fields)
        if (!same(expected, actual, field))
            lines += field.name + ": expected " + show(expected, field) + ", got " +
                     show(actual, field) + " (byte " + std::to_string(field.offset) + ")\n";
    return lines;
}

} // namespace faith::test
