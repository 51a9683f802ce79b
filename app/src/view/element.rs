//! An element of a page, as `view!` puts it together.

use std::borrow::Cow;

use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;

use super::{IntoAttribute, IntoView, View};

/// An attribute as it stands in HTML: its text, empty for one that is just there, or nothing.
pub(crate) type Value = Option<Cow<'static, str>>;

/// An attribute's value, now or from time to time.
pub(crate) enum Attribute {
    Fixed(Value),
    Live(Box<dyn FnMut() -> Value>),
}

/// Where a value goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Attribute(&'static str),
    /// A class beside those of the `class` attribute, there when the value is.
    Class(&'static str),
    /// A property of the DOM element. In HTML it stands as the attribute of the same name.
    Property(&'static str),
}

/// What is called when an event arrives.
pub(crate) type Listener = Box<dyn FnMut(web_sys::Event)>;

/// An element with all that is in it.
pub(crate) struct Element(pub(super) Box<Parts>);

pub(crate) struct Parts {
    pub(super) tag: &'static str,
    /// The attributes that never change; the table's address tells whether two elements come from the same markup.
    pub(super) fixed: &'static [(&'static str, &'static str)],
    pub(super) slots: Vec<(Slot, Attribute)>,
    pub(super) listeners: Vec<(&'static str, Listener)>,
    pub(super) reference: Option<Reference>,
    /// What was typed before the page came alive is handed to this, so that it is not lost.
    pub(super) adopt: Option<Adopt>,
    pub(super) children: Vec<View>,
}

/// Takes what an element holds that the page does not know yet.
type Adopt = Box<dyn FnOnce(&web_sys::Element)>;

type Reference = RwSignal<Option<SendWrapper<web_sys::Element>>>;

impl Element {
    pub(crate) fn new(tag: &'static str, fixed: &'static [(&'static str, &'static str)]) -> Self {
        Self(Box::new(Parts {
            tag,
            fixed,
            slots: Vec::new(),
            listeners: Vec::new(),
            reference: None,
            adopt: None,
            children: Vec::new(),
        }))
    }

    pub(crate) fn attribute(self, name: &'static str, value: impl IntoAttribute) -> Self {
        self.slot(Slot::Attribute(name), value.into_attribute())
    }

    pub(crate) fn class(self, name: &'static str, value: impl IntoAttribute) -> Self {
        self.slot(Slot::Class(name), value.into_attribute())
    }

    pub(crate) fn property(self, name: &'static str, value: impl IntoAttribute) -> Self {
        self.slot(Slot::Property(name), value.into_attribute())
    }

    pub(crate) fn child(self, child: impl IntoView) -> Self {
        self.append(child.into_view())
    }

    /// Calls `handler` for each such event. The server, where nothing happens, drops it.
    pub(crate) fn on<E: JsCast>(self, name: &'static str, mut handler: impl FnMut(E) + 'static) -> Self {
        self.listen(name, Box::new(move |event| handler(event.unchecked_into())))
    }

    /// The field shows the signal's text, and what is typed goes into the signal.
    pub(crate) fn bind_value(mut self, signal: RwSignal<String>) -> Self {
        self.0.adopt = Some(Box::new(move |element| {
            let typed = property_text(element, "value");
            // A `<select>` without a choice shows its first option, which nobody has chosen.
            if element.local_name() == "input" && !typed.is_empty() && typed != *signal.read_untracked() {
                signal.set(typed);
            }
        }));
        self.property("value", move || signal.get())
            .on("input", move |event: web_sys::Event| {
                signal.set(target_value(&event));
            })
    }

    /// The box is checked while the signal holds.
    pub(crate) fn bind_checked(self, signal: RwSignal<bool>) -> Self {
        self.property("checked", move || signal.get())
            .on("change", move |event: web_sys::Event| {
                let checked = event
                    .target()
                    .and_then(|target| js_sys::Reflect::get(&target, &"checked".into()).ok())
                    .is_some_and(|checked| checked.is_truthy());
                signal.set(checked);
            })
    }

    /// Puts the DOM element into `reference` once there is one.
    pub(crate) fn node_ref<T: JsCast + 'static>(mut self, reference: NodeRef<T>) -> Self {
        self.0.reference = Some(reference.0);
        self
    }

    // Each of the following exists once, whatever the types above are.

    #[inline(never)]
    fn slot(mut self, slot: Slot, value: Attribute) -> Self {
        self.0.slots.push((slot, value));
        self
    }

    #[inline(never)]
    fn append(mut self, child: View) -> Self {
        self.0.children.push(child);
        self
    }

    #[inline(never)]
    fn listen(mut self, name: &'static str, listener: Listener) -> Self {
        self.0.listeners.push((name, listener));
        self
    }
}

/// The text in the field that an event comes from.
pub(crate) fn target_value(event: &web_sys::Event) -> String {
    event
        .target()
        .map(|target| property_text(target.unchecked_ref(), "value"))
        .unwrap_or_default()
}

fn property_text(element: &web_sys::Element, name: &str) -> String {
    js_sys::Reflect::get(element, &name.into())
        .ok()
        .and_then(|value| value.as_string())
        .unwrap_or_default()
}

/// An element of the page, once the browser has drawn it.
pub(crate) struct NodeRef<T>(Reference, std::marker::PhantomData<fn() -> T>);

impl<T> Clone for NodeRef<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for NodeRef<T> {}

impl<T: JsCast + Clone> NodeRef<T> {
    pub(crate) fn new() -> Self {
        Self(RwSignal::new(None), std::marker::PhantomData)
    }

    /// The element; a live part or effect that asks runs again when it comes.
    pub(crate) fn get(self) -> Option<T> {
        self.0.get().map(|element| element.take().unchecked_into())
    }
}
