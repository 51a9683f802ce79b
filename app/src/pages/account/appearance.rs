//! How the panel looks to this person: colours and language, kept in cookies of this browser. Forms, which need no script.

use gangway_protocol::path::{form, page as paths};
use leptos::prelude::*;

use crate::preference::{Language, Theme};
use crate::visit::{Visit, language};

/// The section. Each choice is a button, so that one press is enough.
#[component]
pub(super) fn Appearance() -> impl IntoView {
    let t = language();
    let chosen = expect_context::<Visit>().theme;
    let themes = [
        (None, "system", t.as_the_system()),
        (Some(Theme::Light), Theme::Light.name(), t.light()),
        (Some(Theme::Dark), Theme::Dark.name(), t.dark()),
    ];
    view! {
        <section class="section" aria-labelledby="appearance-title">
            <div class="section-head">
                <h2 id="appearance-title">{t.appearance()}</h2>
            </div>
            <form class="row appearance" method="post" action=form::APPEARANCE>
                <input type="hidden" name="back" value=paths::ACCOUNT />
                <fieldset class="row">
                    <legend>{t.theme()}</legend>
                    {themes
                        .map(|(theme, value, name)| {
                            view! {
                                <button class="button" type="submit" name="theme" value=value aria-pressed=(theme == chosen).to_string()>
                                    {name}
                                </button>
                            }
                        })
                        .collect_view()}
                </fieldset>
                <fieldset class="row">
                    <legend>{t.language_label()}</legend>
                    {Language::ALL
                        .map(|language| {
                            view! {
                                <button
                                    class="button"
                                    type="submit"
                                    name="language"
                                    value=language.tag()
                                    lang=language.tag()
                                    aria-pressed=(language == t).to_string()
                                >
                                    {language.name()}
                                </button>
                            }
                        })
                        .collect_view()}
                </fieldset>
            </form>
        </section>
    }
}
