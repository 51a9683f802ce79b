//! The fleet's changes as they happen: server-sent events of `/api/v1/fleet/changes` (WHATWG HTML §9.2).

use gangway_protocol::device::FleetChange;
use gangway_protocol::path;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::Closure;
use web_sys::{EventSource, MessageEvent};

/// An open stream of changes; dropping it closes it. The browser reconnects by itself when the connection breaks, not when
/// the server refuses.
pub(crate) struct Changes {
    source: EventSource,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_open: Closure<dyn FnMut()>,
    _on_resync: Closure<dyn FnMut()>,
    _on_error: Closure<dyn FnMut()>,
}

/// What a stream tells.
pub(crate) enum StreamEvent {
    /// It stands, for the first time or again. What happened before is not told.
    Opened,
    /// Something happened.
    Change(FleetChange),
    /// More happened than will be told.
    Resync,
    /// It no longer stands, or does not come to stand.
    Broken,
}

/// The event by which the server says that it will not tell everything: too much happened at once.
const RESYNC: &str = "resync";

impl Changes {
    /// Opens the stream and hands on all that it tells. Whoever listens must not drop the stream while it tells something.
    pub(crate) fn open(listen: impl Fn(StreamEvent) + Clone + 'static) -> Option<Self> {
        let source = EventSource::new(path::FLEET_CHANGES).ok()?;
        let plain = |tell: fn() -> StreamEvent| {
            let listen = listen.clone();
            Closure::<dyn FnMut()>::new(move || listen(tell()))
        };
        let (on_open, on_resync, on_error) = (
            plain(|| StreamEvent::Opened),
            plain(|| StreamEvent::Resync),
            plain(|| StreamEvent::Broken),
        );
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let change = event
                .data()
                .as_string()
                .and_then(|data| serde_json::from_str(&data).ok());
            if let Some(change) = change {
                listen(StreamEvent::Change(change));
            }
        });
        source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        source
            .add_event_listener_with_callback(RESYNC, on_resync.as_ref().unchecked_ref())
            .ok()?;
        Some(Self {
            source,
            _on_message: on_message,
            _on_open: on_open,
            _on_resync: on_resync,
            _on_error: on_error,
        })
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        // A closed stream may still have an event under way, and the closures go with this.
        self.source.set_onmessage(None);
        self.source.set_onopen(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}
