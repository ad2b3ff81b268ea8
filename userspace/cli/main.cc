/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of commands; what each does is in cmd_<command>.cc. */
#include "cli/commands.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>

namespace {

using faith::Result;
using faith::cli::Output;
using faith::daemon::Options;
using faith::datapath::XdpMode;

/* What the command line fills in, for whichever command it names. */
struct Arguments {
    Options options;
    std::vector<std::string> interfaces;
    std::string address;
    std::string on_or_off;
    std::string xdp = "auto";
    faith::cli::ReloadOptions reload;
    faith::cli::Connection connection;
    faith::cli::CaptureOptions capture;
    bool follow = false;
    bool no_relay = false;
    bool no_dns = false;
    bool json = false;

    Output output() const { return json ? Output::Json : Output::Text; }
};

void add_json(CLI::App &command, Arguments &args) {
    command.add_flag("--json", args.json, "Print JSON");
}

void add_configuration(CLI::App &command, Arguments &args) {
    command.add_option("-c,--config", args.options.config,
                       std::string("Configuration file (default ") + faith::daemon::default_config +
                           ")");
    command.add_option("--prefix", args.options.prefixes,
                       "IPv6 prefix to capture, P/96 (repeatable; default 64:ff9b::/96)");
    command.add_option("--acl", args.options.acl, "Access control list, as faithd.conf");
}

std::function<int()> add_load(CLI::App &app, Arguments &args) {
    CLI::App &load = *app.add_subcommand(
        "load", "Check the configuration, attach to the interfaces, start the relay");
    load.add_option("interface", args.options.interfaces,
                    "Interfaces where clients come in (none: tunnels alone)");
    add_configuration(load, args);
    load.add_option("--permit", args.options.permits,
                    "Permit this source, SRC6/LEN, before the access control list (repeatable)");
    load.add_option("--xdp", args.xdp, "XDP mode")
        ->check(CLI::IsMember({"auto", "native", "generic"}))
        ->capture_default_str();
    load.add_flag("--foreground", args.options.foreground, "Stay in the foreground");
    load.add_flag("--no-relay", args.no_relay, "Capture only; no relay (clients are reset)");
    return [&args] {
        args.options.tunnels_alone = args.options.interfaces.empty();
        args.options.relay = !args.no_relay && !args.options.tunnels_alone;
        args.options.xdp = args.xdp == "native"    ? XdpMode::Native
                           : args.xdp == "generic" ? XdpMode::Generic
                                                   : XdpMode::Auto;
        return faith::cli::cmd_load(args.options);
    };
}

std::function<int()> add_unload(CLI::App &app, Arguments &args) {
    CLI::App &unload = *app.add_subcommand(
        "unload", "Detach from the interfaces; from all of them, leave nothing behind");
    unload.add_option("interface", args.interfaces, "Interfaces (default: all)");
    return [&args] { return faith::cli::cmd_unload(args.interfaces); };
}

std::function<int()> add_status(CLI::App &app, Arguments &args) {
    add_json(*app.add_subcommand("status", "Interfaces, prefixes, relay, counters"), args);
    return [&args] { return faith::cli::cmd_status(args.output()); };
}

std::function<int()> add_reload(CLI::App &app, Arguments &args) {
    CLI::App &reload = *app.add_subcommand(
        "reload", "Read configuration and access control list again; no session is lost");
    CLI::Option *dry_run = reload.add_flag("--dry-run", args.reload.dry_run,
                                           "Say what would change, and change nothing");
    reload.add_flag("--revoke", args.reload.revoke, "End live sessions that the new rules deny")
        ->excludes(dry_run);
    add_json(reload, args);
    return [&args] { return faith::cli::cmd_reload(args.reload, args.output()); };
}

void add_connection(CLI::App &command, Arguments &args, const char *destination) {
    command.add_option("source", args.connection.source, "IPv6 address of the client")->required();
    command.add_option("destination", args.connection.destination, destination)->required();
    command.add_option("port", args.connection.port, "Destination port")->capture_default_str();
}

std::function<int()> add_acl(CLI::App &app, Arguments &args) {
    CLI::App &acl = *app.add_subcommand("acl", "The rules in force, and what they would decide");
    acl.require_subcommand(1);
    CLI::App &show = *acl.add_subcommand("show", "Rules in the order of the list, with their hits");
    add_json(show, args);
    CLI::App &test = *acl.add_subcommand("test", "The verdict on a connection, and its rule");
    add_connection(test, args, "IPv4 address of the server");
    CLI::Option *file = test.add_option("--acl", args.options.acl,
                                        "Ask this list, offline (default: what is in force)");
    test.add_option("-c,--config", args.options.config, "Configuration for prefixes and `never`")
        ->needs(file);
    add_json(test, args);
    return [&args, &show] {
        return show.parsed()
                   ? faith::cli::cmd_acl_show(args.output())
                   : faith::cli::cmd_acl_test(args.connection, args.options, args.output());
    };
}

std::function<int()> add_explain(CLI::App &app, Arguments &args) {
    CLI::App &explain = *app.add_subcommand(
        "explain", "Ask the programs in the kernel about a connection: what happens, and why");
    add_connection(explain, args, "IPv6 address, or IPv4 address of the server");
    explain.get_option("source")->description(
        "IPv6 address of the client; IPv4 address of a tunnel's far end");
    explain.add_option("--inner", args.connection.inner, "Addresses inside of the tunnel packet")
        ->type_name("SRC6 DST6")
        ->expected(2);
    add_json(explain, args);
    return [&args] { return faith::cli::cmd_explain(args.connection, args.output()); };
}

std::function<int()> add_events(CLI::App &app, Arguments &args) {
    CLI::App &events = *app.add_subcommand("events", "Connections that were denied in the kernel");
    events.add_flag("--follow", args.follow, "Go on, as they happen");
    events.add_flag("--json", args.json, "Print JSON, one object a line");
    return [&args] { return faith::cli::cmd_events(args.follow, args.output()); };
}

std::function<int()> add_keepfaith(CLI::App &app, Arguments &args) {
    CLI::App &keepfaith =
        *app.add_subcommand("keepfaith", "The switch of faith(4): off captures nothing");
    keepfaith.add_option("state", args.on_or_off, "on or off; without it, say which")
        ->check(CLI::IsMember({"on", "off"}));
    add_json(keepfaith, args);
    return [&args] { return faith::cli::cmd_keepfaith(args.on_or_off, args.output()); };
}

std::function<int()> add_capture(CLI::App &app, Arguments &args) {
    CLI::App &capture = *app.add_subcommand(
        "capture", "Let another program serve the prefix on the port it listens on");
    CLI::Option *pid =
        capture.add_option("--pid", args.capture.pid, "Process that listens, over IPv6")
            ->check(CLI::PositiveNumber);
    CLI::Option *fd =
        capture.add_option("--fd", args.capture.fd, "Its descriptor (default: the only listener)")
            ->check(CLI::NonNegativeNumber);
    CLI::Option *all =
        capture.add_flag("--all", args.capture.all, "Each port it listens on, as for an inetd")
            ->excludes(fd);
    CLI::Option *unit =
        capture.add_option("--unit", args.capture.unit, "The main process of a unit of systemd");
    CLI::Option *release =
        capture.add_option("--release", args.capture.release, "Give this port back");
    pid->excludes(unit)->excludes(release);
    unit->excludes(release);
    fd->excludes(release);
    all->excludes(release);
    add_json(capture, args);
    return [&args, pid, unit, release] {
        if (pid->empty() && unit->empty() && release->empty()) {
            std::fputs("faith-gw capture: say --pid, --unit or --release\n", stderr);
            return 2;
        }
        return faith::cli::cmd_capture(args.capture, args.output());
    };
}

std::function<int()> add_inetd(CLI::App &app, Arguments &args) {
    CLI::App &inetd = *app.add_subcommand(
        "inetd", "Serve the one connection that inetd or systemd accepted, and end with it");
    add_configuration(inetd, args);
    inetd.prefix_command()->footer(
        "What follows the options is the local daemon for connections to own addresses: its "
        "path, argv[0] and arguments.");
    return [&args, &inetd] { return faith::cli::cmd_inetd(args.options, inetd.remaining()); };
}

std::function<int()> add_check(CLI::App &app, Arguments &args) {
    CLI::App &check =
        *app.add_subcommand("check", "Validate configuration and access control list, offline");
    add_configuration(check, args);
    add_json(check, args);
    return [&args] { return faith::cli::cmd_check(args.options, args.output()); };
}

std::function<int()> add_doctor(CLI::App &app, Arguments &args) {
    CLI::App &doctor = *app.add_subcommand(
        "doctor", "Look for what is wrong around the gateway, loaded or not, and say what to do");
    doctor.add_option("interface", args.options.interfaces,
                      "Interfaces that are to be loaded (a loaded gateway knows its own)");
    add_configuration(doctor, args);
    doctor.add_flag("--no-dns", args.no_dns, "Do not ask the name server about DNS64");
    add_json(doctor, args);
    return [&args] { return faith::cli::cmd_doctor(args.options, !args.no_dns, args.output()); };
}

std::function<int()> add_map(CLI::App &app, Arguments &args) {
    CLI::App &map = *app.add_subcommand("map", "Map an address to the other family");
    map.add_option("address", args.address, "IPv4 address, or IPv6 address of a prefix")
        ->required();
    add_configuration(map, args);
    add_json(map, args);
    return [&args] { return faith::cli::cmd_map(args.address, args.options, args.output()); };
}

std::function<int()> add_version(CLI::App &app, Arguments &args) {
    add_json(*app.add_subcommand("version", "Print the version"), args);
    return [&args] { return faith::cli::cmd_version(args.output()); };
}

/* "help" beside --help, as people type it. Added last: it prints what is there by then. */
std::function<int()> add_help(CLI::App &app, Arguments &) {
    app.add_subcommand("help", "Print this help");
    return [text = app.help()] {
        std::fputs(text.c_str(), stdout);
        return 0;
    };
}

struct Command {
    const char *name;
    std::function<int()> (*add)(CLI::App &, Arguments &);
};

constexpr Command commands[] = {
    {"load", add_load},       {"unload", add_unload},       {"status", add_status},
    {"reload", add_reload},   {"events", add_events},       {"acl", add_acl},
    {"explain", add_explain}, {"keepfaith", add_keepfaith}, {"capture", add_capture},
    {"check", add_check},     {"doctor", add_doctor},       {"map", add_map},
    {"inetd", add_inetd},     {"version", add_version},     {"help", add_help},
};

using Added = std::pair<const char *, std::function<int()>>;

/* Those that the command line has a word of, because all of them together cost more than most
 * commands do. A word that names one is never lost on the parser, wherever it stands; where there
 * is none (a misspelt one), or who asks for help, which lists them, all are there. */
std::vector<Added> add_commands(CLI::App &app, Arguments &args, int argc, char **argv) {
    const std::vector<std::string_view> words(argv + std::min(argc, 1), argv + argc);
    const auto is_there = [&words](std::string_view name) {
        return std::ranges::count(words, name) > 0;
    };
    const bool all = is_there("help") || is_there("--help") || is_there("-h") ||
                     std::ranges::none_of(commands, is_there, &Command::name);
    std::vector<Added> added;
    for (const Command &command : commands)
        if (all || is_there(command.name))
            added.emplace_back(command.name, command.add(app, args));
    return added;
}

/* What the program is called decides what it is (D1). */
std::string_view called(const char *path) {
    const std::string_view whole = path == nullptr ? "" : path;
    return whole.substr(whole.rfind('/') + 1);
}

} // namespace

int main(int argc, char **argv) {
    const std::string_view we_are = called(argc > 0 ? argv[0] : nullptr);
    if (we_are == "faithd")
        return faith::cli::cmd_faithd(argc, argv);
    if (we_are != "faith-gw") {
        const Result<std::optional<int>> handed = faith::cli::handed_connection();
        if (!handed)
            return faith::cli::fail(handed.error());
        if (*handed)
            return faith::cli::serve_as_inetd_named_it(**handed, argc, argv);
    }
    CLI::App app("IPv6-to-IPv4 TCP gateway after faith(4) and faithd(8)", "faith-gw");
    app.require_subcommand(1);
    app.set_version_flag("--version", "faith-gw " FGW_VERSION);
    Arguments args;
    const std::vector<Added> added = add_commands(app, args, argc, argv);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        return app.exit(error) == 0 ? 0 : 2; // help and version are no errors
    }
    for (const auto &[name, run] : added)
        if (app.got_subcommand(name))
            return run();
    return 2;
}
