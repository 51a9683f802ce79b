//! What the list does not show yet. It waits for the person, because rows must not move under the pointer.

use gangway_protocol::id::DeviceId;
use leptos::prelude::*;

use super::state::Fleet;
use crate::components::icon::{Glyph, Icon};
use crate::visit::language;

/// Beyond so many nobody needs the number, and their ids need not be kept.
const COUNTED: usize = 99;

/// What has come since the list was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum News {
    /// Nothing that is known of.
    #[default]
    None,
    /// These devices, which stand first on the first page.
    Added(Vec<DeviceId>),
    /// The list has other devices, or the same in another order.
    Changed,
}

impl News {
    /// Takes a new device in.
    pub(super) fn add(&mut self, device: DeviceId) {
        match self {
            Self::None => *self = Self::Added(vec![device]),
            Self::Added(devices) if devices.contains(&device) => {}
            Self::Added(devices) if devices.len() == COUNTED => *self = Self::Changed,
            Self::Added(devices) => devices.push(device),
            Self::Changed => {}
        }
    }
}

/// The button that shows them.
#[component]
pub(super) fn NewsButton(fleet: Fleet) -> impl IntoView {
    let t = language();
    let label = Memo::new(move |_| {
        fleet.news.with(|news| match news {
            News::None => None,
            News::Added(devices) => Some(t.fleet_fresh(u64::try_from(devices.len()).unwrap_or(u64::MAX))),
            News::Changed => Some(t.fleet_changed().to_owned()),
        })
    });
    view! {
        <div role="status" aria-live="polite">
            <Show when=move || label.read().is_some()>
                <button
                    class="button primary"
                    type="button"
                    aria-busy=move || fleet.busy.get().to_string()
                    on:click=move |_| fleet.show_news()
                >
                    <Icon glyph=Glyph::Refresh />
                    {label}
                </button>
            </Show>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gangway_protocol::time::UnixMillis;

    #[test]
    fn a_device_counts_once_and_not_without_end() {
        let id = |number: u8| DeviceId::new(UnixMillis(1), [number; 10]);
        let mut news = News::default();
        news.add(id(1));
        news.add(id(1));
        assert_eq!(news, News::Added(vec![id(1)]));
        for number in 2..=99 {
            news.add(id(number));
        }
        assert!(
            matches!(&news, News::Added(devices) if devices.len() == 99),
            "{news:?}"
        );
        news.add(id(100));
        assert_eq!(news, News::Changed);
    }
}
