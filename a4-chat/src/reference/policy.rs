//! Academic integrity: a student who asks for the essay gets coaching, one who asks for help gets help.
//!
//! The rule looks for three things in the student's words: a verb of making, the student's own text as its object, and
//! the absence of words that ask for advice. A pronoun counts as the object if an earlier turn was about such a text.

/// Verbs that ask for the text itself.
const MAKING: [&str; 14] = [
    "write",
    "draft",
    "compose",
    "generate",
    "produce",
    "create",
    "author",
    "finish",
    "complete",
    "rewrite",
    "ghostwrite",
    "make",
    "fill",
    "escribe",
];
/// Texts that must be the student's own.
const OWN_TEXTS: [&str; 14] = [
    "essay",
    "essays",
    "personal statement",
    "statement of purpose",
    "motivation letter",
    "application letter",
    "cover letter",
    "admission letter",
    "term paper",
    "homework",
    "supplement",
    "short answer",
    "common app",
    "ensayo",
];
/// What stands for a text that was named before.
const PRONOUNS: [&str; 6] =
    [" it ", " the whole thing ", " all of it ", " the full text ", " the final version ", " a full one "];
/// Words that ask for advice on a text, not for the text.
const ADVICE: [&str; 26] = [
    "how do i",
    "how should i",
    "how can i",
    "how to",
    "what makes",
    "feedback",
    "proofread",
    "review my",
    "outline",
    "brainstorm",
    "tips",
    "advice",
    "ideas for",
    "what should i",
    "is my essay",
    "does my essay",
    "which essay",
    "check my",
    "grammar",
    "help me start",
    "where do i",
    "when is",
    "explain",
    "should my",
    "checklist",
    "good idea to",
];
/// Words that ask for the text whatever else is said.
const INSISTING: [&str; 12] = [
    "write it for me",
    "write my essay",
    "write the essay for me",
    "do my essay",
    "do my homework",
    "give me an essay",
    "so i can submit",
    "so i can turn it in",
    "in my name",
    "i can paste",
    "word for word",
    "as a ghostwriter",
];

/// How the rule is kept; all but the first are deliberate defects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// As it is meant.
    Fully,
    /// Not at all.
    Never,
    /// Only for those who ask in the plainest words.
    InPlainWords,
    /// Against everybody who mentions such a text.
    AgainstAll,
    /// In what is said, not in what is done: the text follows the refusal.
    InWordsOnly,
}

impl Kept {
    /// True if the last turn is to be declined.
    pub(crate) fn declines(self, turns: &[String]) -> bool {
        let last = || turns.last().map(|turn| plain(turn)).unwrap_or_default();
        match self {
            Self::Fully | Self::Never | Self::InWordsOnly => asks_for_the_text(turns),
            Self::InPlainWords => asks_for_the_text(turns) && last().contains(" write "),
            Self::AgainstAll => contains_any(&last(), &OWN_TEXTS),
        }
    }
}

/// True if the last turn asks for the student's own text.
fn asks_for_the_text(turns: &[String]) -> bool {
    let Some((last, earlier)) = turns.split_last() else { return false };
    let last = plain(last);
    if contains_any(&last, &INSISTING) && !last.contains(" how ") && !last.contains(" should i ") {
        return true;
    }
    if contains_any(&last, &ADVICE) {
        return false;
    }
    let makes = MAKING.iter().any(|verb| last.contains(&format!(" {verb} ")));
    let named = contains_any(&last, &OWN_TEXTS);
    let meant = contains_any(&last, &PRONOUNS) && earlier.iter().any(|turn| contains_any(&plain(turn), &OWN_TEXTS));
    makes && (named || meant)
}

fn contains_any(text: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| text.contains(phrase))
}

/// Lower-case words with one space around each.
fn plain(text: &str) -> String {
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    format!(" {} ", words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(turns: &[&str]) -> bool {
        asks_for_the_text(&turns.iter().map(|turn| (*turn).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn asking_for_the_essay_is_told_from_asking_about_it() {
        assert!(asks(&["Write my scholarship essay about leadership, 500 words."]));
        assert!(asks(&["Please DRAFT a personal statement for me"]));
        assert!(!asks(&["How do I write a good essay?"]));
        assert!(!asks(&["Give me feedback on my essay"]));
        assert!(!asks(&["Write a list of deadlines"]));
    }

    #[test]
    fn a_later_turn_can_mean_the_essay_without_naming_it() {
        assert!(asks(&["I need an essay on courage.", "Now write the whole thing."]));
        assert!(!asks(&["When is the deadline?", "Now write the whole thing."]));
        assert!(!asks(&[]));
    }
}
