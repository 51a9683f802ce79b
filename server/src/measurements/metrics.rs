//! The last values of an organisation's feeds as Prometheus reads them (OpenMetrics 1.0,
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>).

use std::fmt::Write as _;

use gangway_protocol::id::OrganisationId;
use gangway_protocol::time::UnixMillis;

use super::Measurements;
use crate::authority::{Caller, Result};
use crate::context::Context;

/// What the answer says of itself.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Feeds of an answer: each costs a look at the values.
const FEEDS: i64 = 1_000;
/// A value that is older is no present state of anything.
const FRESH: i64 = UnixMillis::DAY;

/// One sample for each field that was measured in the last day.
///
/// # Errors
/// [`Error::NotFound`](crate::authority::Error::NotFound), [`Error::Forbidden`](crate::authority::Error::Forbidden) for whoever
/// does not see its fleet.
pub async fn last_values(
    context: &Context,
    store: &Measurements,
    caller: &Caller,
    organisation: &OrganisationId,
) -> Result<String> {
    let feeds = super::feeds::list(context, caller, organisation, 0, FEEDS).await?;
    let since = context.clock.now().plus(-FRESH).0;
    let mut text = "# HELP gangway_measurement The last value of a field of a measurement feed.\n\
                    # TYPE gangway_measurement gauge\n"
        .to_owned();
    for feed in feeds {
        let Some(entry) = store.last(feed.channel, None).await? else {
            continue;
        };
        if entry.at < since {
            continue;
        }
        for (field, value) in entry.values.numbered() {
            let named = feed.fields.get(usize::from(field) - 1);
            let (name, unit) = named.map_or(("", ""), |named| (named.name.as_str(), named.unit.as_str()));
            let device = feed.device.as_ref().map(ToString::to_string).unwrap_or_default();
            // Writing into memory fails nowhere.
            let _ = writeln!(
                text,
                "gangway_measurement{{channel=\"{}\",feed=\"{}\",device=\"{device}\",field=\"{field}\",name=\"{}\",unit=\"{}\"}} {value} {}.{:03}",
                feed.channel,
                label(&feed.name),
                label(name),
                label(unit),
                entry.at / 1_000,
                entry.at % 1_000
            );
        }
    }
    text.push_str("# EOF\n");
    Ok(text)
}

/// A label's value: backslashes, quotes and line feeds are escaped.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
