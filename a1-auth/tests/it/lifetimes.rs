//! How long sessions, codes, tokens and keys last, on a clock that the test sets.

use std::time::Duration;

use common::clock::Clock;
use common::contract::header;
use common::ids::AppId;
use common::testkit::Ecosystem;

use crate::person::{Person, text};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

async fn at(clock: &Clock) -> Ecosystem {
    let clock = clock.clone();
    Ecosystem::start_with(vec![a1_auth::reference::app()], move |config| config.clock = clock.clone()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_its_cookie_does() {
    let clock = Clock::manual(1_795_255_200_000);
    let eco = at(&clock).await;
    let person = Person::new(&eco);
    let reply = person.log_in().await;
    let line =
        reply.header_all("set-cookie").into_iter().find(|line| line.starts_with("a1_session=")).unwrap().to_owned();
    let max_age = line.split("; ").find_map(|part| part.strip_prefix("Max-Age=")).unwrap().parse().unwrap();
    clock.advance(Duration::from_secs(max_age) - SECOND);
    assert_eq!(person.ask("").await.status, 303, "a second before its end");
    clock.advance(SECOND);
    assert_eq!(person.ask("").await.status, 200, "at its end: the form");
    assert_eq!(max_age, 8 * 60 * 60);
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn max_age_asks_again_after_that_time_and_zero_asks_always() {
    let clock = Clock::manual(1_795_255_200_000);
    let eco = at(&clock).await;
    let person = Person::new(&eco);
    person.log_in().await;
    clock.advance(MINUTE);
    assert_eq!(person.ask("&max_age=60").await.status, 303);
    clock.advance(SECOND);
    assert_eq!(person.ask("&max_age=60").await.status, 200);
    let person = Person::new(&eco);
    person.log_in().await;
    assert_eq!(person.ask("&max_age=0").await.status, 200, "in the same second");
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_lasts_a_minute() {
    let clock = Clock::manual(1_795_255_200_000);
    let eco = at(&clock).await;
    let person = Person::new(&eco);
    let (early, late) = (person.log_in().await, person.ask("").await);
    clock.advance(MINUTE - SECOND);
    assert_eq!(person.redeem(&early).await.status, 200);
    clock.advance(SECOND);
    let refused = person.redeem(&late).await;
    assert_eq!((refused.status, text(&refused, "/error").as_str()), (400, "invalid_grant"));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_ends_when_it_says_and_a_refresh_token_after_thirty_days() {
    let clock = Clock::manual(1_795_255_200_000);
    let eco = at(&clock).await;
    let person = Person::new(&eco);
    let tokens = person.redeem(&person.log_in().await).await;
    let life = Duration::from_secs(tokens.pointer("/expires_in").unwrap().as_u64().unwrap());
    clock.advance(life - SECOND);
    assert_eq!(person.userinfo(&tokens).await, 200);
    clock.advance(SECOND);
    assert_eq!(person.userinfo(&tokens).await, 401);
    let first = text(&tokens, "/refresh_token");
    let renewed = person.token(&[("grant_type", "refresh_token"), ("refresh_token", &first)]).await;
    assert_eq!(person.userinfo(&renewed).await, 200, "the refresh token gives another");
    clock.advance(30 * 24 * 60 * MINUTE);
    let second = text(&renewed, "/refresh_token");
    let late = person.token(&[("grant_type", "refresh_token"), ("refresh_token", &second)]).await;
    assert_eq!((late.status, text(&late, "/error").as_str()), (400, "invalid_grant"));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_outlives_the_tokens_that_it_signed_and_then_goes() {
    let clock = Clock::manual(1_795_255_200_000);
    let eco = at(&clock).await;
    let person = Person::new(&eco);
    let old = person.kids().await;
    assert_eq!(old.len(), 2, "the one that signs and the next one");
    let tokens = person.redeem(&person.log_in().await).await;
    let rotate = eco.client().post(AppId::A1, "/admin/keys/rotate").header(header::ADMIN_KEY, "embedded-admin-key");
    assert_eq!(rotate.send().await.unwrap().status, 200);
    clock.advance(15 * MINUTE - SECOND);
    assert_eq!(person.userinfo(&tokens).await, 200, "the last second of a token of before");
    let all = person.kids().await;
    assert_eq!((all.len(), &all[0], &all[2]), (3, &old[1], &old[0]), "the next one signs, the old one comes last");
    clock.advance(2 * 60 * MINUTE);
    assert_eq!(person.kids().await, all[..2], "the old key is gone");
    eco.stop().await;
}
