/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One question to rtnetlink and its answer. Private to the rtnl files: nobody else
 * includes it. A socket lives for one question, so that the rest of an abandoned
 * answer can never be taken for the answer to the next one.
 */
#pragma once

#include "base/result.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace faith::sys::rtnl {

struct CloseSocket {
    void operator()(mnl_socket *socket) const { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

/* Bound, with the kernel's own words in its errors (extended acknowledgements) and with
 * dump requests checked strictly, which is what makes it honour their filters. */
Result<Socket> open_socket(int flags);

/* A message under construction: the fixed part first, then attributes on head(). */
class Request {
public:
    Request(std::uint16_t type, std::uint16_t flags);
    nlmsghdr *head() { return reinterpret_cast<nlmsghdr *>(buffer_.data()); }
    /* The fixed part, zeroed. */
    template <class Fixed>
    Fixed &add() {
        static_assert(sizeof(Fixed) <= 64);
        return *static_cast<Fixed *>(mnl_nlmsg_put_extra_header(head(), sizeof(Fixed)));
    }

private:
    alignas(nlmsghdr) std::array<std::uint8_t, 256> buffer_{};
};

using OnMessage = std::function<void(const nlmsghdr &)>;

/* Sends a change, or a question that has one answer, and waits for the kernel's verdict;
 * sys_errno of the error is it. */
Status change(Request &request, const std::string &doing);
Status ask(Request &request, const std::string &doing, const OnMessage &on_message);

/* The kernel marks an answer in many parts that changed between two of them. */
enum class Dumped { Complete, Interrupted };
Result<Dumped> dump_once(Request &request, const OnMessage &on_message);

/* Calls dump until it is Complete; gives up (Errc::Busy) after max_dumps. */
inline constexpr int max_dumps = 32;
Status until_complete(const std::function<Result<Dumped>()> &dump);

/* Everything the kernel lists, as far as `read` takes it. */
template <class T>
Result<std::vector<T>> collect(Request &request,
                               const std::function<std::optional<T>(const nlmsghdr &)> &read) {
    std::vector<T> found;
    TRY(until_complete([&] {
        found.clear();
        return dump_once(request, [&](const nlmsghdr &message) {
            if (std::optional<T> item = read(message))
                found.push_back(*std::move(item));
        });
    }));
    return found;
}

} // namespace faith::sys::rtnl
