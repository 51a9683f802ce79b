//! The page for addresses that lead nowhere.

use gangway_protocol::path::page as paths;

use crate::components::flag::flag;
use crate::head::{set_status, set_title};
use crate::view::{View, view};
use crate::visit::{Language, language};

/// The page.
pub(crate) fn not_found_page() -> View {
    view! {
        <main id="main" class="narrow" tabindex="-1">
            {nothing_here(language())}
        </main>
    }
}

/// What stands in place of something that is not there. What the server sends with it is status 404.
pub(crate) fn nothing_here(t: Language) -> View {
    set_status(404);
    set_title(t.not_found_title());
    view! {
        <div class="blank">
            // N over C: the code's signal of distress.
            <div class="distress">{flag('N')} {flag('C')}</div>
            <h1>{t.not_found_title()}</h1>
            <p>{t.not_found_text()}</p>
            <a class="button" href=paths::HOME>{t.to_start()}</a>
        </div>
    }
}
