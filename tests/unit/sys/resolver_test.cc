/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The name server is the test itself, on a socket of loopback. */
#include "sys/resolver.h"

#include "sys/fd.h"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <thread>

using namespace faith;
using namespace faith::sys;

namespace {

using Message = std::vector<std::uint8_t>;

/* Answers one question by what `reply` makes of it; nothing when that is empty. */
class Server {
public:
    explicit Server(std::function<Message(Message)> reply)
        : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof at;
        REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr *>(&at), sizeof at) == 0);
        REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr *>(&at), &length) == 0);
        port = ntohs(at.sin_port);
        thread_ = std::jthread([this, reply] { serve(reply); });
    }

    std::uint16_t port = 0;

private:
    void serve(const std::function<Message(Message)> &reply) {
        Message question(512);
        sockaddr_in from{};
        socklen_t length = sizeof from;
        const ssize_t got = ::recvfrom(socket_.get(), question.data(), question.size(), 0,
                                       reinterpret_cast<sockaddr *>(&from), &length);
        if (got <= 0)
            return;
        question.resize(static_cast<std::size_t>(got));
        const Message answer = reply(question);
        if (!answer.empty())
            ::sendto(socket_.get(), answer.data(), answer.size(), 0,
                     reinterpret_cast<sockaddr *>(&from), length);
    }
    UniqueFd socket_;
    std::jthread thread_;
};

/* The question with an answer's flags, and so many records behind it. */
Message answer_to(Message question, std::uint8_t code,
                  std::initializer_list<const char *> addresses) {
    question[2] = 0x81;
    question[3] = static_cast<std::uint8_t>(0x80 | code);
    question[7] = static_cast<std::uint8_t>(addresses.size());
    for (const char *text : addresses) {
        for (const int byte : {0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16})
            question.push_back(static_cast<std::uint8_t>(byte));
        const Ip6 address = *parse_ip6(text);
        question.insert(question.end(), address.bytes.begin(), address.bytes.end());
    }
    return question;
}

Result<std::vector<Ip6>> ask(const Server &server) {
    return resolve6("ipv4only.arpa", 60,
                    NameServer{.address = *parse_ip4("127.0.0.1"), .port = server.port});
}

} // namespace

TEST_CASE("resolver: the addresses of a name, all of them, in their order") {
    const Server server([](Message question) {
        return answer_to(std::move(question), 0, {"64:ff9b::c000:aa", "64:ff9b::c000:ab"});
    });
    const auto answer = ask(server);
    REQUIRE(answer);
    CHECK(*answer == std::vector{*parse_ip6("64:ff9b::c000:aa"), *parse_ip6("64:ff9b::c000:ab")});
}

TEST_CASE("resolver: a name without such addresses is an answer, too") {
    const Server server([](Message question) { return answer_to(std::move(question), 0, {}); });
    const auto answer = ask(server);
    REQUIRE(answer);
    CHECK(answer->empty());
}

TEST_CASE("resolver: no such name, and a server that refuses, are errors that say so") {
    const Server unknown([](Message question) { return answer_to(std::move(question), 3, {}); });
    const auto answer = ask(unknown);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().text.find("ask for ipv4only.arpa: ") == 0);
}
