/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Text from outside, handled with tongs: strict numbers, and quoting for error messages
 * so that no file can put escape sequences on an operator's terminal or a megabyte into
 * the journal.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace faith {

/* Decimal digits only: no sign, no blank, no leading zero (other systems read "010" as
 * octal 8), at most max. */
std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max);

/* ASCII letters only, whatever the locale. */
char lower_case(char letter);
bool equal_ignoring_case(std::string_view a, std::string_view b);

/* Bytes that do not print in ASCII become \xNN. */
std::string printable(std::string_view text);
/* The same between double quotes, and long text shortened. */
std::string quoted(std::string_view text);

/* The candidate that a mistyped word probably stands for; nothing when none is close. */
std::optional<std::string_view> closest(std::string_view word,
                                        std::span<const std::string_view> candidates);

/* What makes a text no text: NUL and other control bytes except tab, newline and the
 * carriage return of a CRLF. Position of the first one. */
struct BadByte {
    std::size_t line = 1;
    std::size_t column = 1;
    std::uint8_t byte = 0;
};
std::optional<BadByte> find_control_byte(std::string_view text);
/* "byte 0x00 does not belong in a text file" */
std::string describe(const BadByte &bad);

} // namespace faith
