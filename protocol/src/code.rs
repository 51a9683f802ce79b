//! The user code: how it is read, drawn, shown and spoken (`protocol.md` §1).

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::device::is_deceptive;

/// The twenty symbols of RFC 8628 §6.1: no vowels (no words), nothing that looks like a digit.
pub const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Shortest nameplate: 160,000 of them.
pub const MIN_NAMEPLATE_LEN: usize = 4;
/// Longest nameplate: input of more than 16 symbols is refused.
pub const MAX_NAMEPLATE_LEN: usize = 10;
/// Symbols of the secret: 64 million secrets, of which a device lets three be tried.
pub const SECRET_LEN: usize = 6;

/// The part of the user code that the server assigned. Not secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
#[serde(transparent)]
pub struct Nameplate(String);

impl Nameplate {
    /// The symbols, upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Nameplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Nameplate {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let symbols = normalise(text)?;
        match symbols.len() {
            ..MIN_NAMEPLATE_LEN => Err(CodeError::TooShort {
                symbols: symbols.len(),
            }),
            MIN_NAMEPLATE_LEN..=MAX_NAMEPLATE_LEN => Ok(Self(symbols)),
            _ => Err(CodeError::TooLong {
                symbols: symbols.len(),
            }),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Nameplate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A whole user code. The secret half is erased when it is dropped and never printed by `Debug`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct UserCode {
    symbols: String,
}

/// Why a text is not a user code, in words for the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// A character that no code contains.
    #[error("{} cannot be in a code; codes use the letters B C D F G H J K L M N P Q R S T V W X Z", shown(*found))]
    Character {
        /// The character as it was typed.
        found: char,
    },
    /// Fewer symbols than any code has.
    #[error("the code is too short: {symbols} letters so far")]
    TooShort {
        /// Symbols given.
        symbols: usize,
    },
    /// More symbols than any code has.
    #[error("the code is too long: {symbols} letters")]
    TooLong {
        /// Symbols given.
        symbols: usize,
    },
}

impl UserCode {
    /// Reads what a person typed, pasted or scanned: a code in any spelling, or a link that ends in `#` and the code.
    ///
    /// # Errors
    /// Names the first character that cannot be in a code, or tells that there are too few or too many symbols.
    pub fn read(input: &str) -> Result<Self, CodeError> {
        let symbols = normalise(input)?;
        if symbols.len() < MIN_NAMEPLATE_LEN + SECRET_LEN {
            return Err(CodeError::TooShort {
                symbols: symbols.len(),
            });
        }
        if symbols.len() > MAX_NAMEPLATE_LEN + SECRET_LEN {
            return Err(CodeError::TooLong {
                symbols: symbols.len(),
            });
        }
        Ok(Self { symbols })
    }

    /// Joins the server's nameplate and a secret drawn by [`draw_secret`].
    #[must_use]
    pub fn from_parts(nameplate: &Nameplate, secret: &CodeSecret) -> Self {
        Self {
            symbols: format!("{nameplate}{}", secret.0),
        }
    }

    /// The part by which the relay finds the device.
    #[must_use]
    pub fn nameplate(&self) -> Nameplate {
        Nameplate(self.symbols[..self.symbols.len() - SECRET_LEN].to_owned())
    }

    /// The whole normalised code, the password of the key exchange. Never send or log it.
    #[must_use]
    pub fn password(&self) -> &[u8] {
        self.symbols.as_bytes()
    }

    /// As a device shows it: `BCDF-GHJKLM`.
    #[must_use]
    pub fn display(&self) -> String {
        let (nameplate, secret) = self.symbols.split_at(self.symbols.len() - SECRET_LEN);
        format!("{nameplate}-{secret}")
    }

    /// The URL fragment of QR codes and links: the symbols without a dash.
    #[must_use]
    pub fn fragment(&self) -> String {
        self.symbols.clone()
    }
}

impl std::fmt::Debug for UserCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UserCode({}-……)", self.nameplate())
    }
}

/// The part of the user code that the device draws and never sends.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct CodeSecret(String);

impl std::fmt::Debug for CodeSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeSecret(……)")
    }
}

/// Draws a secret without bias from `random`, which fills the slice it is given with fresh random bytes.
pub fn draw_secret(random: impl FnMut(&mut [u8])) -> CodeSecret {
    CodeSecret(draw_symbols(SECRET_LEN, random))
}

/// Draws a nameplate of `len` symbols (4 to 10) without bias; lengths outside are clamped.
pub fn draw_nameplate(len: usize, random: impl FnMut(&mut [u8])) -> Nameplate {
    Nameplate(draw_symbols(
        len.clamp(MIN_NAMEPLATE_LEN, MAX_NAMEPLATE_LEN),
        random,
    ))
}

fn draw_symbols(len: usize, mut random: impl FnMut(&mut [u8])) -> String {
    // 240 is the largest multiple of 20 in a byte: bytes above it would favour the first 16 symbols.
    let mut symbols = String::with_capacity(len);
    let mut byte = [0_u8; 1];
    while symbols.len() < len {
        random(&mut byte);
        if byte[0] < 240 {
            symbols.push(char::from(ALPHABET[usize::from(byte[0] % 20)]));
        }
    }
    byte.zeroize();
    symbols
}

/// Upper-cases, strips separators and whatever precedes the last `#`; every other character outside the alphabet is an error.
///
/// Idempotent. Rate limits take the result as their key (threat model, ENR-3).
///
/// # Errors
/// The first character that cannot be in a code.
pub fn normalise(input: &str) -> Result<String, CodeError> {
    let tail = input.rsplit_once('#').map_or(input, |(_, tail)| tail);
    let mut symbols = String::new();
    for found in tail.chars() {
        let upper = found.to_ascii_uppercase();
        if upper.is_whitespace() || is_separator(upper) {
            continue;
        }
        if u8::try_from(upper).is_ok_and(|byte| ALPHABET.contains(&byte)) {
            symbols.push(upper);
        } else {
            return Err(CodeError::Character { found });
        }
    }
    Ok(symbols)
}

/// A character as it can be shown in an error: one that nobody would see, by its number.
fn shown(found: char) -> String {
    if is_deceptive(found) {
        format!("the character U+{:04X}", u32::from(found))
    } else {
        format!("“{found}”")
    }
}

/// Dashes of every kind that phones and word processors make of a hyphen, dots and underscores.
fn is_separator(c: char) -> bool {
    matches!(
        c,
        '-' | '.' | '_' | '\u{2010}'
            ..='\u{2015}' | '\u{2212}' | '\u{00AD}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}'
    )
}

/// The word of the ICAO/ITU radio alphabet for a symbol, for reading a code over the telephone.
#[must_use]
pub fn radio_word(symbol: char) -> Option<&'static str> {
    Some(match symbol.to_ascii_uppercase() {
        'B' => "Bravo",
        'C' => "Charlie",
        'D' => "Delta",
        'F' => "Foxtrot",
        'G' => "Golf",
        'H' => "Hotel",
        'J' => "Juliett",
        'K' => "Kilo",
        'L' => "Lima",
        'M' => "Mike",
        'N' => "November",
        'P' => "Papa",
        'Q' => "Quebec",
        'R' => "Romeo",
        'S' => "Sierra",
        'T' => "Tango",
        'V' => "Victor",
        'W' => "Whiskey",
        'X' => "X-ray",
        'Z' => "Zulu",
        _ => return None,
    })
}
