/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The C library takes and refuses the same texts, with the same result. */
#include "base/addr.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <cstring>
#include <string>

using namespace faith;
using fuzz::promise;

namespace {

void check_ip4(const std::string &text) {
    Result<Ip4> ours = parse_ip4(text);
    in_addr theirs{};
    promise(ours.has_value() == (inet_pton(AF_INET, text.c_str(), &theirs) == 1), "IPv4 accepted");
    if (!ours)
        return;
    promise(ours->value == ntohl(theirs.s_addr), "IPv4 value");
    promise(to_string(*ours) == text, "IPv4 has one written form");
}

void check_ip6(const std::string &text) {
    Result<Ip6> ours = parse_ip6(text);
    in6_addr theirs{};
    promise(ours.has_value() == (inet_pton(AF_INET6, text.c_str(), &theirs) == 1), "IPv6 accepted");
    if (!ours)
        return;
    promise(std::memcmp(ours->bytes.data(), &theirs, sizeof theirs) == 0, "IPv6 value");
    Result<Ip6> again = parse_ip6(to_string(*ours));
    promise(again && *again == *ours, "IPv6 prints back");
}

template <class Prefix>
void check_prefix(Result<Prefix> (*parse)(std::string_view), std::string_view text) {
    Result<Prefix> prefix = parse(text);
    if (!prefix)
        return;
    Result<Prefix> again = parse(to_string(*prefix));
    promise(again && *again == *prefix, "a prefix prints back");
    promise(prefix->contains(prefix->address) && prefix->contains(prefix->masked()) &&
                prefix->masked().contains(*prefix),
            "a prefix contains itself");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string text(fuzz::text_of(data, size));
    check_prefix<Prefix4>(parse_prefix4, text);
    check_prefix<Prefix6>(parse_prefix6, text);
    (void)parse_port(text);
    /* The C library stops at a NUL. */
    if (text.find('\0') != std::string::npos)
        return 0;
    check_ip4(text);
    check_ip6(text);
    return 0;
}
