/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/control.h"

#include "base/log.h"
#include "sys/unix_socket.h"

#include <cerrno>

namespace faith::daemon {

namespace {

constexpr std::size_t longest_request = 64 << 10;
constexpr std::size_t longest_answer = 256 << 20; /* a list of many sessions */
constexpr sys::Millis client_patience{2000};      /* for a client that does not go on */

const char *kind_name(Errc kind) {
    switch (kind) {
    case Errc::System:
        return "System";
    case Errc::Invalid:
        return "Invalid";
    case Errc::NotLoaded:
        return "NotLoaded";
    case Errc::AlreadyLoaded:
        return "AlreadyLoaded";
    case Errc::AbiMismatch:
        return "AbiMismatch";
    case Errc::Busy:
        return "Busy";
    case Errc::Unsupported:
        return "Unsupported";
    }
    return "System";
}

Errc kind_of(const std::string &name) {
    for (const Errc kind : {Errc::Invalid, Errc::NotLoaded, Errc::AlreadyLoaded, Errc::AbiMismatch,
                            Errc::Busy, Errc::Unsupported})
        if (name == kind_name(kind))
            return kind;
    return Errc::System;
}

/* A daemon that died, or is on its way out, resets the connection. */
bool went_away(const Error &error) {
    return error.sys_errno == ECONNRESET || error.sys_errno == EPIPE;
}

/* A file name may hold bytes that are no UTF-8; they must not end the daemon. */
std::string dump(const Json &value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool nobody_listens(const Error &error) {
    return error.sys_errno == ENOENT || error.sys_errno == ECONNREFUSED;
}

Result<std::string> exchange(int connection, const Json &request) {
    TRY(sys::send_line(connection, dump(request)));
    return sys::receive_line(connection, longest_answer);
}

} // namespace

void Reply::give(const Result<Json> &answer) {
    Json line;
    if (answer)
        line["ok"] = *answer;
    else
        line = {{"error", answer.error().text}, {"kind", kind_name(answer.error().kind)}};
    /* A client that went away has nobody to tell. */
    static_cast<void>(sys::send_line(connection_.get(), dump(line)));
    connection_.reset();
}

sys::UniqueFd Reply::begin(const Json &answer) {
    static_cast<void>(sys::send_line(connection_.get(), dump({{"ok", answer}})));
    return std::move(connection_);
}

Result<std::unique_ptr<ControlServer>>
ControlServer::create(sys::EventLoop &loop, const std::string &socket,
                      std::map<std::string, Handler> handlers) {
    std::unique_ptr<ControlServer> server(new ControlServer(std::move(handlers)));
    TRY_ASSIGN(server->listener_, sys::listen_unix(socket));
    TRY_ASSIGN(server->watch_,
               loop.watch(server->listener_.get(), sys::Interest{.read = true, .write = false},
                          [self = server.get()](sys::Ready) { self->on_connection(); }));
    return server;
}

void ControlServer::on_connection() {
    Result<sys::UniqueFd> connection = sys::accept_unix(listener_.get());
    if (!connection)
        log::warning(connection.error().text);
    else if (*connection)
        answer(*std::move(connection));
}

/* Root's own tools are at the other end, so a short blocking exchange is good enough;
 * the timeout bounds what a stopped one can hold up. */
void ControlServer::answer(sys::UniqueFd connection) {
    const int fd = connection.get();
    if (Status bounded = sys::set_timeouts(fd, client_patience); !bounded)
        return;
    const Result<std::string> line = sys::receive_line(fd, longest_request);
    if (!line)
        return;
    Reply reply(std::move(connection));
    const Json request = Json::parse(*line, nullptr, false);
    if (!request.is_object() || !request.contains("do") || !request["do"].is_string())
        return reply.give(invalid("not a request"));
    const auto handler = handlers_.find(request["do"].get<std::string>());
    if (handler == handlers_.end())
        return reply.give(Error{.kind = Errc::Unsupported,
                                .sys_errno = 0,
                                .text = "the running daemon does not know '" +
                                        request["do"].get<std::string>() + "'"});
    try { // nlohmann reports a wrong type by throwing; it must not end the daemon
        handler->second(request, std::move(reply));
    } catch (const Json::exception &wrong) {
        log::warning(std::string("control request: ") + wrong.what());
    }
}

Result<Answer> ask_daemon(const std::string &socket, const Json &request, sys::Millis longest) {
    Result<sys::UniqueFd> connected = sys::connect_unix(socket);
    if (!connected) {
        Error error = std::move(connected).error();
        if (nobody_listens(error))
            error.kind = Errc::NotLoaded;
        return error;
    }
    const sys::UniqueFd connection = *std::move(connected);
    TRY_ASSIGN(const int pid, sys::peer_pid(connection.get()));
    TRY(sys::set_timeouts(connection.get(), longest));
    Result<std::string> line = exchange(connection.get(), request);
    if (!line) {
        Error error = std::move(line).error();
        if (went_away(error))
            error.kind = Errc::NotLoaded;
        if (error.sys_errno == EAGAIN)
            error =
                Error{.kind = Errc::Busy,
                      .sys_errno = EAGAIN,
                      .text = "the daemon (process " + std::to_string(pid) + ") does not answer"};
        return error;
    }
    Json answer = Json::parse(*line, nullptr, false);
    if (answer.is_object() && answer.contains("ok"))
        return Answer{.value = std::move(answer["ok"]), .pid = pid};
    if (answer.is_object() && answer.contains("error"))
        return Error{.kind = kind_of(answer.value("kind", "")),
                     .sys_errno = 0,
                     .text = answer["error"].get<std::string>()};
    return Error{.kind = Errc::System, .sys_errno = 0, .text = "the daemon's answer is no JSON"};
}

Status follow_daemon(const std::string &socket, const Json &request,
                     const std::function<bool(const Json &line)> &on_line) {
    Result<sys::UniqueFd> connected = sys::connect_unix(socket);
    if (!connected) {
        Error error = std::move(connected).error();
        if (nobody_listens(error))
            error.kind = Errc::NotLoaded;
        return error;
    }
    TRY(sys::send_line(connected->get(), dump(request)));
    sys::LineReader lines(connected->get(), longest_answer);
    for (;;) {
        const Result<std::string> line = lines.next();
        if (!line)
            return went_away(line.error()) ? Status(Ok{}) : Status(line.error());
        const Json value = Json::parse(*line, nullptr, false);
        if (value.is_object() && value.contains("error"))
            return Error{.kind = kind_of(value.value("kind", "")),
                         .sys_errno = 0,
                         .text = value["error"].get<std::string>()};
        if (!on_line(value))
            return Ok{};
    }
}

int daemon_pid(const std::string &socket) {
    const Result<sys::UniqueFd> connection = sys::connect_unix(socket);
    if (!connection)
        return 0;
    const Result<int> pid = sys::peer_pid(connection->get());
    return pid ? *pid : 0;
}

} // namespace faith::daemon
