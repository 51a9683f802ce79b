//! Parts of pages. They receive values and show them; fetching and arranging is for the pages.

pub(crate) mod certificate;
pub(crate) mod code_field;
pub(crate) mod copy;
pub(crate) mod device_state;
pub(crate) mod dialog;
pub(crate) mod facts;
pub(crate) mod flag;
pub(crate) mod frame;
pub(crate) mod icon;
pub(crate) mod icon_button;
pub(crate) mod keys;
pub(crate) mod labels;
pub(crate) mod moment;
pub(crate) mod notice;
pub(crate) mod palette;
pub(crate) mod presence;
pub(crate) mod recovery_codes;
pub(crate) mod sign_in;
pub(crate) mod steps;
pub(crate) mod toast;
