//! The address of a page, made from its title.

/// Makes `stem-scholarships-in-ohio-1a2b3c4d` of a title and the end of the run's id, so that two runs never collide.
pub(crate) fn slug(title: &str, run_id: &str) -> String {
    let words: Vec<String> = title
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(8)
        .map(str::to_ascii_lowercase)
        .collect();
    let stem: String = words.join("-").chars().take(60).collect();
    let tail = &run_id[run_id.len().saturating_sub(8)..];
    if stem.is_empty() { format!("page-{tail}") } else { format!("{}-{tail}", stem.trim_end_matches('-')) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_plain_and_ends_in_the_runs_own_mark() {
        let id = "0199-aaaa-1a2b3c4d";
        assert_eq!(slug("STEM: Scholarships — in Ohio!", id), "stem-scholarships-in-ohio-1a2b3c4d");
        assert_eq!(slug("奨学金", id), "page-1a2b3c4d");
    }
}
