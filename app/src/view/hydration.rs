//! Taking over the DOM that the server's HTML became: each view finds its node, and only listeners and effects are added.
//!
//! Where the document is not what the view expects (an extension of the browser has put something in), the page is built
//! afresh: slower, and whole.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Comment, Node, Text};

use super::dom::{Drawn, build, live, take_over};
use super::{Element, View};

/// Brings `view` to life in `parent`, whose children the server has drawn. `again` makes the same view once more.
/// The page lives as long as the document.
pub(crate) fn hydrate(parent: &web_sys::Element, again: impl Fn() -> View) {
    let walk = Walk::default();
    let owner = Owner::new();
    let drawn = owner.with(|| walk.child(again(), &Place::first_of(parent), false));
    if !walk.lost.get() {
        std::mem::forget((owner, drawn));
        return;
    }
    drop(drawn);
    owner.cleanup();
    parent.set_text_content(None);
    let owner = Owner::new();
    let mut drawn = owner.with(|| build(again(), false));
    drawn.insert(parent, None);
    std::mem::forget((owner, drawn));
}

#[derive(Clone, Default)]
struct Walk {
    /// Something was not where it had to be: the rest is drawn without being attached to the document.
    lost: Rc<Cell<bool>>,
}

/// The next node, and whether a text stands before it.
struct Place {
    next: RefCell<Option<Node>>,
    after_text: Cell<bool>,
}

impl Place {
    fn first_of(parent: &Node) -> Rc<Self> {
        Rc::new(Self {
            next: RefCell::new(parent.first_child()),
            after_text: Cell::new(false),
        })
    }

    fn take<T: wasm_bindgen::JsCast>(&self) -> Option<T> {
        let node = self.next.take()?;
        self.next.replace(node.next_sibling());
        node.dyn_into().ok()
    }
}

impl Walk {
    fn child(&self, view: View, place: &Rc<Place>, svg: bool) -> Drawn {
        if self.lost.get() {
            return build(view, svg);
        }
        match view {
            View::Text(text) => {
                // `html.rs` keeps two texts apart.
                if place.after_text.replace(true) && place.take::<Comment>().is_none() {
                    return self.lose(View::Text(text), svg);
                }
                match place.take::<Text>() {
                    Some(node) => {
                        if node.data() != text {
                            node.set_data(&text);
                        }
                        Drawn::Text(node, text)
                    }
                    None => self.lose(View::Text(text), svg),
                }
            }
            View::Nothing => {
                place.after_text.set(false);
                match place.take::<Comment>() {
                    Some(comment) => Drawn::Nothing(comment),
                    None => self.lose(View::Nothing, svg),
                }
            }
            View::Element(element) => {
                place.after_text.set(false);
                match place.take::<web_sys::Element>() {
                    Some(node) if node.local_name() == element.0.tag => self.element(node, element, svg),
                    _ => self.lose(View::Element(element), svg),
                }
            }
            View::Several(views) => {
                let drawn = views
                    .into_iter()
                    .map(|view| self.child(view, place, svg))
                    .collect();
                place.after_text.set(false);
                match place.take::<Comment>() {
                    Some(end) => Drawn::Several(drawn, end),
                    None => self.lose(View::Several(Vec::new()), svg),
                }
            }
            View::Live(draw) => {
                let (walk, place) = (self.clone(), Rc::clone(place));
                live(draw, svg, None, move |view| walk.child(view, &place, svg))
            }
        }
    }

    fn element(&self, node: web_sys::Element, Element(mut parts): Element, svg: bool) -> Drawn {
        let svg = parts.is_svg(svg);
        if let Some(adopt) = parts.adopt.take() {
            adopt(&node);
        }
        Drawn::Element(take_over(node, *parts, true, |node, children| {
            let place = Place::first_of(node);
            children
                .into_iter()
                .map(|child| self.child(child, &place, svg))
                .collect()
        }))
    }

    fn lose(&self, view: View, svg: bool) -> Drawn {
        self.lost.set(true);
        build(view, svg)
    }
}
