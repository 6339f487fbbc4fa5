//! What a streamed answer is held to.

use serde::{Deserialize, Serialize};

/// How the chunks of a stream become tokens, and when a request counts as good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamRules {
    /// How tokens are counted, and what the bill is compared with.
    #[serde(default)]
    pub tokens: TokenCount,
    /// What a request must keep to be part of the goodput.
    #[serde(default)]
    pub goodput: GoodputLimits,
}

/// How tokens are counted. A chunk that carries output (text or a call of a tool) is at least one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenCount {
    /// Each chunk with output is one token: the bill must name exactly as many. Where a tool is called it must name at
    /// least as many, since a part of a call is often more than one token.
    #[default]
    OnePerChunk,
    /// A chunk may be several tokens: the bill is believed, but must name at least as many tokens as chunks with output.
    AsBilled,
}

/// Limits of one request, in milliseconds; one that is absent holds always. A value of exactly the limit keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoodputLimits {
    /// From the intended start to the first token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_ms: Option<u64>,
    /// Mean time for a token after the first; an answer of one token keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpot_ms: Option<u64>,
    /// From the intended start to the last token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e2e_ms: Option<u64>,
}

impl StreamRules {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What makes no sense in them.
    pub(crate) fn problems(&self) -> Vec<String> {
        let GoodputLimits { ttft_ms, tpot_ms, e2e_ms } = self.goodput;
        let limits = [("ttft_ms", ttft_ms), ("tpot_ms", tpot_ms), ("e2e_ms", e2e_ms)];
        let zero = limits.iter().filter(|(_, limit)| *limit == Some(0));
        let mut problems: Vec<String> =
            zero.map(|(name, _)| format!("`{name}` is 0, which no answer keeps: leave it out")).collect();
        if ttft_ms.zip(e2e_ms).is_some_and(|(ttft, e2e)| ttft > e2e) {
            problems.push("`ttft_ms` is above `e2e_ms`: the first token comes no later than the last".to_owned());
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_no_answer_keeps_are_named() {
        let of = |ttft_ms, e2e_ms| {
            let goodput = GoodputLimits { ttft_ms, tpot_ms: None, e2e_ms };
            StreamRules { goodput, ..StreamRules::default() }.problems().len()
        };
        assert_eq!(
            (of(None, None), of(Some(200), Some(200)), of(Some(0), None), of(Some(300), Some(200))),
            (0, 0, 1, 1)
        );
    }
}
