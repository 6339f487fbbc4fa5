use std::sync::Mutex;

use common::scenario::Step;
use common::slo::{Decision, Reason};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::compare::{Comparison, How};

#[test]
fn each_side_begins_as_often_as_the_other() {
    for profile in [Profile::Quick, Profile::Standard, Profile::Full] {
        let blocks = Blocks::of(profile);
        let turns: Vec<_> = blocks.turns().collect();
        assert_eq!(turns.iter().filter(|side| **side == 0).count(), turns.len() / 2, "{profile:?}");
        let begins = turns.chunks(2).filter(|pair| pair[0] == 0).count();
        assert_eq!(begins * 4, turns.len(), "{profile:?}: {blocks:?}");
    }
    assert_eq!(
        Blocks { length: LONGEST_BLOCK, each: 4, warm_up: WARM_UP }.turns().collect::<Vec<_>>(),
        [0, 1, 1, 0, 0, 1, 1, 0]
    );
}

#[test]
fn a_full_session_has_the_blocks_of_the_method_and_is_as_long_as_a_baseline() {
    let blocks = Blocks::of(Profile::Full);
    assert_eq!((blocks.length, blocks.each), (Duration::from_secs(30), 30));
    let quick = Blocks::of(Profile::Quick);
    assert!(quick.length * quick.each >= Profile::Quick.baseline(), "{quick:?}");
}

#[test]
fn every_baseline_is_compared_or_named() {
    let session = Session {
        id: RunId::at(0),
        profile: Profile::Quick,
        apps: AppId::ALL.to_vec(),
        data: PathBuf::new(),
        stop: CancellationToken::new(),
    };
    let (cut, notes) = workloads(&session, Blocks::of(Profile::Quick));
    assert!(cut.iter().any(|scenario| scenario.id == "a6_register"), "{} are cut", cut.len());
    assert!(notes.is_empty(), "{notes:?}");
    let apps = AppId::ALL.into_iter().filter(|app| cut.iter().any(|scenario| scenario.app == *app));
    assert_eq!(apps.count(), 8);
}

/// The sides in the order in which they were asked.
type Asked = Arc<Mutex<Vec<usize>>>;

/// A server that takes this long for every answer.
async fn server(side: usize, takes: Duration, asked: &Asked) -> Lane {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::clone(asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, side, takes, Arc::clone(&asked)));
        }
    });
    let environment = Environment::embedded(BTreeMap::from([(AppId::A6, port)]));
    Lane { environment, label: SIDES[side].to_owned(), embedded: true }
}

async fn answer(mut stream: TcpStream, side: usize, takes: Duration, asked: Asked) {
    let mut request = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut bytes).await {
        request.extend_from_slice(&bytes[..read]);
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        request.clear();
        asked.lock().unwrap().push(side);
        tokio::time::sleep(takes).await;
        if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.is_err() {
            return;
        }
    }
}

fn session() -> Session {
    Session {
        id: RunId::at(0),
        profile: Profile::Quick,
        apps: vec![AppId::A6],
        data: PathBuf::new(),
        stop: CancellationToken::new(),
    }
}

const SHORT: Blocks = Blocks { length: Duration::from_millis(800), each: 2, warm_up: Duration::from_millis(50) };

/// Two servers asked in short turns, and the order in which they were.
async fn in_turns(takes_ms: [u64; 2]) -> (Comparison, Vec<usize>) {
    let asked = Asked::default();
    let [before, after] = takes_ms.map(Duration::from_millis);
    let lanes = [server(0, before, &asked).await, server(1, after, &asked).await];
    let scenario = Scenario::new("a6_short", AppId::A6, "asks one thing")
        .constant_vus(4, SHORT.length, Duration::from_millis(40))
        .step(Step::get("one", "/one").expect_status(&[200]));
    let workloads = [Workload { scenario, records: Vec::new() }];
    let mut gathered = [Gathered::default(), Gathered::default()];
    let stop = CancellationToken::new();
    assert!(take_turns(&lanes, &workloads, SHORT, &stop, &mut gathered, &|_| ()).await);
    let [old, new] = gathered;
    let sides = [side(&lanes[0], &session(), old), side(&lanes[1], &session(), new)];
    let comparison = Comparison::of(&sides, How::Interleaved, String::new());
    let mut order = asked.lock().unwrap().clone();
    order.dedup();
    (comparison, order)
}

#[tokio::test]
async fn a_server_that_takes_fifteen_times_as_long_is_slower_and_never_passes_over_real_sockets() {
    // A busy machine adds to both sides alike, which leaves less of the ratio.
    let (comparison, order) = in_turns([2, 30]).await;
    assert!(order.starts_with(&[0, 1]) && order.len() >= 3, "old new new old: {order:?}");
    assert_eq!(comparison.endpoints.len(), 1, "{:?}", comparison.notes);
    let endpoint = &comparison.endpoints[0];
    let gate = &endpoint.gate().unwrap().regression;
    let requests = [&endpoint.before, &endpoint.after].map(|side| side.as_ref().unwrap().requests);
    assert!(requests.iter().all(|requests| *requests >= 150), "80 are due in each of two blocks: {requests:?}");
    assert!(gate.ratio.ratio.is_some_and(|ratio| ratio > 1.5), "{:?}", gate.ratio);
    assert!(gate.ratio.lower.is_none_or(|lower| lower > 1.2), "{:?}", gate.ratio);
    // On a machine that is busy with other tests the generator may blame itself, and samples depend on each other.
    let excused = [Reason::HarnessFault, Reason::Resolution, Reason::TooFew, Reason::Autocorrelated];
    let excused = excused.map(Decision::Undecided).contains(&endpoint.decision);
    assert!(endpoint.decision == Decision::Fail || excused, "{:?}: {:?}", endpoint.decision, endpoint.why);
}

#[tokio::test]
async fn a_target_that_is_down_is_named_and_never_passes() {
    let asked = Asked::default();
    let up = server(0, Duration::ZERO, &asked).await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let environment = Environment::embedded(BTreeMap::from([(AppId::A6, gone)]));
    let lanes = [up, Lane { environment, label: "gone".to_owned(), embedded: true }];
    let scenario = Scenario::new("a6_short", AppId::A6, "asks one thing")
        .constant_vus(4, SHORT.length, Duration::from_millis(20))
        .step(Step::get("one", "/one").expect_status(&[200]));
    let mut gathered = [Gathered::default(), Gathered::default()];
    let workloads = [Workload { scenario, records: Vec::new() }];
    let stop = CancellationToken::new();
    assert!(take_turns(&lanes, &workloads, SHORT, &stop, &mut gathered, &|_| ()).await);
    let [old, new] = gathered;
    let sides = [side(&lanes[0], &session(), old), side(&lanes[1], &session(), new)];
    let comparison = Comparison::of(&sides, How::Interleaved, String::new());
    assert_eq!((comparison.counts.pass, comparison.has_pairs()), (0, false));
    assert!(comparison.notes[0].starts_with("gone: a6_short: A6 at 127.0.0.1:"), "{:?}", comparison.notes);
}

#[tokio::test]
async fn a_session_that_is_stopped_compares_nothing() {
    let asked = Asked::default();
    let lanes = [server(0, Duration::ZERO, &asked).await, server(1, Duration::ZERO, &asked).await];
    let stopped = session();
    stopped.stop.cancel();
    assert!(interleave(&lanes, &stopped, &|_| ()).await.unwrap().is_none());
}
