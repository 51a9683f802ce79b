//! Any split of any bytes decodes alike, nothing panics, and another implementation agrees.

use std::io::{Read, Write};

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Text(String),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
}

impl From<Event<'_>> for Owned {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.into_owned()),
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Close(code) => Self::Close(code),
        }
    }
}

/// Drives a decoder as the reactor does, with reads of the given sizes (repeated).
fn decode_in_reads(bytes: &[u8], reads: &[usize]) -> (Vec<Owned>, Option<FrameError>) {
    let mut decoder = Decoder::default();
    let mut buffer = vec![0; MIN_BUFFER_LEN];
    let mut events = Vec::new();
    let mut rest = bytes;
    let mut sizes = reads.iter().cycle();
    while !rest.is_empty() {
        let kept = decoder.resume(&mut buffer);
        let read = sizes
            .next()
            .copied()
            .unwrap_or(1)
            .clamp(1, rest.len())
            .min(buffer.len() - kept);
        buffer[kept..kept + read].copy_from_slice(&rest[..read]);
        rest = &rest[read..];
        let mut start = 0;
        let filled = kept + read;
        loop {
            match decoder.decode(&mut buffer[start..filled]) {
                Err(error) => return (events, Some(error)),
                Ok(Decoded { used, event, .. }) => {
                    start += used;
                    match event {
                        Some(event) => events.push(event.into()),
                        None => break,
                    }
                }
            }
        }
        decoder.keep(&buffer[start..filled]);
    }
    (events, None)
}

fn client_frame(fin: bool, opcode: u8, mask: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write_frame(opcode, payload, &mut frame);
    let head = frame.len() - payload.len();
    frame[0] = (u8::from(fin) << 7) | opcode;
    frame[1] |= 0x80;
    let mut masked = frame[..head].to_vec();
    masked.extend_from_slice(&mask);
    masked.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    masked
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let control = (
        prop_oneof![Just(0x9_u8), Just(0xa)],
        any::<[u8; 4]>(),
        proptest::collection::vec(any::<u8>(), 0..=125),
    )
        .prop_map(|(opcode, mask, payload)| client_frame(true, opcode, mask, &payload));
    let text = ("\\PC{0,200}", any::<[u8; 4]>())
        .prop_map(|(text, mask)| client_frame(true, 1, mask, text.as_bytes()));
    let long = (120_usize..40_000, any::<[u8; 4]>())
        .prop_map(|(len, mask)| client_frame(true, 1, mask, &vec![b'x'; len]));
    let fragments = ("\\PC{1,80}", 0_usize..80, any::<[u8; 4]>()).prop_map(|(text, at, mask)| {
        let (first, second) = text.as_bytes().split_at(at.min(text.len()));
        [
            client_frame(false, 1, mask, first),
            client_frame(true, 9, mask, b"between"),
            client_frame(true, 0, mask, second),
        ]
        .concat()
    });
    let close = prop_oneof![
        Just(client_frame(true, 8, [7; 4], &[])),
        (900_u16..5100).prop_map(|code| client_frame(true, 8, [1; 4], &code.to_be_bytes())),
    ];
    // ASCII, because tungstenite looks at fragments one by one and here the whole text is judged.
    let odd = (
        any::<bool>(),
        0_u8..16,
        proptest::collection::vec(0_u8..128, 0..130),
    )
        .prop_map(|(fin, opcode, payload)| client_frame(fin, opcode, [3, 5, 7, 9], &payload));
    prop_oneof![4 => text, 1 => long, 3 => control, 3 => fragments, 1 => close, 1 => odd]
}

/// What tungstenite makes of the same bytes, up to the first error or the first Close.
fn tungstenite_decode(bytes: &[u8]) -> (Vec<Owned>, bool) {
    use tungstenite::protocol::{Role, WebSocketConfig};
    use tungstenite::{Message, WebSocket};

    struct Stream<'a>(&'a [u8]);
    impl Read for Stream<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl Write for Stream<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_LEN))
        .max_frame_size(Some(MAX_MESSAGE_LEN));
    let mut socket = WebSocket::from_raw_socket(Stream(bytes), Role::Server, Some(config));
    let mut events = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => events.push(Owned::Text(text.to_string())),
            Ok(Message::Ping(payload)) => events.push(Owned::Ping(payload.to_vec())),
            Ok(Message::Pong(payload)) => events.push(Owned::Pong(payload.to_vec())),
            Ok(Message::Close(frame)) => {
                events.push(Owned::Close(frame.map(|frame| frame.code.into())));
                return (events, true);
            }
            // Binary messages are an error here and none there.
            Ok(Message::Binary(_) | Message::Frame(_)) => return (events, false),
            Err(
                tungstenite::Error::Io(_)
                | tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake),
            ) => {
                return (events, true);
            }
            Err(_) => return (events, false),
        }
    }
}

proptest! {
    #[test]
    fn any_split_decodes_alike(
        messages in proptest::collection::vec(message(), 0..12),
        reads in proptest::collection::vec(1_usize..3000, 1..8),
    ) {
        let bytes = messages.concat();
        prop_assert_eq!(decode_in_reads(&bytes, &reads), decode_in_reads(&bytes, &[usize::MAX]));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), reads in proptest::collection::vec(1_usize..9, 1..8)) {
        prop_assert_eq!(decode_in_reads(&bytes, &reads), decode_in_reads(&bytes, &[usize::MAX]));
    }

    #[test]
    fn tungstenite_agrees(messages in proptest::collection::vec(message(), 0..8)) {
        let bytes = messages.concat();
        let (mut ours, error) = decode_in_reads(&bytes, &[usize::MAX]);
        if let Some(close) = ours.iter().position(|event| matches!(event, Owned::Close(_))) {
            ours.truncate(close + 1);
        }
        let (theirs, sound) = tungstenite_decode(&bytes);
        // It does not know 1014 (bad gateway, in IANA's registry of close codes), and takes it for a fault.
        for event in &mut ours {
            if *event == Owned::Close(Some(1014)) {
                *event = Owned::Close(Some(1002));
            }
        }
        // Binary messages, and a Close with a code that may not be sent, are good enough for tungstenite.
        let stricter = matches!(error, Some(FrameError::Binary | FrameError::Protocol("a close code that may not be sent")));
        if stricter {
            prop_assert!(theirs.starts_with(&ours));
        } else {
            prop_assert_eq!(&ours, &theirs);
            if !ours.iter().any(|event| matches!(event, Owned::Close(_))) {
                // Faults that a header shows are told here before the payload is there, and by tungstenite after.
                prop_assert!(sound || error.is_some());
            }
        }
    }

    #[test]
    fn what_the_server_writes_is_read_by_tungstenite(text in "\\PC{0,400}", len in 0_usize..70_000) {
        use tungstenite::protocol::{Role, WebSocketConfig};
        let long = "y".repeat(len);
        let mut bytes = Vec::new();
        write_text(&text, &mut bytes);
        write_text(&long, &mut bytes);
        write_ping(b"are you there", &mut bytes);
        write_close(Some(close_code::GOING_AWAY), &mut bytes);
        let stream = std::io::Cursor::new(bytes);
        let mut socket = tungstenite::WebSocket::from_raw_socket(stream, Role::Client, Some(WebSocketConfig::default()));
        let mut read = || socket.read().expect("a message");
        prop_assert_eq!(read(), tungstenite::Message::text(text));
        prop_assert_eq!(read(), tungstenite::Message::text(long));
        prop_assert_eq!(read(), tungstenite::Message::Ping(b"are you there"[..].into()));
        let tungstenite::Message::Close(Some(close)) = read() else {
            return Err(TestCaseError::fail("a Close with its code"));
        };
        prop_assert_eq!((u16::from(close.code), close.reason.as_str()), (1001, ""));
    }
}

#[test]
fn each_fault_has_its_close_code() {
    let whole = |bytes: &[u8]| {
        decode_in_reads(bytes, &[usize::MAX])
            .1
            .map(FrameError::close_code)
    };
    let mut unmasked = Vec::new();
    write_text("hello", &mut unmasked);
    assert_eq!(whole(&unmasked), Some(1002));
    assert_eq!(whole(&client_frame(true, 2, [0; 4], b"x")), Some(1003));
    assert_eq!(whole(&client_frame(true, 1, [0; 4], b"\xff")), Some(1007));
    assert_eq!(
        whole(&client_frame(true, 1, [0; 4], &vec![b'x'; MAX_MESSAGE_LEN + 1])),
        Some(1009)
    );
    assert_eq!(
        whole(&client_frame(true, 1, [0; 4], &vec![b'x'; MAX_MESSAGE_LEN])),
        None
    );
    let two_halves = [
        client_frame(false, 1, [0; 4], &vec![b'x'; MAX_MESSAGE_LEN]),
        client_frame(true, 0, [0; 4], b"x"),
    ];
    assert_eq!(whole(&two_halves.concat()), Some(1009));
    assert_eq!(whole(&client_frame(true, 0, [0; 4], b"x")), Some(1002));
    assert_eq!(whole(&client_frame(false, 9, [0; 4], b"x")), Some(1002));
    assert_eq!(whole(&client_frame(true, 8, [0; 4], b"\x03")), Some(1002));
    assert_eq!(
        whole(&client_frame(true, 8, [0; 4], &1005_u16.to_be_bytes())),
        Some(1002)
    );
    assert_eq!(
        whole(&[0x81, 0xfe, 0x00, 0x05]),
        Some(1002),
        "a length of 5 in two bytes"
    );
    assert_eq!(whole(&[0xc1]), Some(1002), "a reserved bit");
}

#[test]
fn a_decoder_at_rest_is_one_word() {
    assert_eq!(std::mem::size_of::<Decoder>(), std::mem::size_of::<usize>());
    let (events, error) = decode_in_reads(&client_frame(true, 1, [1, 2, 3, 4], b"{}"), &[1]);
    assert_eq!((events, error), (vec![Owned::Text("{}".into())], None));
}
