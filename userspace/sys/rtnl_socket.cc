/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/rtnl_socket.h"

#include "sys/rtnl_message.h"

#include <sys/socket.h>

#include <cerrno>

namespace faith::sys::rtnl {
namespace {

/* The kernel builds parts of at most 32 KiB when the reader offers that much. */
using Buffer = std::array<std::uint8_t, 32768>;

/* The sentence of an extended acknowledgement, if the kernel gave one. The attributes
 * follow the echoed request, of which only the header is there (NLM_F_CAPPED). */
std::string kernel_words(const nlmsghdr &message, std::size_t fixed_bytes) {
    if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0)
        return {};
    return text(find_attribute(message, fixed_bytes, NLMSGERR_ATTR_MSG)).value_or("");
}

Error refused(int number, const std::string &doing, const std::string &words) {
    if (words.empty())
        return system_error(number, doing);
    return system_error(number, doing + ": " + words);
}

/* The verdict of NLMSG_ERROR (0: done), as a Status. */
Status verdict(const nlmsghdr &message, const std::string &doing) {
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(nlmsgerr))
        return system_error(EBADMSG, doing);
    const nlmsgerr &answer = *static_cast<const nlmsgerr *>(mnl_nlmsg_get_payload(&message));
    if (answer.error == 0)
        return Ok{};
    return refused(-answer.error, doing, kernel_words(message, sizeof(nlmsgerr)));
}

/* NLMSG_DONE carries the error of a dump that failed on the way. */
Status dump_end(const nlmsghdr &message, const std::string &doing) {
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(int))
        return Ok{};
    const int number = *static_cast<const int *>(mnl_nlmsg_get_payload(&message));
    if (number >= 0)
        return Ok{};
    return refused(-number, doing, kernel_words(message, sizeof(int)));
}

Result<int> receive(const Socket &socket, Buffer &buffer, const std::string &doing) {
    for (;;) {
        const ssize_t bytes = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
        if (bytes >= 0)
            return static_cast<int>(bytes);
        if (errno != EINTR)
            return system_error(errno, doing + ": receive");
    }
}

Status send(const Socket &socket, const nlmsghdr *head, const std::string &doing) {
    if (mnl_socket_sendto(socket.get(), head, head->nlmsg_len) < 0)
        return system_error(errno, doing + ": send");
    return Ok{};
}

/* What one message of a dump means for the reader. */
enum class Part { More, End, Interrupted };

Result<Part> take_part(const nlmsghdr &message, const OnMessage &on_message,
                       const std::string &doing) {
    if ((message.nlmsg_flags & NLM_F_DUMP_INTR) != 0 || message.nlmsg_type == NLMSG_OVERRUN)
        return Part::Interrupted;
    if (message.nlmsg_type == NLMSG_ERROR) {
        TRY(verdict(message, doing));
        return Part::End;
    }
    if (message.nlmsg_type == NLMSG_DONE) {
        TRY(dump_end(message, doing));
        return Part::End;
    }
    if (message.nlmsg_type >= NLMSG_MIN_TYPE)
        on_message(message);
    return Part::More;
}

Result<Part> take_parts(const Buffer &buffer, int bytes, const OnMessage &on_message,
                        const std::string &doing) {
    const nlmsghdr *message = reinterpret_cast<const nlmsghdr *>(buffer.data());
    for (; mnl_nlmsg_ok(message, bytes); message = mnl_nlmsg_next(message, &bytes)) {
        TRY_ASSIGN(const Part part, take_part(*message, on_message, doing));
        if (part != Part::More)
            return part;
    }
    return Part::More;
}

const char *subject(std::uint16_t type) {
    switch (type) {
    case RTM_GETLINK:
        return "list interfaces";
    case RTM_GETADDR:
        return "list addresses";
    case RTM_GETROUTE:
        return "list IPv6 routes";
    case RTM_GETQDISC:
        return "list queueing disciplines";
    case RTM_GETTFILTER:
        return "list traffic filters";
    default:
        return "ask rtnetlink";
    }
}

} // namespace

Request::Request(std::uint16_t type, std::uint16_t flags) {
    mnl_nlmsg_put_header(buffer_.data());
    head()->nlmsg_type = type;
    head()->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    head()->nlmsg_seq = 1;
}

Result<Socket> open_socket(int flags) {
    Socket socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags));
    if (!socket)
        return system_error(errno, "open a netlink socket");
    if (mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0)
        return system_error(errno, "bind a netlink socket");
    for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK}) {
        int on = 1;
        if (mnl_socket_setsockopt(socket.get(), option, &on, sizeof(on)) < 0)
            return system_error(errno, "set netlink option " + std::to_string(option));
    }
    return socket;
}

Status change(Request &request, const std::string &doing) {
    return ask(request, doing, [](const nlmsghdr &) {});
}

Status ask(Request &request, const std::string &doing, const OnMessage &on_message) {
    TRY_ASSIGN(const Socket socket, open_socket(0));
    request.head()->nlmsg_flags |= NLM_F_ACK;
    TRY(send(socket, request.head(), doing));
    alignas(nlmsghdr) Buffer buffer;
    for (;;) {
        TRY_ASSIGN(int bytes, receive(socket, buffer, doing));
        const nlmsghdr *message = reinterpret_cast<const nlmsghdr *>(buffer.data());
        for (; mnl_nlmsg_ok(message, bytes); message = mnl_nlmsg_next(message, &bytes)) {
            if (message->nlmsg_type == NLMSG_ERROR)
                return verdict(*message, doing);
            on_message(*message);
        }
    }
}

Result<Dumped> dump_once(Request &request, const OnMessage &on_message) {
    const std::string doing = subject(request.head()->nlmsg_type);
    TRY_ASSIGN(const Socket socket, open_socket(0));
    request.head()->nlmsg_flags |= NLM_F_DUMP;
    TRY(send(socket, request.head(), doing));
    alignas(nlmsghdr) Buffer buffer;
    for (;;) {
        TRY_ASSIGN(const int bytes, receive(socket, buffer, doing));
        TRY_ASSIGN(const Part part, take_parts(buffer, bytes, on_message, doing));
        if (part != Part::More)
            return part == Part::End ? Dumped::Complete : Dumped::Interrupted;
    }
}

Status until_complete(const std::function<Result<Dumped>()> &dump) {
    for (int count = 0; count < max_dumps; ++count) {
        TRY_ASSIGN(const Dumped dumped, dump());
        if (dumped == Dumped::Complete)
            return Ok{};
    }
    return Error{.kind = Errc::Busy,
                 .sys_errno = EAGAIN,
                 .text = "the network configuration changed on each of " +
                         std::to_string(max_dumps) + " attempts to read it"};
}

} // namespace faith::sys::rtnl
