//! The WebSocket frames of clients: no panic, and the same events however the bytes are split.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../server/src/relay/frame.rs"]
#[expect(dead_code, reason = "the server's module as it is; only the decoder is fuzzed")]
mod frame;

use frame::{Decoded, Decoder, FrameError, MIN_BUFFER_LEN};

fn decode(bytes: &[u8], read: usize) -> (Vec<String>, Option<FrameError>) {
    let mut decoder = Decoder::default();
    let mut buffer = vec![0; MIN_BUFFER_LEN];
    let mut events = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let kept = decoder.resume(&mut buffer);
        let len = read.min(rest.len()).min(buffer.len() - kept);
        buffer[kept..kept + len].copy_from_slice(&rest[..len]);
        rest = &rest[len..];
        let filled = kept + len;
        let mut start = 0;
        loop {
            match decoder.decode(&mut buffer[start..filled]) {
                Err(error) => return (events, Some(error)),
                Ok(Decoded { used, event, .. }) => {
                    start += used;
                    match event {
                        Some(event) => events.push(format!("{event:?}")),
                        None => break,
                    }
                }
            }
        }
        decoder.keep(&buffer[start..filled]);
    }
    (events, None)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (read, bytes) = input;
    assert_eq!(decode(bytes, usize::from(read).max(1)), decode(bytes, usize::MAX));
});
