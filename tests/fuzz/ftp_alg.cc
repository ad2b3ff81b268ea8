/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Any two sides of a control connection. The first byte is the dialect; then come turns: a
 * byte that says whose, how effects of it end, and how many bytes follow.
 */
#include "ftp/alg.h"
#include "tests/fuzz/fuzz.h"

#include <array>
#include <deque>

using namespace faith;
using namespace faith::ftp;
using fuzz::promise;

namespace {

const Ip6 client = *parse_ip6("2001:db8:2::31");
const Ip6 destination = *parse_ip6("64:ff9b::c000:21f");

struct Outcome {
    std::string to_client;
    std::string to_server;
    std::vector<Effect> effects;
    bool dead = false;
};

bool waits(const Alg &alg) { return !alg.takes(Side::Client) && !alg.takes(Side::Server); }

/* Performs effects as the relay does: at once, in their order. */
void take(Alg &alg, Step first, bool works, Outcome &outcome) {
    std::deque<Step> steps{std::move(first)};
    for (; !steps.empty(); steps.pop_front()) {
        outcome.to_client += steps.front().to_client;
        outcome.to_server += steps.front().to_server;
        const std::vector<Effect> effects = steps.front().effects;
        for (const Effect &effect : effects) {
            outcome.effects.push_back(effect);
            if (const Listen *listen = std::get_if<Listen>(&effect)) {
                promise(listen->client_port >= 1024, "no connection to a service of the client");
                promise(waits(alg), "both sides wait for the listener");
                steps.push_back(works ? alg.listening(Ip4{.value = 0xc0000201}, 60192)
                                      : alg.failed());
            } else if (const Expect *expect = std::get_if<Expect>(&effect)) {
                promise(expect->port != 0, "a port");
                promise(waits(alg), "both sides wait for the expectation");
                steps.push_back(works ? alg.expecting() : alg.failed());
            } else if (std::holds_alternative<Hangup>(effect)) {
                outcome.dead = true;
            }
        }
    }
}

enum class Pieces { Whole, Bytes };

Outcome run(std::string_view input, Pieces pieces) {
    const Dialect dialect = (input.front() & 1) != 0 ? Dialect::Faithd : Dialect::Rfc6384;
    input.remove_prefix(1);
    Alg alg(dialect, client, destination);
    Outcome outcome;
    std::array<bool, 2> ends{};
    while (!input.empty() && !outcome.dead) {
        const unsigned char head = static_cast<unsigned char>(input.front());
        input.remove_prefix(1);
        const Side side = (head & 1) != 0 ? Side::Server : Side::Client;
        const bool works = (head & 2) != 0;
        const std::string_view bytes = input.substr(0, head >> 2);
        input.remove_prefix(bytes.size());
        bool &ended = ends[side == Side::Client ? 0 : 1];
        if (ended)
            continue;
        ended = bytes.empty();
        if (ended)
            take(alg, alg.end(side), works, outcome);
        else if (pieces == Pieces::Whole)
            take(alg, alg.feed(side, bytes), works, outcome);
        else
            for (const char byte : bytes)
                take(alg, alg.feed(side, std::string_view(&byte, 1)), works, outcome);
    }
    return outcome;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0)
        return 0;
    const std::string_view input = fuzz::text_of(data, size);
    const Outcome whole = run(input, Pieces::Whole);
    const Outcome bytes = run(input, Pieces::Bytes);
    promise(whole.dead == bytes.dead, "pieces do not matter to the end");
    promise(whole.to_client == bytes.to_client, "pieces do not matter to the client");
    promise(whole.to_server == bytes.to_server, "pieces do not matter to the server");
    promise(whole.effects == bytes.effects, "pieces do not matter to what is done");
    return 0;
}
