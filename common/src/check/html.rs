//! Reading a page as a crawler does: its elements with attributes and text, and what checks ask of them.
//!
//! Pages are split by the WHATWG tokenizer (entities decoded, names in lower case) and not repaired by its tree builder:
//! an element whose end tag is left out reaches to the end of its parent. As for whoever runs no scripts, what stands in
//! `noscript` is part of the page.

mod form;
mod read;

use std::collections::BTreeMap;
use std::ops::Range;

pub use form::{Field, Form};

/// A page that was read.
#[derive(Debug, Clone, Default)]
pub struct Page {
    elements: Vec<Element>,
    /// The text of the page without tags, scripts and styles.
    text: String,
}

#[derive(Debug, Clone)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    /// Where its text is in the page's.
    text: Range<usize>,
    /// Where its descendants are among the page's elements.
    inside: Range<usize>,
    /// The text of a script or style, which is no text of the page.
    raw: String,
}

/// An element of a page.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    page: &'a Page,
    element: &'a Element,
}

impl Page {
    /// Reads a page. Whatever the text is, it is a page to a browser, if perhaps one without elements.
    #[must_use]
    pub fn read(html: &str) -> Self {
        read::page(html)
    }

    /// All elements in the order of their start tags.
    pub fn elements(&self) -> impl Iterator<Item = Node<'_>> {
        self.elements.iter().map(|element| Node { page: self, element })
    }

    /// All elements of this name, `h1`.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Node<'a>> {
        self.elements().filter(move |node| node.name() == name)
    }

    /// The element of this id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<Node<'_>> {
        self.elements().find(|node| node.attribute("id") == Some(id))
    }

    /// The text of the element whose `data-field` is this, as pages mark what programs may read.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        self.elements().find(|node| node.attribute("data-field") == Some(name)).map(Node::text)
    }

    /// The title, white space collapsed; `None` if there is none or it is empty.
    #[must_use]
    pub fn title(&self) -> Option<String> {
        self.all("title").next().map(Node::text).filter(|title| !title.is_empty())
    }

    /// The language that the page says it is in, `lang` of `html`.
    #[must_use]
    pub fn lang(&self) -> Option<&str> {
        self.all("html").next()?.attribute("lang")
    }

    /// `content` of each meta element of this name or property, `description` or `og:title`, whatever the case.
    #[must_use]
    pub fn metas(&self, name: &str) -> Vec<&str> {
        let named = |node: &Node<'_>| {
            let own = node.attribute("name").or(node.attribute("property"));
            own.is_some_and(|own| own.eq_ignore_ascii_case(name))
        };
        self.all("meta").filter(named).filter_map(|node| node.attribute("content")).collect()
    }

    /// `content` of the first meta element of this name or property.
    #[must_use]
    pub fn meta(&self, name: &str) -> Option<&str> {
        self.metas(name).into_iter().next()
    }

    /// `href` of each link element of this relation, `canonical`.
    #[must_use]
    pub fn links(&self, rel: &str) -> Vec<&str> {
        self.all("link").filter(|node| node.is_related(rel)).filter_map(|node| node.attribute("href")).collect()
    }

    /// `href` of each anchor, in order, as written.
    #[must_use]
    pub fn hrefs(&self) -> Vec<&str> {
        self.all("a").filter_map(|node| node.attribute("href")).collect()
    }

    /// The text of each script of this type, `application/ld+json`.
    #[must_use]
    pub fn scripts(&self, kind: &str) -> Vec<&str> {
        let of_kind = |node: &Node<'_>| node.attribute("type").is_some_and(|own| own.trim().eq_ignore_ascii_case(kind));
        self.all("script").filter(of_kind).map(|node| node.element.raw.as_str()).collect()
    }

    /// All forms with their fields.
    #[must_use]
    pub fn forms(&self) -> Vec<Form> {
        self.all("form").map(Form::read).collect()
    }

    /// What a browser fetches to show the page: each address as written, with the element that names it. Links that a
    /// person follows, and the canonical address, are not loaded.
    #[must_use]
    pub fn loads(&self) -> Vec<(Node<'_>, &str)> {
        self.elements().filter_map(|node| Some((node, node.loads()?))).collect()
    }

    /// The text of the page without scripts and styles, white space collapsed.
    #[must_use]
    pub fn text(&self) -> String {
        collapsed(&self.text)
    }
}

/// Relations by which a link element has the browser fetch something.
const FETCHED: [&str; 8] =
    ["stylesheet", "icon", "preload", "modulepreload", "prefetch", "manifest", "apple-touch-icon", "mask-icon"];

impl<'a> Node<'a> {
    /// Its name in lower case.
    #[must_use]
    pub fn name(self) -> &'a str {
        &self.element.name
    }

    /// An attribute by its name in lower case; empty if it is there without a value.
    #[must_use]
    pub fn attribute(self, name: &str) -> Option<&'a str> {
        self.element.attributes.get(name).map(String::as_str)
    }

    /// Its text and that of its descendants, white space collapsed; scripts and styles have theirs for themselves.
    #[must_use]
    pub fn text(self) -> String {
        let raw = self.element.raw.as_str();
        let text = if raw.is_empty() { self.page.text.get(self.element.text.clone()).unwrap_or_default() } else { raw };
        collapsed(text)
    }

    /// Its descendants in order.
    pub fn inside(self) -> impl Iterator<Item = Node<'a>> {
        let inside = self.page.elements.get(self.element.inside.clone()).unwrap_or_default();
        inside.iter().map(move |element| Node { page: self.page, element })
    }

    fn is_related(self, rel: &str) -> bool {
        let own = self.attribute("rel").unwrap_or_default();
        own.split_ascii_whitespace().any(|own| own.eq_ignore_ascii_case(rel))
    }

    fn loads(self) -> Option<&'a str> {
        match self.name() {
            "script" | "img" | "iframe" | "embed" | "audio" | "video" | "source" | "track" | "input" => {
                self.attribute("src")
            }
            "object" => self.attribute("data"),
            "link" if FETCHED.iter().any(|rel| self.is_related(rel)) => self.attribute("href"),
            _ => None,
        }
    }
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
