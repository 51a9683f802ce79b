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
pub(crate) enum Told {
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
    /// Opens the stream. `on_gap` is called when changes may have been missed: whenever the stream comes to stand, for
    /// between the reading of the page and its stream things happen too, and when the server had too much to tell.
    pub(crate) fn open(
        on_change: impl Fn(FleetChange) + Clone + 'static,
        on_gap: impl Fn() + Clone + 'static,
    ) -> Option<Self> {
        Self::follow(move |told| match told {
            Told::Opened | Told::Resync => on_gap(),
            Told::Change(change) => on_change(change),
            Told::Broken => {}
        })
    }

    /// Opens the stream and hands on all that it tells. Whoever listens must not drop the stream while it tells something.
    pub(crate) fn follow(listen: impl Fn(Told) + Clone + 'static) -> Option<Self> {
        let source = EventSource::new(path::FLEET_CHANGES).ok()?;
        let plain = |tell: fn() -> Told| {
            let listen = listen.clone();
            Closure::<dyn FnMut()>::new(move || listen(tell()))
        };
        let (on_open, on_resync, on_error) = (
            plain(|| Told::Opened),
            plain(|| Told::Resync),
            plain(|| Told::Broken),
        );
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let change = event
                .data()
                .as_string()
                .and_then(|data| serde_json::from_str(&data).ok());
            if let Some(change) = change {
                listen(Told::Change(change));
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
