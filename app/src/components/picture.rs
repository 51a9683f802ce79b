//! Pictures of numbers, drawn by the server: bars, columns, a curve. Each is a table first, so that it can be read out, and the
//! drawing stands beside its numbers.

use gangway_protocol::overview::PresenceSample;
use leptos::prelude::*;

use crate::components::moment::{Moment, TimeFormat};
use crate::format;
use crate::visit::language;

/// Width of a drawing in its own units; it is stretched to the room that there is.
const WIDTH: u64 = 600;
/// Height of columns and curves.
const HEIGHT: u64 = 120;

/// A number with a name, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    name: String,
    count: u64,
    href: Option<String>,
    is_late: bool,
}

impl Bar {
    pub(crate) fn new(name: String, count: u64) -> Self {
        Self {
            name,
            count,
            href: None,
            is_late: false,
        }
    }

    /// It counts what should not be so any more, and is drawn so.
    pub(crate) fn late(self) -> Self {
        Self {
            is_late: true,
            ..self
        }
    }

    pub(crate) fn leading(self, href: String) -> Self {
        Self {
            href: Some(href),
            ..self
        }
    }

    fn label(&self) -> AnyView {
        let name = self.name.clone();
        match self.href.clone() {
            Some(href) => view! { <a href=href>{name}</a> }.into_any(),
            None => name.into_any(),
        }
    }
}

/// `part` of `whole`, in units of `length`; something is never drawn as nothing.
fn scaled(part: u64, whole: u64, length: u64) -> u64 {
    if part == 0 || whole == 0 {
        return 0;
    }
    let exact = u128::from(part) * u128::from(length) / u128::from(whole);
    u64::try_from(exact).unwrap_or(length).clamp(2, length)
}

/// Numbers side by side, each with a bar of its length.
#[component]
pub(crate) fn Bars(
    /// What they are of.
    title: String,
    /// From top to bottom.
    bars: Vec<Bar>,
) -> impl IntoView {
    let t = language();
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or_default();
    let rows = bars
        .iter()
        .map(|bar| {
            let width = scaled(bar.count, most, WIDTH);
            view! {
                <tr>
                    <th scope="row">{bar.label()}</th>
                    <td class="picture-bar" aria-hidden="true">
                        <svg viewBox=format!("0 0 {WIDTH} 10") preserveAspectRatio="none">
                            <rect width=width.to_string() height="10" />
                        </svg>
                    </td>
                    <td class="picture-count">{format::number(t, bar.count)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="picture">
            <table>
                <caption>{title}</caption>
                <tbody>{rows}</tbody>
            </table>
            {bars.is_empty().then(|| view! { <p class="soft small">{t.overview_nothing()}</p> })}
        </section>
    }
}

/// Numbers along time, each as a column.
#[component]
pub(crate) fn Columns(
    /// What they are of.
    title: String,
    /// From left to right.
    columns: Vec<Bar>,
) -> impl IntoView {
    let t = language();
    let most = columns.iter().map(|bar| bar.count).max().unwrap_or_default();
    let step = WIDTH / u64::try_from(columns.len().max(1)).unwrap_or(1);
    let drawn = (0_u64..)
        .zip(&columns)
        .map(|(place, bar)| {
            let height = scaled(bar.count, most, HEIGHT);
            view! {
                <rect
                    class=bar.is_late.then_some("picture-late")
                    x=(place * step + 2).to_string()
                    y=(HEIGHT - height).to_string()
                    width=step.saturating_sub(4).to_string()
                    height=height.to_string()
                >
                    <title>{format!("{}: {}", bar.name, format::number(t, bar.count))}</title>
                </rect>
            }
        })
        .collect_view();
    let rows = columns
        .iter()
        .map(|bar| {
            view! {
                <tr>
                    <th scope="row">{bar.name.clone()}</th>
                    <td>{format::number(t, bar.count)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="picture">
            <h2>{title.clone()}</h2>
            <svg class="picture-plot" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
                {drawn}
                <line x1="0" x2=WIDTH.to_string() y1=HEIGHT.to_string() y2=HEIGHT.to_string() />
            </svg>
            <p class="picture-ends soft small" aria-hidden="true">
                <span>{columns.first().map(|bar| bar.name.clone())}</span>
                <span>{t.overview_most(&format::number(t, most))}</span>
                <span>{columns.last().map(|bar| bar.name.clone())}</span>
            </p>
            <details>
                <summary>{t.overview_as_table()}</summary>
                <table>
                    <caption class="hidden-text">{title}</caption>
                    <tbody>{rows}</tbody>
                </table>
            </details>
        </section>
    }
}

/// How many devices were online over time.
#[component]
pub(crate) fn Curve(
    /// What it is of.
    title: String,
    /// Oldest first.
    samples: Vec<PresenceSample>,
) -> impl IntoView {
    let t = language();
    let (Some(first), Some(last)) = (samples.first().copied(), samples.last().copied()) else {
        return view! {
            <section class="picture">
                <h2>{title}</h2>
                <p class="soft small">{t.overview_no_presence()}</p>
            </section>
        }
        .into_any();
    };
    let most = samples
        .iter()
        .map(|sample| sample.devices)
        .max()
        .unwrap_or_default();
    let span = u64::try_from(last.at.since(first.at)).unwrap_or_default().max(1);
    let point = |sample: &PresenceSample, count: u64| {
        let x = u64::try_from(sample.at.since(first.at)).unwrap_or_default();
        let x = if samples.len() == 1 {
            WIDTH
        } else {
            scaled(x, span, WIDTH)
        };
        format!("{x},{}", HEIGHT - scaled(count, most, HEIGHT))
    };
    let line = |count: fn(&PresenceSample) -> u64| {
        let points: Vec<String> = samples
            .iter()
            .map(|sample| point(sample, count(sample)))
            .collect();
        match points.as_slice() {
            // One count is a level as far as it goes.
            [only] => format!("0,{} {only}", only.rsplit(',').next().unwrap_or_default()),
            _ => points.join(" "),
        }
    };
    let (all, online) = (line(|sample| sample.devices), line(|sample| sample.online));
    let least = samples
        .iter()
        .map(|sample| sample.online)
        .min()
        .unwrap_or_default();
    let greatest = samples
        .iter()
        .map(|sample| sample.online)
        .max()
        .unwrap_or_default();
    view! {
        <section class="picture">
            <h2>{title.clone()}</h2>
            <svg
                class="picture-plot"
                viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                preserveAspectRatio="none"
                role="img"
                aria-label=t.overview_presence_words(
                    &format::number(t, least),
                    &format::number(t, greatest),
                    &t.devices(last.devices),
                )
            >
                <polyline class="picture-all" points=all />
                <polyline points=online />
                <line x1="0" x2=WIDTH.to_string() y1=HEIGHT.to_string() y2=HEIGHT.to_string() />
            </svg>
            <p class="picture-ends soft small">
                <span><Moment at=first.at show=TimeFormat::Minute /></span>
                <span>
                    {t.overview_presence_words(
                        &format::number(t, least),
                        &format::number(t, greatest),
                        &t.devices(last.devices),
                    )}
                </span>
                <span><Moment at=last.at show=TimeFormat::Minute /></span>
            </p>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn something_is_never_drawn_as_nothing() {
        assert_eq!(scaled(0, 10, 600), 0);
        assert_eq!(scaled(1, 100_000, 600), 2);
        assert_eq!(scaled(5, 10, 600), 300);
        assert_eq!(scaled(10, 10, 600), 600);
        assert_eq!(scaled(3, 0, 600), 0);
    }
}
