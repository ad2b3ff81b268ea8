/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "rsh/opening.h"

#include <algorithm>
#include <utility>

namespace faith::rsh {

namespace {

constexpr std::size_t most_digits = 5;

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

} // namespace

std::string Opening::feed(std::string_view from_client) {
    if (state_ == State::Through)
        return std::string(from_client);
    std::size_t read = 0;
    for (; state_ == State::Port && read < from_client.size(); ++read) {
        const char letter = from_client[read];
        if (letter == '\0')
            port_is_known();
        else if (!is_digit(letter))
            break_off("its first words are no port");
        else if (kept_.size() == most_digits)
            break_off("the port for its standard error has no end");
        else
            kept_ += letter;
    }
    const std::string_view rest = from_client.substr(read);
    if (state_ == State::Waiting)
        kept_ += rest;
    if (state_ != State::Through)
        return {};
    return std::exchange(kept_, {}) + std::string(rest);
}

void Opening::port_is_known() {
    std::uint32_t number = 0; /* five digits fit */
    for (const char digit : kept_)
        number = 10 * number + static_cast<std::uint32_t>(digit - '0');
    if (number == 0) {
        kept_ += '\0';
        state_ = State::Through;
        return;
    }
    if (number > highest_reserved || number < lowest_reserved) {
        break_off("the port for its standard error is not a reserved one");
        return;
    }
    port_ = static_cast<std::uint16_t>(number);
    kept_.clear();
    state_ = State::Waiting;
}

std::string Opening::listening(std::uint16_t port) {
    if (state_ != State::Waiting)
        return {};
    state_ = State::Through;
    return std::to_string(port) + '\0' + std::exchange(kept_, {});
}

void Opening::break_off(std::string_view fault) {
    state_ = State::Broken;
    fault_ = fault;
    kept_.clear();
}

} // namespace faith::rsh
