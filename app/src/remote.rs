//! What a page asks the API for.
//!
//! 1. The server draws a page; whatever it asks for is not there yet. It waits for the answers and draws again (`render.rs`).
//! 2. The answers travel in the document (`answers.rs`), so that the browser has them at once when it draws the same page.
//! 3. From then on the browser asks again whenever a signal that the question reads changes; what was there stays until then.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use leptos::prelude::*;

use crate::trouble::Outcome;
use crate::view::View;

/// An answer of the API, once it is there.
pub(crate) struct Remote<T: 'static> {
    answer: RwSignal<Option<Outcome<T>>>,
    turn: RwSignal<u32>,
}

impl<T> Clone for Remote<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Remote<T> {}

/// A question under way; in the end it puts the answer where it belongs.
pub(crate) type Asking = Pin<Box<dyn Future<Output = Box<dyn FnOnce() + Send>> + Send>>;

impl<T: Clone + Send + Sync + 'static> Remote<T> {
    /// Asks now, and again whenever a signal that `ask` itself reads changes.
    pub(crate) fn new<F>(ask: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = Outcome<T>> + Send + 'static,
    {
        let remote = Self {
            answer: RwSignal::new(None),
            turn: RwSignal::new(0),
        };
        keep_asking(Box::new(move || {
            remote.turn.track();
            let asked = ask();
            Box::pin(async move {
                let answer = asked.await;
                let put: Box<dyn FnOnce() + Send> = Box::new(move || {
                    remote.answer.try_set(Some(answer));
                });
                put
            })
        }));
        remote
    }

    /// The latest answer.
    pub(crate) fn get(self) -> Option<Outcome<T>> {
        self.answer.get()
    }

    /// Asks once more.
    pub(crate) fn refetch(self) {
        self.turn.update(|turn| *turn = turn.wrapping_add(1));
    }

    /// Asks once more, for a button.
    pub(crate) fn again(self) -> Callback<()> {
        Callback::new(move |()| self.refetch())
    }

    /// Draws the answer, and `waiting` until there is one.
    pub(crate) fn show(
        self,
        waiting: impl Fn() -> View + 'static,
        draw: impl Fn(Outcome<T>) -> View + 'static,
    ) -> View {
        View::Live(Box::new(move || match self.get() {
            Some(answer) => draw(answer),
            None => waiting(),
        }))
    }
}

/// What the server still has to wait for before the page is whole.
#[cfg(feature = "ssr")]
#[derive(Clone, Default)]
pub(crate) struct Unanswered(pub(crate) std::sync::Arc<std::sync::Mutex<Vec<Asking>>>);

#[cfg(feature = "ssr")]
fn keep_asking(ask: Box<dyn FnOnce() -> Asking>) {
    let mut asking = ask();
    match look(&mut asking) {
        Some(put) => put(),
        None => {
            if let Ok(mut unanswered) = expect_context::<Unanswered>().0.lock() {
                unanswered.push(asking);
            }
        }
    }
}

#[cfg(not(feature = "ssr"))]
fn keep_asking(ask: Box<dyn Fn() -> Asking>) {
    // Of two questions under way only the later one counts, whichever is answered first.
    let latest = std::rc::Rc::new(std::cell::Cell::new(0_u32));
    let effect = RenderEffect::new(move |_| {
        let mut asking = ask();
        let own = latest.get().wrapping_add(1);
        latest.set(own);
        if let Some(put) = look(&mut asking) {
            return untrack(put);
        }
        let latest = std::rc::Rc::clone(&latest);
        leptos::task::spawn_local(async move {
            let put = asking.await;
            if latest.get() == own {
                put();
            }
        });
    });
    // It lives as long as the page or part that asks.
    StoredValue::new_local(effect);
}

/// The end of a question that needs no waiting.
fn look(asking: &mut Asking) -> Option<Box<dyn FnOnce() + Send>> {
    match asking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(put) => Some(put),
        Poll::Pending => None,
    }
}
