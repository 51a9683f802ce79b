//! The fleet's changes as they happen: server-sent events of `/api/v1/fleet/changes` (WHATWG HTML §9.2).

use gangway_protocol::device::FleetChange;
use gangway_protocol::path;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::Closure;
use web_sys::{EventSource, MessageEvent};

/// An open stream of changes; dropping it closes it. The browser reconnects by itself when the connection breaks.
pub(crate) struct Changes {
    source: EventSource,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_open: Closure<dyn FnMut()>,
    _on_resync: Closure<dyn FnMut()>,
}

/// The event by which the server says that it will not tell everything: too much happened at once.
const RESYNC: &str = "resync";

impl Changes {
    /// Opens the stream. `on_gap` is called when changes may have been missed: whenever the stream comes to stand, for
    /// between the reading of the page and its stream things happen too, and when the server had too much to tell.
    pub(crate) fn open(
        mut on_change: impl FnMut(FleetChange) + 'static,
        on_gap: impl Fn() + Clone + 'static,
    ) -> Option<Self> {
        let source = EventSource::new(path::FLEET_CHANGES).ok()?;
        let on_message = Closure::new(move |event: MessageEvent| {
            let change = event
                .data()
                .as_string()
                .and_then(|data| serde_json::from_slice(data.as_bytes()).ok());
            if let Some(change) = change {
                on_change(change);
            }
        });
        let on_resync = Closure::new(on_gap.clone());
        let on_open = Closure::new(on_gap);
        source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        source
            .add_event_listener_with_callback(RESYNC, on_resync.as_ref().unchecked_ref())
            .ok()?;
        Some(Self {
            source,
            _on_message: on_message,
            _on_open: on_open,
            _on_resync: on_resync,
        })
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.source.close();
    }
}
