/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/pump.h"

#include "sys/socket.h"

#include <utility>

namespace faith::relay {

using sys::Moved;

void Pump::open(int source, int sink, Counter &moved) {
    *this = Pump{};
    source_ = source;
    sink_ = sink;
    moved_ = &moved;
}

void Pump::close(PumpTools &tools) {
    held_ = 0;
    ended_ = true;
    give_back(tools);
}

Pump::Result Pump::step(Told told, PumpTools &tools) {
    if (!drain(tools))
        return Result::SinkFailed;
    const std::uint64_t start = bytes_;
    Next next = Next::Again;
    while (next == Next::Again && want_read() && bytes_ - start < turn_bytes) {
        next = take(told, tools);
        /* What epoll promised has been taken; only a FIN promises more. */
        if (told == Told::Readable)
            told = Told::Nothing;
    }
    if (next == Next::SourceFailed)
        return Result::SourceFailed;
    if (next == Next::SinkFailed)
        return Result::SinkFailed;
    if (held_ == 0)
        give_back(tools);
    return Result::Going;
}

Pump::Next Pump::take(Told told, PumpTools &tools) {
    if (mark_) {
        /* Told by an event of before the byte was taken, perhaps, and so were the others. */
        mark_ = sys::waiting(source_).urgent;
        if (mark_ && sys::at_urgent_mark(source_))
            return take_urgent(tools);
        if (!mark_ && told == Told::Readable)
            told = Told::Nothing;
    }
    return choice_.engine() == Engine::Splice ? splice(told, tools) : copy(told, tools);
}

Pump::Next Pump::take_urgent(PumpTools &tools) {
    const std::span<std::byte> byte = tools.scratch.first(1);
    const Moved in = sys::receive(source_, byte);
    if (in.kind == Moved::Kind::Error)
        return Next::SourceFailed;
    if (in.kind == Moved::Kind::Again) /* announced, but still to come */
        return Next::Stop;
    mark_ = false;
    progress_ = true;
    if (in.kind == Moved::Kind::End) {
        ended_ = true;
        return Next::Stop;
    }
    urgent_ = true;
    buffer_ = tools.buffers.get(byte);
    held_ = 1;
    return drain(tools) ? Next::Again : Next::SinkFailed;
}

Pump::Next Pump::copy(Told told, PumpTools &tools) {
    if (told == Told::Nothing && !mark_) {
        const sys::Waiting now = sys::waiting(source_);
        mark_ = now.urgent;
        if (now.urgent)
            return Next::Again;
        if (!now.something)
            return Next::Stop;
    }
    const Moved in = sys::receive(source_, tools.scratch);
    switch (in.kind) {
    case Moved::Kind::Again:
        return Next::Stop;
    case Moved::Kind::End:
        ended_ = true;
        progress_ = true;
        return Next::Stop;
    case Moved::Kind::Error:
        return Next::SourceFailed;
    case Moved::Kind::Some:
        break;
    }
    choice_.saw(in.bytes);
    progress_ = true;
    const std::span<const std::byte> content = tools.scratch.first(in.bytes);
    const Moved out = sys::send(sink_, content);
    if (out.kind == Moved::Kind::Error)
        return Next::SinkFailed;
    gave(out.bytes);
    if (out.bytes < in.bytes) {
        buffer_ = tools.buffers.get(content.subspan(out.bytes));
        held_ = in.bytes - out.bytes;
        return Next::Stop;
    }
    return in.bytes == tools.scratch.size() || told == Told::Ended ? Next::Again : Next::Stop;
}

Pump::Next Pump::splice(Told told, PumpTools &tools) {
    if (!pipe_)
        pipe_ = tools.pipes.get();
    if (!pipe_)
        return copy(told, tools);
    const Moved in = sys::splice_in(source_, pipe_, splice_bytes);
    if (in.kind == Moved::Kind::Again && told == Told::Nothing)
        return Next::Stop;
    if (in.kind == Moved::Kind::Error)
        return Next::SourceFailed;
    /* Said to be readable, yet nothing came; or an end, or a mark: ask recv(), (3), (5). */
    if (in.kind != Moved::Kind::Some)
        return copy(told, tools);
    choice_.saw(in.bytes);
    progress_ = true;
    held_ = in.bytes;
    if (!drain(tools))
        return Next::SinkFailed;
    /* Less than a full read: the source is nearly dry, and epoll will tell of more. */
    return in.bytes >= read_bytes || told == Told::Ended ? Next::Again : Next::Stop;
}

bool Pump::drain(PumpTools &tools) {
    if (held_ == 0)
        return true;
    const bool in_pipe = pipe_.bytes > 0;
    const Moved out = in_pipe   ? sys::splice_out(pipe_, sink_)
                      : urgent_ ? sys::send_urgent(sink_, buffer_->rest().front())
                                : sys::send(sink_, buffer_->rest());
    /* An end makes no sense from a sink; a pipe that gives nothing must not spin. */
    if (out.kind == Moved::Kind::Error || out.kind == Moved::Kind::End)
        return false;
    gave(out.bytes);
    held_ -= out.bytes;
    if (in_pipe)
        tools.spliced.add(out.bytes);
    else
        buffer_->begin += out.bytes;
    if (held_ == 0 && !in_pipe)
        tools.buffers.put(std::move(buffer_));
    urgent_ = urgent_ && held_ > 0;
    return true;
}

void Pump::gave(std::size_t bytes) {
    bytes_ += bytes;
    moved_->add(bytes);
    progress_ = progress_ || bytes > 0;
}

void Pump::give_back(PumpTools &tools) {
    tools.buffers.put(std::move(buffer_));
    tools.pipes.put(pipe_);
}

} // namespace faith::relay
