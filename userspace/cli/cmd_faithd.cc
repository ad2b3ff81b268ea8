/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * faithd(8), daemon mode: faithd [-dDp] [-f configfile] service [serverpath [serverargs]].
 * The list is read before anything else (D6). The child listens, captures and reports once,
 * so that the starter's exit code is the truth (D7).
 */
#include "cli/commands.h"

#include "base/log.h"
#include "base/systemd.h"
#include "config/local.h"
#include "config/services.h"
#include "daemon/faithd.h"
#include "daemon/inetd.h"
#include "sys/handed.h"
#include "sys/process.h"
#include "sys/spawn.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace faith::cli {

namespace {

constexpr const char *usage_text =
    "usage: faithd [-dDp] [-f configfile] service [serverpath [serverargs]]\n";

struct Arguments {
    daemon::FaithdOptions options;
    bool foreground = false;
};

int complain(const Error &error) {
    const bool configuration = error.kind == Errc::Invalid;
    std::fprintf(stderr, "%s%s\n", configuration ? "" : "faithd: ", error.text.c_str());
    return configuration ? 2 : 1;
}

int usage(const std::string &why) {
    if (!why.empty())
        std::fprintf(stderr, "faithd: %s\n", why.c_str());
    std::fputs(usage_text, stderr);
    return 2;
}

Result<std::uint16_t> port_of(const std::string &service) {
    if (const std::optional<std::uint16_t> named = config::service_port(service))
        return *named;
    Result<std::uint16_t> port = parse_port(service);
    if (!port)
        return invalid("'" + service + "' is neither a service nor a port number");
    return port;
}

/* Options end at the service: what follows it are words of the local server. An error is why
 * the usage is printed. */
Result<Arguments> parse(int argc, char **argv) {
    Arguments arguments;
    ::opterr = 0;
    for (int letter = 0; (letter = ::getopt(argc, argv, "+:dDpf:")) != -1;) {
        switch (letter) {
        case 'd':
            arguments.options.debug = true;
            break;
        case 'D':
            arguments.foreground = true;
            break;
        case 'p':
            arguments.options.reserved_source_port = true;
            break;
        case 'f': /* SIGHUP must find it again, from / */
            arguments.options.rules_file = std::filesystem::absolute(::optarg).string();
            break;
        case ':':
            return invalid(std::string("option -") + static_cast<char>(::optopt) +
                           " wants a value");
        default:
            return invalid(std::string("no such option: -") + static_cast<char>(::optopt));
        }
    }
    if (::optind >= argc)
        return invalid("no service is named");
    arguments.options.service = argv[::optind];
    TRY_ASSIGN(arguments.options.port, port_of(arguments.options.service));
    const std::vector<std::string> words(argv + ::optind + 1, argv + argc);
    if (!words.empty()) {
        TRY_ASSIGN(arguments.options.local, config::parse_local(words));
    }
    return arguments;
}

/* Socket activation with Accept=no. Asked for before the process changes its number. */
Status take_listener(daemon::FaithdOptions &options) {
    TRY_ASSIGN(const int count, systemd::handed_descriptors(systemd::Environment::Clear));
    if (count == 0)
        return Ok{};
    const int handed = systemd::first_descriptor;
    if (count > 1 || sys::what_is(handed) != sys::Handed::Listener)
        return invalid("faithd: systemd hands over something else than one TCP listener over "
                       "IPv6; for Accept=yes see faith-gw inetd");
    TRY_ASSIGN(const sys::Endpoint6 local, sys::local6(handed));
    if (local.port != options.port)
        return invalid("faithd: systemd listens on port " + std::to_string(local.port) + ", and " +
                       options.service + " is port " + std::to_string(options.port));
    if (!options.local.path.empty())
        return invalid("faithd: " + options.local.path +
                       " would need the port that systemd listens on: leave out serverpath, or "
                       "end the socket unit");
    options.listener = handed;
    return Ok{};
}

/* D57 to D59: nobody shall meet rlogin or rsh unawares, or without what makes them work. */
std::string remote_shell_warning(const daemon::FaithdOptions &options) {
    if (options.port != config::login_port && options.port != config::shell_port)
        return {};
    if (!options.reserved_source_port)
        return "servers of port " + std::to_string(options.port) +
               " refuse clients that come from no reserved port; see -p";
    config::Config as_configured;
    as_configured.services = {
        {.port = options.port, .idle_timeout = {}, .alg = config::Alg::Rsh, .where = "-p"}};
    return config::warnings(as_configured).front();
}

/* Debian has in /usr/sbin, some with "in." before the name, what BSD has in /usr/libexec. */
std::string found_elsewhere(const std::string &path) {
    const std::string name = path.substr(path.rfind('/') + 1);
    for (const char *directory : daemon::local_directories)
        for (const std::string &other : {directory + name, directory + ("in." + name)})
            if (sys::executable(other))
                return "; there is " + other;
    return {};
}

Status find_server(const std::string &path) {
    Status found = sys::executable(path);
    if (found || found.error().sys_errno != ENOENT)
        return found;
    Error error = std::move(found).error();
    error.text += found_elsewhere(path);
    return error;
}

void start_log(const Arguments &arguments) {
    log::Target target = log::Target::Syslog;
    if (arguments.foreground)
        target =
            std::getenv("JOURNAL_STREAM") != nullptr ? log::Target::Journal : log::Target::Stderr;
    log::init(target, arguments.options.debug ? log::Level::Debug : log::Level::Info,
              "faithd " + arguments.options.service);
}

int run_until_told(daemon::Faithd &faithd) {
    const Status ran = faithd.run();
    if (ran)
        return 0;
    log::error(ran.error().text);
    return 1;
}

int run_in_foreground(Arguments arguments, daemon::FaithdRules rules) {
    Result<std::unique_ptr<daemon::Faithd>> faithd =
        daemon::Faithd::start(std::move(arguments.options), std::move(rules));
    if (!faithd)
        return complain(faithd.error());
    if (const Status told = systemd::ready(); !told)
        log::warning(told.error().text);
    return run_until_told(**faithd);
}

int run_in_background(Arguments arguments, daemon::FaithdRules rules) {
    sys::Starter starter;
    const Result<sys::Starter::Outcome> outcome = starter.fork_away();
    if (!outcome)
        return complain(outcome.error());
    if (!outcome->in_child) {
        if (outcome->report == "ready")
            return 0;
        starter.wait_for_child();
        return complain(Error{.kind = Errc::System,
                              .sys_errno = 0,
                              .text = outcome->report.empty() ? "the daemon died while starting"
                                                              : outcome->report});
    }
    Result<std::unique_ptr<daemon::Faithd>> faithd =
        daemon::Faithd::start(std::move(arguments.options), std::move(rules));
    if (!faithd) {
        starter.report(faithd.error().text);
        return 1;
    }
    starter.report("ready");
    return run_until_told(**faithd);
}

} // namespace

int cmd_faithd(int argc, char **argv) {
    Result<Arguments> arguments = parse(argc, argv);
    if (!arguments)
        return usage(arguments.error().text);
    if (const Status taken = take_listener(arguments->options); !taken)
        return complain(taken.error());
    if (const std::string &path = arguments->options.local.path; !path.empty())
        if (const Status found = find_server(path); !found)
            return complain(found.error());
    Result<daemon::FaithdRules> rules = daemon::read_faithd_rules(arguments->options);
    if (!rules)
        return complain(rules.error());
    for (const std::string &warning : rules->rules->warnings)
        std::fprintf(stderr, "%s\n", warning.c_str());
    const std::string warning = remote_shell_warning(arguments->options);
    if (!warning.empty() && !arguments->foreground) // there standard error is the log
        std::fprintf(stderr, "faithd: %s\n", warning.c_str());
    start_log(*arguments);
    if (!warning.empty())
        log::warning(warning);
    return arguments->foreground ? run_in_foreground(*std::move(arguments), *std::move(rules))
                                 : run_in_background(*std::move(arguments), *std::move(rules));
}

} // namespace faith::cli
