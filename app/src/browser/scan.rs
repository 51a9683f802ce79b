//! Reading a device's QR code with the camera, where the browser can read them by itself (Shape Detection API).

use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlVideoElement, MediaStream, MediaStreamConstraints, MediaStreamTrack};

use super::{clock, page};

/// Four looks a second: quick enough for a hand that holds still, cheap enough for a telephone.
const LOOK_EVERY_MILLIS: u32 = 250;

/// Whether there is a camera API and a reader of QR codes.
pub(crate) fn is_available() -> bool {
    let Some(window) = page::window() else {
        return false;
    };
    Reflect::has(&window, &"BarcodeDetector".into()).unwrap_or(false)
        && window.navigator().media_devices().is_ok()
}

/// A camera that shows what it sees in a video element; dropping it switches it off.
pub(crate) struct Camera {
    stream: MediaStream,
    video: HtmlVideoElement,
}

impl Camera {
    /// Asks for the camera and shows it. `None` when the person or the system says no.
    pub(crate) async fn open(video: HtmlVideoElement) -> Option<Self> {
        let constraints = MediaStreamConstraints::new();
        let facing = Object::new();
        Reflect::set(&facing, &"facingMode".into(), &"environment".into()).ok()?;
        constraints.set_video(&facing);
        let devices = page::window()?.navigator().media_devices().ok()?;
        let stream = JsFuture::from(devices.get_user_media_with_constraints(&constraints).ok()?)
            .await
            .ok()?;
        let camera = Self {
            stream: stream.unchecked_into(),
            video,
        };
        camera.video.set_src_object(Some(&camera.stream));
        JsFuture::from(camera.video.play().ok()?).await.ok()?;
        Some(camera)
    }

    /// Looks until it sees a QR code, and gives its text. `None` when looking is not possible, or no longer wanted.
    pub(crate) async fn read(&self, wanted: impl Fn() -> bool) -> Option<String> {
        let detector = BarcodeDetector::new().ok()?;
        while self.stream.active() && wanted() {
            if let Ok(found) = detector.detect(&self.video).map(JsFuture::from) {
                let codes: Array = found.await.ok()?.dyn_into().ok()?;
                let text = codes
                    .iter()
                    .find_map(|code| Reflect::get(&code, &"rawValue".into()).ok()?.as_string());
                if text.is_some() {
                    return text;
                }
            }
            clock::sleep(LOOK_EVERY_MILLIS).await;
        }
        None
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        for track in self.stream.get_tracks().iter() {
            track.unchecked_into::<MediaStreamTrack>().stop();
        }
    }
}

#[wasm_bindgen]
extern "C" {
    type BarcodeDetector;
    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<BarcodeDetector, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn detect(this: &BarcodeDetector, image: &HtmlVideoElement) -> Result<Promise, JsValue>;
}
