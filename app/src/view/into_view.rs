//! What `{…}` and `name=…` in `view!` take.

use std::borrow::Cow;

use super::element::{Attribute, Value};
use super::{Element, View};

/// What can stand as a child.
pub(crate) trait IntoView {
    fn into_view(self) -> View;
}

impl IntoView for View {
    fn into_view(self) -> View {
        self
    }
}

impl IntoView for Element {
    fn into_view(self) -> View {
        View::Element(self)
    }
}

impl IntoView for &'static str {
    fn into_view(self) -> View {
        View::text(self)
    }
}

impl IntoView for String {
    fn into_view(self) -> View {
        View::text(self)
    }
}

impl IntoView for char {
    fn into_view(self) -> View {
        View::text(self.to_string())
    }
}

impl<V: IntoView> IntoView for Option<V> {
    fn into_view(self) -> View {
        self.map_or(View::Nothing, IntoView::into_view)
    }
}

impl<V: IntoView> IntoView for Vec<V> {
    fn into_view(self) -> View {
        View::Several(self.into_iter().map(IntoView::into_view).collect())
    }
}

impl<F, V> IntoView for F
where
    F: FnMut() -> V + 'static,
    V: IntoView,
{
    fn into_view(mut self) -> View {
        View::Live(Box::new(move || self().into_view()))
    }
}

impl<V: IntoView> FromIterator<V> for View {
    fn from_iter<I: IntoIterator<Item = V>>(views: I) -> Self {
        Self::Several(views.into_iter().map(IntoView::into_view).collect())
    }
}

/// What can be an attribute's value.
pub(crate) trait IntoAttribute {
    fn into_attribute(self) -> Attribute;
}

/// What a live attribute's closure can give.
pub(crate) trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for &'static str {
    fn into_value(self) -> Value {
        Some(Cow::Borrowed(self))
    }
}

impl IntoValue for String {
    fn into_value(self) -> Value {
        Some(Cow::Owned(self))
    }
}

impl IntoValue for bool {
    fn into_value(self) -> Value {
        self.then_some(Cow::Borrowed(""))
    }
}

impl<V: IntoValue> IntoValue for Option<V> {
    fn into_value(self) -> Value {
        self.and_then(IntoValue::into_value)
    }
}

macro_rules! fixed_attributes {
    ($($kind:ty),+) => {
        $(impl IntoAttribute for $kind {
            fn into_attribute(self) -> Attribute {
                Attribute::Fixed(self.into_value())
            }
        })+
    };
}

fixed_attributes!(&'static str, String, bool, Option<&'static str>, Option<String>);

impl<F, V> IntoAttribute for F
where
    F: FnMut() -> V + 'static,
    V: IntoValue,
{
    fn into_attribute(mut self) -> Attribute {
        Attribute::Live(Box::new(move || self().into_value()))
    }
}
