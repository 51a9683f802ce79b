//! Views as HTML, on the server. The browser has to find each node again (`hydration.rs`): a comment keeps two texts apart,
//! stands for nothing, and closes a list.

use std::fmt::Write as _;

use super::element::{Attribute, Parts, Slot, Value};
use super::{Element, View};

/// Comments are what can stand everywhere, in tables and lists too.
const MARK: &str = "<!---->";

/// Elements without content or closing tag (HTML, Void elements).
const VOID: [&str; 13] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
];

/// The HTML of a view.
pub(crate) fn to_html(view: View) -> String {
    let mut html = String::with_capacity(16 * 1024);
    write(view, &mut html, &mut false);
    html
}

/// `after_text` says whether the node before is a text, which would swallow a further one.
fn write(view: View, html: &mut String, after_text: &mut bool) {
    match view {
        View::Text(text) => {
            if *after_text {
                html.push_str(MARK);
            }
            escape(&text, html);
            *after_text = true;
            return;
        }
        View::Live(mut draw) => return write(draw(), html, after_text),
        View::Nothing => html.push_str(MARK),
        View::Several(views) => {
            for view in views {
                write(view, html, after_text);
            }
            html.push_str(MARK);
        }
        View::Element(element) => write_element(element, html),
    }
    *after_text = false;
}

fn write_element(Element(parts): Element, html: &mut String) {
    let Parts {
        tag,
        fixed,
        slots,
        children,
        ..
    } = *parts;
    html.push('<');
    html.push_str(tag);
    let mut classes = Vec::new();
    for (name, value) in fixed {
        match *name {
            "class" => classes.push((*value).to_owned()),
            name => write_attribute(name, value, html),
        }
    }
    for (slot, value) in slots {
        let Some(value) = now(value) else { continue };
        match slot {
            // What is chosen in a `<select>` is said by its options.
            Slot::Property("value") if tag == "select" => {}
            Slot::Attribute("class") => classes.push(value.into_owned()),
            Slot::Class(name) => classes.push(name.to_owned()),
            Slot::Attribute(name) | Slot::Property(name) => write_attribute(name, &value, html),
        }
    }
    classes.retain(|class| !class.is_empty());
    if !classes.is_empty() {
        write_attribute("class", &classes.join(" "), html);
    }
    html.push('>');
    if VOID.contains(&tag) {
        return;
    }
    let mut after_text = false;
    for child in children {
        write(child, html, &mut after_text);
    }
    let _ = write!(html, "</{tag}>");
}

fn now(value: Attribute) -> Value {
    match value {
        Attribute::Fixed(value) => value,
        Attribute::Live(mut value) => value(),
    }
}

fn write_attribute(name: &str, value: &str, html: &mut String) {
    html.push(' ');
    html.push_str(name);
    if !value.is_empty() {
        html.push_str("=\"");
        escape(value, html);
        html.push('"');
    }
}

/// HTML, Escaping a string: one set of replacements for texts and for attributes in double quotation marks.
pub(crate) fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::view::{View, view};

    use super::to_html;

    #[test]
    fn texts_and_attributes_cannot_break_out() {
        let name = "<b>\"&'".to_owned();
        let html = to_html(view! { <a href=name.clone() title="x">{name}</a> });
        assert_eq!(
            html,
            "<a title=\"x\" href=\"&lt;b&gt;&quot;&amp;'\">&lt;b&gt;&quot;&amp;'</a>"
        );
    }

    #[test]
    fn every_node_can_be_found_again() {
        let html = to_html(view! { <p>"a" {"b"} {""} {vec!["c", "d"]} {move || Some("e")} <br /></p> });
        assert_eq!(html, "<p>a<!---->b<!---->c<!---->d<!---->e<br></p>");
        assert_eq!(to_html(View::Several(Vec::new())), "<!---->");
    }

    #[test]
    fn what_is_not_there_leaves_no_attribute() {
        let none = None::<String>;
        let html = to_html(view! {
            <input class="a" class:b=true class:c=false disabled=false required id=none prop:value=move || "typed" />
        });
        assert_eq!(html, "<input required value=\"typed\" class=\"a b\">");
    }
}
