//! The letters of codes, large: 5 × 6 points each, two points to a character cell. Those of tui-big-text are 8 columns wide:
//! with them half a code would not fit beside the QR code on 80 columns.

/// Lines of text that a large word takes.
pub(super) const HEIGHT: usize = 3;
/// Columns of a letter with the gap after it.
const ADVANCE: usize = 6;
const WIDTH: u32 = 5;

/// How many columns `text` takes.
pub(super) fn width(text: &str) -> usize {
    (text.chars().count() * ADVANCE).saturating_sub(1)
}

/// `text` in large letters. Symbols that are in no code are left blank.
pub(super) fn large(text: &str) -> [String; HEIGHT] {
    let mut lines = [String::new(), String::new(), String::new()];
    for (place, symbol) in text.chars().enumerate() {
        let points = points(symbol);
        for (line, rows) in lines.iter_mut().zip(points.chunks_exact(2)) {
            if place > 0 {
                line.push(' ');
            }
            let (upper, lower) = (rows[0], rows[1]);
            for column in (0..WIDTH).rev() {
                let bit = |row: u8| row >> column & 1 == 1;
                line.push(half_block(bit(upper), bit(lower)));
            }
        }
    }
    lines
}

/// The character whose upper and lower halves are set like this.
pub(super) fn half_block(upper: bool, lower: bool) -> char {
    match (upper, lower) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

/// Six rows, the five low bits of each from left to right.
fn points(symbol: char) -> [u8; 6] {
    match symbol {
        'B' => [0b11110, 0b10001, 0b11110, 0b10001, 0b10001, 0b11110],
        'C' => [0b01111, 0b10000, 0b10000, 0b10000, 0b10000, 0b01111],
        'D' => [0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110],
        'F' => [0b11111, 0b10000, 0b11110, 0b10000, 0b10000, 0b10000],
        'G' => [0b01111, 0b10000, 0b10011, 0b10001, 0b10001, 0b01111],
        'H' => [0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
        'J' => [0b00111, 0b00001, 0b00001, 0b00001, 0b10001, 0b01110],
        'K' => [0b10001, 0b10010, 0b11100, 0b10100, 0b10010, 0b10001],
        'L' => [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
        'M' => [0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001],
        'N' => [0b10001, 0b11001, 0b10101, 0b10011, 0b10001, 0b10001],
        'P' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000],
        'Q' => [0b01110, 0b10001, 0b10001, 0b10101, 0b10010, 0b01101],
        'R' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10010, 0b10001],
        'S' => [0b01111, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110],
        'T' => [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100],
        'V' => [0b10001, 0b10001, 0b10001, 0b01010, 0b01010, 0b00100],
        'W' => [0b10001, 0b10001, 0b10101, 0b10101, 0b11011, 0b10001],
        'X' => [0b10001, 0b01010, 0b00100, 0b00100, 0b01010, 0b10001],
        'Z' => [0b11111, 0b00010, 0b00100, 0b01000, 0b10000, 0b11111],
        '-' => [0, 0, 0b01110, 0, 0, 0],
        _ => [0; 6],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_codes_has_a_shape_of_its_own() {
        let mut seen = std::collections::HashSet::new();
        for symbol in gangway_protocol::code::ALPHABET
            .iter()
            .map(|byte| char::from(*byte))
            .chain(['-'])
        {
            assert!(seen.insert(points(symbol)), "{symbol} looks like another letter");
            assert_ne!(points(symbol), [0; 6], "{symbol} has a shape");
        }
    }

    #[test]
    fn large_letters_take_the_room_they_say() {
        let lines = large("BC-D");
        assert_eq!(lines[0], "█▀▀▀▄ ▄▀▀▀▀       █▀▀▀▄");
        assert_eq!(lines[1], "█▀▀▀▄ █      ▀▀▀  █   █");
        assert_eq!(lines[2], "█▄▄▄▀ ▀▄▄▄▄       █▄▄▄▀");
        assert!(lines.iter().all(|line| line.chars().count() == width("BC-D")));
    }
}
