//! A nameplate in one word, as tables of a hundred thousand waiting devices hold it.

use gangway_protocol::code::{ALPHABET, Nameplate};

/// Bits of a symbol: there are twenty.
const SYMBOL_BITS: u32 = 5;

/// A nameplate of 4 to 10 symbols: five bits each behind a leading one, so that the length is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PackedNameplate(u64);

impl PackedNameplate {
    /// How many symbols it has.
    pub(crate) fn len(self) -> usize {
        usize::try_from((u64::BITS - self.0.leading_zeros()) / SYMBOL_BITS).unwrap_or_default()
    }

    /// The bits, for a token.
    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    /// The nameplate of these bits, if they are one.
    pub(crate) fn from_bits(bits: u64) -> Option<Self> {
        let text = Self(bits).symbols()?;
        let parsed: Nameplate = text.parse().ok()?;
        Some(Self::from(&parsed)).filter(|plate| plate.0 == bits)
    }

    fn symbols(self) -> Option<String> {
        (0..self.len())
            .rev()
            .map(|place| {
                let shift = SYMBOL_BITS * u32::try_from(place).ok()?;
                let index = usize::try_from((self.0 >> shift) & ((1 << SYMBOL_BITS) - 1)).ok()?;
                ALPHABET.get(index).map(|symbol| char::from(*symbol))
            })
            .collect()
    }
}

impl From<&Nameplate> for PackedNameplate {
    fn from(nameplate: &Nameplate) -> Self {
        Self(nameplate.as_str().bytes().fold(1, |bits, symbol| {
            let index = ALPHABET
                .iter()
                .position(|candidate| *candidate == symbol)
                .unwrap_or_default();
            (bits << SYMBOL_BITS) | u64::try_from(index).unwrap_or_default()
        }))
    }
}

impl From<PackedNameplate> for Nameplate {
    #[expect(
        clippy::expect_used,
        reason = "a PackedNameplate is only made from a Nameplate"
    )]
    fn from(plate: PackedNameplate) -> Self {
        let symbols = plate
            .symbols()
            .expect("every symbol of a plate is in the alphabet");
        symbols.parse().expect("a plate has the length of a nameplate")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nameplate(text: &str) -> Nameplate {
        text.parse().expect("a nameplate")
    }

    #[test]
    fn it_is_the_nameplate_and_back() {
        for text in ["BBBB", "ZZZZ", "BCDFG", "ZXWVTSRQPN"] {
            let nameplate = nameplate(text);
            let plate = PackedNameplate::from(&nameplate);
            assert_eq!(plate.len(), text.len());
            assert_eq!(Nameplate::from(plate), nameplate);
            assert_eq!(PackedNameplate::from_bits(plate.to_bits()), Some(plate));
        }
        assert_ne!(
            PackedNameplate::from(&nameplate("BBBB")),
            PackedNameplate::from(&nameplate("BBBBB"))
        );
    }

    #[test]
    fn other_bits_are_no_nameplate() {
        for bits in [0, 1, 0b1_00000, 1 << 15, (1 << 20) | 31, u64::MAX] {
            assert_eq!(PackedNameplate::from_bits(bits), None, "{bits:b}");
        }
    }
}
