//! Answers in the original's four forms: records with named cells, as JSON, XML, CSV or the bare text of one cell. Pure.

use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;

use super::instant::Zone;

/// The form of an answer, by the ending of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Json,
    Xml,
    Csv,
}

impl Format {
    pub(super) fn of_ending(ending: &str) -> Option<Self> {
        match ending {
            "txt" | "text" | "html" => Some(Self::Text),
            "json" => Some(Self::Json),
            "xml" => Some(Self::Xml),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            // Not HTML, as the original's: what devices write would run there as a script.
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::Xml => "application/xml; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    pub(super) fn answer(self, body: String) -> Response {
        ([(CONTENT_TYPE, self.content_type())], body).into_response()
    }
}

/// What stands under a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// Nothing.
    Null,
    /// A text; numbers of fields and places are texts too, as the original's are.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// An instant, in unix milliseconds.
    Instant(i64),
    /// Yes or no.
    Truth(bool),
}

impl Cell {
    /// The text, or nothing.
    pub(super) fn text(text: Option<String>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }

    fn json(&self, zone: &Zone) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Text(text) => quoted(text),
            Self::Integer(number) => number.to_string(),
            Self::Instant(at) => quoted(&zone.iso(*at)),
            Self::Truth(truth) => truth.to_string(),
        }
    }

    fn plain(&self, zone: &Zone) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Instant(at) => zone.spaced(*at),
            Self::Truth(truth) => truth.to_string(),
        }
    }

    fn xml(&self, name: &str, zone: &Zone) -> String {
        let name = name.replace('_', "-");
        match self {
            Self::Null => format!("<{name} nil=\"true\"/>"),
            Self::Text(text) => format!("<{name}>{}</{name}>", escaped(text)),
            Self::Integer(number) => format!("<{name} type=\"integer\">{number}</{name}>"),
            Self::Instant(at) => format!("<{name} type=\"dateTime\">{}</{name}>", zone.iso(*at)),
            Self::Truth(truth) => format!("<{name} type=\"boolean\">{truth}</{name}>"),
        }
    }
}

/// Cells with their names, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record(pub(super) Vec<(String, Cell)>);

impl Record {
    pub(super) fn put(&mut self, name: impl Into<String>, cell: Cell) {
        self.0.push((name.into(), cell));
    }

    pub(super) fn json(&self, zone: &Zone) -> String {
        let cells: Vec<String> = self
            .0
            .iter()
            .map(|(name, cell)| format!("{}:{}", quoted(name), cell.json(zone)))
            .collect();
        format!("{{{}}}", cells.join(","))
    }

    fn xml_lines(&self, indent: &str, zone: &Zone) -> String {
        let lines = self.0.iter().map(|(name, cell)| cell.xml(name, zone));
        lines.map(|line| format!("{indent}{line}\n")).collect()
    }

    /// This record alone.
    pub(super) fn answer(&self, element: &str, format: Format, zone: &Zone) -> Response {
        format.answer(match format {
            Format::Json | Format::Text => self.json(zone),
            Format::Xml => format!("{XML}<{element}>\n{}</{element}>\n", self.xml_lines("  ", zone)),
            Format::Csv => csv(std::slice::from_ref(self), zone),
        })
    }
}

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A channel and its feeds.
pub(super) fn channel_with_feeds(
    channel: &Record,
    feeds: &[Record],
    format: Format,
    zone: &Zone,
) -> Response {
    format.answer(match format {
        Format::Json | Format::Text => {
            let feeds: Vec<String> = feeds.iter().map(|feed| feed.json(zone)).collect();
            format!(
                "{{\"channel\":{},\"feeds\":[{}]}}",
                channel.json(zone),
                feeds.join(",")
            )
        }
        Format::Xml => {
            let feeds: String = feeds
                .iter()
                .map(|feed| format!("    <feed>\n{}    </feed>\n", feed.xml_lines("      ", zone)))
                .collect();
            format!(
                "{XML}<channel>\n{}  <feeds type=\"array\">\n{feeds}  </feeds>\n</channel>\n",
                channel.xml_lines("  ", zone)
            )
        }
        Format::Csv => csv(feeds, zone),
    })
}

/// A list of channels.
pub(super) fn channels(channels: &[Record], format: Format, zone: &Zone) -> Response {
    format.answer(match format {
        Format::Xml => {
            let channels: String = channels
                .iter()
                .map(|channel| format!("  <channel>\n{}  </channel>\n", channel.xml_lines("    ", zone)))
                .collect();
            format!("{XML}<channels type=\"array\">\n{channels}</channels>\n")
        }
        _ => {
            let channels: Vec<String> = channels.iter().map(|channel| channel.json(zone)).collect();
            format!("[{}]", channels.join(","))
        }
    })
}

/// A line of names, and one for each record (RFC 4180, with the original's line ends).
fn csv(records: &[Record], zone: &Zone) -> String {
    let mut text = csv::WriterBuilder::new()
        .terminator(csv::Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    let mut lines = Vec::with_capacity(records.len() + 1);
    if let Some(first) = records.first() {
        lines.push(first.0.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    }
    let rows = records
        .iter()
        .map(|record| record.0.iter().map(|(_, cell)| cell.plain(zone)).collect());
    lines.extend(rows);
    for line in lines {
        // Writing into memory fails nowhere, and every record has the same cells.
        let _ = text.write_record(line);
    }
    let bytes = text.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Text between the tags of XML and HTML, and in their attributes. What neither may hold is left out.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(letter),
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}
