//! The seeded catalogue: 200 scholarships, the same on every start.

use std::sync::LazyLock;

use serde::Serialize;

/// How many scholarships there are.
const SIZE: usize = 200;

const FIELDS: [&str; 10] = [
    "engineering",
    "nursing",
    "computer science",
    "education",
    "biology",
    "business",
    "agriculture",
    "fine arts",
    "mathematics",
    "public health",
];
const STATES: [&str; 12] =
    ["Ohio", "Texas", "Florida", "Oregon", "Georgia", "Nevada", "Maine", "Utah", "Iowa", "Kansas", "Idaho", "Vermont"];
const KINDS: [&str; 5] = ["Merit Award", "First Generation Grant", "Community Fund", "Future Leaders Prize", "Bursary"];
const SPONSORS: [&str; 8] = [
    "Cedar Foundation",
    "Bluebird Trust",
    "Harbor Alumni Society",
    "Northlight Institute",
    "Prairie Credit Union",
    "Summit Learning Fund",
    "Riverside Guild",
    "Open Door Council",
];

/// One scholarship.
#[derive(Debug, Serialize)]
pub(crate) struct Scholarship {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) sponsor: &'static str,
    pub(crate) field: &'static str,
    pub(crate) state: &'static str,
    pub(crate) award_minor: i64,
    pub(crate) currency: &'static str,
    pub(crate) deadline: String,
    /// Everything a search looks at, in lower case.
    #[serde(skip)]
    pub(crate) haystack: String,
}

/// All scholarships, ordered by id.
pub(crate) static SCHOLARSHIPS: LazyLock<Vec<Scholarship>> = LazyLock::new(|| (1..=SIZE).map(scholarship).collect());

/// The strides are coprime to the lists' lengths, so that neighbours differ in every respect.
fn scholarship(number: usize) -> Scholarship {
    let pick = |list: &[&'static str], stride: usize| list[(number * stride) % list.len()];
    let (field, state) = (pick(&FIELDS, 3), pick(&STATES, 5));
    let (kind, sponsor) = (pick(&KINDS, 2), pick(&SPONSORS, 3));
    let title = format!("{state} {kind} for {field}");
    let haystack = format!("{title} {sponsor}").to_lowercase();
    let hundreds = i64::try_from(5 + (number * 7) % 96).unwrap_or(5);
    Scholarship {
        id: format!("sch_{number:04}"),
        title,
        sponsor,
        field,
        state,
        award_minor: hundreds * 10_000,
        currency: "USD",
        deadline: format!("2027-{:02}-{:02}", 1 + number % 12, 1 + (number * 11) % 28),
        haystack,
    }
}
