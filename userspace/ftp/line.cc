/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ftp/line.h"

namespace faith::ftp {

namespace {

constexpr char iac = '\xff';
constexpr char dont = '\xfe';
constexpr char do_it = '\xfd';
constexpr char wont = '\xfc';
constexpr char will = '\xfb';
constexpr char subnegotiation = '\xfa';
constexpr char subnegotiation_end = '\xf0';

/* RFC 854 gives commands the numbers from 240 up. */
bool is_command(char byte) { return static_cast<unsigned char>(byte) >= 240; }

bool ends_with_iac_se(std::string_view text) {
    return text.size() >= 4 && text[text.size() - 2] == iac && text.back() == subnegotiation_end;
}

} // namespace

std::optional<Line> LineReader::next() {
    std::size_t used = 0;
    bool whole = false;
    while (used < pending_.size() && !whole && !too_long()) {
        const Byte kind = urgent_ == used ? Byte::Urgent : Byte::Ordinary;
        whole = take(pending_[used++], kind);
    }
    pending_.erase(0, used);
    if (urgent_)
        urgent_ = *urgent_ >= used ? std::optional(*urgent_ - used) : std::nullopt;
    if (!whole)
        return std::nullopt;
    return std::exchange(line_, {});
}

bool LineReader::take(char byte, Byte kind) {
    if (!telnet_.empty() || byte == iac) {
        if (kind == Byte::Urgent)
            telnet_urgent_ = telnet_.size();
        telnet_ += byte;
        return take_telnet(kind);
    }
    if (kind == Byte::Urgent)
        line_.urgent = line_.raw.size();
    line_.raw += byte;
    if (byte != '\n') {
        line_.text += byte;
        return false;
    }
    if (line_.text.ends_with('\r'))
        line_.text.pop_back();
    return true;
}

/* Acts when the command is whole. */
bool LineReader::take_telnet(Byte kind) {
    if (telnet_.size() < 2)
        return false;
    const char verb = telnet_[1];
    if (!is_command(verb)) {
        /* The letter 255 of a Latin-1 name, which should have been written twice. */
        telnet_.clear();
        line_.raw += iac;
        line_.text += iac;
        return take(verb, kind);
    }
    if (verb == will || verb == wont || verb == do_it || verb == dont) {
        if (telnet_.size() < 3)
            return false;
        take_negotiation(verb, telnet_[2]);
    } else if (verb == subnegotiation) {
        if (!ends_with_iac_se(telnet_)) {
            /* The content matters to nobody; only its end does. */
            if (telnet_.size() > 4)
                telnet_.erase(2, 1);
            return false;
        }
    } else {
        append_telnet();
    }
    telnet_.clear();
    telnet_urgent_.reset();
    return false;
}

void LineReader::append_telnet() {
    if (telnet_urgent_)
        line_.urgent = line_.raw.size() + *telnet_urgent_;
    line_.raw += telnet_;
    if (telnet_[1] == iac)
        line_.text += iac;
    else
        line_.controls += telnet_;
}

void LineReader::take_negotiation(char verb, char option) {
    if (verb == will)
        refusals_ += {iac, dont, option};
    else if (verb == do_it)
        refusals_ += {iac, wont, option};
}

std::string LineReader::rest() {
    std::string all = std::exchange(line_, {}).raw;
    all += std::exchange(telnet_, {});
    all += std::exchange(pending_, {});
    urgent_.reset();
    return all;
}

} // namespace faith::ftp
