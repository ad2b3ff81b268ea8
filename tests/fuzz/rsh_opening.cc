/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Any client of rsh. The first byte says after how many bytes to cut, and is the gateway's port
 * at that; then comes what the client says.
 */
#include "rsh/opening.h"
#include "tests/fuzz/fuzz.h"

using namespace faith;
using namespace faith::rsh;
using fuzz::promise;
using State = Opening::State;

namespace {

struct Outcome {
    std::string heard;
    State state = State::Port;
    std::uint16_t port = 0;
    bool operator==(const Outcome &) const = default;
};

Outcome talk(std::string_view said, std::size_t piece, std::uint16_t gateway) {
    Opening opening;
    Outcome outcome;
    for (std::size_t at = 0; at < said.size(); at += piece) {
        outcome.heard += opening.feed(said.substr(at, piece));
        if (opening.state() == State::Waiting)
            outcome.heard += opening.listening(gateway);
    }
    outcome.state = opening.state();
    outcome.port = opening.port();
    return outcome;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size < 2)
        return 0;
    const std::string_view said(reinterpret_cast<const char *>(data) + 1, size - 1);
    const std::uint16_t gateway = static_cast<std::uint16_t>(lowest_reserved + data[0]);
    const Outcome whole = talk(said, said.size(), gateway);
    promise(talk(said, 1U + data[0], gateway) == whole, "the same result whatever the pieces");

    const std::size_t nul = said.find('\0');
    if (whole.state != State::Through) {
        promise(whole.heard.empty(), "nothing is heard before the opening is over");
        promise(whole.state == State::Broken || nul == std::string_view::npos, "a NUL decides");
        return 0;
    }
    promise(nul <= 5, "a port has five digits at most");
    const std::string_view rest = said.substr(nul);
    promise(whole.heard.ends_with(rest), "nothing behind the port is lost or changed");
    const std::string_view told(whole.heard.data(), whole.heard.size() - rest.size());
    if (whole.port == 0) {
        promise(told == said.substr(0, nul), "without a port everything is as it was");
    } else {
        promise(is_reserved(whole.port), "the client listens where only an administrator can");
        promise(told == std::to_string(gateway), "the server hears the gateway's port");
    }
    return 0;
}
