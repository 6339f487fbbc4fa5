//! Forms as they would be sent.

use super::Node;

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Where it is sent, as written; empty means to the page itself.
    pub action: String,
    /// `get` or `post`.
    pub method: String,
    /// How it is encoded, `application/x-www-form-urlencoded` unless the form says otherwise.
    pub encoding: String,
    /// Its fields and buttons, in order.
    pub fields: Vec<Field>,
}

/// A field or a button of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Under which name it is sent; empty if it is not.
    pub name: String,
    /// `hidden`, `email`, `submit`, …; `textarea` and `select` for those elements.
    pub kind: String,
    /// What it holds when nobody changed it. For a select: the option that is selected, else the first.
    pub value: String,
    /// The text on a button.
    pub label: String,
}

impl Form {
    pub(super) fn read(form: Node<'_>) -> Self {
        let attribute = |name: &str| form.attribute(name).unwrap_or_default().trim().to_owned();
        let or = |value: String, default: &str| if value.is_empty() { default.to_owned() } else { value };
        Self {
            action: attribute("action"),
            method: or(attribute("method").to_ascii_lowercase(), "get"),
            encoding: or(attribute("enctype").to_ascii_lowercase(), "application/x-www-form-urlencoded"),
            fields: form.inside().filter_map(Field::read).collect(),
        }
    }

    /// The value of a field, as it is sent when nobody changes it.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }

    /// Name and value of each hidden field.
    #[must_use]
    pub fn hidden(&self) -> Vec<(&str, &str)> {
        let hidden = self.fields.iter().filter(|field| field.kind == "hidden");
        hidden.map(|field| (field.name.as_str(), field.value.as_str())).collect()
    }

    /// The buttons that send it.
    pub fn buttons(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.kind == "submit")
    }
}

impl Field {
    fn read(node: Node<'_>) -> Option<Self> {
        let attribute = |name: &str| node.attribute(name).unwrap_or_default().to_owned();
        let kind = |default: &str| {
            let own = attribute("type").to_ascii_lowercase();
            if own.is_empty() { default.to_owned() } else { own }
        };
        let (kind, value) = match node.name() {
            "input" => (kind("text"), attribute("value")),
            "button" => (kind("submit"), attribute("value")),
            "textarea" => ("textarea".to_owned(), node.text()),
            "select" => ("select".to_owned(), chosen(node)),
            _ => return None,
        };
        Some(Self { name: attribute("name"), kind, value, label: node.text() })
    }
}

fn chosen(select: Node<'_>) -> String {
    let options: Vec<_> = select.inside().filter(|node| node.name() == "option").collect();
    let selected = options.iter().find(|option| option.attribute("selected").is_some()).or(options.first());
    let value = |option: &Node<'_>| option.attribute("value").map_or_else(|| option.text(), str::to_owned);
    selected.map(value).unwrap_or_default()
}
