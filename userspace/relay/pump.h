/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One direction of a session: from a source socket to a sink socket.
 *
 * Invariants:
 *   (1) A pump takes from its source only when it holds nothing. So the order of
 *       bytes cannot be wrong, a pipe is empty whenever it is filled, and EAGAIN of a
 *       splice into it can only mean that the source is dry, never that the pipe is
 *       full.
 *   (2) It holds bytes in one place at most, buffer or pipe, and holds a buffer or a
 *       pipe only while it holds bytes. An idle session costs neither.
 *   (3) Only recv() is believed about the end of a stream. splice stops before an
 *       urgent byte and answers EAGAIN, or 0 if the FIN is there already: taken for an
 *       end, that would lose all that follows in silence. An error, though, is believed
 *       from whoever tells it: a socket tells its error once, and says "end" ever after,
 *       so asking again would turn a RST into a FIN (D42).
 *   (4) A step moves at most turn_bytes and a little, so that sessions take turns.
 *   (5) An urgent byte leaves in its place in the stream and as one (D38). Both recv() and
 *       splice stop before it; only a recv() that begins there reads it like any other. So
 *       none begins unless it is known that an ordinary byte comes next:
 *         - epoll or poll saw something waiting, and nothing urgent: once;
 *         - epoll saw the FIN and nothing urgent: to the end, for nothing new can come;
 *         - an urgent byte is told and not read, and the socket says that it is not here.
 *       At the mark one byte is taken, and sent with MSG_OOB.
 *       While an urgent byte is awaited or held epoll is not asked for the next: at most
 *       one is under way. Of two before anybody looked the kernel makes the first an
 *       ordinary byte (D39), here as at the receiver.
 *
 * What it wants next is a function of what it holds; epoll is level-triggered, so
 * there is no readiness to remember.
 */
#pragma once

#include "relay/buffer.h"
#include "relay/engine.h"
#include "relay/stats.h"
#include "sys/pipe.h"

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace faith::relay {

enum class Direction : std::uint8_t { Up, Down }; /* client to server, server to client */

/* What the pumps of one worker share. */
struct PumpTools {
    std::span<std::byte> scratch; /* read_bytes long; nothing stays in it after a step */
    BufferPool &buffers;
    sys::PipePool &pipes;
    Counter &spliced;
};

class Pump {
public:
    static constexpr std::size_t turn_bytes = 1024 * 1024;
    static constexpr std::size_t splice_bytes = 1024 * 1024; /* asked of one splice() */

    enum class Told {
        Nothing,  /* of the source; the sink may have room again */
        Readable, /* epoll says so of the source */
        Ended,    /* and its FIN has arrived: read on to the end */
    };
    enum class Result { Going, SourceFailed, SinkFailed };

    void open(int source, int sink, Counter &moved); /* borrowed, until close() */
    Result step(Told told, PumpTools &tools);
    void close(PumpTools &tools);        /* what it still holds is lost */
    void urgent_told() { mark_ = true; } /* epoll says so of the source */

    bool want_read() const { return !ended_ && held_ == 0; }
    bool want_urgent() const { return want_read() && !mark_; }
    bool want_write() const { return held_ > 0; }
    bool finished() const { return ended_ && held_ == 0; }           /* the FIN may be passed on */
    bool take_progress() { return std::exchange(progress_, false); } /* bytes since last asked */
    std::uint64_t bytes() const { return bytes_; }                   /* given to the sink */
    Engine engine() const { return choice_.engine(); }

private:
    enum class Next { Again, Stop, SourceFailed, SinkFailed };

    Next take(Told told, PumpTools &tools);
    Next take_urgent(PumpTools &tools);
    Next copy(Told told, PumpTools &tools);
    Next splice(Told told, PumpTools &tools);
    bool drain(PumpTools &tools); /* false: the sink failed */
    void gave(std::size_t bytes);
    void give_back(PumpTools &tools);

    int source_ = -1;
    int sink_ = -1;
    bool ended_ = false; /* the source's end has been read */
    bool progress_ = false;
    bool mark_ = false;   /* an urgent byte is somewhere ahead */
    bool urgent_ = false; /* what is held is one */
    EngineChoice choice_;
    std::size_t held_ = 0;
    std::unique_ptr<Buffer> buffer_;
    sys::Pipe pipe_;
    std::uint64_t bytes_ = 0;
    Counter *moved_ = nullptr;
};

} // namespace faith::relay
