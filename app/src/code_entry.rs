//! What happens in the code field: every keystroke, paste and scan in, the text to show and the place of the caret out.
//!
//! Pure. The field shows the code as devices do, `BCDF-GHJKLM`. Reading follows `protocol.md` §1; whether the code is whole is
//! for `UserCode::read` to say.

use gangway_protocol::code::{ALPHABET, MAX_NAMEPLATE_LEN, MIN_NAMEPLATE_LEN, SECRET_LEN};

/// Symbols of the shortest code: from here on it can be sent.
pub(crate) const MIN_SYMBOLS: usize = MIN_NAMEPLATE_LEN + SECRET_LEN;
/// Symbols of the longest code.
pub(crate) const MAX_SYMBOLS: usize = MAX_NAMEPLATE_LEN + SECRET_LEN;

/// The field after an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edited {
    /// What the field shows.
    pub(crate) text: String,
    /// Where the caret stands, in characters.
    pub(crate) caret: usize,
    /// What had to be left out, if anything.
    pub(crate) refused: Option<Refused>,
}

/// Why something that was typed is not in the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No code contains this character.
    Character(char),
    /// No code is that long.
    TooLong,
}

/// Takes the field's raw text after an edit and the caret in it (in characters).
///
/// `before` is what the field showed before the edit: when somebody deletes the dash, the letter in front of it goes instead.
pub(crate) fn edit(before: &str, raw: &str, caret: usize) -> Edited {
    // A pasted or scanned link: only what follows its last `#` is the code, and the caret goes to the end.
    let (raw, caret) = match raw.rsplit_once('#') {
        Some((_, code)) => (code, code.chars().count()),
        None => (raw, caret),
    };
    let mut symbols = String::new();
    let mut symbols_before_caret = 0;
    let mut refused = None;
    for (place, typed) in raw.chars().enumerate() {
        let symbol = typed.to_ascii_uppercase();
        if is_symbol(symbol) {
            if symbols.len() == MAX_SYMBOLS {
                refused = refused.or(Some(Refused::TooLong));
                continue;
            }
            symbols.push(symbol);
            symbols_before_caret += usize::from(place < caret);
        } else if gangway_protocol::code::normalise(typed.encode_utf8(&mut [0; 4])).is_err() {
            refused = refused.or(Some(Refused::Character(typed)));
        }
    }
    let dash_was_deleted = before.contains('-')
        && raw.chars().count() + 1 == before.chars().count()
        && only_symbols(before) == symbols;
    if dash_was_deleted && symbols_before_caret > 0 {
        symbols.remove(symbols_before_caret - 1);
        symbols_before_caret -= 1;
    }
    let caret = match dash_place(symbols.len()) {
        // At the dash itself the caret belongs behind it: the next letter goes there.
        Some(dash) if symbols_before_caret >= dash => symbols_before_caret + 1,
        _ => symbols_before_caret,
    };
    Edited {
        text: with_dash(&symbols),
        caret,
        refused,
    }
}

/// The symbols as devices show them: a dash in front of the secret, as far as it can be told.
pub(crate) fn with_dash(symbols: &str) -> String {
    match dash_place(symbols.len()) {
        Some(place) if symbols.is_ascii() => format!("{}-{}", &symbols[..place], &symbols[place..]),
        _ => symbols.to_owned(),
    }
}

/// How many symbols a text holds.
pub(crate) fn count_symbols(text: &str) -> usize {
    text.chars().filter(|c| is_symbol(*c)).count()
}

/// How many places to draw: ten symbols and the dash, more for longer codes.
pub(crate) fn places(text: &str) -> usize {
    count_symbols(text).max(MIN_SYMBOLS) + 1
}

/// Before which symbol the dash stands. The first nameplates have four symbols; only a longer code moves it.
fn dash_place(symbols: usize) -> Option<usize> {
    match symbols {
        0..=MIN_NAMEPLATE_LEN => None,
        _ if symbols <= MIN_SYMBOLS => Some(MIN_NAMEPLATE_LEN),
        _ => Some(symbols - SECRET_LEN),
    }
}

fn is_symbol(c: char) -> bool {
    u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte))
}

fn only_symbols(text: &str) -> String {
    text.chars().filter(|c| is_symbol(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(before: &str, raw: &str) -> Edited {
        edit(before, raw, raw.chars().count())
    }

    #[test]
    fn lower_case_and_missing_dash_are_put_right() {
        assert_eq!(typed("", "bcdfg").text, "BCDF-G");
        assert_eq!(
            typed("BCDF", "BCDFg"),
            Edited {
                text: "BCDF-G".into(),
                caret: 6,
                refused: None
            }
        );
        assert_eq!(typed("", "bcdf ghjk.lm").text, "BCDF-GHJKLM");
    }

    #[test]
    fn the_dash_moves_when_the_nameplate_is_longer() {
        assert_eq!(typed("BCDF-GHJKLM", "BCDF-GHJKLMN").text, "BCDFG-HJKLMN");
        assert_eq!(places("BCDFG-HJKLMN"), 12);
        assert_eq!(places(""), 11);
    }

    #[test]
    fn a_pasted_link_leaves_its_code() {
        let edited = edit("", "https://panel.example/link#BCDFGHJKLM", 3);
        assert_eq!(
            edited,
            Edited {
                text: "BCDF-GHJKLM".into(),
                caret: 11,
                refused: None
            }
        );
    }

    #[test]
    fn a_character_that_cannot_be_is_named_and_the_rest_stays() {
        assert_eq!(
            typed("BC", "BCä"),
            Edited {
                text: "BC".into(),
                caret: 2,
                refused: Some(Refused::Character('ä'))
            }
        );
        assert_eq!(typed("BC", "BC0").refused, Some(Refused::Character('0')));
    }

    #[test]
    fn deleting_the_dash_deletes_the_letter_in_front_of_it() {
        // Backspace behind the dash.
        assert_eq!(
            edit("BCDF-GH", "BCDFGH", 4),
            Edited {
                text: "BCDG-H".into(),
                caret: 3,
                refused: None
            }
        );
    }

    #[test]
    fn editing_in_the_middle_keeps_the_caret() {
        assert_eq!(
            edit("BCDF-GH", "BCXDF-GH", 3),
            Edited {
                text: "BCXD-FGH".into(),
                caret: 3,
                refused: None
            }
        );
        assert_eq!(
            edit("BCDF-GH", "BCDF-XGH", 6),
            Edited {
                text: "BCDF-XGH".into(),
                caret: 6,
                refused: None
            }
        );
    }

    #[test]
    fn more_than_sixteen_are_told() {
        let edited = typed("", "BCDFGHJKLMNPQRSTV");
        assert_eq!(edited.refused, Some(Refused::TooLong));
        assert_eq!(count_symbols(&edited.text), 16);
    }
}
