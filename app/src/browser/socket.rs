//! A WebSocket of text frames to the server of the page.

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use super::page;

/// What happens on a socket.
pub(crate) enum SocketEvent {
    Opened,
    Frame(String),
    /// It is closed, or could never be opened: browsers do not tell the difference nor why.
    Closed,
}

/// An open or opening socket; dropping it closes it, and nothing is heard of it any more.
pub(crate) struct Socket {
    socket: WebSocket,
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Opens a socket at this path with this sub-protocol. `None` when the browser refuses even to try.
    pub(crate) fn open(
        path: &str,
        subprotocol: &str,
        on_event: impl Fn(SocketEvent) + Clone + 'static,
    ) -> Option<Self> {
        // RFC 6455 §3: ws beside http, wss beside https.
        let origin = page::origin().replacen("http", "ws", 1);
        let socket = WebSocket::new_with_str(&format!("{origin}{path}"), subprotocol).ok()?;
        let on_open = Closure::new({
            let on_event = on_event.clone();
            move || on_event(SocketEvent::Opened)
        });
        let on_message = Closure::new({
            let on_event = on_event.clone();
            move |event: MessageEvent| {
                if let Some(text) = event.data().as_string() {
                    on_event(SocketEvent::Frame(text));
                }
            }
        });
        let on_close = Closure::new(move |_: CloseEvent| on_event(SocketEvent::Closed));
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Some(Self {
            socket,
            _on_open: on_open,
            _on_message: on_message,
            _on_close: on_close,
        })
    }

    /// Sends a frame.
    pub(crate) fn send(&self, text: &str) -> Result<(), JsValue> {
        self.socket.send_with_str(text)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}
