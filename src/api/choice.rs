//! Fields that take one of a few words: the words in one place for the schema, the types and the validator.

/// A field that takes one of a few words.
pub trait Choice: Copy + 'static {
    /// Each with its word, the default first.
    const ALL: &'static [(Self, &'static str)];

    /// The words, the default first.
    fn words() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|(_, word)| *word)
    }

    /// What a word stands for.
    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(choice, _)| *choice)
    }
}

/// Defines the enum of such a field; the first word is the default.
macro_rules! choice {
    (
        $(#[$doc:meta])* $name:ident:
        $(#[$first_doc:meta])* $first:ident,
        $($(#[$other_doc:meta])* $other:ident,)+
    ) => {
        $(#[$doc])*
        #[derive(serde::Serialize, serde::Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $($(#[$other_doc])* $other,)+
        }

        impl $crate::api::choice::Choice for $name {
            const ALL: &'static [(Self, &'static str)] =
                &[(Self::$first, stringify!($first)) $(, (Self::$other, stringify!($other)))+];
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let words = <Self as $crate::api::choice::Choice>::words().collect::<Vec<_>>();
                $crate::api::parts::one_of(&words)
            }
        }
    };
}
pub(super) use choice;
