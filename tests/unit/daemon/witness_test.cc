/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/witness.h"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdio>

using namespace faith;
using namespace faith::daemon;

namespace {

const relay::Request request{.client = *parse_ip6("2001:db8:6::1"),
                             .destination = *parse_ip6("64:ff9b::c000:201"),
                             .port = 8080};

Judgement judgement(fgw_reason reason, const acl::Rule *rule = nullptr) {
    return Judgement{
        .request = request, .reason = reason, .target = *parse_ip4("192.0.2.1"), .rule = rule};
}

/* What is written to standard error while it lives. */
class StandardError {
public:
    StandardError() : file_(std::tmpfile()), before_(::dup(STDERR_FILENO)) {
        REQUIRE(file_ != nullptr);
        ::dup2(::fileno(file_), STDERR_FILENO);
    }
    ~StandardError() {
        ::dup2(before_, STDERR_FILENO);
        ::close(before_);
        std::fclose(file_);
    }
    std::string text() const {
        std::string all(1 << 16, '\0');
        const ssize_t got = ::pread(::fileno(file_), all.data(), all.size(), 0);
        all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return all;
    }

private:
    std::FILE *file_;
    int before_;
};

} // namespace

TEST_CASE("witness: a line has client, destination, target, the reason's sentence and the rule") {
    acl::Rule rule;
    rule.file = "faithd.conf";
    rule.line = 7;
    CHECK(describe(judgement(FGW_ACL_DENY, &rule)) ==
          "translation not permitted from 2001:db8:6::1 to [64:ff9b::c000:201]:8080 "
          "(192.0.2.1:8080): denied by a rule (faithd.conf:7)");
    CHECK(describe(judgement(FGW_ACL_PERMIT, &rule)) ==
          "translating from 2001:db8:6::1 to [64:ff9b::c000:201]:8080 "
          "(192.0.2.1:8080): permitted by a rule (faithd.conf:7)");
    CHECK(describe(judgement(FGW_ACL_NO_MATCH)) ==
          "translation not permitted from 2001:db8:6::1 to [64:ff9b::c000:201]:8080 "
          "(192.0.2.1:8080): denied: no rule matches");
}

TEST_CASE("witness: a destination that embeds no target shows none") {
    Judgement none = judgement(FGW_BAD_EMBEDDING);
    none.target = Ip4{};
    CHECK(describe(none) ==
          "translation not permitted from 2001:db8:6::1 to [64:ff9b::c000:201]:8080: "
          "destination does not embed an IPv4 address (RFC 6052 2.2)");
}

TEST_CASE("witness: a flood of refusals gives a few lines a second") {
    const StandardError captured;
    const std::function<void(const Judgement &)> witness = make_witness();
    for (int i = 0; i < 1000; ++i)
        witness(judgement(FGW_ACL_NO_MATCH));
    const std::string text = captured.text();
    const std::ptrdiff_t lines = std::ranges::count(text, '\n');
    CHECK(lines >= witness_lines_per_second);
    CHECK(lines <= 3 * (witness_lines_per_second + 1)); /* the second may turn meanwhile */
}
