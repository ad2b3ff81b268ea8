/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The control socket: one JSON object a line, one request a connection.
 *
 *   {"do": "status"}  ->  {"ok": {...}}  or  {"error": "sentence", "kind": "Busy"}
 *
 * The socket's mode (0600) is the permission. A request is answered at once, or later
 * through its Reply (unload answers when everything is gone).
 */
#pragma once

#include "base/result.h"
#include "sys/event_loop.h"
#include "sys/fd.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace faith::daemon {

using Json = nlohmann::json;

/* The answer to one request, to be given once. */
class Reply {
public:
    explicit Reply(sys::UniqueFd connection) : connection_(std::move(connection)) {}
    void give(const Result<Json> &answer); /* sends and closes */
    /* Sends and leaves the connection open, for more lines. */
    sys::UniqueFd begin(const Json &answer);

private:
    sys::UniqueFd connection_;
};

class ControlServer {
public:
    using Handler = std::function<void(const Json &request, Reply reply)>;

    static Result<std::unique_ptr<ControlServer>> create(sys::EventLoop &loop,
                                                         const std::string &socket,
                                                         std::map<std::string, Handler> handlers);

private:
    explicit ControlServer(std::map<std::string, Handler> handlers)
        : handlers_(std::move(handlers)) {}
    void on_connection();
    void answer(sys::UniqueFd connection);

    std::map<std::string, Handler> handlers_;
    sys::UniqueFd listener_;
    sys::Watch watch_;
};

/* A running daemon's answer. NotLoaded when none listens or it goes away instead of
 * answering; Busy when it does not answer in time. */
struct Answer {
    Json value;
    int pid = 0;
};
Result<Answer> ask_daemon(const std::string &socket, const Json &request, sys::Millis longest);
/* The same for an answer that goes on: every further line until the daemon goes away, which
 * is no error. `on_line` may stop it by returning false. */
Status follow_daemon(const std::string &socket, const Json &request,
                     const std::function<bool(const Json &line)> &on_line);
/* The process behind the socket, 0 when nobody listens. */
int daemon_pid(const std::string &socket);

} // namespace faith::daemon
