//! The WebSocket frame codec of the server's side, without any input or output (RFC 6455 §5). It knows frames and
//! messages, not Gangway's protocol.
//!
//! 1. The driver lends a read buffer: [`Decoder::resume`] puts an incomplete frame of the last time at its front.
//! 2. The driver reads behind it and calls [`Decoder::decode`] until that asks for more.
//! 3. [`Decoder::keep`] copies what is left of an incomplete frame. A socket at rest therefore keeps one null pointer.

use std::borrow::Cow;

/// Longest message taken from a client (`protocol.md`, common rules), whether in one frame or in fragments.
pub const MAX_MESSAGE_LEN: usize = 32 * 1024;
/// Longest frame header: two bytes, eight of length, four of mask (RFC 6455 §5.2).
const MAX_HEADER_LEN: usize = 14;
/// Smallest buffer that may be lent: the longest frame has to fit.
pub const MIN_BUFFER_LEN: usize = MAX_MESSAGE_LEN + MAX_HEADER_LEN;
/// RFC 6455 §5.5: all control frames have a payload of 125 bytes or less.
const MAX_CONTROL_LEN: usize = 125;

/// What a complete message or control frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A text message. Borrowed from the lent buffer unless it came in fragments.
    Text(Cow<'a, str>),
    /// Asks for a Pong with the same payload.
    Ping(&'a [u8]),
    /// Answers a Ping, or comes unasked.
    Pong(&'a [u8]),
    /// The client ends the connection, with a code or without.
    Close(Option<u16>),
}

/// Why a connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The bytes are not WebSocket frames of a client.
    #[error("{0}")]
    Protocol(&'static str),
    /// A binary message; Gangway speaks text only.
    #[error("binary messages are not understood here")]
    Binary,
    /// A text message or close reason that is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// A message over [`MAX_MESSAGE_LEN`].
    #[error("a message is longer than {MAX_MESSAGE_LEN} bytes")]
    TooLarge,
}

impl FrameError {
    /// The close code for it (RFC 6455 §7.4.1).
    #[must_use]
    pub fn close_code(self) -> u16 {
        match self {
            Self::Protocol(_) => close_code::PROTOCOL_ERROR,
            Self::Binary => close_code::UNSUPPORTED,
            Self::NotUtf8 => close_code::INVALID_PAYLOAD,
            Self::TooLarge => close_code::TOO_LARGE,
        }
    }
}

/// Close codes of RFC 6455 §7.4.1 that the server sends.
pub mod close_code {
    /// The purpose is fulfilled.
    pub const NORMAL: u16 = 1000;
    /// The server goes down: reconnect after a random 0 to 30 s.
    pub const GOING_AWAY: u16 = 1001;
    /// The bytes are not WebSocket frames.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// Binary messages.
    pub const UNSUPPORTED: u16 = 1003;
    /// Text that is not UTF-8.
    pub const INVALID_PAYLOAD: u16 = 1007;
    /// A `problem` frame came before it.
    pub const POLICY: u16 = 1008;
    /// A message over the limit.
    pub const TOO_LARGE: u16 = 1009;
}

/// What a look at a client's bytes has brought.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// So many bytes are done with.
    pub used: usize,
    /// So many frames were in them.
    pub frames: u32,
    /// What they say; without it more bytes are needed.
    pub event: Option<Event<'a>>,
}

/// Decodes one client's bytes. One word in size while nothing is incomplete.
#[derive(Debug, Default)]
pub struct Decoder {
    kept: Option<Box<Kept>>,
}

/// What an incomplete frame or message leaves behind.
#[derive(Debug, Default)]
struct Kept {
    /// The beginning of a frame, as it came.
    frame: Vec<u8>,
    /// The fragments of a text message so far, unmasked; `None` between messages.
    message: Option<Vec<u8>>,
}

impl Decoder {
    /// Puts what [`Self::keep`] kept at the front of `buffer` and returns how many bytes that are. New bytes go behind them.
    ///
    /// `buffer` has [`MIN_BUFFER_LEN`] bytes or more.
    pub fn resume(&mut self, buffer: &mut [u8]) -> usize {
        let Some(kept) = self.kept.as_mut() else {
            return 0;
        };
        let frame = std::mem::take(&mut kept.frame);
        if kept.message.is_none() {
            self.kept = None;
        }
        buffer[..frame.len()].copy_from_slice(&frame);
        frame.len()
    }

    /// Whether a frame or a message has begun and not ended.
    pub fn is_incomplete(&self) -> bool {
        self.kept.is_some()
    }

    /// Whether a message has begun that comes in fragments.
    pub fn is_in_message(&self) -> bool {
        let kept = self.kept.as_ref();
        kept.is_some_and(|kept| kept.message.is_some())
    }

    /// Keeps the undecoded end of the lent buffer until the next [`Self::resume`].
    pub fn keep(&mut self, rest: &[u8]) {
        if !rest.is_empty() {
            self.kept.get_or_insert_default().frame = rest.to_vec();
        }
    }

    /// Decodes up to the next event, and tells how many bytes and frames of `input` are done with; without an event, more
    /// bytes are needed. Call again with the rest as long as there are events. Payloads are unmasked in place.
    ///
    /// # Errors
    /// The connection has to be closed, with [`FrameError::close_code`].
    pub fn decode<'a>(&mut self, input: &'a mut [u8]) -> Result<Decoded<'a>, FrameError> {
        let (mut start, mut frames) = (0, 0);
        let decoded = |used, frames, event| Ok(Decoded { used, frames, event });
        loop {
            let Some(head) = Head::read(&input[start..])? else {
                return decoded(start, frames, None);
            };
            self.check_place(head)?;
            let end = start + head.len + head.payload_len;
            if input.len() < end {
                return decoded(start, frames, None);
            }
            frames += 1;
            let payload_start = start + head.len;
            start = end;
            // A fragment makes no event: its bytes move to the message and the next frame follows.
            if head.opcode.is_data() && (!head.fin || head.opcode == Opcode::Continuation) {
                let payload = &mut input[payload_start..end];
                unmask(payload, head.mask);
                if let Some(text) = self.add_fragment(head.fin, payload)? {
                    return decoded(end, frames, Some(Event::Text(Cow::Owned(text))));
                }
                continue;
            }
            let payload = &mut input[payload_start..end];
            unmask(payload, head.mask);
            return decoded(end, frames, Some(whole_frame(head.opcode, payload)?));
        }
    }

    /// Whether this frame may come here, and whether its message stays within the limit.
    fn check_place(&self, head: Head) -> Result<(), FrameError> {
        let so_far = self.kept.as_ref().and_then(|kept| kept.message.as_ref());
        match (head.opcode, so_far) {
            // RFC 6455 §5.4: fragments of one message are not interleaved with those of another.
            (Opcode::Text, Some(_)) => Err(FrameError::Protocol("a new message began within another")),
            (Opcode::Continuation, None) => Err(FrameError::Protocol("a continuation of nothing")),
            (Opcode::Continuation, Some(message)) if message.len() + head.payload_len > MAX_MESSAGE_LEN => {
                Err(FrameError::TooLarge)
            }
            _ => Ok(()),
        }
    }

    fn add_fragment(&mut self, fin: bool, payload: &[u8]) -> Result<Option<String>, FrameError> {
        let kept = self.kept.get_or_insert_default();
        let message = kept.message.get_or_insert_default();
        message.extend_from_slice(payload);
        if !fin {
            return Ok(None);
        }
        let message = std::mem::take(message);
        self.kept = None;
        String::from_utf8(message)
            .map(Some)
            .map_err(|_| FrameError::NotUtf8)
    }
}

/// A frame's header (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug)]
struct Head {
    fin: bool,
    opcode: Opcode,
    len: usize,
    payload_len: usize,
    mask: [u8; 4],
}

impl Head {
    /// Reads and checks a header; `None` while it is incomplete. What is wrong is told as early as it can be seen.
    fn read(input: &[u8]) -> Result<Option<Self>, FrameError> {
        let Some(&first) = input.first() else {
            return Ok(None);
        };
        if first & 0x70 != 0 {
            return Err(FrameError::Protocol(
                "a reserved bit is set; no extension was agreed",
            ));
        }
        let fin = first & 0x80 != 0;
        let opcode = Opcode::from_bits(first & 0x0f)?;
        let Some(&second) = input.get(1) else {
            return Ok(None);
        };
        // RFC 6455 §5.1: the server closes the connection when a frame is not masked.
        if second & 0x80 == 0 {
            return Err(FrameError::Protocol("a client's frame is not masked"));
        }
        let short = usize::from(second & 0x7f);
        if !opcode.is_data() && (!fin || short > MAX_CONTROL_LEN) {
            return Err(FrameError::Protocol("a control frame is fragmented or too long"));
        }
        let (length_len, payload_len) = match short {
            126 => match input.get(2..4) {
                Some(bytes) => (
                    2,
                    bytes
                        .iter()
                        .fold(0, |length, byte| length << 8 | u64::from(*byte)),
                ),
                None => return Ok(None),
            },
            127 => match input.get(2..10) {
                Some(bytes) => (
                    8,
                    bytes
                        .iter()
                        .fold(0, |length, byte| length << 8 | u64::from(*byte)),
                ),
                None => return Ok(None),
            },
            _ => (0, u64::from(second & 0x7f)),
        };
        // RFC 6455 §5.2: the minimal number of bytes encodes the length; the highest bit is 0.
        if (length_len == 2 && payload_len < 126)
            || (length_len == 8 && (payload_len < 65_536 || payload_len >> 63 != 0))
        {
            return Err(FrameError::Protocol(
                "a length is not encoded in the shortest way",
            ));
        }
        let payload_len = usize::try_from(payload_len).map_err(|_| FrameError::TooLarge)?;
        if payload_len > MAX_MESSAGE_LEN {
            return Err(FrameError::TooLarge);
        }
        let mask_start = 2 + length_len;
        let Some(mask) = input
            .get(mask_start..mask_start + 4)
            .and_then(|bytes| bytes.try_into().ok())
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            fin,
            opcode,
            len: mask_start + 4,
            payload_len,
            mask,
        }))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opcode {
    Continuation,
    Text,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn from_bits(bits: u8) -> Result<Self, FrameError> {
        Ok(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => return Err(FrameError::Binary),
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return Err(FrameError::Protocol("a reserved opcode")),
        })
    }

    fn is_data(self) -> bool {
        matches!(self, Self::Continuation | Self::Text)
    }
}

fn whole_frame(opcode: Opcode, payload: &[u8]) -> Result<Event<'_>, FrameError> {
    Ok(match opcode {
        // `decode` sends continuations to the message they continue.
        Opcode::Text | Opcode::Continuation => Event::Text(Cow::Borrowed(
            std::str::from_utf8(payload).map_err(|_| FrameError::NotUtf8)?,
        )),
        Opcode::Ping => Event::Ping(payload),
        Opcode::Pong => Event::Pong(payload),
        Opcode::Close => Event::Close(read_close(payload)?),
    })
}

/// RFC 6455 §5.5.1: nothing, or a code of two bytes and a reason in UTF-8.
fn read_close(payload: &[u8]) -> Result<Option<u16>, FrameError> {
    match payload {
        [] => Ok(None),
        [_] => Err(FrameError::Protocol("a close code of one byte")),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            // RFC 6455 §7.4.2: 1000 to 2999 are the protocol's, of which 1004 to 1006 and 1015 never travel.
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(FrameError::Protocol("a close code that may not be sent"));
            }
            std::str::from_utf8(reason).map_err(|_| FrameError::NotUtf8)?;
            Ok(Some(code))
        }
    }
}

/// RFC 6455 §5.3.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([
        mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3],
    ]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

/// Appends a text message in one frame.
pub fn write_text(payload: &str, out: &mut Vec<u8>) {
    write_frame(0x1, payload.as_bytes(), out);
}

/// Appends a Ping; `payload` is cut at 125 bytes.
pub fn write_ping(payload: &[u8], out: &mut Vec<u8>) {
    write_frame(0x9, &payload[..payload.len().min(MAX_CONTROL_LEN)], out);
}

/// Appends a Pong; `payload` is cut at 125 bytes.
pub fn write_pong(payload: &[u8], out: &mut Vec<u8>) {
    write_frame(0xa, &payload[..payload.len().min(MAX_CONTROL_LEN)], out);
}

/// Appends a Close with a code, or an empty one that answers an empty one.
pub fn write_close(code: Option<u16>, out: &mut Vec<u8>) {
    match code {
        Some(code) => write_frame(0x8, &code.to_be_bytes(), out),
        None => write_frame(0x8, &[], out),
    }
}

fn write_frame(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(payload.len() + 10);
    out.push(0x80 | opcode);
    // RFC 6455 §5.1: a server masks nothing.
    match u16::try_from(payload.len()) {
        Ok(len) => match u8::try_from(len) {
            Ok(short @ ..=125) => out.push(short),
            _ => {
                out.push(126);
                out.extend_from_slice(&len.to_be_bytes());
            }
        },
        Err(_) => {
            out.push(127);
            out.extend_from_slice(&u64::try_from(payload.len()).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests;
