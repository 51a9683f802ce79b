//! Texts of others in files that spreadsheets open.

/// What a spreadsheet takes for the beginning of a formula, in either width (OWASP, CSV injection).
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Where some spreadsheet begins a new cell, whatever stands in quotes: in many countries lists are separated by semicolons.
const SEPARATORS: [char; 4] = [';', '\t', '\r', '\n'];

/// A text that devices or people state, with an apostrophe before what a spreadsheet would take for a formula.
pub(super) fn inert(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    let mut begins = true;
    for letter in text.chars() {
        if begins && FORMULA.contains(&letter) {
            inert.push('\'');
        }
        // Blanks and quotes before a formula are dropped by those that read it.
        begins = SEPARATORS.contains(&letter) || (begins && matches!(letter, ' ' | '"'));
        inert.push(letter);
    }
    inert
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_do_not_become_formulas() {
        assert_eq!(inert("plain, \"quoted\""), "plain, \"quoted\"");
        assert_eq!(inert("=1+1"), "'=1+1");
        assert_eq!(inert("-2"), "'-2");
        assert_eq!(inert("＝1"), "'＝1");
        assert_eq!(inert("crane;=1+2;"), "crane;'=1+2;");
        assert_eq!(inert("crane; \"=1"), "crane; \"'=1");
        assert_eq!(inert("a;b=c"), "a;b=c");
    }
}
