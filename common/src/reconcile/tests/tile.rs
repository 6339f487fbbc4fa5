//! The command center's tile: its age and its P95 beside the probe's.

use super::*;

/// A hundred requests that both sources tell alike, of 1 to 100 ms.
fn a_hundred() -> (Vec<TraceRecord>, Reconciliation) {
    let pairs = (1..=100_u32).zip(traces(true)).map(|(ms, trace)| {
        let us = u64::from(ms) * 1_000;
        let sent = TraceRecord { app_us: Some(us), service_us: us + 500, ..record(trace) };
        (sent, changed(trace, |seen| seen.event.p95_ms = f64::from(ms)))
    });
    let (records, seen): (Vec<_>, Vec<_>) = pairs.unzip();
    let entry = compared(&records, &seen);
    assert_eq!(entry.matched, 100);
    (records, entry)
}

fn row(p95_ms: f64) -> TileRow {
    let (method, route) = ("POST".into(), "/register".into());
    TileRow { app_id: AppId::A6, method, route, samples: 100, requests: Some(1_000), errors: Some(0), p95_ms }
}

/// Compared with a tile that was computed so long after the load ended.
fn compared_with(rows: Vec<TileRow>, as_of: Option<String>) -> Reconciliation {
    let (records, mut entry) = a_hundred();
    let sent = Sent { records: &records, steps: &[], ended_at_ms: AT_MS };
    compare_tile(&mut entry, sent, &[], &Tile { as_of, rows }, Rules::default());
    entry
}

fn with_tile(p95_ms: f64) -> Reconciliation {
    compared_with(vec![row(p95_ms)], Some(clock::rfc3339(AT_MS + 300)))
}

#[test]
fn a_tile_with_the_probes_figure_agrees() {
    let entry = with_tile(95.0);
    let tile = entry.tile.as_ref().unwrap();
    assert_eq!((tile.tile_p95_ms, tile.probe_p95_ms, &tile.disagreement), (95.0, 95.0, &None));
    assert!(matches!(entry.second_source(), SecondSource::Agrees(_)));
}

#[test]
fn a_tile_with_half_the_probes_figure_disagrees_although_every_record_matches() {
    let what = disagreement(&with_tile(47.5));
    assert_eq!(
        what,
        "A8's tile of A6 POST /register differs: it shows P95 47.500 ms where the same requests told the probe 95.000 ms"
    );
}

#[test]
fn a_tile_far_above_the_probes_figure_disagrees() {
    assert!(disagreement(&with_tile(190.0)).contains("190.000 ms"));
}

#[test]
fn a_tile_without_the_route_disagrees() {
    let entry = compared_with(Vec::new(), Some(clock::rfc3339(AT_MS)));
    assert!(disagreement(&entry).ends_with("it has no row for this route"));
}

#[test]
fn a_tile_is_stale_beyond_the_allowance_between_two_clocks_and_says_how_old_it_was() {
    let aged = |ms: i64| compared_with(vec![row(95.0)], Some(clock::rfc3339(AT_MS - ms)));
    let fresh = aged(5_000);
    assert_eq!(fresh.tile.as_ref().unwrap().age_ms, Some(5_000));
    assert!(matches!(fresh.second_source(), SecondSource::Agrees(_)));
    let stale = aged(5_001);
    assert_eq!(stale.tile.as_ref().unwrap().disagreement, None, "its figures are right, its age is not");
    let what = "A8's tile of A6 POST /register is stale: it was computed 5001 ms before the load ended";
    assert_eq!(gap(&stale), what);
}

#[test]
fn a_tile_that_does_not_say_when_it_was_computed_is_no_agreement() {
    assert!(gap(&compared_with(vec![row(95.0)], None)).ends_with("it does not say when it was computed"));
    let garbled = compared_with(vec![row(95.0)], Some("just now".into()));
    assert!(gap(&garbled).ends_with("when it was computed cannot be read: \"just now\""));
}

#[test]
fn a_failure_stands_for_itself_and_a_success_for_ten() {
    // A hundred successes of 1 to 100 ms stand for a thousand; with 60 failures of 500 ms the P95 is theirs.
    let (mut records, mut entry) = a_hundred();
    let outside = traces(false).take(60).map(|trace| TraceRecord {
        status: Some(503),
        ok: false,
        app_us: Some(500_000),
        service_us: 500_500,
        ..record(trace)
    });
    records.extend(outside);
    let mut shown = |p95_ms: f64| {
        let sent = Sent { records: &records, steps: &[], ended_at_ms: AT_MS };
        let tile = Tile { as_of: Some(clock::rfc3339(AT_MS)), rows: vec![row(p95_ms)] };
        compare_tile(&mut entry, sent, &[], &tile, Rules::default());
        entry.tile.clone().unwrap()
    };
    let weighted = shown(500.0);
    assert_eq!((weighted.probe_p95_ms, weighted.disagreement), (500.0, None));
    // Counted one by one, as many failures would make the median.
    assert!(shown(50.0).disagreement.is_some());
}

#[test]
fn an_app_that_tells_the_probe_nothing_is_held_to_what_the_probe_waited() {
    let (mut records, mut entry) = a_hundred();
    records.iter_mut().for_each(|record| record.app_us = None);
    let mut shown = |p95_ms: f64| {
        let sent = Sent { records: &records, steps: &[], ended_at_ms: AT_MS };
        let tile = Tile { as_of: Some(clock::rfc3339(AT_MS)), rows: vec![row(p95_ms)] };
        compare_tile(&mut entry, sent, &[], &tile, Rules::default());
        entry.tile.clone().unwrap().disagreement
    };
    assert_eq!(shown(50.0), None);
    assert!(shown(190.0).unwrap().contains("kept the probe waiting 95.500 ms"));
}
