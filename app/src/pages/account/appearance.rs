//! How the panel looks to this person: colours and language, kept in cookies of this browser.

use leptos::prelude::*;

use crate::browser::page;
use crate::view::{View, view};
use crate::visit::{Language, Theme, Visit};

pub(super) fn appearance(t: Language) -> View {
    let chosen = RwSignal::new(use_context::<Visit>().and_then(|visit| visit.theme));
    let themes = [
        (None, t.as_the_system()),
        (Some(Theme::Light), t.light()),
        (Some(Theme::Dark), t.dark()),
    ];
    view! {
        <section class="section" aria-labelledby="appearance-title">
            <div class="section-head"><h2 id="appearance-title">{t.appearance()}</h2></div>
            <div class="row appearance">
                <fieldset class="row">
                    <legend>{t.theme()}</legend>
                    {themes
                        .into_iter()
                        .map(|(theme, name)| {
                            let choose = move |_| {
                                chosen.set(theme);
                                page::set_theme(theme);
                            };
                            view! {
                                <label class="choice">
                                    <input type="radio" name="theme" checked=move || chosen.get() == theme on:change=choose />
                                    <span>{name}</span>
                                </label>
                            }
                        })
                        .collect::<View>()}
                </fieldset>
                <fieldset class="row">
                    <legend>{t.language_label()}</legend>
                    {Language::ALL
                        .into_iter()
                        .map(|language| {
                            view! {
                                <label class="choice">
                                    <input type="radio" name="language" checked=language == t on:change=move |_| page::set_language(language) />
                                    <span lang=language.tag()>{language.name()}</span>
                                </label>
                            }
                        })
                        .collect::<View>()}
                </fieldset>
            </div>
        </section>
    }
}
