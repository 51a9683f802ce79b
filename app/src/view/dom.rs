//! Views as DOM, in the browser: built, and changed in place when a live part is drawn again.
//!
//! What was drawn is kept as a tree of [`Drawn`]; each of them has at least one node, so that there is always a place where
//! its successor goes.

use std::borrow::Cow;

use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;
use web_sys::{Comment, Node, Text};

use super::element::{Attribute, Listener, Parts, Slot, Value};
use super::{Element, View};

const SVG: &str = "http://www.w3.org/2000/svg";

/// A view that stands in the document.
pub(super) enum Drawn {
    Nothing(Comment),
    Text(Text, Cow<'static, str>),
    Element(Box<DrawnElement>),
    /// The comment closes the list: further ones go before it.
    Several(Vec<Drawn>, Comment),
    Live(RenderEffect<Drawn>),
}

/// An element that stands in the document. Dropping it ends its effects and listeners.
pub(super) struct DrawnElement {
    pub(super) node: web_sys::Element,
    fixed: &'static [(&'static str, &'static str)],
    slots: Vec<(Slot, Filled)>,
    listeners: Vec<Listening>,
    children: Vec<Drawn>,
}

/// An event, and what is called for it as long as this lives.
type Listening = (&'static str, Closure<dyn FnMut(web_sys::Event)>);

enum Filled {
    Fixed(Value),
    Live(RenderEffect<Value>),
}

/// Builds nodes for a view. They belong to no parent yet.
pub(super) fn build(view: View, svg: bool) -> Drawn {
    match view {
        View::Nothing => Drawn::Nothing(document().create_comment("")),
        View::Text(text) => Drawn::Text(document().create_text_node(&text), text),
        View::Element(element) => Drawn::Element(build_element(element, svg)),
        View::Several(views) => Drawn::Several(
            views.into_iter().map(|view| build(view, svg)).collect(),
            document().create_comment(""),
        ),
        View::Live(draw) => live(draw, svg, None, move |view| build(view, svg)),
    }
}

/// A part that draws itself again; `before` is what stands in its place already, else `first` draws it.
pub(super) fn live(
    mut draw: Box<dyn FnMut() -> View>,
    svg: bool,
    before: Option<Drawn>,
    first: impl Fn(View) -> Drawn + 'static,
) -> Drawn {
    Drawn::Live(RenderEffect::new_with_value(
        move |drawn: Option<Drawn>| {
            let view = draw();
            match drawn {
                None => first(view),
                Some(mut drawn) => {
                    drawn.become_view(view, svg);
                    drawn
                }
            }
        },
        before,
    ))
}

fn build_element(Element(parts): Element, svg: bool) -> Box<DrawnElement> {
    let svg = parts.is_svg(svg);
    let node = if svg {
        document().create_element_ns(Some(SVG), parts.tag)
    } else {
        document().create_element(parts.tag)
    };
    let node = node.unwrap_or_else(|_| unreachable!("view! is written with names of elements"));
    for (name, value) in parts.fixed {
        let _ = node.set_attribute(name, value);
    }
    take_over(node, *parts, false, |node, children| {
        children
            .into_iter()
            .map(|child| {
                let mut child = build(child, svg);
                child.insert(node, None);
                child
            })
            .collect()
    })
}

/// Brings an element to life: its children first, because a `<select>` takes its value only from options that are there. Where
/// it `stands` already, its attributes and properties are left as they are: somebody may have typed in the meantime.
pub(super) fn take_over(
    node: web_sys::Element,
    parts: Parts,
    stands: bool,
    draw_children: impl FnOnce(&web_sys::Element, Vec<View>) -> Vec<Drawn>,
) -> Box<DrawnElement> {
    let children = draw_children(&node, parts.children);
    let slots = parts
        .slots
        .into_iter()
        .map(|(slot, value)| (slot, fill(&node, slot, value, None, stands)))
        .collect();
    if let Some(reference) = parts.reference {
        reference.set(Some(SendWrapper::new(node.clone())));
    }
    Box::new(DrawnElement {
        listeners: listen(&node, parts.listeners),
        node,
        fixed: parts.fixed,
        slots,
        children,
    })
}

fn listen(node: &web_sys::Element, listeners: Vec<(&'static str, Listener)>) -> Vec<Listening> {
    listeners
        .into_iter()
        .map(|(name, listener)| {
            let closure = Closure::wrap(listener);
            let _ = node.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
            (name, closure)
        })
        .collect()
}

fn fill(
    node: &web_sys::Element,
    slot: Slot,
    value: Attribute,
    before: Option<Value>,
    mut stands: bool,
) -> Filled {
    match value {
        Attribute::Fixed(value) => {
            if !stands && before.as_ref() != Some(&value) {
                put(node, slot, value.as_deref());
            }
            Filled::Fixed(value)
        }
        Attribute::Live(mut value) => {
            let node = node.clone();
            Filled::Live(RenderEffect::new_with_value(
                move |before: Option<Value>| {
                    let value = value();
                    if !std::mem::take(&mut stands) && before.as_ref() != Some(&value) {
                        put(&node, slot, value.as_deref());
                    }
                    value
                },
                before,
            ))
        }
    }
}

fn put(node: &web_sys::Element, slot: Slot, value: Option<&str>) {
    // None of these fails for the names and values that pages have; a style that could not be set is no reason to stop.
    let _ = match (slot, value) {
        (Slot::Attribute(name), Some(value)) => node.set_attribute(name, value),
        (Slot::Attribute(name), None) => node.remove_attribute(name),
        (Slot::Class(name), Some(_)) => node.class_list().add_1(name),
        (Slot::Class(name), None) => node.class_list().remove_1(name),
        (Slot::Property(name), value) => {
            // `checked` is there or not, `value` is a text.
            let value = match value {
                Some("") if name != "value" => JsValue::TRUE,
                Some(text) => JsValue::from_str(text),
                None if name == "value" => JsValue::from_str(""),
                None => JsValue::FALSE,
            };
            js_sys::Reflect::set(node, &JsValue::from_str(name), &value).map(|_| ())
        }
    };
}

impl Filled {
    /// What stands in the slot; the effect that put it there ends.
    fn end(self) -> Option<Value> {
        match self {
            Self::Fixed(value) => Some(value),
            Self::Live(effect) => effect.take_value(),
        }
    }
}

impl Parts {
    /// Whether the element, and so all that is in it, belongs to SVG; `within` says so of what it stands in.
    pub(super) fn is_svg(&self, within: bool) -> bool {
        within || self.tag == "svg"
    }
}

impl Drawn {
    /// Puts all nodes into `parent`, before `before` or at the end.
    pub(super) fn insert(&mut self, parent: &Node, before: Option<&Node>) {
        self.each_node(&mut |node| {
            let _ = parent.insert_before(node, before);
        });
    }

    fn remove(&self) {
        self.each_node(&mut |node| {
            if let Some(parent) = node.parent_node() {
                let _ = parent.remove_child(node);
            }
        });
    }

    fn each_node(&self, visit: &mut dyn FnMut(&Node)) {
        match self {
            Self::Nothing(comment) => visit(comment),
            Self::Text(text, _) => visit(text),
            Self::Element(element) => visit(&element.node),
            Self::Several(drawn, end) => {
                for drawn in drawn {
                    drawn.each_node(visit);
                }
                visit(end);
            }
            Self::Live(effect) => {
                effect.with_value_mut(|drawn| drawn.each_node(visit));
            }
        }
    }

    fn first_node(&self) -> Option<Node> {
        match self {
            Self::Nothing(comment) => Some(comment.clone().into()),
            Self::Text(text, _) => Some(text.clone().into()),
            Self::Element(element) => Some(element.node.clone().into()),
            Self::Several(drawn, end) => match drawn.first() {
                Some(first) => first.first_node(),
                None => Some(end.clone().into()),
            },
            Self::Live(effect) => effect.with_value_mut(|drawn| drawn.first_node()).flatten(),
        }
    }

    /// Changes what is there into `view`, keeping the nodes that fit, so that focus, caret and scrolling stay.
    fn become_view(&mut self, view: View, svg: bool) {
        match (&mut *self, view) {
            (Self::Nothing(_), View::Nothing) => {}
            (Self::Text(node, old), View::Text(new)) => {
                if *old != new {
                    node.set_data(&new);
                    *old = new;
                }
            }
            (Self::Element(old), View::Element(new)) if old.is_of(&new) => old.become_element(new, svg),
            (Self::Several(old, end), View::Several(new)) => become_several(old, end, new, svg),
            (Self::Live(old), View::Live(draw)) => {
                let before = old.take_value();
                *self = live(draw, svg, before, move |view| build(view, svg));
            }
            (_, view) => self.give_way(view, svg),
        }
    }

    fn give_way(&mut self, view: View, svg: bool) {
        let mut new = build(view, svg);
        if let Some(first) = self.first_node()
            && let Some(parent) = first.parent_node()
        {
            new.insert(&parent, Some(&first));
        }
        self.remove();
        *self = new;
    }
}

fn become_several(old: &mut Vec<Drawn>, end: &Comment, new: Vec<View>, svg: bool) {
    for surplus in old.drain(new.len().min(old.len())..) {
        surplus.remove();
    }
    let mut new = new.into_iter();
    for (old, new) in old.iter_mut().zip(new.by_ref()) {
        old.become_view(new, svg);
    }
    for view in new {
        let mut drawn = build(view, svg);
        if let Some(parent) = end.parent_node() {
            drawn.insert(&parent, Some(end));
        }
        old.push(drawn);
    }
}

impl DrawnElement {
    /// Whether `new` comes from the same markup: then slots and children correspond one to one.
    fn is_of(&self, Element(new): &Element) -> bool {
        std::ptr::eq(self.fixed, new.fixed)
            && self.node.local_name() == new.tag
            && self.children.len() == new.children.len()
            && self
                .slots
                .iter()
                .map(|(slot, _)| slot)
                .eq(new.slots.iter().map(|(slot, _)| slot))
    }

    fn become_element(&mut self, Element(parts): Element, svg: bool) {
        let svg = parts.is_svg(svg);
        for (old, new) in self.children.iter_mut().zip(parts.children) {
            old.become_view(new, svg);
        }
        self.slots = std::mem::take(&mut self.slots)
            .into_iter()
            .zip(parts.slots)
            .map(|((slot, old), (_, new))| (slot, fill(&self.node, slot, new, old.end(), false)))
            .collect();
        for (name, closure) in self.listeners.drain(..) {
            let _ = self
                .node
                .remove_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
        }
        self.listeners = listen(&self.node, parts.listeners);
        if let Some(reference) = parts.reference {
            reference.set(Some(SendWrapper::new(self.node.clone())));
        }
    }
}
