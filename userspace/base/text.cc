/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace faith {

namespace {

constexpr std::size_t longest_quote = 48;
constexpr std::string_view hex_digits = "0123456789abcdef";

void append_printable(std::string &out, char letter) {
    const std::uint8_t byte = static_cast<std::uint8_t>(letter);
    if (byte >= 0x20 && byte < 0x7f) {
        out += letter;
        return;
    }
    out += "\\x";
    out += hex_digits[byte >> 4];
    out += hex_digits[byte & 0xf];
}

/* Levenshtein, two rows. Inputs are a handful of letters. */
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> previous(b.size() + 1);
    std::vector<std::size_t> current(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); j++)
        previous[j] = j;
    for (std::size_t i = 0; i < a.size(); i++) {
        current[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); j++) {
            const std::size_t substitution = previous[j] + (a[i] == b[j] ? 0 : 1);
            current[j + 1] = std::min({previous[j + 1] + 1, current[j] + 1, substitution});
        }
        std::swap(previous, current);
    }
    return previous[b.size()];
}

} // namespace

std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max) {
    if (text.empty() || (text.size() > 1 && text[0] == '0'))
        return std::nullopt;
    std::uint64_t value = 0;
    const char *end = text.data() + text.size();
    /* from_chars takes no plus sign and no blanks; a minus sign fails for unsigned. */
    const std::from_chars_result result = std::from_chars(text.data(), end, value, 10);
    if (result.ec != std::errc() || result.ptr != end || value > max)
        return std::nullopt;
    return value;
}

char lower_case(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower_case(x) == lower_case(y); });
}

std::string printable(std::string_view text) {
    std::string out;
    for (const char letter : text)
        append_printable(out, letter);
    return out;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char letter : text.substr(0, longest_quote)) {
        if (letter == '"' || letter == '\\')
            out += '\\';
        append_printable(out, letter);
    }
    out += text.size() > longest_quote ? "...\"" : "\"";
    return out;
}

std::optional<std::string_view> closest(std::string_view word,
                                        std::span<const std::string_view> candidates) {
    constexpr std::size_t longest_word = 64; /* the distance costs the product of lengths */
    if (word.size() > longest_word)
        return std::nullopt;
    /* Two letters exchanged count as two slips. A word of nothing but slips is no match. */
    std::size_t best_distance =
        std::min(std::max<std::size_t>(3, word.size() / 4 + 2), word.size());
    std::optional<std::string_view> best;
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

std::optional<BadByte> find_control_byte(std::string_view text) {
    BadByte at;
    for (std::size_t i = 0; i < text.size(); i++) {
        at.byte = static_cast<std::uint8_t>(text[i]);
        if (at.byte == '\n') {
            at.line++;
            at.column = 1;
            continue;
        }
        const bool crlf = at.byte == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
        if ((at.byte < 0x20 && at.byte != '\t' && !crlf) || at.byte == 0x7f)
            return at;
        at.column++;
    }
    return std::nullopt;
}

std::string describe(const BadByte &bad) {
    return std::string("byte 0x") + hex_digits[bad.byte >> 4] + hex_digits[bad.byte & 0xf] +
           " does not belong in a text file";
}

} // namespace faith
