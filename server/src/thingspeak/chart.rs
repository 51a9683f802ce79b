//! `/channels/{id}/charts/{n}`: a chart as a page to be embedded, with the original's parameters. It is whole without a script:
//! `dynamic=true` has the browser load it again.
//!
//! Any page may frame it, which is what it is for: what it shows is what the key in its address shows, and nothing on it can be
//! clicked (threat model, WEB-14).

use axum::response::{IntoResponse as _, Response};
use gangway_protocol::time::UnixMillis;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use super::document::escaped;
use super::feeds::{require_shown, select};
use super::instant::Zone;
use super::parameters::Parameters;
use super::slices::Slicing;
use super::{Answer, Reading};
use crate::state::Gangway;

/// No script, no style sheet, nothing from anywhere; and any page may frame it.
const POLICY: &str = "default-src 'none'; frame-ancestors *";
/// How often a dynamic chart is loaded again, in seconds, as the original's.
const RELOAD_SECS: u32 = 15;
/// Room for the labels around the curve.
const MARGIN: [f64; 4] = [34.0, 14.0, 44.0, 64.0];
/// A gap in the data is one that is so many times as long as what is usual.
const GAP: i64 = 4;

/// How a chart looks.
struct Look {
    title: String,
    x_axis: String,
    y_axis: String,
    color: String,
    background: String,
    kind: Kind,
    width: f64,
    height: f64,
    least: Option<f64>,
    most: Option<f64>,
    dynamic: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Line,
    Spline,
    Step,
    Bar,
}

impl Look {
    fn of(parameters: &Parameters, name: &str, field: &str) -> Self {
        let text = |key: &str, otherwise: &str| parameters.text(key).unwrap_or(otherwise).to_owned();
        let size = |key: &str, otherwise: f64| {
            let size = parameters
                .decimal(key)
                .filter(|size| (40.0..=4_000.0).contains(size));
            size.unwrap_or(otherwise)
        };
        let kind = match parameters.text("type") {
            Some("bar" | "column") => Kind::Bar,
            Some("spline") => Kind::Spline,
            Some("step") => Kind::Step,
            _ if parameters.says_yes("step") => Kind::Step,
            _ => Kind::Line,
        };
        Self {
            title: text("title", name),
            x_axis: text("xaxis", "Date"),
            y_axis: text("yaxis", field),
            color: color(parameters.text("color"), "#d62020"),
            background: color(parameters.text("bgcolor"), "#ffffff"),
            kind,
            width: size("width", 400.0),
            height: size("height", 200.0),
            least: parameters.decimal("yaxismin"),
            most: parameters.decimal("yaxismax"),
            dynamic: parameters.says_yes("dynamic"),
        }
    }
}

/// A colour by its name or its six digits; whatever else stands there is not put into a page.
fn color(text: Option<&str>, otherwise: &str) -> String {
    let Some(text) = text else {
        return otherwise.to_owned();
    };
    let digits = text.strip_prefix('#').unwrap_or(text);
    let is_hex = [3, 6].contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex {
        return format!("#{digits}");
    }
    let is_name = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_name {
        text.to_owned()
    } else {
        otherwise.to_owned()
    }
}

pub(super) async fn show(gangway: &Gangway, reading: &Reading, field: u8) -> Answer {
    let Reading { opened, parameters } = reading;
    require_shown(opened, Some(field))?;
    let zone = parameters.zone();
    let entries = select(gangway, reading, &zone).await?;
    let points: Vec<(i64, f64)> = match Slicing::of(parameters) {
        Some(slicing) => slicing
            .apply(&entries)
            .into_iter()
            .filter_map(|(at, values)| Some((at, values.of(field)?)))
            .collect(),
        None => entries
            .iter()
            .filter_map(|entry| Some((entry.at, entry.values.of(field)?)))
            .collect(),
    };
    let within = |(_, value): &(i64, f64)| {
        parameters.decimal("min").is_none_or(|least| *value >= least)
            && parameters.decimal("max").is_none_or(|most| *value <= most)
    };
    let points: Vec<(i64, f64)> = points.into_iter().filter(within).collect();
    let named = opened.feed.fields.get(usize::from(field) - 1);
    let name = named.map(|named| match named.unit.as_str() {
        "" => named.name.clone(),
        unit => format!("{} ({unit})", named.name),
    });
    let look = Look::of(parameters, &opened.feed.name, &name.unwrap_or_default());
    Ok(page(&look, &points, &zone))
}

fn page(look: &Look, points: &[(i64, f64)], zone: &Zone) -> Response {
    let reload = match look.dynamic {
        true => format!("<meta http-equiv=\"refresh\" content=\"{RELOAD_SECS}\">"),
        false => String::new(),
    };
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">{reload}<title>{}</title></head><body>\n{}\n</body></html>\n",
        escaped(&look.title),
        svg(look, points, zone)
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, body).into_response()
}

fn svg(look: &Look, points: &[(i64, f64)], zone: &Zone) -> String {
    let (width, height) = (look.width, look.height);
    let last = points.last().map_or_else(
        || "no values".to_owned(),
        |(at, value)| format!("last value {value} at {}", zone.iso(*at)),
    );
    let mut drawn = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"t d\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\"><title id=\"t\">{title}</title>\
         <desc id=\"d\">{field}: {count} values, {last}</desc><rect width=\"100%\" height=\"100%\" fill=\"{background}\"/>\
         <text x=\"{middle}\" y=\"20\" text-anchor=\"middle\" font-size=\"14\">{title}</text>",
        title = escaped(&look.title),
        field = escaped(&look.y_axis),
        count = points.len(),
        last = escaped(&last),
        background = look.background,
        middle = width / 2.0,
    );
    drawn.push_str(&match Plot::of(look, points) {
        Some(plot) => plot.drawn(look, points, zone),
        None => format!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">No values in this span</text>",
            width / 2.0,
            height / 2.0
        ),
    });
    drawn.push_str("</svg>");
    drawn
}

/// Where values lie on the page.
struct Plot {
    first: i64,
    last: i64,
    low: f64,
    high: f64,
    width: f64,
    height: f64,
}

impl Plot {
    fn of(look: &Look, points: &[(i64, f64)]) -> Option<Self> {
        let (first, last) = (points.first()?.0, points.last()?.0);
        let values = || points.iter().map(|(_, value)| *value);
        let low = look
            .least
            .unwrap_or_else(|| values().fold(f64::INFINITY, f64::min));
        let high = look
            .most
            .unwrap_or_else(|| values().fold(f64::NEG_INFINITY, f64::max));
        let [top, right, bottom, left] = MARGIN;
        // A curve that is flat lies in the middle. Halves, because the whole of a span between the greatest numbers is none.
        let room = if low < high {
            (high / 2.0 - low / 2.0) * 0.1
        } else {
            (low.abs() * 0.05).max(0.5)
        };
        let bounded = |value: f64| value.clamp(f64::MIN, f64::MAX);
        Some(Self {
            first,
            last: last.max(first + UnixMillis::SECOND),
            low: if look.least.is_some() {
                low
            } else {
                bounded(low - room)
            },
            high: if look.most.is_some() {
                high
            } else {
                bounded(high + room)
            },
            width: (look.width - left - right).max(10.0),
            height: (look.height - top - bottom).max(10.0),
        })
    }

    fn x(&self, at: i64) -> f64 {
        let part = |len: i64| std::time::Duration::from_millis(len.unsigned_abs()).as_secs_f64();
        MARGIN[3] + part(at - self.first) / part(self.last - self.first) * self.width
    }

    fn y(&self, value: f64) -> f64 {
        // Halves, because the whole of a span between the greatest numbers is none.
        let part = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        MARGIN[0] + (1.0 - part.clamp(0.0, 1.0)) * self.height
    }

    fn drawn(&self, look: &Look, points: &[(i64, f64)], zone: &Zone) -> String {
        let [top, _, _, left] = MARGIN;
        let (right, bottom) = (left + self.width, top + self.height);
        let mut drawn = String::new();
        for step in 0..=4_u8 {
            let part = f64::from(step) / 4.0;
            let value = self.low * (1.0 - part) + self.high * part;
            let y = self.y(value);
            drawn.push_str(&format!(
                "<path d=\"M{left} {y:.1}H{right:.1}\" stroke=\"#bbb\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 6.0,
                y + 4.0,
                short(value)
            ));
        }
        for (at, anchor, x) in [(self.first, "start", left), (self.last, "end", right)] {
            drawn.push_str(&format!(
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                bottom + 16.0,
                zone.short(at)
            ));
        }
        drawn.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text><text transform=\"rotate(-90 12 {middle:.1})\" \
             x=\"12\" y=\"{middle:.1}\" text-anchor=\"middle\">{}</text>",
            left + self.width / 2.0,
            bottom + 34.0,
            escaped(&look.x_axis),
            escaped(&look.y_axis),
            middle = top + self.height / 2.0,
        ));
        drawn.push_str(&match look.kind {
            Kind::Bar => self.bars(look, points),
            Kind::Line | Kind::Spline | Kind::Step => self.curve(look, points),
        });
        drawn
    }

    /// The curve. Where nothing was measured for long there is a gap.
    fn curve(&self, look: &Look, points: &[(i64, f64)]) -> String {
        let mut path = String::new();
        let mut before: Option<(i64, f64, f64)> = None;
        let gap = usual(points).saturating_mul(GAP);
        for (at, value) in points {
            let (x, y) = (self.x(*at), self.y(*value));
            let joined = before.filter(|(last, ..)| at - last <= gap);
            path.push_str(&match (joined, look.kind) {
                (None, _) => format!("M{x:.1} {y:.1}"),
                (Some(_), Kind::Step) => format!("H{x:.1}V{y:.1}"),
                (Some((_, from, above)), Kind::Spline) => {
                    let half = (from + x) / 2.0;
                    format!("C{half:.1} {above:.1} {half:.1} {y:.1} {x:.1} {y:.1}")
                }
                (Some(_), Kind::Line | Kind::Bar) => format!("L{x:.1} {y:.1}"),
            });
            before = Some((*at, x, y));
        }
        // A dot where a value stands alone.
        format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/>",
            look.color
        )
    }

    fn bars(&self, look: &Look, points: &[(i64, f64)]) -> String {
        let count = crate::measurements::summary::float(u64::try_from(points.len()).unwrap_or(1));
        let width = (self.width / count * 0.7).clamp(1.0, 40.0);
        let zero = self.y(0.0_f64.clamp(self.low.min(self.high), self.high));
        points
            .iter()
            .map(|(at, value)| {
                let (x, y) = (self.x(*at), self.y(*value));
                format!(
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                    x - width / 2.0,
                    y.min(zero),
                    (y - zero).abs().max(1.0),
                    look.color
                )
            })
            .collect()
    }
}

/// The usual time between two points: the median.
fn usual(points: &[(i64, f64)]) -> i64 {
    let mut steps: Vec<i64> = points.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).copied().unwrap_or_default()
}

/// A number with as many digits as a label has room for.
fn short(value: f64) -> String {
    match value.abs() {
        size if size != 0.0 && !(1e-3..1e6).contains(&size) => format!("{value:.1e}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 1_000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
