//! Passkeys: each a way in, with a name that its person recognises.

use gangway_protocol::account::{Passkey, Rename};
use leptos::prelude::*;

use super::super::lists::{List, ListTrouble, all, ended, focus_heading};
use super::SignInsChanged;
use crate::browser::page;
use crate::components::confirm::{Confirm, Question};
use crate::components::icon::{Glyph, Icon};
use crate::components::icon_button::IconButton;
use crate::components::moment::{Moment, TimeFormat};
use crate::messages::messages;
use crate::trouble::Outcome;
use crate::visit::language;
use crate::visitor::{add_passkey, api};

const TITLE: &str = "passkeys-title";

/// The section: the list, and a way to add one.
#[component]
pub(super) fn Passkeys(
    /// As the server read them.
    first: Outcome<Vec<Passkey>>,
) -> impl IntoView {
    let t = language();
    let list = List::new(first);
    let messages = messages();
    let busy = RwSignal::new(false);
    let add = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        leptos::task::spawn_local(async move {
            match add_passkey(&api()).await {
                Ok(passkey) => {
                    list.push(passkey);
                    messages.show(t.passkey_added());
                }
                Err(trouble) => messages.show_trouble(t, trouble),
            }
            busy.set(false);
        });
    };
    let retry = Callback::new(move |()| list.read(async || api().passkeys(&all()).await));
    view! {
        <section class="section" aria-labelledby=TITLE>
            <div class="section-head">
                <h2 id=TITLE tabindex="-1">{t.passkeys()}</h2>
                <button class="button" type="button" disabled=busy aria-busy=move || busy.get().to_string() on:click=add>
                    <Icon glyph=Glyph::Add />
                    {t.add_passkey()}
                </button>
            </div>
            <p class="soft small">{t.passkeys_text()}</p>
            <ListTrouble trouble=list.trouble retry />
            <ul class="lines">
                <For each=move || list.items.get() key=|passkey| passkey.id.clone() let:passkey>
                    <Line passkey list />
                </For>
            </ul>
        </section>
    }
}

#[component]
fn Line(passkey: Passkey, list: List<Passkey>) -> impl IntoView {
    let t = language();
    let messages = messages();
    let sign_ins: SignInsChanged = expect_context();
    let field = format!("passkey-{}", passkey.id);
    let typed = Some(page::typed(&field)).filter(|typed| !typed.is_empty());
    let name = RwSignal::new(typed.unwrap_or_else(|| passkey.name.clone()));
    // What the server calls it.
    let kept = RwSignal::new(passkey.name.clone());
    let id = StoredValue::new(passkey.id);
    let rename = move || {
        let wanted = name.get_untracked().trim().to_owned();
        if wanted == kept.get_untracked() {
            return;
        }
        leptos::task::spawn_local(async move {
            match api()
                .rename_passkey(&id.get_value(), &Rename { name: wanted })
                .await
            {
                Ok(renamed) => {
                    list.items.update_untracked(|items| {
                        if let Some(item) = items.iter_mut().find(|item| item.id == renamed.id) {
                            item.name.clone_from(&renamed.name);
                        }
                    });
                    kept.set(renamed.name);
                }
                Err(error) => {
                    // The passkey may have been removed meanwhile.
                    if let Some(kept) = kept.try_get_untracked() {
                        name.set(kept);
                    }
                    messages.show_trouble(t, error);
                }
            }
        });
    };
    // The browser tells of a change once, perhaps before this listened.
    Effect::new(move |_| rename());
    let asked = RwSignal::new(false);
    let question = Signal::derive(move || Question {
        title: t.passkey_remove_title(&kept.read()),
        says: vec![t.passkey_remove_says_1(), t.passkey_remove_says_2()],
        verb: t.passkey_remove(),
        dangerous: true,
    });
    let remove = async move || {
        let id = id.get_value();
        ended(api().remove_passkey(&id).await)?;
        list.remove(|passkey| passkey.id == id);
        sign_ins.tell();
        focus_heading(TITLE.to_owned());
        Ok(())
    };
    view! {
        <li>
            <Icon glyph=Glyph::Key />
            <div>
                <input
                    id=field
                    class="bare"
                    type="text"
                    maxlength="64"
                    autocomplete="off"
                    aria-label=t.passkey_name_of(&passkey.name)
                    value=passkey.name.clone()
                    bind:value=name
                    on:change=move |_| rename()
                />
                <p class="soft small">
                    {t.added()} " " <Moment at=passkey.created_at show=TimeFormat::Day />
                    {passkey.last_used_at.map(|at| view! { " · " {t.last_used()} " " <Moment at show=TimeFormat::Distance /> })}
                </p>
            </div>
            // The last way in stays: the server refuses as well.
            <Show when=move || { list.items.read().len() > 1 }>
                <IconButton glyph=Glyph::Trash label=t.remove_passkey(&kept.get()) on_press=move || asked.set(true) />
            </Show>
            <Confirm open=asked question answer=remove />
        </li>
    }
}
