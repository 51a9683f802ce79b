//! User codes: whatever a person types, pastes or scans reads back as the code that the device shows, or says why not.

use gangway_protocol::code::{
    ALPHABET, CodeError, MAX_NAMEPLATE_LEN, MIN_NAMEPLATE_LEN, Nameplate, SECRET_LEN, UserCode,
    draw_nameplate, draw_secret, normalise, radio_word,
};
use proptest::prelude::*;

use crate::seal::random;

/// The symbols of a code with a nameplate of any length.
fn symbols() -> impl Strategy<Value = String> {
    let lens = MIN_NAMEPLATE_LEN + SECRET_LEN..=MAX_NAMEPLATE_LEN + SECRET_LEN;
    proptest::collection::vec(proptest::sample::select(ALPHABET.as_slice()), lens)
        .prop_map(|bytes| bytes.into_iter().map(char::from).collect())
}

/// What people put between symbols.
fn separators() -> impl Strategy<Value = String> {
    "[-._ \t\r\n\u{a0}\u{2003}\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2212}\u{ad}\u{ff0d}]{0,3}"
}

#[test]
fn the_spellings_of_the_document_read_back() {
    let spellings = [
        "BCDF-GHJKLM",
        "bcdf-ghjklm",
        "BCDFGHJKLM",
        " b c d f \u{2013} g h j k l m ",
        "BCDF.GHJ_KLM",
        "https://panel.example/link#BCDFGHJKLM",
        "https://panel.example/a#b/link#bcdf-ghjklm",
    ];
    for spelling in spellings {
        let code = UserCode::read(spelling).unwrap_or_else(|error| panic!("{spelling}: {error}"));
        assert_eq!(code.display(), "BCDF-GHJKLM");
        assert_eq!(code.fragment(), "BCDFGHJKLM");
        assert_eq!(code.nameplate().as_str(), "BCDF");
        assert_eq!(code.password(), b"BCDFGHJKLM");
    }
}

#[test]
fn longer_nameplates_leave_the_last_six_as_the_secret() {
    let code = UserCode::read("BCDFGHJKLM-NPQRST").expect("16 symbols");
    assert_eq!(code.nameplate().as_str(), "BCDFGHJKLM");
    assert_eq!(code.display(), "BCDFGHJKLM-NPQRST");
}

#[test]
fn the_first_character_that_cannot_be_in_a_code_is_named_as_typed() {
    // Vowels, digits and what looks like symbols of the alphabet but is not: Cyrillic В, full-width Ｂ, sharp s (whose
    // capital form would be two letters of the alphabet), long s, Kelvin sign.
    for wrong in [
        'a', 'E', '0', '1', 'y', 'В', 'Ｂ', 'ß', 'ſ', '\u{212a}', '🎉', '/',
    ] {
        let input = format!("bcdf-{wrong}ghjklmA");
        let error = UserCode::read(&input).expect_err("not a code");
        assert_eq!(error, CodeError::Character { found: wrong });
        assert!(error.to_string().contains(wrong));
    }
}

#[test]
fn a_character_that_nobody_sees_is_named_by_its_number() {
    let error = UserCode::read("BCDF\u{200b}GHJKLM").expect_err("not a code");
    assert!(
        error
            .to_string()
            .starts_with("the character U+200B cannot be in a code")
    );
}

#[test]
fn lengths_outside_are_told_with_the_number_of_letters() {
    assert_eq!(UserCode::read(""), Err(CodeError::TooShort { symbols: 0 }));
    assert_eq!(
        UserCode::read("BCDF-GHJKL"),
        Err(CodeError::TooShort { symbols: 9 })
    );
    assert_eq!(
        UserCode::read(&"B".repeat(17)),
        Err(CodeError::TooLong { symbols: 17 })
    );
    assert_eq!(
        "BCD".parse::<Nameplate>(),
        Err(CodeError::TooShort { symbols: 3 })
    );
    assert_eq!(
        "BCDFGHJKLMN".parse::<Nameplate>(),
        Err(CodeError::TooLong { symbols: 11 })
    );
}

#[test]
fn only_what_follows_the_last_hash_counts() {
    assert_eq!(
        UserCode::read("BCDFGHJKLM#"),
        Err(CodeError::TooShort { symbols: 0 })
    );
    assert_eq!(normalise("aeiou#bcdf"), Ok("BCDF".to_owned()));
}

#[test]
fn drawing_skips_bytes_that_would_favour_some_symbols() {
    let mut bytes = [255_u8, 240, 239, 0, 19, 20, 250, 40, 59].into_iter();
    let secret = draw_secret(|random| random[0] = bytes.next().expect("nine bytes are enough"));
    let nameplate = "BCDF".parse().expect("a nameplate");
    assert_eq!(UserCode::from_parts(&nameplate, &secret).display(), "BCDF-ZBZBBZ");
}

#[test]
fn every_symbol_is_drawn_about_equally_often() {
    let mut counts = [0_u32; 256];
    for _ in 0..2_000 {
        for byte in draw_nameplate(10, random).as_str().bytes() {
            counts[usize::from(byte)] += 1;
        }
    }
    // 1,000 of each are expected; 6 standard deviations are 185.
    assert!(
        ALPHABET
            .iter()
            .all(|&symbol| (815..1_185).contains(&counts[usize::from(symbol)]))
    );
    assert_eq!(counts.iter().sum::<u32>(), 20_000);
}

#[test]
fn nameplates_are_drawn_in_the_length_asked_for() {
    for (asked, drawn) in [(0, 4), (4, 4), (7, 7), (10, 10), (11, 10)] {
        assert_eq!(draw_nameplate(asked, random).as_str().len(), drawn);
    }
}

/// Threat model: ENR-12.
#[test]
fn secrets_are_not_printed() {
    let code = UserCode::read("BCDF-GHJKLM").expect("a code");
    assert_eq!(format!("{code:?}"), "UserCode(BCDF-……)");
    assert_eq!(format!("{:?}", draw_secret(random)), "CodeSecret(……)");
}

#[test]
fn every_symbol_has_a_word_that_begins_with_it() {
    for &symbol in ALPHABET {
        let symbol = char::from(symbol);
        let word = radio_word(symbol).expect("a word");
        assert!(word.starts_with(symbol));
        assert_eq!(radio_word(symbol.to_ascii_lowercase()), Some(word));
    }
    assert_eq!(radio_word('A'), None);
}

proptest! {
    #[test]
    fn normalising_is_idempotent(input in any::<String>()) {
        if let Ok(once) = normalise(&input) {
            prop_assert_eq!(normalise(&once), Ok(once.clone()));
            prop_assert!(once.bytes().all(|byte| ALPHABET.contains(&byte)));
        }
    }

    #[test]
    fn any_spelling_of_a_code_reads_back(
        symbols in symbols(),
        gaps in proptest::collection::vec((separators(), any::<bool>()), 17),
        link in any::<bool>(),
    ) {
        let mut spelling = if link { "https://panel.example/link#".to_owned() } else { String::new() };
        for (symbol, (separator, lower)) in symbols.chars().zip(&gaps) {
            spelling += separator;
            spelling.push(if *lower { symbol.to_ascii_lowercase() } else { symbol });
        }
        spelling += &gaps[16].0;
        let code = UserCode::read(&spelling);
        prop_assert_eq!(code.as_ref().map(UserCode::fragment), Ok(symbols));
        let code = code.expect("checked");
        prop_assert_eq!(UserCode::read(&code.display()), Ok(code.clone()));
        prop_assert_eq!(UserCode::read(&code.fragment()), Ok(code));
    }

    #[test]
    fn an_error_names_a_character_that_was_typed(input in any::<String>()) {
        if let Err(CodeError::Character { found }) = UserCode::read(&input) {
            let tail = input.rsplit('#').next().unwrap_or_default();
            prop_assert!(tail.contains(found));
            prop_assert!(!ALPHABET.iter().any(|&symbol| char::from(symbol) == found.to_ascii_uppercase()));
        }
    }

    #[test]
    fn a_nameplate_and_a_secret_make_the_code_that_has_them(len in 4_usize..=10) {
        let nameplate = draw_nameplate(len, random);
        let code = UserCode::from_parts(&nameplate, &draw_secret(random));
        prop_assert_eq!(code.nameplate(), nameplate);
        prop_assert_eq!(UserCode::read(&code.display()), Ok(code));
    }

    #[test]
    fn nameplates_cross_as_json_and_are_normalised(symbols in "[B-DF-HJ-NP-TV-XZ]{4,10}") {
        let read: Nameplate = serde_json::from_value(serde_json::json!(symbols.to_lowercase())).expect("a nameplate");
        prop_assert_eq!(serde_json::to_value(&read).expect("JSON"), serde_json::json!(symbols));
    }
}
