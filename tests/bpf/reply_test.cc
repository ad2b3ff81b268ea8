/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the client of a denied connection hears, byte for byte. The answers expected are
 * made by the packet builder, whose checksums are its own.
 */
#include "loaded.h"

#include "tests/support/prog_run.h"

#include <functional>

using namespace faith;
using namespace faith::test;

namespace {

constexpr Mac client_mac{2, 0, 0, 0, 0, 1};
constexpr Mac gateway_mac{2, 0, 0, 0, 0, 9};
const Packet::Eth from_client{.destination = gateway_mac, .source = client_mac};
const Packet::Eth to_client{.destination = client_mac, .source = gateway_mac};
const Ip6 client = address6("2001:db8:1::2");
const Ip6 target = address6("2001:db8:f::192.0.2.1");

/* XDP where nothing is permitted and answers arrive. */
class Denying {
public:
    explicit Denying(fgw_deny how) {
        loaded.capture("2001:db8:f::/96");
        loaded.rules("::/0 deny 0.0.0.0/0\n");
        loaded.deny(how);
        loaded.replies(true);
    }
    PacketRun run(const Packet &packet) {
        const Result<PacketRun> done = run_on_packet(loaded.object().xdp_program(), packet.bytes());
        if (!done)
            FAIL(done.error().text);
        return *done;
    }
    /* Everything wrong with the answer and with what was counted, "" when nothing is. */
    std::string wrong(const Packet &packet, const Packet &answer) {
        const Loaded::Counts before = loaded.counts();
        const PacketRun done = run(packet);
        std::string text = difference(answer.bytes(), done.output);
        if (done.verdict != XDP_TX)
            text += "verdict " + std::to_string(done.verdict) + "\n";
        if (const std::string counted = moved(before, loaded.counts()); counted != "ACL_DENY +1")
            text += "counted " + counted + "\n";
        return text;
    }
    /* "drop REASON +1" */
    std::string outcome(const Packet &packet) {
        const Loaded::Counts before = loaded.counts();
        const std::uint32_t verdict = run(packet).verdict;
        return (verdict == XDP_DROP   ? "drop "
                : verdict == XDP_PASS ? "pass "
                                      : "send ") +
               moved(before, loaded.counts());
    }

    Loaded loaded{{FGW_PROG_XDP}};
};

Packet syn(const Packet::Tcp &tcp = {}) {
    return Packet().eth(from_client).ip6({.source = client, .destination = target}).tcp(tcp);
}

/* What is behind the link's header of a reset. */
Packet &reset(Packet &link, std::uint32_t acknowledgement) {
    return link.ip6({.source = target, .destination = client, .hop_limit = 64})
        .tcp({.source_port = 80,
              .destination_port = 40000,
              .sequence = 0,
              .acknowledgement = acknowledgement,
              .flags = 0x14, /* RST, ACK */
              .window = 0});
}

Packet reset_of(std::uint32_t acknowledgement) {
    Packet packet;
    return reset(packet.eth(to_client), acknowledgement);
}

using Headers = std::function<void(Packet &)>;

/* A SYN with something between two headers, and a plain reset with the same tags. */
std::string wrong_with_tags(Denying &xdp, const Headers &tags) {
    Packet asked;
    Packet answer;
    asked.eth(from_client);
    answer.eth(to_client);
    tags(asked);
    tags(answer);
    asked.ip6({.source = client, .destination = target}).tcp();
    return xdp.wrong(asked, reset(answer, 2));
}

std::string wrong_with_extensions(Denying &xdp, const Headers &extensions) {
    Packet asked;
    asked.eth(from_client).ip6({.source = client, .destination = target});
    extensions(asked);
    asked.tcp().payload(3);
    return xdp.wrong(asked, reset_of(5));
}

/* The ICMPv6 error about a packet, of which so many bytes are quoted. */
Packet prohibited(const Packet &about, std::size_t link, std::size_t quoted) {
    const Bytes frame = about.bytes();
    const Bytes packet(frame.begin() + static_cast<std::ptrdiff_t>(link), frame.end());
    return Packet()
        .eth(to_client)
        .ip6({.source = target, .destination = client, .hop_limit = 64})
        .icmp6({.type = 1, .code = 1})
        .raw(cut(packet, quoted));
}

} // namespace

TEST_CASE("reply: a denied SYN becomes a reset, to where it came from") {
    Denying xdp(FGW_DENY_RESET);
    CHECK(xdp.wrong(syn(), reset_of(2)) == "");
    CHECK(xdp.loaded.hits(0) == 0); /* that of permit_everything(), which went */
    CHECK(xdp.loaded.hits(1) == 1);
}

TEST_CASE("reply: a reset acknowledges all that came: SYN, FIN and payload, options not") {
    Denying xdp(FGW_DENY_RESET);
    CHECK(xdp.wrong(syn({.sequence = 0xfffffffe}), reset_of(0xffffffff)) == "");
    CHECK(xdp.wrong(syn({.sequence = 0xffffffff}), reset_of(0)) == "");
    for (const std::size_t options : {4, 20, 40})
        for (const std::size_t payload : {0, 1, 2, 3, 1000, 5000}) {
            INFO(options << " bytes of options, " << payload << " of payload");
            CHECK(xdp.wrong(syn({.sequence = 7, .options = options}).payload(payload),
                            reset_of(static_cast<std::uint32_t>(8 + payload))) == "");
        }
    CHECK(xdp.wrong(syn({.sequence = 7, .flags = 0x03}), reset_of(9)) == "");
    CHECK(xdp.wrong(syn({.sequence = 7, .flags = 0xc2}), reset_of(8)) == ""); /* ECN */
    CHECK(xdp.wrong(syn().padding(6), reset_of(2)) == "");
}

TEST_CASE("reply: a reset has the tags that the SYN had") {
    Denying xdp(FGW_DENY_RESET);
    CHECK(wrong_with_tags(xdp, [](Packet &packet) { packet.vlan({.id = 0x6123}); }) == "");
    CHECK(wrong_with_tags(xdp, [](Packet &packet) {
              packet.vlan({.id = 7, .tag_type = 0x88a8}).vlan({.id = 0xffff});
          }) == "");
}

TEST_CASE("reply: a reset has none of the extension headers that the SYN had") {
    Denying xdp(FGW_DENY_RESET);
    CHECK(wrong_with_extensions(xdp, [](Packet &packet) { packet.hop_by_hop(); }) == "");
    CHECK(wrong_with_extensions(xdp, [](Packet &packet) {
              packet.hop_by_hop({.bytes = 24}).routing().destination_options({.bytes = 2048});
          }) == "");
    CHECK(wrong_with_extensions(xdp, [](Packet &packet) { packet.authentication(); }) == "");
    /* An atomic fragment is a whole packet (RFC 6946). */
    CHECK(wrong_with_extensions(xdp, [](Packet &packet) { packet.fragment(); }) == "");
}

TEST_CASE("reply: what the kernel would not answer gets no answer here") {
    for (const fgw_deny how : {FGW_DENY_RESET, FGW_DENY_PROHIBITED}) {
        Denying xdp(how);
        CHECK(xdp.outcome(syn({.flags = 0x06})) == "drop ACL_DENY +1"); /* SYN, RST */
        CHECK(xdp.outcome(syn({.data_offset = std::uint8_t{4}})) == "drop ACL_DENY +1");
        CHECK(xdp.outcome(syn({.data_offset = std::uint8_t{6}})) == "drop ACL_DENY +1");
        /* To more than one station. */
        for (const Mac &group : {Mac{0x33, 0x33, 0, 0, 0, 1}, Mac{0x01, 0, 0x5e, 0, 0, 1},
                                 Mac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}})
            CHECK(xdp.outcome(Packet()
                                  .eth({.destination = group})
                                  .ip6({.source = client, .destination = target})
                                  .tcp()) == "drop ACL_DENY +1");
        /* The first of several fragments; the others are none of ours. */
        CHECK(xdp.outcome(Packet()
                              .eth(from_client)
                              .ip6({.source = client, .destination = target})
                              .fragment({.more = true})
                              .tcp()
                              .payload(4)) == "drop ACL_DENY +1");
    }
}

TEST_CASE("reply: deny = silent is silence") {
    Denying xdp(FGW_DENY_SILENT);
    CHECK(xdp.outcome(syn()) == "drop ACL_DENY +1");
    CHECK(xdp.outcome(syn({.options = 20}).payload(9)) == "drop ACL_DENY +1");
    xdp.loaded.replies(false);
    CHECK(xdp.outcome(syn()) == "drop ACL_DENY +1");
    CHECK(xdp.loaded.hits(1) == 3);
}

TEST_CASE("reply: where answers get lost the stack is left to give them") {
    for (const fgw_deny how : {FGW_DENY_RESET, FGW_DENY_PROHIBITED}) {
        Denying xdp(how);
        xdp.loaded.replies(false);
        CHECK(xdp.outcome(syn()) == "pass PASS_TCP +1");
        REQUIRE(xdp.loaded.maps().interfaces.erase(1));
        CHECK(xdp.outcome(syn()) == "pass PASS_TCP +1");
        CHECK(xdp.run(syn().payload(5)).output == syn().payload(5).bytes()); /* as it came */
        CHECK(xdp.loaded.hits(1) == 0);
    }
}

TEST_CASE("reply: beyond the rate there is silence, whatever a denial gets") {
    for (const fgw_deny how : {FGW_DENY_RESET, FGW_DENY_PROHIBITED})
        for (const bool arrive : {true, false}) {
            Denying xdp(how);
            xdp.loaded.replies(arrive);
            xdp.loaded.permit_everything();
            xdp.loaded.source_rate(1);
            CHECK(xdp.outcome(syn()) == "pass PASS_TCP +1");
            const fgw_rate_key bucket = rate_key("2001:db8:1::", FGW_RATE_SOURCE);
            REQUIRE(*xdp.loaded.rates().find(bucket));
            xdp.loaded.drain(bucket);
            CHECK(xdp.outcome(syn()) == "drop RATE_LIMIT +1");
        }
}

TEST_CASE("reply: deny = prohibited quotes the packet (RFC 4443 3.1)") {
    Denying xdp(FGW_DENY_PROHIBITED);
    CHECK(xdp.wrong(syn(), prohibited(syn(), 14, 60)) == "");
    const Packet with_options = syn({.options = 20}).payload(8);
    CHECK(xdp.wrong(with_options, prohibited(with_options, 14, 88)) == "");
    const Packet with_extension = Packet()
                                      .eth(from_client)
                                      .ip6({.source = client, .destination = target})
                                      .hop_by_hop({.bytes = 16})
                                      .tcp();
    CHECK(xdp.wrong(with_extension, prohibited(with_extension, 14, 76)) == "");
}

TEST_CASE("reply: deny = prohibited has the tags that the SYN had") {
    Denying xdp(FGW_DENY_PROHIBITED);
    Packet asked = Packet().eth(from_client).vlan({.id = 9}).vlan({.id = 8});
    asked.ip6({.source = client, .destination = target}).tcp();
    const Bytes frame = asked.bytes();
    Packet answer = Packet().eth(to_client).vlan({.id = 9}).vlan({.id = 8});
    answer.ip6({.source = target, .destination = client})
        .icmp6({.type = 1, .code = 1})
        .raw(Bytes(frame.begin() + 22, frame.end()));
    CHECK(xdp.wrong(asked, answer) == "");
}

TEST_CASE("reply: of a long packet so much is quoted that the error fits everywhere") {
    for (const std::size_t payload : {450, 452, 453, 1400, 4000, 9000}) {
        Denying xdp(FGW_DENY_PROHIBITED);
        const Packet asked = syn().payload(payload);
        INFO(payload << " bytes of payload");
        CHECK(xdp.wrong(asked, prohibited(asked, 14,
                                          std::min<std::size_t>(512, 60 + payload) &
                                              ~std::size_t{3})) == "");
    }
}

TEST_CASE("reply: each /64 hears of at most ten errors at once, others are not kept waiting") {
    Denying xdp(FGW_DENY_PROHIBITED);
    const auto from = [](const char *source) {
        return Packet()
            .eth(from_client)
            .ip6({.source = address6(source), .destination = target})
            .tcp();
    };
    const auto answers = [&](int asked, const auto &source_of) {
        int heard = 0;
        for (int i = 0; i < asked; ++i)
            heard += xdp.outcome(from(source_of(i))) == "send ACL_DENY +1";
        return heard;
    };
    /* A slow machine takes longer over the hundred, and one more may pass every 100 ms. */
    const std::uint64_t began = now();
    const int heard = answers(100, [](int i) { return i % 2 ? "2001:db8:1::2" : "2001:db8:1::3"; });
    const double seconds = static_cast<double>(now() - began) / 1e9;
    CHECK(heard >= FGW_ICMP6_PER_SOURCE);
    CHECK(heard <= FGW_ICMP6_PER_SOURCE * (1 + seconds) + 1);
    /* Where that took ten seconds it says nothing: without a limit this cannot pass. */
    xdp.loaded.drain(rate_key("2001:db8:1::", FGW_RATE_ICMP6));
    CHECK(answers(20, [](int) { return "2001:db8:1::2"; }) == 0);
    CHECK(answers(1, [](int) { return "2001:db8:2::2"; }) == 1);
}
