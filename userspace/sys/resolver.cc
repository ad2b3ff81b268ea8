/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/resolver.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <cerrno>
#include <cstring>

namespace faith::sys {

namespace {

/* What the C library makes of /etc/resolv.conf; a state of our own, not the process's. */
class Resolver {
public:
    Resolver() : ready_(::res_ninit(&state_) == 0) {}
    Resolver(const Resolver &) = delete;
    Resolver &operator=(const Resolver &) = delete;
    ~Resolver() {
        if (ready_)
            ::res_nclose(&state_);
    }
    bool ready() const { return ready_; }
    struct __res_state *operator->() { return &state_; }
    struct __res_state *get() { return &state_; }

private:
    struct __res_state state_{};
    bool ready_;
};

Error unanswered(const std::string &name, int reason) {
    return Error{.kind = Errc::System,
                 .sys_errno = reason == TRY_AGAIN ? ETIMEDOUT : 0,
                 .text = "ask for " + name + ": " + ::hstrerror(reason)};
}

Result<std::vector<Ip6>> read_answer(const std::string &name, const unsigned char *answer,
                                     int length) {
    std::vector<Ip6> addresses;
    ns_msg message;
    if (::ns_initparse(answer, length, &message) != 0)
        return Error{.kind = Errc::System, .sys_errno = EBADMSG, .text = "answer for " + name};
    for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
        ns_rr record;
        if (::ns_parserr(&message, ns_s_an, i, &record) != 0)
            continue;
        Ip6 address;
        if (ns_rr_type(record) != ns_t_aaaa || ns_rr_rdlen(record) != address.bytes.size())
            continue; // a CNAME in front of them
        std::memcpy(address.bytes.data(), ns_rr_rdata(record), address.bytes.size());
        addresses.push_back(address);
    }
    return addresses;
}

} // namespace

Result<std::vector<Ip6>> resolve6(const std::string &name, int seconds,
                                  std::optional<NameServer> server) {
    Resolver resolver;
    if (!resolver.ready())
        return Error{.kind = Errc::System, .sys_errno = errno, .text = "read /etc/resolv.conf"};
    resolver->retry = 1;
    resolver->retrans = seconds;
    if (server) {
        sockaddr_in &at = resolver->nsaddr_list[0];
        at.sin_family = AF_INET;
        at.sin_port = htons(server->port);
        at.sin_addr.s_addr = htonl(server->address.value);
        resolver->nscount = 1;
    }
    unsigned char answer[NS_PACKETSZ * 2];
    const int length =
        ::res_nquery(resolver.get(), name.c_str(), ns_c_in, ns_t_aaaa, answer, sizeof answer);
    if (length < 0 && resolver->res_h_errno == NO_DATA)
        return std::vector<Ip6>();
    if (length < 0)
        return unanswered(name, resolver->res_h_errno);
    return read_answer(name, answer, std::min(length, static_cast<int>(sizeof answer)));
}

} // namespace faith::sys
