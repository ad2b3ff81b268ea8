/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Errors are values. A function that can fail returns Result<T>, or Status when it
 * has nothing else to return; each level adds what it was trying to do with wrap()
 * and passes it on; only cli and daemon print one. The members are those of
 * std::expected, which this becomes when the project moves to C++23.
 */
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>

namespace faith {

/* What a caller may want to act on. Anything nobody acts on is System or Invalid. */
enum class Errc {
    System,    /* a system call or library call failed; sys_errno says how */
    Invalid,   /* what the user wrote is wrong: exit code 2 */
    NotLoaded, /* the gateway is not loaded in this network namespace */
    AlreadyLoaded,
    AbiMismatch, /* the maps in the kernel were made by another build */
    Busy,        /* somebody else holds it: a lock, an XDP program, a port */
    Unsupported, /* this kernel or this release cannot do it */
};

struct [[nodiscard]] Error {
    Errc kind = Errc::System;
    int sys_errno = 0;
    std::string text;

    /* "load eth0: attach XDP: Device or resource busy" grows from right to left. */
    Error wrap(std::string_view doing) && {
        text = std::string(doing) + ": " + text;
        return std::move(*this);
    }
};

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : value_(std::move(value)) {}
    Result(Error error) : error_(std::move(error)) {}

    explicit operator bool() const { return value_.has_value(); }
    bool has_value() const { return value_.has_value(); }
    T &operator*() & {
        assert(value_);
        return *value_;
    }
    const T &operator*() const & {
        assert(value_);
        return *value_;
    }
    /* By value, unlike std::expected: `for (x : *list())` must not dangle before C++23. */
    T operator*() && {
        assert(value_);
        return std::move(*value_);
    }
    T *operator->() {
        assert(value_);
        return &*value_;
    }
    const T *operator->() const {
        assert(value_);
        return &*value_;
    }
    Error &error() & {
        assert(!value_);
        return error_;
    }
    const Error &error() const & {
        assert(!value_);
        return error_;
    }
    Error &&error() && {
        assert(!value_);
        return std::move(error_);
    }

private:
    std::optional<T> value_;
    Error error_;
};

struct Ok {};
using Status = Result<Ok>;

inline Error invalid(std::string text) {
    return Error{.kind = Errc::Invalid, .sys_errno = 0, .text = std::move(text)};
}

/* "TEXT: strerror(number)". Call it in the statement after the failing call. */
Error system_error(int number, std::string text);

} // namespace faith

#define FAITH_CONCAT_(a, b) a##b
#define FAITH_CONCAT(a, b) FAITH_CONCAT_(a, b)

/* TRY(status): leave with the error, if it is one. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        if (auto faith_status_ = (expr); !faith_status_)                                           \
            return std::move(faith_status_).error();                                               \
    } while (0)

/* TRY_ASSIGN(const Ip6 address, parse_ip6(word)): leave with the error, else declare. */
#define TRY_ASSIGN(decl, expr) TRY_ASSIGN_(FAITH_CONCAT(faith_result_, __LINE__), decl, expr)
#define TRY_ASSIGN_(result, decl, expr)                                                            \
    auto result = (expr);                                                                          \
    if (!result)                                                                                   \
        return std::move(result).error();                                                          \
    decl = *std::move(result)
