//! What one event of a chat completion carries (OpenAI's `chat.completion.chunk`). It is read without building a tree: a
//! load with a thousand streams looks at many thousand events a second.

use std::fmt;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// What a chunk of a stream is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkKind {
    /// Names the role and carries no output yet.
    Role,
    /// Text: of the answer, of a refusal, or of the reasoning that some models show.
    Content,
    /// Part of a call of a tool.
    Tool,
    /// Choices without output, role or reason: an empty text.
    Empty,
    /// The reason for the end, without output.
    Finish,
    /// No choices: the count of tokens.
    Usage,
    /// `[DONE]`.
    Done,
}

impl ChunkKind {
    /// True for what a reader waits for: text and calls of tools.
    #[must_use]
    pub fn is_output(self) -> bool {
        matches!(self, Self::Content | Self::Tool)
    }

    /// True for chunks with choices: all but usage and `[DONE]`.
    #[must_use]
    pub fn has_choices(self) -> bool {
        !matches!(self, Self::Usage | Self::Done)
    }
}

/// What the provider says it will bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
}

/// One event, looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Looked {
    pub(crate) kind: ChunkKind,
    /// Choices that carry output: a chunk of one answer has one at most.
    pub(crate) outputs: u32,
    pub(crate) usage: Option<Usage>,
}

/// Why an event is no chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoChunk {
    /// Not JSON of this shape.
    Shape(String),
    /// The provider tells of an error within the stream.
    Told(String),
}

/// Looks at the data of an event.
///
/// # Errors
/// When it is neither `[DONE]` nor a chunk of a chat completion.
pub(crate) fn look(data: &[u8]) -> Result<Looked, NoChunk> {
    if data == b"[DONE]" {
        return Ok(Looked { kind: ChunkKind::Done, outputs: 0, usage: None });
    }
    let wire: Wire = serde_json::from_slice(data).map_err(|error| NoChunk::Shape(error.to_string()))?;
    if let Some(error) = wire.error {
        let mut text = error.to_string();
        text.truncate(text.char_indices().nth(200).map_or(text.len(), |(at, _)| at));
        return Err(NoChunk::Told(text));
    }
    if !wire.object.0 {
        return Err(NoChunk::Shape("its `object` is not \"chat.completion.chunk\"".to_owned()));
    }
    let choices = wire.choices;
    let usage = wire.usage;
    let kind = match choices {
        Choices { tools: 1.., .. } => ChunkKind::Tool,
        Choices { texts: 1.., .. } => ChunkKind::Content,
        Choices { finishes: true, .. } => ChunkKind::Finish,
        Choices { role: true, .. } => ChunkKind::Role,
        Choices { count: 0, .. } if usage.is_some() => ChunkKind::Usage,
        Choices { count: 0, .. } => return Err(NoChunk::Shape("it has neither choices nor usage".to_owned())),
        Choices { .. } => ChunkKind::Empty,
    };
    Ok(Looked { kind, outputs: choices.texts.max(choices.tools), usage })
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    object: IsChunk,
    #[serde(default)]
    choices: Choices,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

/// True for the text `chat.completion.chunk`.
#[derive(Default)]
struct IsChunk(bool);

impl<'de> Deserialize<'de> for IsChunk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, |text| text == "chat.completion.chunk").map(Self)
    }
}

/// True for a text that is not empty.
#[derive(Default)]
struct Filled(bool);

impl<'de> Deserialize<'de> for Filled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, |text| !text.is_empty()).map(Self)
    }
}

/// Asks something of a text without keeping it; `null` is no text.
fn text<'de, D: Deserializer<'de>>(deserializer: D, ask: fn(&str) -> bool) -> Result<bool, D::Error> {
    struct Ask(fn(&str) -> bool);
    impl Visitor<'_> for Ask {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or null")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
            Ok(self.0(text))
        }

        fn visit_unit<E: Error>(self) -> Result<bool, E> {
            Ok(false)
        }
    }
    deserializer.deserialize_any(Ask(ask))
}

/// All choices of a chunk, folded into one.
#[derive(Debug, Default, Clone, Copy)]
struct Choices {
    count: u32,
    texts: u32,
    tools: u32,
    role: bool,
    finishes: bool,
}

#[derive(Deserialize, Default)]
struct Choice {
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Filled,
}

#[derive(Deserialize, Default)]
struct Delta {
    #[serde(default)]
    role: Filled,
    #[serde(default)]
    content: Filled,
    #[serde(default)]
    refusal: Filled,
    #[serde(default)]
    reasoning: Filled,
    #[serde(default)]
    reasoning_content: Filled,
    #[serde(default)]
    tool_calls: Calls,
}

impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = Self::default();
        each(deserializer, &mut all, |all, choice: Choice| {
            let delta = choice.delta.unwrap_or_default();
            let text = delta.content.0 || delta.refusal.0 || delta.reasoning.0 || delta.reasoning_content.0;
            all.count += 1;
            all.texts += u32::from(text);
            all.tools += u32::from(delta.tool_calls.0);
            all.role |= delta.role.0;
            all.finishes |= choice.finish_reason.0;
        })?;
        Ok(all)
    }
}

/// True if a call has a name or arguments.
#[derive(Default)]
struct Calls(bool);

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    #[serde(default)]
    name: Filled,
    #[serde(default)]
    arguments: Filled,
}

impl<'de> Deserialize<'de> for Calls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut any = Self::default();
        each(deserializer, &mut any, |any, call: Call| {
            any.0 |= call.function.is_some_and(|function| function.name.0 || function.arguments.0);
        })?;
        Ok(any)
    }
}

/// Folds the items of a list, or of nothing where it is `null`.
fn each<'de, D, T, A>(deserializer: D, into: &mut A, fold: fn(&mut A, T)) -> Result<(), D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Each<'a, A, T>(&'a mut A, fn(&mut A, T));
    impl<'de, A, T: Deserialize<'de>> Visitor<'de> for Each<'_, A, T> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list or null")
        }

        fn visit_unit<E: Error>(self) -> Result<(), E> {
            Ok(())
        }

        fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<(), S::Error> {
            while let Some(item) = items.next_element()? {
                (self.1)(self.0, item);
            }
            Ok(())
        }
    }
    deserializer.deserialize_any(Each(into, fold))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(choices: &str, usage: &str) -> Result<Looked, NoChunk> {
        let text = format!(
            "{{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":{choices},\"usage\":{usage},\"x\":[{{}}]}}"
        );
        look(text.as_bytes())
    }

    fn kind(delta: &str) -> (ChunkKind, u32) {
        let looked = chunk(&format!("[{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}]"), "null").unwrap();
        (looked.kind, looked.outputs)
    }

    #[test]
    fn a_chunk_is_what_its_delta_carries() {
        assert_eq!(kind(r#"{"role":"assistant","content":""}"#), (ChunkKind::Role, 0));
        assert_eq!(kind(r#"{"role":"assistant","content":"Hi"}"#), (ChunkKind::Content, 1));
        assert_eq!(kind(r#"{"content":"a \"b\" \u00e9"}"#), (ChunkKind::Content, 1));
        assert_eq!(kind(r#"{"content":null,"reasoning_content":"hm"}"#), (ChunkKind::Content, 1));
        assert_eq!(kind(r#"{"refusal":"no"}"#), (ChunkKind::Content, 1));
        assert_eq!(kind(r#"{"content":""}"#), (ChunkKind::Empty, 0));
        assert_eq!(kind("{}"), (ChunkKind::Empty, 0));
        assert_eq!(kind("null"), (ChunkKind::Empty, 0));
    }

    #[test]
    fn a_call_of_a_tool_counts_once_it_has_a_name_or_arguments() {
        let call = |function: &str| kind(&format!(r#"{{"tool_calls":[{{"index":0,"function":{function}}}]}}"#));
        assert_eq!(call(r#"{"name":"find","arguments":""}"#), (ChunkKind::Tool, 1));
        assert_eq!(call(r#"{"arguments":"{\"a\""}"#), (ChunkKind::Tool, 1));
        assert_eq!(call(r#"{"arguments":""}"#), (ChunkKind::Empty, 0));
        assert_eq!(kind(r#"{"tool_calls":null}"#), (ChunkKind::Empty, 0));
    }

    #[test]
    fn the_end_and_the_bill_are_told_apart() {
        let looked = chunk(r#"[{"delta":{},"finish_reason":"stop"}]"#, "null").unwrap();
        assert_eq!(looked.kind, ChunkKind::Finish);
        let looked =
            chunk("[]", r#"{"prompt_tokens":3,"completion_tokens":7,"total_tokens":10,"details":{}}"#).unwrap();
        assert_eq!(looked.kind, ChunkKind::Usage);
        assert_eq!(looked.usage, Some(Usage { prompt_tokens: 3, completion_tokens: 7 }));
        assert_eq!(look(b"[DONE]").unwrap().kind, ChunkKind::Done);
    }

    #[test]
    fn what_is_no_chunk_says_why() {
        for (text, why) in [
            ("{\"object\":\"chat.completion\",\"choices\":[]}", "`object`"),
            ("{\"choices\":[]}", "`object`"),
            ("half {", "expected"),
            ("[1]", "invalid"),
        ] {
            match look(text.as_bytes()) {
                Err(NoChunk::Shape(told)) => assert!(told.contains(why), "{text}: {told}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(chunk("[]", "null"), Err(NoChunk::Shape(_))));
        assert!(look(b"\xff\xfe").is_err());
        let told = look(br#"{"error":{"message":"overloaded"}}"#);
        assert!(matches!(told, Err(NoChunk::Told(text)) if text.contains("overloaded")));
    }
}
