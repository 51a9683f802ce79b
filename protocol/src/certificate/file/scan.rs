//! Finds the blocks of a file, line by line, and reads their base64. Which of them are wanted is not decided here.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use der::{Reader as _, SliceReader};
use zeroize::Zeroizing;

use super::{Fault, FileError};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const TAIL: &[u8] = b"-----";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Longest label that is believed: the longest that RFC 7468 and OpenSSL know have 23 characters.
const MAX_LABEL_LEN: usize = 64;

/// As OpenSSL decodes: bits behind the last byte need not be zero.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// A block of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    /// What it says it is, e.g. `CERTIFICATE`.
    pub label: String,
    /// Where it begins, from 1.
    pub line: usize,
    /// Whether its headers say that a password protects it (RFC 1421 §4.6.1.1).
    pub encrypted: bool,
    /// What it holds, not empty. It may be a private key.
    pub der: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({:?}, line {})", self.label, self.line)
    }
}

/// Every block of a file, and in its place whatever looks like one and cannot be read.
///
/// # Errors
/// When the file is not text in one byte a character.
pub fn blocks(file: &[u8]) -> Result<Vec<Result<Block, FileError>>, FileError> {
    if file.starts_with(b"\xff\xfe") || file.starts_with(b"\xfe\xff") || is_unmarked_utf16(file) {
        return Err(FileError::Utf16);
    }
    // DER of every structure that is meant here begins with a SEQUENCE of more than 127 bytes (X.690 §8.1.3.5).
    if matches!(file, [0x30, 0x80..=0x84, ..]) {
        return Err(FileError::Binary);
    }
    let mut scan = Scan::default();
    for (index, line) in lines(file).enumerate() {
        scan.line(index + 1, line);
    }
    Ok(scan.end())
}

/// Whether `der` is one whole DER value and nothing behind it.
pub(super) fn is_one_value(der: &[u8]) -> bool {
    SliceReader::new(der).is_ok_and(|mut reader| reader.tlv_bytes().is_ok() && reader.is_finished())
}

fn is_unmarked_utf16(file: &[u8]) -> bool {
    matches!(file, [0, b'-', 0, b'-', ..] | [b'-', 0, b'-', 0, ..])
}

/// Lines by whatever ends them: LF, CR LF, or CR alone.
fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut previous = 0;
    file.split(move |&byte| {
        let ends = byte == b'\r' || (byte == b'\n' && previous != b'\r');
        previous = byte;
        ends
    })
}

#[derive(Default)]
struct Scan<'a> {
    open: Option<Open<'a>>,
    found: Vec<Result<Block, FileError>>,
}

/// A block whose last line is yet to come.
struct Open<'a> {
    label: String,
    line: usize,
    body: Vec<(usize, &'a [u8])>,
}

impl<'a> Scan<'a> {
    fn line(&mut self, number: usize, line: &'a [u8]) {
        let mut rest = trim(line);
        // More than one round where blocks were joined without a line break, or a whole block stands on one line.
        loop {
            rest = match self.open.take() {
                None => match self.outside(number, rest) {
                    Some(rest) => rest,
                    None => return,
                },
                Some(open) => match self.inside(open, number, rest) {
                    Some(rest) => rest,
                    None => return,
                },
            };
            if rest.is_empty() {
                return;
            }
        }
    }

    /// Text between blocks, or the first line of one. Returns what follows on the same line.
    fn outside(&mut self, number: usize, text: &'a [u8]) -> Option<&'a [u8]> {
        if let Some((label, rest)) = boundary(BEGIN, text) {
            self.open = Some(Open {
                label,
                line: number,
                body: Vec::new(),
            });
            return Some(rest);
        }
        if let Some((label, rest)) = boundary(END, text) {
            self.fault(number, Fault::NotBegun(label));
            return Some(rest);
        }
        if is_like_a_boundary(text) {
            self.fault(number, Fault::Boundary);
        }
        None
    }

    /// A line of a block. Returns what follows on the same line when the block ends on it.
    fn inside(&mut self, mut open: Open<'a>, number: usize, text: &'a [u8]) -> Option<&'a [u8]> {
        let Some(at) = dashes(text) else {
            open.body.push((number, text));
            self.open = Some(open);
            return None;
        };
        let (before, text) = text.split_at(at);
        open.body.push((number, before));
        if let Some((ended, rest)) = boundary(END, text) {
            self.found.push(open.close(&ended));
            // What follows on the line is another block, or does not belong here.
            if !rest.is_empty() && boundary(BEGIN, rest).is_none() {
                self.fault(number, Fault::Boundary);
                return None;
            }
            return Some(rest);
        }
        if boundary(BEGIN, text).is_some() {
            self.fault(open.line, Fault::Unfinished(open.label));
            return Some(text);
        }
        self.fault(number, Fault::Boundary);
        None
    }

    fn fault(&mut self, line: usize, fault: Fault) {
        self.found.push(Err(FileError::At { line, fault }));
    }

    fn end(mut self) -> Vec<Result<Block, FileError>> {
        if let Some(open) = self.open.take() {
            self.fault(open.line, Fault::Unfinished(open.label));
        }
        self.found
    }
}

impl Open<'_> {
    fn close(self, ended: &str) -> Result<Block, FileError> {
        let Self { label, line, body } = self;
        let at = |line, fault| FileError::At { line, fault };
        if ended != label {
            let ended = ended.to_owned();
            return Err(at(line, Fault::EndsOtherwise { begun: label, ended }));
        }
        let (encrypted, body) = split_headers(&body);
        let mut base64 = Zeroizing::new(Vec::new());
        for (line, text) in body {
            for byte in text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()) {
                if !is_base64(byte) {
                    return Err(at(*line, Fault::Character(shown(text, byte))));
                }
                base64.push(byte);
            }
        }
        if base64.is_empty() {
            return Err(at(line, Fault::Empty));
        }
        let der = BASE64
            .decode(base64.as_slice())
            .map_err(|_| at(line, Fault::Length))?;
        Ok(Block {
            label,
            line,
            encrypted,
            der: Zeroizing::new(der),
        })
    }
}

/// RFC 1421 §4.4: headers, if any, stand first and end with a blank line. Whether they tell of encryption, and the rest.
fn split_headers<'b, 'a>(body: &'b [(usize, &'a [u8])]) -> (bool, &'b [(usize, &'a [u8])]) {
    let blank = |(_, text): &(usize, &[u8])| text.is_empty();
    let start = body.iter().position(|line| !blank(line)).unwrap_or(body.len());
    let body = body.get(start..).unwrap_or_default();
    if !body.first().is_some_and(|(_, text)| text.contains(&b':')) {
        return (false, body);
    }
    let end = body.iter().position(blank).unwrap_or(body.len());
    let (headers, rest) = body.split_at(end);
    let encrypted = headers
        .iter()
        .any(|(_, text)| text.starts_with(b"Proc-Type:") && text.ends_with(b"ENCRYPTED"));
    (encrypted, rest)
}

/// The label of a line `-----BEGIN label-----`, and what follows it.
fn boundary<'a>(start: &[u8], text: &'a [u8]) -> Option<(String, &'a [u8])> {
    let rest = text.strip_prefix(start)?;
    let len = dashes(rest)?;
    let (label, rest) = rest.split_at(len);
    let rest = rest.strip_prefix(TAIL)?;
    let label = std::str::from_utf8(label).ok()?;
    let fits = !label.is_empty() && label.len() <= MAX_LABEL_LEN;
    // RFC 7468 §3: printable characters; what is shown to people must not be able to deceive them.
    let printable = label.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    (fits && printable).then(|| (label.to_owned(), trim(rest)))
}

/// Where the first two dashes in a row stand. Neither base64 nor a label holds any.
fn dashes(text: &[u8]) -> Option<usize> {
    text.windows(2).position(|pair| pair == b"--")
}

/// Whether a line was meant to begin or end a block: quoted, with too few dashes, or with those of a word processor.
fn is_like_a_boundary(text: &[u8]) -> bool {
    [&b"BEGIN "[..], b"END "].iter().any(|word| {
        (0..text.len())
            .filter(|&at| text[at..].starts_with(word))
            .any(|at| ends_with_dash(&text[..at]))
    })
}

fn ends_with_dash(text: &[u8]) -> bool {
    // U+2010 to U+2015 in UTF-8: hyphens and dashes.
    text.ends_with(b"-") || matches!(text, [.., 0xe2, 0x80, 0x90..=0x95])
}

fn trim(mut text: &[u8]) -> &[u8] {
    // A byte order mark stands in the middle where files that had one were joined.
    loop {
        text = text.trim_ascii();
        match text.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => text = rest,
            None => return text,
        }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// The character that begins with `byte`, for a message.
fn shown(text: &[u8], byte: u8) -> char {
    String::from_utf8_lossy(text)
        .chars()
        .find(|c| {
            if byte.is_ascii() {
                u32::from(*c) == u32::from(byte)
            } else {
                !c.is_ascii()
            }
        })
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}
