/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Durations and ports: the values of config.h that are words of their own. */
#include "base/text.h"
#include "config/config.h"
#include "config/services.h"

#include <algorithm>
#include <array>

namespace faith::config {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t milliseconds;
};

/* From large to small, the order in which they may be written. */
constexpr std::array<Unit, 4> units = {{{.name = "h", .milliseconds = 3'600'000},
                                        {.name = "m", .milliseconds = 60'000},
                                        {.name = "s", .milliseconds = 1'000},
                                        {.name = "ms", .milliseconds = 1}}};

constexpr std::uint64_t year_ms = 365ULL * 24 * 3'600'000;

Error not_a_duration(std::string_view text) {
    return invalid(quoted(text) + R"( is not a duration like "30m", "10s", "250ms" or "1h30m")");
}

Error too_long(std::string_view text) { return invalid(quoted(text) + " is more than a year"); }

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

} // namespace

Result<Millis> parse_duration(std::string_view text) {
    std::uint64_t total = 0;
    std::string_view rest = text;
    std::size_t next_unit = 0;
    while (!rest.empty()) {
        const std::string_view::iterator digits_end =
            std::find_if_not(rest.begin(), rest.end(), is_digit);
        const std::string_view digits(rest.begin(), digits_end);
        const std::string_view::iterator unit_end = std::find_if(digits_end, rest.end(), is_digit);
        const std::string_view name(digits_end, unit_end);
        while (next_unit < units.size() && units[next_unit].name != name)
            next_unit++;
        if (digits.empty() || next_unit == units.size())
            return not_a_duration(text);
        const std::optional<std::uint64_t> number = parse_decimal(digits, year_ms);
        if (!number)
            return digits.size() > 1 && digits[0] == '0' ? not_a_duration(text) : too_long(text);
        /* A year of milliseconds in hours still fits 64 bits, four times. */
        total += *number * units[next_unit++].milliseconds;
        if (total > year_ms)
            return too_long(text);
        rest = std::string_view(unit_end, rest.end());
    }
    if (total == 0)
        return text.empty()
                   ? not_a_duration(text)
                   : invalid(quoted(text) + " is no time at all; a timeout is at least 1ms");
    return Millis(static_cast<Millis::rep>(total));
}

Result<PortRange> parse_ports(std::string_view text) {
    /* Names first: "ftp-data" is no range. */
    if (const std::optional<std::uint16_t> port = service_port(text))
        return PortRange{.first = *port, .last = *port};
    if (text.empty() || !is_digit(text[0])) {
        std::string error = quoted(text) + " is no service name known here";
        if (const std::optional<std::string_view> name = closest(text, service_names()))
            error += "; did you mean \"" + std::string(*name) + "\"?";
        else
            error += "; write the port number";
        return invalid(std::move(error));
    }
    const std::size_t dash = text.find('-');
    TRY_ASSIGN(const std::uint16_t first, parse_port(text.substr(0, dash)));
    if (dash == std::string_view::npos)
        return PortRange{.first = first, .last = first};
    TRY_ASSIGN(const std::uint16_t last, parse_port(text.substr(dash + 1)));
    if (last < first)
        return invalid("port range " + quoted(text) + " runs backwards");
    return PortRange{.first = first, .last = last};
}

} // namespace faith::config
