//! A question before something that cannot easily be taken back.

use gangway_client::ApiError;
use leptos::children::TypedChildrenFn;
use leptos::prelude::*;

use super::dialog::Dialog;
use super::notice::{Notice, Tone};
use crate::messages::messages;
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// What is asked: what it is, what will happen, and the answer's verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) title: String,
    /// What happens, one sentence each.
    pub(crate) says: Vec<&'static str>,
    pub(crate) verb: &'static str,
    pub(crate) dangerous: bool,
}

/// Asks a question. Yes calls `answer` and holds the button meanwhile, so that a second press does nothing; when the server
/// wants a fresh proof of a passkey, the browser asks for it and `answer` is called once more. Until then the dialog stays;
/// then it closes, or shows what went wrong.
#[component]
pub(crate) fn Confirm<A>(
    /// Whether it is being asked.
    open: RwSignal<bool>,
    /// What it is, read each time it is asked.
    #[prop(into)]
    question: Signal<Question>,
    /// What yes does.
    answer: A,
) -> impl IntoView
where
    A: AsyncFn() -> Result<(), ApiError> + Clone + Send + Sync + 'static,
{
    asked(Asked::new(open, question, answer), || ())
}

/// The same with fields between what happens and the buttons.
#[component]
pub(crate) fn ConfirmWith<A, C>(
    /// Whether it is being asked.
    open: RwSignal<bool>,
    /// What it is, read each time it is asked.
    #[prop(into)]
    question: Signal<Question>,
    /// What yes does.
    answer: A,
    /// The fields.
    children: TypedChildrenFn<C>,
) -> impl IntoView
where
    A: AsyncFn() -> Result<(), ApiError> + Clone + Send + Sync + 'static,
    C: IntoView + 'static,
{
    let children = children.into_inner();
    asked(Asked::new(open, question, answer), move || children())
}

/// The id of what happens. One dialog is open at a time, and only an open one has a content.
const SAYS_ID: &str = "dialog-says";

/// A question with its answer, whose type is gone: what draws it need not be compiled for each.
#[derive(Clone, Copy)]
struct Asked {
    open: RwSignal<bool>,
    question: Signal<Question>,
    busy: RwSignal<bool>,
    trouble: RwSignal<Option<String>>,
    yes: Callback<()>,
}

impl Asked {
    fn new<A>(open: RwSignal<bool>, question: Signal<Question>, answer: A) -> Self
    where
        A: AsyncFn() -> Result<(), ApiError> + Clone + Send + Sync + 'static,
    {
        let t = language();
        let messages = messages();
        let busy = RwSignal::new(false);
        let trouble = RwSignal::new(None::<String>);
        let yes = Callback::new(move |()| {
            if busy.get_untracked() {
                return;
            }
            busy.set(true);
            let answer = answer.clone();
            leptos::task::spawn_local(async move {
                match with_fresh_proof(&api(), answer).await {
                    Ok(()) => open.set(false),
                    Err(error) if open.get_untracked() => trouble.set(error.words(t)),
                    // The browser closed it all the same.
                    Err(error) => messages.show_trouble(t, error),
                }
                busy.set(false);
            });
        });
        Self {
            open,
            question,
            busy,
            trouble,
            yes,
        }
    }
}

fn asked<C: IntoView + 'static>(
    asked: Asked,
    fields: impl Fn() -> C + Send + Sync + 'static,
) -> impl IntoView {
    let t = language();
    let Asked {
        open,
        question,
        busy,
        trouble,
        yes,
    } = asked;
    let fields = StoredValue::new(fields);
    view! {
        <Dialog open label=Signal::derive(move || question.read().title.clone()) described_by=SAYS_ID held=busy>
            {move || {
                trouble.set(None);
                let Question { title, says, verb, dangerous } = question.get();
                view! {
                    <h2>{title}</h2>
                    <ul id=SAYS_ID class="says">{says.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul>
                    {fields.with_value(|fields| fields())}
                    {move || trouble.get().map(|words| view! { <Notice tone=Tone::Bad><p role="alert">{words}</p></Notice> })}
                    <div class="dialog-end">
                        <button class="button" type="button" autofocus disabled=busy on:click=move |_| open.set(false)>
                            {t.cancel()}
                        </button>
                        <button
                            class=if dangerous { "button danger" } else { "button primary" }
                            type="button"
                            disabled=busy
                            aria-busy=move || busy.get().to_string()
                            on:click=move |_| yes.run(())
                        >
                            {verb}
                        </button>
                    </div>
                }
            }}
        </Dialog>
    }
}
