//! From text to elements.

use std::collections::BTreeMap;

use html5gum::{HtmlString, Spanned, StartTag, State, Token, Tokenizer};

use super::{Element, Page};

/// Elements that have no end tag (WHATWG HTML, 13.1.2).
const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// Reads a page.
pub(super) fn page(html: &str) -> Page {
    let mut reader = Reader::default();
    let mut tokens = Tokenizer::new(html);
    while let Some(Ok(token)) = tokens.next() {
        match token {
            Token::StartTag(tag) => {
                let name = text(&tag.name);
                if let Some(state) = state_within(&name) {
                    tokens.set_state(state);
                }
                reader.start(name, tag);
            }
            Token::EndTag(tag) => reader.end(&text(&tag.name)),
            Token::String(string) => reader.text(&text(&string)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    reader.close(0);
    reader.page
}

/// How the tokenizer goes on within an element whose content is no markup (WHATWG HTML, 13.2.6.4; scripting disabled).
fn state_within(name: &str) -> Option<State> {
    match name {
        "title" | "textarea" => Some(State::RcData),
        "script" => Some(State::ScriptData),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => Some(State::RawText),
        "plaintext" => Some(State::PlainText),
        _ => None,
    }
}

fn text(string: &HtmlString) -> String {
    String::from_utf8_lossy(string).into_owned()
}

#[derive(Default)]
struct Reader {
    page: Page,
    /// Elements without their end tag as yet, the outermost first.
    open: Vec<usize>,
}

impl Reader {
    fn start(&mut self, name: String, tag: StartTag<()>) {
        let value = |(name, value): (HtmlString, Spanned<HtmlString, ()>)| (text(&name), text(&value));
        let attributes: BTreeMap<_, _> = tag.attributes.into_iter().map(value).collect();
        let (at, here) = (self.page.elements.len(), self.page.text.len());
        let is_void = VOID.contains(&name.as_str());
        self.page.elements.push(Element {
            name,
            attributes,
            text: here..here,
            inside: at + 1..at + 1,
            raw: String::new(),
        });
        if !is_void {
            self.open.push(at);
        }
    }

    /// Ends the innermost open element of this name with all that is open within it; an end of nothing is nothing.
    fn end(&mut self, name: &str) {
        let named = |at: &usize| self.page.elements.get(*at).is_some_and(|element| element.name == name);
        if let Some(depth) = self.open.iter().rposition(named) {
            self.close(depth);
        }
    }

    fn close(&mut self, depth: usize) {
        let (elements, text) = (self.page.elements.len(), self.page.text.len());
        for at in self.open.drain(depth..) {
            if let Some(element) = self.page.elements.get_mut(at) {
                element.inside.end = elements;
                element.text.end = text;
            }
        }
    }

    fn text(&mut self, text: &str) {
        let innermost = self.open.last().and_then(|at| self.page.elements.get_mut(*at));
        match innermost {
            Some(element) if matches!(element.name.as_str(), "script" | "style") => element.raw.push_str(text),
            _ => self.page.text.push_str(text),
        }
    }
}
