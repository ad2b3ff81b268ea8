/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One function per command, each in cmd_<command>.cc: options already parsed in, exit
 * code out. 0 done, 1 refused or failed, 2 usage or configuration error.
 */
#pragma once

#include "base/result.h"
#include "daemon/plan.h"

#include <optional>
#include <string>
#include <vector>

namespace faith::cli {

enum class Output { Text, Json };

int cmd_load(const daemon::Options &options);
int cmd_unload(const std::vector<std::string> &interfaces);
int cmd_status(Output output);
struct ReloadOptions {
    bool dry_run = false;
    bool revoke = false;
};
int cmd_reload(const ReloadOptions &options, Output output);
int cmd_events(bool follow, Output output);
int cmd_keepfaith(const std::string &wanted, Output output); /* "on", "off", "" to ask */
/* A connection that somebody asks about, as typed. */
struct Connection {
    std::string source;
    std::string destination;
    std::string port = "80";
    std::vector<std::string> inner; /* of explain: two addresses inside, or none */
};
int cmd_acl_show(Output output);
/* From the file of options.acl, or from what is in force. 0 permit, 1 deny. */
int cmd_acl_test(const Connection &connection, const daemon::Options &options, Output output);
int cmd_explain(const Connection &connection, Output output); /* 0 permit, 1 deny */
struct CaptureOptions {
    int pid = 0;
    std::optional<int> fd; /* the only one that listens, if it is not given */
    bool all = false;      /* every one that listens */
    std::string unit;      /* of systemd; instead of a pid */
    std::string release;   /* a port, as typed; instead of both */
};
int cmd_capture(const CaptureOptions &options, Output output);
int cmd_doctor(const daemon::Options &options, bool ask_dns, Output output); /* 1: problems */
int cmd_check(const daemon::Options &options, Output output);
int cmd_map(const std::string &address, const daemon::Options &options, Output output);
int cmd_version(Output output);

/* The binary under its old name: its own command line, its own words for errors. */
int cmd_faithd(int argc, char **argv);

/* inetd mode: the descriptor of the one TCP connection that our starter handed over, if it did. */
Result<std::optional<int>> handed_connection();
/* As inetd starts it: argv begins with the local daemon. */
int serve_as_inetd_named_it(int connection, int argc, char **argv);
/* `words` are the local daemon's: path, argv[0], arguments; may be empty. */
int cmd_inetd(const daemon::Options &options, const std::vector<std::string> &words);

/* The one place where a command's error is printed: "faith-gw: sentence" on stderr;
 * configuration errors as they are, because they begin with FILE:LINE:COL. */
int fail(const Error &error);

} // namespace faith::cli
