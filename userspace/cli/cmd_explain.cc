/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* explain: what the programs in the kernel would do with a connection, and why. */
#include "cli/commands.h"

#include "cli/render_inspect.h"
#include "daemon/explain_tunnel.h"

#include <cstdio>

namespace faith::cli {

namespace {

Result<daemon::Question> question_of(const Connection &connection) {
    daemon::Question question;
    TRY_ASSIGN(question.source, parse_ip6(connection.source));
    TRY_ASSIGN(question.port, parse_port(connection.port));
    if (const Result<Ip4> ip4 = parse_ip4(connection.destination))
        question.destination = *ip4;
    else if (const Result<Ip6> ip6 = parse_ip6(connection.destination))
        question.destination = *ip6;
    else
        return invalid("'" + connection.destination + "' is neither an IPv4 nor an IPv6 address");
    return question;
}

/* IPv4 on both sides: a packet of a tunnel. */
Result<daemon::Json> ask_about_outer(const Connection &connection, Ip4 source) {
    daemon::OuterQuestion question{.source = source, .destination = {}, .inner = {}};
    TRY_ASSIGN(question.destination, parse_ip4(connection.destination));
    if (!connection.inner.empty()) {
        TRY_ASSIGN(const Ip6 from, parse_ip6(connection.inner[0]));
        TRY_ASSIGN(const Ip6 to, parse_ip6(connection.inner[1]));
        question.inner.emplace(from, to);
    }
    TRY_ASSIGN(const daemon::Instance instance, daemon::Instance::here());
    return daemon::explain_in(instance, question);
}

Result<daemon::Json> ask(const Connection &connection) {
    if (const Result<Ip4> outer = parse_ip4(connection.source))
        return ask_about_outer(connection, *outer);
    if (!connection.inner.empty())
        return invalid("--inner goes with two IPv4 addresses");
    TRY_ASSIGN(const daemon::Question question, question_of(connection));
    TRY_ASSIGN(const daemon::Instance instance, daemon::Instance::here());
    return daemon::explain(instance, question);
}

} // namespace

int cmd_explain(const Connection &connection, Output output) {
    const Result<daemon::Json> explanation = ask(connection);
    if (!explanation)
        return fail(explanation.error());
    const std::string text =
        output == Output::Json ? json_text(*explanation) : render_explanation(*explanation);
    std::fputs(text.c_str(), stdout);
    return (*explanation)["verdict"] == "permit" ? 0 : 1;
}

} // namespace faith::cli
