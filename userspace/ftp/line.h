/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One direction of an FTP control connection: bytes in, lines out, however the bytes were
 * cut into segments. A line ends with LF; the CR before it belongs to the end. Telnet
 * (RFC 854) is understood as far as RFC 6384 5 asks: option negotiation is refused and not
 * passed on, as an FTP server does (RFC 1123 4.1.2.12), and the other commands, IAC IP and
 * IAC DM before an ABOR, go where the line goes.
 *
 * A byte can be urgent, as the DM of a Telnet synch is; a line knows which of its bytes was.
 *
 * Invariant: bytes behind a line that next() returned have not been looked at. After AUTH
 * they may be no text at all, and rest() gives them as they came.
 */
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace faith::ftp {

struct Line {
    std::string raw;      /* to pass on unchanged: its end included, negotiation not */
    std::string text;     /* what it says: no Telnet command, no end of line */
    std::string controls; /* its Telnet commands, for whoever replaces the text */
    std::optional<std::size_t> urgent{}; /* this byte of raw */
};

class LineReader {
public:
    /* KAME's limit; servers take 4 or 8 KiB. Nobody keeps more than this for a peer that
     * sends no end of line. */
    static constexpr std::size_t longest_line = 16 * 1024;

    void feed(std::string_view bytes) { pending_.append(bytes); }
    void feed_urgent(char byte) {
        urgent_ = pending_.size();
        pending_ += byte;
    }
    std::optional<Line> next();

    /* Refusals of options, to be sent back to where the bytes came from. */
    std::string take_refusals() { return std::exchange(refusals_, {}); }
    bool too_long() const { return line_.raw.size() > longest_line; }
    /* All that was fed and is in no line yet, as it came; nothing is left. */
    std::string rest();
    bool empty() const { return pending_.empty() && line_.raw.empty() && telnet_.empty(); }

private:
    enum class Byte { Ordinary, Urgent };
    bool take(char byte, Byte kind); /* true: the line is whole */
    bool take_telnet(Byte kind);
    void append_telnet();
    void take_negotiation(char verb, char option);

    std::string pending_;
    std::optional<std::size_t> urgent_;        /* this byte of pending_ */
    Line line_;                                /* as far as it has been read */
    std::optional<std::size_t> telnet_urgent_; /* this byte of telnet_ */
    std::string telnet_;                       /* a Telnet command as far as it has been read */
    std::string refusals_;
};

} // namespace faith::ftp
