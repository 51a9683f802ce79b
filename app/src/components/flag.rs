//! The flags of the International Code of Signals for the twenty letters of user codes, as inline SVG.
//!
//! Square, 30 units a side, hoist on the left, drawn from the description of each flag in the code (IMO, 2005 edition).

use leptos::prelude::*;

const BLUE: &str = "#1f4fa0";
const RED: &str = "#cf2e2b";
const YELLOW: &str = "#f5c92f";
const WHITE: &str = "#ffffff";
const BLACK: &str = "#1a1a1a";

const WHOLE: &str = "M0 0h30v30H0z";
/// Bravo alone is cut out at the fly.
const SWALLOWTAIL: &str = "M0 0h30l-8 15 8 15H0z";

/// The flag of a letter; nothing for characters that no code contains.
#[component]
pub(crate) fn Flag(
    /// The letter, in upper case.
    letter: char,
) -> impl IntoView {
    let outline = if letter == 'B' { SWALLOWTAIL } else { WHOLE };
    shapes(letter).map(|shapes| {
        view! {
            <svg class="flag" viewBox="0 0 30 30" aria-hidden="true">
                {shapes.iter().map(|(fill, path)| view! { <path fill=*fill d=*path /> }).collect_view()}
                <path class="cloth" d=outline />
            </svg>
        }
    })
}

/// What to paint, from the bottom up.
fn shapes(letter: char) -> Option<&'static [(&'static str, &'static str)]> {
    Some(match letter {
        'B' => &[(RED, SWALLOWTAIL)],
        'C' => &[(BLUE, WHOLE), (WHITE, "M0 6h30v18H0z"), (RED, "M0 12h30v6H0z")],
        'D' => &[(YELLOW, WHOLE), (BLUE, "M0 6h30v18H0z")],
        'F' => &[(WHITE, WHOLE), (RED, "M15 0l15 15-15 15L0 15z")],
        'G' => &[
            (YELLOW, WHOLE),
            (BLUE, "M5 0h5v30H5zM15 0h5v30h-5zM25 0h5v30h-5z"),
        ],
        'H' => &[(WHITE, WHOLE), (RED, "M15 0h15v30H15z")],
        'J' => &[(BLUE, WHOLE), (WHITE, "M0 10h30v10H0z")],
        'K' => &[(YELLOW, WHOLE), (BLUE, "M15 0h15v30H15z")],
        'L' => &[(YELLOW, WHOLE), (BLACK, "M15 0h15v15H15zM0 15h15v15H0z")],
        'M' => &[
            (BLUE, WHOLE),
            (
                WHITE,
                "M0 0h4l11 11L26 0h4v4L19 15l11 11v4h-4L15 19 4 30H0v-4l11-11L0 4z",
            ),
        ],
        'N' => &[
            (WHITE, WHOLE),
            (
                BLUE,
                "M0 0h7.5v7.5H0zM15 0h7.5v7.5H15zM7.5 7.5H15V15H7.5zM22.5 7.5H30V15h-7.5zM0 15h7.5v7.5H0zM15 15h7.5v7.5H15zM7.5 22.5H15V30H7.5zM22.5 22.5H30V30h-7.5z",
            ),
        ],
        'P' => &[(BLUE, WHOLE), (WHITE, "M10 10h10v10H10z")],
        'Q' => &[(YELLOW, WHOLE)],
        'R' => &[(RED, WHOLE), (YELLOW, "M12 0h6v12h12v6H18v12h-6V18H0v-6h12z")],
        'S' => &[(WHITE, WHOLE), (BLUE, "M10 10h10v10H10z")],
        'T' => &[(WHITE, WHOLE), (RED, "M0 0h10v30H0z"), (BLUE, "M20 0h10v30H20z")],
        'V' => &[
            (WHITE, WHOLE),
            (
                RED,
                "M0 0h4l11 11L26 0h4v4L19 15l11 11v4h-4L15 19 4 30H0v-4l11-11L0 4z",
            ),
        ],
        'W' => &[
            (BLUE, WHOLE),
            (WHITE, "M6 6h18v18H6z"),
            (RED, "M11.5 11.5h7v7h-7z"),
        ],
        'X' => &[(WHITE, WHOLE), (BLUE, "M12 0h6v12h12v6H18v12h-6V18H0v-6h12z")],
        'Z' => &[
            (BLACK, WHOLE),
            (YELLOW, "M0 0h30L15 15z"),
            (BLUE, "M30 0v30L15 15z"),
            (RED, "M0 30h30L15 15z"),
        ],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_a_code_has_a_flag() {
        for letter in gangway_protocol::code::ALPHABET {
            assert!(shapes(char::from(*letter)).is_some(), "{}", char::from(*letter));
        }
        assert!(shapes('A').is_none());
    }
}
