//! Every text of the panel in every language, as methods of `Language`.
//!
//! `texts!` makes one method per text; a missing language, a misspelt key or a forgotten argument does not compile. The files
//! below hold the texts of one page each. Texts with a number take `plurals!`: both languages tell one from all others.

macro_rules! texts {
    ($($name:ident $(($($argument:ident: $kind:ty),+))? => $english:literal, $german:literal;)+) => {
        impl $crate::preference::Language {
            $(texts!{@one $name [$($($argument: $kind),+)?] $english, $german})+
        }
    };
    (@one $name:ident [] $english:literal, $german:literal) => {
        pub(crate) fn $name(self) -> &'static str {
            match self {
                Self::English => $english,
                Self::German => $german,
            }
        }
    };
    (@one $name:ident [$($argument:ident: $kind:ty),+] $english:literal, $german:literal) => {
        pub(crate) fn $name(self, $($argument: $kind),+) -> String {
            match self {
                Self::English => format!($english),
                Self::German => format!($german),
            }
        }
    };
}

macro_rules! plurals {
    ($($name:ident => $english_one:literal, $english:literal; $german_one:literal, $german:literal;)+) => {
        impl $crate::preference::Language {
            $(pub(crate) fn $name(self, count: u64) -> String {
                let shown = $crate::format::number(self, count);
                match (self, count) {
                    (Self::English, 1) => format!($english_one, shown),
                    (Self::English, _) => format!($english, shown),
                    (Self::German, 1) => format!($german_one, shown),
                    (Self::German, _) => format!($german, shown),
                }
            })+
        }
    };
}

mod account;
mod audit;
mod bulk;
mod device;
mod fleet;
mod general;
mod history;
mod home;
mod link;
mod organisation;
mod overview;
mod permits;
mod plgd_client;
mod signers;
mod single_sign_on;
mod trouble;
mod webhooks;
