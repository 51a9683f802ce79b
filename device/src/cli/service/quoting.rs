//! Text in a unit, so that systemd reads what was meant. What is special depends on the line: `$` is in arguments of a command alone,
//! and quotes are not in what is read up to the end of a line.

use std::path::Path;

use crate::cli::Failure;

/// systemd.service(5), "Command lines": the path of the program. Variables are not expanded in it.
pub(super) fn program(path: &str) -> String {
    word(path)
}

/// systemd.service(5), "Command lines": an argument; `$` is doubled, or it would start a variable.
pub(super) fn argument(text: &str) -> String {
    word(&text.replace('$', "$$"))
}

/// A path among others (`ReadWritePaths=`): as in a command, without variables.
pub(super) fn path_in_list(path: &Path) -> Result<String, Failure> {
    one_line(path).map(word)
}

/// A path up to the end of its line (`LoadCredential=`): quotes and spaces are part of it; `%` is doubled.
pub(super) fn path_to_the_end(path: &Path) -> Result<String, Failure> {
    one_line(path).map(|text| text.replace('%', "%%"))
}

/// One word: quotes group, `\` escapes within them, `%` is doubled (systemd.unit(5), "Specifiers").
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,$".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut escaped = String::from("\"");
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str(r"\\"),
            '"' => escaped.push_str("\\\""),
            '%' => escaped.push_str("%%"),
            // A line end would begin another setting.
            c if c.is_ascii_control() => escaped.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped.push('"');
    escaped
}

fn one_line(path: &Path) -> Result<&str, Failure> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    text.ok_or_else(|| {
        Failure::Settings(format!(
            "{} is not text of one line; choose another path",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_stays_as_it_is() {
        assert_eq!(
            argument("https://panel.example:8443"),
            "https://panel.example:8443"
        );
        assert_eq!(program("/usr/bin/gangway-device"), "/usr/bin/gangway-device");
        assert_eq!(
            path_in_list(Path::new("/srv/device")).expect("text"),
            "/srv/device"
        );
    }

    #[test]
    fn an_argument_is_escaped_against_variables_specifiers_and_quotes() {
        assert_eq!(argument("Room 7"), "\"Room 7\"");
        assert_eq!(argument(r#"50% of $5 "\""#), r#""50%% of $$5 \"\\\"""#);
        assert_eq!(argument("$HOME"), "$$HOME");
        assert_eq!(argument(""), "\"\"");
        assert_eq!(argument("a\nUser=root"), "\"a\\x0aUser=root\"");
    }

    #[test]
    fn a_dollar_is_doubled_only_where_systemd_expands_it() {
        let path = "/srv/$5 at 50%";
        assert_eq!(argument(path), "\"/srv/$$5 at 50%%\"");
        assert_eq!(program(path), "\"/srv/$5 at 50%%\"");
        assert_eq!(
            path_in_list(Path::new(path)).expect("text"),
            "\"/srv/$5 at 50%%\""
        );
        assert_eq!(path_to_the_end(Path::new(path)).expect("text"), "/srv/$5 at 50%%");
    }

    #[test]
    fn quotes_and_backslashes_are_escaped_in_a_list_and_stay_up_to_the_end() {
        let path = Path::new(r#"/srv/a"b \c"#);
        assert_eq!(path_in_list(path).expect("text"), r#""/srv/a\"b \\c""#);
        assert_eq!(path_to_the_end(path).expect("text"), r#"/srv/a"b \c"#);
    }

    #[test]
    fn a_path_of_two_lines_is_refused() {
        assert!(path_in_list(Path::new("/srv/a\nUser=root")).is_err());
        assert!(path_to_the_end(Path::new("/srv/a\nUser=root")).is_err());
    }
}
