use proptest::prelude::*;

use super::super::store::MIGRATIONS;
use super::*;

fn posting(kind: Kind, cause: &str, sub: &'static str, credits: i64) -> Posting<'static> {
    Posting { cause: cause.to_owned(), kind, sub, credits, reason: "test", trace_id: "t".to_owned() }
}

async fn book(db: &Db, posting: &Posting<'_>) -> Posted {
    let mut tx = db.begin().await.unwrap();
    let posted = post(&mut tx, posting, 1).await.unwrap();
    tx.commit().await.unwrap();
    posted
}

#[tokio::test]
async fn a_cause_is_entered_once_and_nothing_is_spent_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(dir.path(), "t", MIGRATIONS).await.unwrap();
    assert_eq!(book(&db, &posting(Kind::Spend, "action:0", "a", 1)).await, Posted::TooFew);
    assert_eq!(book(&db, &posting(Kind::Grant, "signup:a", "a", 5)).await, Posted::Entered);
    assert_eq!(book(&db, &posting(Kind::Grant, "signup:a", "a", 5)).await, Posted::Known);
    assert_eq!(book(&db, &posting(Kind::Spend, "action:1", "a", 5)).await, Posted::Entered);
    assert_eq!(book(&db, &posting(Kind::Spend, "action:2", "a", 1)).await, Posted::TooFew);
    let balances = (balance(&db, "student:a").await.unwrap(), balance(&db, ISSUED).await.unwrap());
    assert_eq!((balances, balance(&db, SPENT).await.unwrap()), ((0, -5), 5));
    let shown: Vec<_> = entries(&db, "a", 10).await.unwrap().iter().map(Entry::signed).collect();
    assert_eq!(shown, ["−5", "+5"]);
}

fn postings() -> impl Strategy<Value = Vec<Posting<'static>>> {
    let kind = prop_oneof![Just(Kind::Grant), Just(Kind::Purchase), Just(Kind::Spend)];
    let one = (kind, 0..12_u8, prop_oneof![Just("a"), Just("b")], 1..40_i64)
        .prop_map(|(kind, cause, sub, credits)| posting(kind, &format!("c{cause}"), sub, credits));
    proptest::collection::vec(one, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_posted_all_accounts_sum_to_0_and_no_student_falls_below(postings in postings()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (accounts, entered) = runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let db = Db::open(dir.path(), "t", MIGRATIONS).await.unwrap();
            let mut entered = std::collections::BTreeMap::new();
            for posting in &postings {
                if book(&db, posting).await == Posted::Entered {
                    *entered.entry(posting.cause.clone()).or_insert(0) += 1;
                }
                for student in ["student:a", "student:b"] {
                    assert!(balance(&db, student).await.unwrap() >= 0, "{student} after {posting:?}");
                }
            }
            let mut accounts = Vec::new();
            for name in [ISSUED, SPENT, "student:a", "student:b"] {
                accounts.push(balance(&db, name).await.unwrap());
            }
            (accounts, entered)
        });
        prop_assert_eq!(accounts.iter().sum::<i64>(), 0);
        prop_assert!(entered.values().all(|times| *times == 1), "{entered:?}");
    }
}
