//! The link with the code as a QR code: two modules to a character cell, dark on light whatever the terminal's colours.

use fast_qr::qr::{QRBuilder, QRCode};
use fast_qr::{ECL, Module};

use super::letters::half_block;

/// Light modules around the code. ISO/IEC 18004 asks for four; two are enough on a lit screen and save a lot of room.
const QUIET: usize = 2;

/// The code in lines of light and dark half blocks: a set half is light.
pub(super) fn lines(link: &str) -> Option<Vec<String>> {
    let code = QRBuilder::new(link).ecl(ECL::L).build().ok()?;
    let side = code.size + 2 * QUIET;
    let line = |row: usize| {
        (0..side)
            .map(|column| half_block(is_light(&code, row, column), is_light(&code, row + 1, column)))
            .collect()
    };
    Some((0..side).step_by(2).map(line).collect())
}

fn is_light(code: &QRCode, row: usize, column: usize) -> bool {
    let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < code.size);
    match (inside(row), inside(column)) {
        (Some(row), Some(column)) => code[row][column].value() == Module::LIGHT,
        _ => row < code.size + 2 * QUIET,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finder_patterns_are_where_cameras_look_for_them() {
        let lines = lines("https://panel.example/link#BCDFGHJKLM").expect("a code");
        assert_eq!(
            lines[0].chars().count(),
            33,
            "version 3: 29 modules and the quiet zone"
        );
        assert_eq!(lines.len(), 17);
        assert!(lines[0].chars().all(|c| c == '█'), "two light rows above");
        let row = |line: usize| lines[line].chars().skip(QUIET).take(7).collect::<String>();
        // Dark is unset: a frame of seven modules around a square of three.
        assert_eq!(
            [row(1), row(2), row(3), row(4)],
            [" ▄▄▄▄▄ ", " █   █ ", " █▄▄▄█ ", "▄▄▄▄▄▄▄"].map(str::to_owned)
        );
    }
}
