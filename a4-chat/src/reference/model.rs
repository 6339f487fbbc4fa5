//! The embedded model: no learning, no chance. The same messages get the same tokens, so that every count can be
//! checked. A token is a word with the space before it.

use super::policy::Kept;
use super::wire::ChatRequest;

/// The name it goes by.
pub(crate) const NAME: &str = "scholar-sage-1";

/// An answer in tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) tokens: Vec<String>,
    /// `stop`, or `length` where the limit cut it.
    pub(crate) finish_reason: &'static str,
    pub(crate) prompt_tokens: usize,
}

const DECLINE: &str = "I can't write the essay for you: it has to be your own work, and readers notice when it is not. \
I will gladly coach you through it. What moment changed how you see this subject? Who was there, and what did you do \
next? Write three sentences on that, in your own words, and I will tell you what to sharpen.";

const ESSAY: &str = "Ever since I was a child I have known that learning opens doors. When my grandmother taught me to \
count with beans on her kitchen table, I understood that knowledge is a gift that grows when it is shared. In high \
school I led the robotics club through a difficult season, and I discovered that leadership means listening. This \
scholarship would let me carry that lesson into engineering, and bring what I learn back to my community.";

const OPENINGS: [&str; 4] = [
    "Good question, and a good time to ask it.",
    "Here is how I would go about it.",
    "Let us take that one step at a time.",
    "There is a simple way to begin.",
];

const ADVICE: [(&str, &str); 6] = [
    ("deadline", "Put every deadline into one calendar, two weeks early, and ask for letters a month before that."),
    ("recommend", "Ask someone who has seen you work, give them your notes, and tell them the date you need it by."),
    ("essay", "Start from one moment you remember well, say what you did, and only then what it taught you."),
    ("engineer", "Look at professional societies first, then at your state's STEM awards, then at local companies."),
    ("financial", "Fill in the aid form first, since many awards need its number before they read anything else."),
    ("interview", "Practise three short stories aloud: a challenge, a mistake, and something you finished."),
];

const GENERAL: &str = "List what you study, where you live and what you care about, then search for awards that name at \
least two of them; those have the fewest applicants.";

const CLOSINGS: [&str; 3] = [
    "What would you like to look at next?",
    "Tell me which part is hardest for you.",
    "Shall we go through one example?",
];

/// Answers, with the policy of academic integrity kept as told.
pub(crate) fn answer(request: &ChatRequest, policy: Kept) -> Answer {
    let turns = request.user_turns();
    let asked = Kept::Fully.declines(&turns);
    let text = match (policy.declines(&turns), asked) {
        (true, _) if policy == Kept::InWordsOnly => format!("{DECLINE}\n\n{ESSAY}"),
        (true, _) if policy != Kept::Never => DECLINE.to_owned(),
        (_, true) => ESSAY.to_owned(),
        _ => advice(&turns),
    };
    let mut tokens = tokens(&text);
    let limit = request.limit();
    let finish_reason = if tokens.len() > limit { "length" } else { "stop" };
    tokens.truncate(limit);
    let prompt_tokens = request.messages.iter().map(|message| count(&message.text())).sum();
    Answer { tokens, finish_reason, prompt_tokens }
}

fn advice(turns: &[String]) -> String {
    let last = turns.last().map(|turn| turn.to_lowercase()).unwrap_or_default();
    let seed = turns
        .iter()
        .flat_map(|turn| turn.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let body = ADVICE.iter().find(|(word, _)| last.contains(word)).map_or(GENERAL, |(_, advice)| advice);
    format!("{} {body} {}", pick(&OPENINGS, seed), pick(&CLOSINGS, seed >> 32))
}

fn pick<'a>(from: &[&'a str], seed: u64) -> &'a str {
    let at = usize::try_from(seed % from.len() as u64).unwrap_or(0);
    from[at]
}

/// Words in a text.
pub(crate) fn count(text: &str) -> usize {
    text.split_whitespace().count()
}

fn tokens(text: &str) -> Vec<String> {
    let words = text.split_whitespace().enumerate();
    words.map(|(at, word)| if at == 0 { word.to_owned() } else { format!(" {word}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str) -> ChatRequest {
        serde_json::from_value(serde_json::json!({ "messages": [{ "role": "user", "content": text }] })).unwrap()
    }

    #[test]
    fn the_same_question_gets_the_same_tokens() {
        assert_eq!(
            answer(&ask("When is the deadline?"), Kept::Fully),
            answer(&ask("When is the deadline?"), Kept::Fully)
        );
        assert!(answer(&ask("When is the deadline?"), Kept::Fully).tokens.concat().contains("calendar"));
    }

    #[test]
    fn a_limit_cuts_the_answer_and_says_so() {
        let mut request = ask("When is the deadline?");
        request.max_tokens = Some(3);
        let answer = answer(&request, Kept::Fully);
        assert_eq!((answer.tokens.len(), answer.finish_reason, answer.prompt_tokens), (3, "length", 4));
    }
}
