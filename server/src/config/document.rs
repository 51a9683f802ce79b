//! `docs/configuration.md`, made from the table of options.

use std::fmt::Write as _;

use super::{Config, OptionSpec};

const HEAD: &str = "\
# Configuration

<!-- Made from the code by `gangway check-config --document`. Change the options in server/src/config.rs. -->

Every option can stand in a TOML file (`--config FILE`, or `GANGWAY_CONFIG`), in a variable, or in a flag. A flag wins over
a variable, a variable over the file, the file over the default. `gangway check-config` reads all of them, says what is
wrong, and shows which value holds and where it came from.

A secret can be kept in a file of its own: `database_url_file` in TOML, `GANGWAY_DATABASE_URL_FILE`, or `--database-url-file`
name the file that holds `database_url`. One line break at the end of the file does not count.

Lists are separated by commas; in TOML they may also be arrays of texts.
";

/// The whole document, Markdown.
#[must_use]
pub fn document() -> String {
    let mut text = HEAD.to_owned();
    let mut table = "";
    for option in Config::options() {
        let of = option.name.split_once('.').map_or("", |(table, _)| table);
        if of != table {
            table = of;
            push(&mut text, format_args!("\n## Table `[{table}]`\n"));
        }
        describe(&mut text, option);
    }
    text
}

fn describe(text: &mut String, option: &OptionSpec) {
    let doc = option.doc.split_whitespace().collect::<Vec<_>>().join(" ");
    let default = option
        .default
        .map_or_else(|| "none".to_owned(), |default| format!("`{default}`"));
    push(text, format_args!("\n### `{}`\n\n{doc}\n\n", option.name));
    push(
        text,
        format_args!(
            "Flag `--{}`, variable `{}`, default {default}",
            option.flag(),
            option.variable()
        ),
    );
    let also = if option.secret {
        ". A secret: also in a file"
    } else {
        ""
    };
    push(text, format_args!("{also}.\n"));
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(line);
}
