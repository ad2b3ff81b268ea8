/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ftp/command.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

namespace faith::ftp {

namespace {

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

char upper_case(char letter) {
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

std::uint16_t port_of(std::uint8_t high, std::uint8_t low) {
    return static_cast<std::uint16_t>(high << 8 | low);
}

/* FTP counts in decimal only, so that zeros in front, which some servers print, are harmless. */
std::optional<std::uint8_t> parse_byte(std::string_view digits) {
    if (digits.empty() || digits.size() > 3)
        return std::nullopt;
    int value = 0;
    for (const char digit : digits) {
        if (!is_digit(digit))
            return std::nullopt;
        value = value * 10 + (digit - '0');
    }
    return value <= 255 ? std::optional(static_cast<std::uint8_t>(value)) : std::nullopt;
}

/* "1,2,3" as bytes, all of the text; nothing if it is anything else. */
std::optional<std::vector<std::uint8_t>> parse_bytes(std::string_view text) {
    std::vector<std::uint8_t> bytes;
    while (true) {
        const std::size_t comma = text.find(',');
        const std::optional<std::uint8_t> byte = parse_byte(text.substr(0, comma));
        if (!byte)
            return std::nullopt;
        bytes.push_back(*byte);
        if (comma == std::string_view::npos)
            return bytes;
        text.remove_prefix(comma + 1);
    }
}

std::string print_bytes(std::span<const std::uint8_t> bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes)
        text += (text.empty() ? "" : ",") + std::to_string(byte);
    return text;
}

std::array<std::uint8_t, 2> bytes_of(std::uint16_t port) {
    return {static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port & 0xff)};
}

/* Cuts the text at its delimiter: "|2|::1|5282|" gives three fields. */
bool split(std::string_view text, std::array<std::string_view, 3> &fields) {
    if (text.empty() || text.front() < 33 || text.front() > 126)
        return false;
    const char delimiter = text.front();
    text.remove_prefix(1);
    for (std::string_view &field : fields) {
        const std::size_t end = text.find(delimiter);
        if (end == std::string_view::npos)
            return false;
        field = text.substr(0, end);
        text.remove_prefix(end + 1);
    }
    return text.empty();
}

} // namespace

Command parse_command(std::string_view line) {
    const std::size_t end = line.find_first_of(" \t");
    Command command;
    for (const char letter : line.substr(0, end))
        command.verb += upper_case(letter);
    if (end != std::string_view::npos) {
        line.remove_prefix(end);
        const std::size_t first = line.find_first_not_of(" \t");
        const std::size_t last = line.find_last_not_of(" \t");
        if (first != std::string_view::npos)
            command.argument = line.substr(first, last - first + 1);
    }
    return command;
}

Announcement parse_eprt(std::string_view argument) {
    Announcement announcement;
    std::array<std::string_view, 3> fields;
    if (!split(argument, fields))
        return announcement;
    const std::optional<std::uint64_t> family = parse_decimal(fields[0], 65535);
    const Result<std::uint16_t> port = parse_port(fields[2]);
    if (!family || !port)
        return announcement;
    announcement.port = *port;
    if (*family == 1) {
        if (parse_ip4(fields[1]))
            announcement.kind = Announcement::Kind::Ip4;
    } else if (*family == 2) {
        if (const Result<Ip6> address = parse_ip6(fields[1])) {
            announcement.kind = Announcement::Kind::Ip6;
            announcement.address = *address;
        }
    } else {
        announcement.kind = Announcement::Kind::OtherFamily;
    }
    return announcement;
}

/* 6,16,h1..h16,2,p1,p2 */
Announcement parse_lprt(std::string_view argument) {
    Announcement announcement;
    const std::optional<std::vector<std::uint8_t>> bytes = parse_bytes(argument);
    if (!bytes)
        return announcement;
    if (bytes->front() != 6) {
        announcement.kind = Announcement::Kind::OtherFamily;
        return announcement;
    }
    if (bytes->size() != 21 || (*bytes)[1] != 16 || (*bytes)[18] != 2)
        return announcement;
    announcement.port = port_of((*bytes)[19], (*bytes)[20]);
    if (announcement.port == 0)
        return announcement;
    announcement.kind = Announcement::Kind::Ip6;
    std::copy_n(bytes->begin() + 2, 16, announcement.address.bytes.begin());
    return announcement;
}

std::optional<Reply> parse_reply(std::string_view line) {
    if (line.size() < 3 || line[0] < '1' || line[0] > '6' || !is_digit(line[1]) ||
        !is_digit(line[2]))
        return std::nullopt;
    if (line.size() > 3 && line[3] != ' ' && line[3] != '-' && line[3] != '\t')
        return std::nullopt;
    return Reply{.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'),
                 .more = line.size() > 3 && line[3] == '-'};
}

bool ends_reply(std::string_view line, int code) {
    const std::optional<Reply> reply = parse_reply(line);
    return reply && reply->code == code && !reply->more;
}

std::optional<std::uint16_t> parse_pasv_port(std::string_view line) {
    /* The six numbers are wherever six numbers are, as all clients look for them. */
    for (std::size_t at = std::min<std::size_t>(3, line.size()); at < line.size(); ++at) {
        if (!is_digit(line[at]) || is_digit(line[at - 1]))
            continue;
        const std::size_t end = line.find_first_not_of("0123456789,", at);
        std::string_view numbers = line.substr(at, end - at);
        while (numbers.ends_with(','))
            numbers.remove_suffix(1);
        const std::optional<std::vector<std::uint8_t>> bytes = parse_bytes(numbers);
        if (bytes && bytes->size() == 6 && port_of((*bytes)[4], (*bytes)[5]) != 0)
            return port_of((*bytes)[4], (*bytes)[5]);
        at += numbers.size() - 1;
    }
    return std::nullopt;
}

std::string print_port(Ip4 address, std::uint16_t port) {
    return "PORT " + print_bytes(address.bytes()) + "," + print_bytes(bytes_of(port));
}

std::string print_epsv_reply(std::uint16_t port) {
    return "229 Entering Extended Passive Mode (|||" + std::to_string(port) + "|)";
}

std::string print_lpsv_reply(const Ip6 &address, std::uint16_t port) {
    return "228 Entering Long Passive Mode (6,16," + print_bytes(address.bytes) + ",2," +
           print_bytes(bytes_of(port)) + ")";
}

} // namespace faith::ftp
