/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Dialogues of tests/golden/ftp: what either side sends, and what must come out.
 *
 *   # comment
 *   dialect faithd           the first line, if it is not rfc6384
 *   C> EPSV                  the client sends a line; lines in a row are one segment
 *   S> 227 ...               the server sends a line
 *   C. end / S. end          that side closes
 *   = listening A.B.C.D P    Listen was performed
 *   = expecting              Expect was performed
 *   = failed                 it could not be
 *   >S PASV                  the server must get this line
 *   >C 229 ...               the client must get this line
 *   ! Expect 1031            this effect must come, in this order
 *
 * \xNN is a byte, a \ at the end of a line means that no CRLF follows.
 */
#pragma once

#include "ftp/alg.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

namespace dialogue {

using namespace faith;
using namespace faith::ftp;

inline const Ip6 client = *parse_ip6("2001:db8:2::31");
inline const Ip6 destination = *parse_ip6("64:ff9b::c000:21f");

/* What came out, as a golden file says it. */
struct Outcome {
    std::string to_client;
    std::string to_server;
    std::string effects;
    bool operator==(const Outcome &) const = default;
};

inline std::string printed(const Effect &effect) {
    if (const Listen *listen = std::get_if<Listen>(&effect))
        return "Listen " + std::to_string(listen->client_port) + "\n";
    if (const Expect *expect = std::get_if<Expect>(&effect))
        return "Expect " + std::to_string(expect->port) + "\n";
    if (const Notice *notice = std::get_if<Notice>(&effect))
        return "Notice " + std::to_string(notice->port) + "\n";
    if (const Hangup *hangup = std::get_if<Hangup>(&effect))
        return "Hangup " + std::string(hangup->why) + "\n";
    return "Withdraw\n";
}

inline void add(Outcome &outcome, const Step &step) {
    outcome.to_client += step.to_client;
    outcome.to_server += step.to_server;
    for (const Effect &effect : step.effects)
        outcome.effects += printed(effect);
}

inline std::string unescaped(std::string_view text) {
    std::string bytes;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\' && at + 3 < text.size() && text[at + 1] == 'x') {
            bytes += static_cast<char>(std::stoi(std::string(text.substr(at + 2, 2)), nullptr, 16));
            at += 3;
        } else if (text[at] == '\\' && at + 1 == text.size()) {
            return bytes;
        } else {
            bytes += text[at];
        }
    }
    return bytes + "\r\n";
}

struct Turn {
    std::string place; /* FILE:LINE */
    std::string who;   /* "C>", "S>", "C.", "S.", "=" */
    std::string said;
    Outcome wanted;
};

struct Dialogue {
    Dialect dialect = Dialect::Rfc6384;
    std::vector<Turn> turns;
};

inline Dialogue read(const std::string &path) {
    std::ifstream file(path);
    REQUIRE(file);
    Dialogue dialogue;
    std::string line;
    std::string before; /* the word that began the last line */
    for (int number = 1; std::getline(file, line); ++number) {
        INFO(path << ":" << number << ": " << line);
        if (line.empty() || line.starts_with("#"))
            continue;
        if (line == "dialect faithd") {
            dialogue.dialect = Dialect::Faithd;
            continue;
        }
        const std::string word = line.substr(0, line.find(' '));
        const std::string rest = line.size() > word.size() ? line.substr(word.size() + 1) : "";
        const bool bytes = word == "C>" || word == "S>";
        if (bytes && word == before) {
            dialogue.turns.back().said += unescaped(rest);
        } else if (bytes || word == "C." || word == "S." || word == "=") {
            dialogue.turns.push_back(Turn{.place = path + ":" + std::to_string(number),
                                          .who = word,
                                          .said = bytes ? unescaped(rest) : rest,
                                          .wanted = {}});
        } else {
            REQUIRE(!dialogue.turns.empty());
            Outcome &wanted = dialogue.turns.back().wanted;
            REQUIRE((word == ">C" || word == ">S" || word == "!"));
            if (word == ">C")
                wanted.to_client += unescaped(rest);
            else if (word == ">S")
                wanted.to_server += unescaped(rest);
            else
                wanted.effects += rest + "\n";
        }
        before = word;
    }
    return dialogue;
}

inline Step performed(Alg &alg, const std::string &said) {
    std::istringstream words(said);
    std::string what;
    std::string address;
    std::uint16_t port = 0;
    words >> what >> address >> port;
    if (what == "listening")
        return alg.listening(*parse_ip4(address), port);
    REQUIRE((what == "expecting" || what == "failed"));
    return what == "expecting" ? alg.expecting() : alg.failed();
}

enum class Pieces { Whole, Bytes };

/* What came out of each turn. */
inline std::vector<Outcome> run(const Dialogue &dialogue, Pieces pieces) {
    Alg alg(dialogue.dialect, client, destination);
    std::vector<Outcome> outcomes;
    for (const Turn &turn : dialogue.turns) {
        Outcome &outcome = outcomes.emplace_back();
        const Side side = turn.who.front() == 'C' ? Side::Client : Side::Server;
        if (turn.who == "=") {
            add(outcome, performed(alg, turn.said));
        } else if (turn.who.ends_with('.')) {
            add(outcome, alg.end(side));
        } else if (pieces == Pieces::Whole) {
            add(outcome, alg.feed(side, turn.said));
        } else {
            for (const char byte : turn.said)
                add(outcome, alg.feed(side, std::string_view(&byte, 1)));
        }
    }
    return outcomes;
}

} // namespace dialogue
