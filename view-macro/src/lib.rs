//! `view!`: the markup of the panel's pages, in Leptos' syntax, as calls that make a `crate::view::View`.
//!
//! Leptos' own macro gives every place of markup a type of its own, which the compiler then turns into code of its own: four
//! fifths of the panel's download (docs/decisions/0011). Here each element becomes the same few calls with other arguments.
//!
//! | markup | means |
//! | --- | --- |
//! | `name="text"`, `name` | a fixed attribute, kept in a table of constants |
//! | `name=value` | a text, an `Option` of one, a `bool` (there or not), or a closure that gives one of them: a live attribute |
//! | `class:name=value`, `prop:name=value` | a class that is there or not; a property of the DOM element |
//! | `on:event=handler`, `bind:value=signal`, `bind:checked=signal` | a listener; a field and a signal that follow each other |
//! | `node_ref=reference` | the element itself, for what only the DOM can do |
//! | `"text"`, `{value}` | children: texts, views, options and lists of them, closures that give one: a live part |

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use rstml::node::{KeyedAttribute, Node, NodeAttribute, NodeElement};
use syn::spanned::Spanned as _;

/// Markup as an expression of type `crate::view::View`.
#[proc_macro]
pub fn view(markup: proc_macro::TokenStream) -> proc_macro::TokenStream {
    match rstml::parse2(markup.into()).and_then(|nodes| several(&nodes)) {
        Ok(expression) => expression.into(),
        Err(error) => error.to_compile_error().into(),
    }
}

fn several(nodes: &[Node]) -> syn::Result<TokenStream> {
    Ok(match children(nodes)?.as_slice() {
        [only] => quote!(crate::view::IntoView::into_view(#only)),
        views => quote!(crate::view::View::Several(
            ::std::vec![#(crate::view::IntoView::into_view(#views)),*]
        )),
    })
}

fn children(nodes: &[Node]) -> syn::Result<Vec<TokenStream>> {
    nodes.iter().filter_map(|node| child(node).transpose()).collect()
}

/// An expression that implements `IntoView`; nothing for a comment.
fn child(node: &Node) -> syn::Result<Option<TokenStream>> {
    Ok(Some(match node {
        Node::Element(node) => element(node)?,
        Node::Block(block) => match block.try_block().map(|block| block.stmts.as_slice()) {
            Some([syn::Stmt::Expr(only, None)]) => quote!(#only),
            _ => quote!(#block),
        },
        Node::Text(text) => {
            let text = &text.value;
            quote!(#text)
        }
        Node::Fragment(fragment) => several(&fragment.children)?,
        Node::Comment(_) => return Ok(None),
        Node::RawText(text) => return Err(refusal(text.span(), "texts stand in quotation marks")),
        other => return Err(refusal(other.span(), "view! knows elements, texts and blocks")),
    }))
}

fn element(node: &NodeElement<rstml::Infallible>) -> syn::Result<TokenStream> {
    let tag = node.name().to_string();
    if tag.starts_with(char::is_uppercase) {
        return Err(refusal(
            node.name().span(),
            "components are functions: write {component(…)}",
        ));
    }
    let (mut fixed, mut calls) = (Vec::new(), Vec::new());
    for attribute in node.attributes() {
        let NodeAttribute::Attribute(attribute) = attribute else {
            return Err(refusal(attribute.span(), "an attribute has the form name=value"));
        };
        match read(attribute)? {
            Attribute::Fixed(name, value) => fixed.push(quote!((#name, #value))),
            Attribute::Call(call) => calls.push(call),
        }
    }
    let children = children(&node.children)?;
    Ok(quote! {
        crate::view::Element::new(#tag, &[#(#fixed),*])#(#calls)*#(.child(#children))*
    })
}

enum Attribute {
    Fixed(String, String),
    Call(TokenStream),
}

fn read(attribute: &KeyedAttribute) -> syn::Result<Attribute> {
    let span = attribute.key.span();
    let key = attribute.key.to_string().replace("r#", "").replace(' ', "");
    let value = attribute.value().map(|value| quote!(#value));
    if !key.contains(':') && key != "node_ref" {
        return Ok(match attribute.value() {
            None => Attribute::Fixed(key, String::new()),
            Some(syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(text),
                ..
            })) => Attribute::Fixed(key, text.value()),
            Some(value) => Attribute::Call(quote_spanned!(span=> .attribute(#key, #value))),
        });
    }
    let value = value.ok_or_else(|| refusal(span, "a value is missing"))?;
    Ok(Attribute::Call(match key.split_once(':') {
        None => quote_spanned!(span=> .node_ref(#value)),
        Some(("class", name)) => quote_spanned!(span=> .class(#name, #value)),
        Some(("prop", name)) => quote_spanned!(span=> .property(#name, #value)),
        Some(("bind", "value")) => quote_spanned!(span=> .bind_value(#value)),
        Some(("bind", "checked")) => quote_spanned!(span=> .bind_checked(#value)),
        Some(("on", name)) => {
            let event = syn::Ident::new(event_type(name), span);
            quote_spanned!(span=> .on::<::leptos::ev::#event>(#name, #value))
        }
        Some(_) => {
            return Err(refusal(
                span,
                "view! knows class:, prop:, bind:value, bind:checked and on:",
            ));
        }
    }))
}

/// The interface of an event, as UI Events and HTML name it.
fn event_type(event: &str) -> &'static str {
    match event {
        "click" | "mousemove" | "mousedown" | "mouseup" | "dblclick" => "MouseEvent",
        "keydown" | "keyup" => "KeyboardEvent",
        "submit" => "SubmitEvent",
        _ => "Event",
    }
}

fn refusal(span: proc_macro2::Span, words: &str) -> syn::Error {
    syn::Error::new(span, words)
}
