//! The macro that makes a struct and a table of one list of options, so that the two cannot differ.

/// One option, as flags, variables, TOML keys and documentation need it.
#[derive(Debug)]
pub struct OptionSpec {
    /// Its TOML key; a dot stands between table and key.
    pub name: &'static str,
    /// What it is, in sentences.
    pub doc: &'static str,
    /// Its default as text; none when it is absent by default.
    pub default: Option<&'static str>,
    /// What kind of value it takes, in capitals.
    pub placeholder: &'static str,
    /// Whether its value must not be shown, and may be given in a file.
    pub secret: bool,
    /// Which commands take it as a flag.
    pub scope: Scope,
}

/// Which commands take an option as a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Only those that serve or check the whole configuration.
    Serve,
    /// Also those that work on the data beside a server.
    Everywhere,
}

impl OptionSpec {
    /// Its flag without the dashes, e.g. `data-dir`.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.replace(['.', '_'], "-")
    }

    /// Its variable, e.g. `GANGWAY_DATA_DIR`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("GANGWAY_{}", self.name.replace('.', "_").to_uppercase())
    }
}

/// `options! { Name in "prefix." { /// doc  field: Type = default, Scope; … } nested { /// doc  field: Type } }`
macro_rules! options {
    (
        $(#[$meta:meta])*
        $name:ident in $prefix:literal {
            $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr, $scope:ident;)*
        }
        $(nested { $(#[doc = $nested_doc:literal])+ $nested:ident: $nested_type:ty })?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)*
            $($(#[doc = $nested_doc])+ pub $nested: $nested_type,)?
        }

        impl $name {
            /// The options of this table.
            pub const SPECS: &'static [$crate::config::OptionSpec] = &[$($crate::config::OptionSpec {
                name: concat!($prefix, stringify!($field)),
                doc: concat!($($doc, "\n"),+),
                default: $default,
                placeholder: <$type as $crate::config::value::Value>::PLACEHOLDER,
                secret: <$type as $crate::config::value::Value>::SECRET,
                scope: $crate::config::Scope::$scope,
            },)*];

            /// Reads every option; what cannot be read is told in `problems`.
            pub(in $crate::config) fn read(
                values: &$crate::config::Values,
                problems: &mut Vec<String>,
            ) -> Option<Self> {
                // All are read before the first `?`, so that every problem is told.
                $(let $field = values.read::<$type>(concat!($prefix, stringify!($field)), problems);)*
                $(let $nested = <$nested_type>::read(values, problems);)?
                Some(Self { $($field: $field?,)* $($nested: $nested?,)? })
            }
        }
    };
}

pub(super) use options;
