/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/render.h"

#include "daemon/status.h"

#include <catch2/catch.hpp>

using namespace faith;

namespace {

daemon::StatusReport example() {
    daemon::StatusReport report;
    report.loaded = true;
    report.interfaces = {{.name = "eth0", .index = 7, .mode = "native"}};
    report.prefixes = {prefix::well_known()};
    report.tunnels = {{.name = "stf0",
                       .uplink = "eth1",
                       .address = "2002:c000:201::1/16",
                       .ipv4 = "192.0.2.1",
                       .active = true,
                       .rx_packets = 17,
                       .tx_packets = 18}};
    report.services = {{.port = 80, .program = "nginx", .pid = 12, .listening = true},
                       {.port = 81, .program = "httpd", .pid = 13, .listening = false}};
    report.local = {{.port = 21,
                     .path = "/usr/sbin/vsftpd",
                     .counts = {.running = 1, .started = 5, .refused = 2}}};
    report.keepfaith = true;
    report.acl_file = "/etc/faithd.conf";
    report.generation = 3;
    report.rules = 12;
    relay::Totals totals;
    totals.workers = 2;
    totals.sessions_total = 41;
    totals.bytes_to_client = 3 << 20;
    totals.reasons[FGW_CONNECT_REFUSED] = 5;
    totals.reasons[FGW_CONNECT_TIMEOUT] = 1;
    report.relay = totals;
    report.kernel_reasons.assign(FGW_REASON_MAX, 0);
    report.kernel_reasons[FGW_DROP_UDP] = 9;
    return report;
}

} // namespace

TEST_CASE("status: JSON has the promised keys and every reason, zero included") {
    const nlohmann::json status = daemon::to_json(example());
    CHECK(status["interfaces"][0] ==
          nlohmann::json(
              {{"name", "eth0"}, {"ifindex", 7}, {"xdp_mode", "native"}, {"fast_path", false}}));
    CHECK(status["prefixes"][0] ==
          nlohmann::json({{"prefix", "64:ff9b::/96"}, {"layout", "faith"}}));
    CHECK(status["acl"] ==
          nlohmann::json({{"file", "/etc/faithd.conf"}, {"generation", 3}, {"rules", 12}}));
    CHECK(status["relay"]["connect_failures"] == 6);
    CHECK(status["relay"]["bytes_to_client"] == 3 << 20);
    CHECK(status["stf"][0] == nlohmann::json({{"name", "stf0"},
                                              {"uplink", "eth1"},
                                              {"address", "2002:c000:201::1/16"},
                                              {"ipv4", "192.0.2.1"},
                                              {"active", true},
                                              {"fast_path", false},
                                              {"rx_packets", 17},
                                              {"tx_packets", 18}}));
    CHECK(
        status["services"][0] ==
        nlohmann::json({{"port", 80}, {"program", "nginx"}, {"pid", 12}, {"state", "listening"}}));
    CHECK(status["services"][1]["state"] == "gone");
    CHECK(status["local"][0] == nlohmann::json({{"port", 21},
                                                {"path", "/usr/sbin/vsftpd"},
                                                {"running", 1},
                                                {"started", 5},
                                                {"refused", 2}}));
    CHECK(status["reasons"]["DROP_UDP"] == 9);
    CHECK(status["reasons"]["CONNECT_REFUSED"] == 5);
    std::size_t names = 0;
#define COUNT(name, number, origin, sentence)                                                      \
    CHECK(status["reasons"].contains(#name));                                                      \
    ++names;
#define RETIRED(number)
    FGW_REASONS(COUNT, RETIRED)
#undef COUNT
#undef RETIRED
    CHECK(status["reasons"].size() == names);
}

TEST_CASE("render: a status page shows what is there and no zero counter") {
    const std::string page = cli::render_status(daemon::to_json(example()));
    CHECK_THAT(page, Catch::Contains("eth0 (XDP native)"));
    CHECK_THAT(page, Catch::Contains("64:ff9b::/96 (layout faith)"));
    CHECK_THAT(page, Catch::Contains("stf0 over eth1, 2002:c000:201::1/16 at 192.0.2.1, 17 packets "
                                     "in, 18 out"));
    CHECK_THAT(page, Catch::Contains("/etc/faithd.conf, generation 3, 12 rules"));
    CHECK_THAT(page, Catch::Contains("3.0 MiB to clients"));
    CHECK_THAT(page, Catch::Contains("9  DROP_UDP"));
    CHECK_THAT(page, !Catch::Contains("DROP_ICMP6"));
}

TEST_CASE("render: a tunnel without its address says so") {
    daemon::StatusReport report = example();
    report.tunnels[0].active = false;
    CHECK_THAT(cli::render_status(daemon::to_json(report)),
               Catch::Contains("at 192.0.2.1 (not active)"));
}

TEST_CASE("render: a gateway that is not there or not relaying says so") {
    CHECK(cli::render_status(daemon::to_json({})) == "not loaded\n");
    daemon::StatusReport captured_only = example();
    captured_only.relay.reset();
    CHECK_THAT(cli::render_status(daemon::to_json(captured_only)), Catch::Contains("not running"));
}

TEST_CASE("render: bytes") {
    CHECK(cli::render_bytes(0) == "0 B");
    CHECK(cli::render_bytes(1023) == "1023 B");
    CHECK(cli::render_bytes(1536) == "1.5 KiB");
    CHECK(cli::render_bytes(std::uint64_t{1} << 60) == "1.0 EiB");
}
