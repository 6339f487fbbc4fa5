//! What a person sees of a run: a live view on a terminal, plain lines elsewhere, and the verdict at the end.

mod ask;
mod board;
mod keys;
mod live;
mod verdict;

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::load::LiveWindow;
use common::settings::Settings;
use common::verdict::Ruling;

use crate::record::{RunStarted, RunView};
use crate::report::{State, duration, ms, pct, printable};
use board::Board;
use live::Live;

pub(crate) use ask::{ask, ask_secretly};
pub(crate) use board::LoadPlan;
pub(crate) use keys::{Keys, restore as restore_terminal};
pub(crate) use verdict::{github_annotations, github_summary, render_place, render_verdict_block};

/// How a load goes, once a second or so.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Tick {
    pub(crate) elapsed_s: f64,
    pub(crate) vus: u32,
    pub(crate) rps: f64,
    pub(crate) p95_ms: f64,
    pub(crate) error_pct: f64,
    pub(crate) dropped: u64,
}

impl Tick {
    /// `20 VUs, 237 requests/s, P95 31.2 ms, 0.1 % errors`.
    fn line(&self) -> String {
        let dropped = if self.dropped > 0 { format!(", {} dropped", self.dropped) } else { String::new() };
        format!(
            "{} VUs, {} requests/s, P95 {} ms, {} % errors{dropped}",
            self.vus,
            pct(self.rps.round()),
            ms(self.p95_ms),
            pct(self.error_pct)
        )
    }
}

/// Where a run is shown. Nothing here fails: a closed terminal must not end a run.
pub(crate) struct Ui {
    view: Mutex<View>,
    board: Mutex<Board>,
    color: bool,
    /// Whether the verdict is printed at the end.
    speaks: bool,
    /// Somebody at the terminal wants to answer what waits.
    answers: AtomicBool,
}

enum View {
    Live(Live),
    Plain(Box<dyn Write + Send>),
}

impl Ui {
    /// Live on a terminal, plain lines in CI and in pipes; on standard error, so that standard output is the verdict's.
    pub(crate) fn of(settings: &Settings) -> Self {
        let tty = io::stderr().is_terminal() && !settings.ci();
        let view = if tty { View::Live(Live::new(!settings.no_color())) } else { View::Plain(Box::new(io::stderr())) };
        Self {
            view: Mutex::new(view),
            board: Mutex::default(),
            color: io::stdout().is_terminal() && !settings.no_color(),
            speaks: true,
            answers: AtomicBool::default(),
        }
    }

    /// Shows nothing.
    pub(crate) fn silent() -> Self {
        let view = Mutex::new(View::Plain(Box::new(io::sink())));
        Self { view, board: Mutex::default(), color: false, speaks: false, answers: AtomicBool::default() }
    }

    /// Plain lines to anywhere.
    #[cfg(test)]
    pub(crate) fn plain(to: impl Write + Send + 'static) -> Self {
        let view = Mutex::new(View::Plain(Box::new(to)));
        Self { view, board: Mutex::default(), color: false, speaks: true, answers: AtomicBool::default() }
    }

    /// Names the run and takes its plan, from which the time left is told.
    pub(crate) fn run_started(&self, run: &RunStarted) {
        let planned_s: f64 = run.phases.iter().map(|phase| phase.planned_s).sum();
        let line = format!(
            "{} on {}, profile {}, about {}: run {}",
            run.command,
            run.target,
            run.profile,
            duration(planned_s),
            run.run_id
        );
        let mut view = self.lock();
        if let View::Live(live) = &mut *view {
            live.plan(&run.phases);
        }
        view.line(&line);
    }

    pub(crate) fn phase_started(&self, phase: u8, title: &str, planned_s: f64) {
        match &mut *self.lock() {
            View::Live(live) => live.phase_started(phase, title, planned_s),
            plain @ View::Plain(_) => {
                plain.line(&format!("phase {phase} {title}: begins, about {}", duration(planned_s)));
            }
        }
    }

    pub(crate) fn phase_finished(&self, phase: u8, took_s: f64) {
        let mut view = self.lock();
        if let View::Live(live) = &mut *view {
            live.phase_finished(phase);
        }
        view.line(&format!("phase {phase}: done in {}", duration(took_s)));
    }

    pub(crate) fn load_started(&self, scenario: &str, title: &str, seconds: f64) {
        if let View::Live(live) = &mut *self.lock() {
            live.load_started(scenario, title, seconds);
        }
    }

    /// Takes a second of one load, whichever run beside it.
    pub(crate) fn load_window(&self, plan: &LoadPlan, window: &LiveWindow) {
        let lines = {
            let mut board = self.board();
            board.take(plan, window);
            board.lines()
        };
        if let View::Live(live) = &mut *self.lock() {
            live.loads(&lines);
        }
    }

    /// Shows how each load stands.
    pub(crate) fn status(&self) {
        let text = self.board().status();
        self.note(&text);
    }

    /// Shows the status whenever somebody presses `t` on the terminal or sends SIGUSR1, and notes an `a`, until what is
    /// returned goes.
    pub(crate) fn answer_status(self: &Arc<Self>) -> Option<Keys> {
        let ui = Arc::clone(self);
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::user_defined1()) {
            Ok(mut asked) => drop(tokio::spawn(async move {
                while asked.recv().await.is_some() {
                    ui.status();
                }
            })),
            Err(error) => self.note(&format!("SIGUSR1 will not show the status: {error}")),
        }
        let ui = Arc::clone(self);
        let on_key = move |key: u8| match key.to_ascii_lowercase() {
            b't' => ui.status(),
            b'a' => ui.answers.store(true, Ordering::Relaxed),
            _ => {}
        };
        self.is_live().then(|| keys::listen(on_key)).flatten()
    }

    pub(crate) fn load_tick(&self, tick: Tick) {
        if let View::Live(live) = &mut *self.lock() {
            live.load_tick(&tick);
        }
    }

    pub(crate) fn load_finished(&self, scenario: &str, last: Tick) {
        self.board().clear();
        let mut view = self.lock();
        if let View::Live(live) = &mut *view {
            live.load_finished();
        }
        view.line(&format!("  {scenario}: {} in {}", last.line(), duration(last.elapsed_s)));
    }

    /// Shows failures at once; the other verdicts can wait for the end.
    pub(crate) fn ruled(&self, ruling: &Ruling) {
        let state = State::of(ruling);
        if matches!(state, State::Fail | State::Known) {
            let claim = &ruling.claim;
            self.note(&format!("  {state} {}: {}\n         {}", claim.app, claim.text, ruling.explanation));
        }
    }

    /// True where a person sees the run go on, and may be asked.
    pub(crate) fn is_live(&self) -> bool {
        matches!(*self.lock(), View::Live(_))
    }

    /// Tells at first and every ten seconds that the run waits for a person.
    pub(crate) fn waits(&self, command: &str, left: Duration, first: bool) {
        if first || left.subsec_millis() < 500 && left.as_secs().is_multiple_of(10) {
            let here = if self.is_live() { "press a to answer here, or elsewhere: " } else { "" };
            self.note(&format!("  waits {:.0} s more for a person: {here}{command}", left.as_secs_f64()));
        }
    }

    /// True once after somebody pressed `a`.
    pub(crate) fn wants_to_answer(&self) -> bool {
        self.answers.swap(false, Ordering::Relaxed)
    }

    /// Leaves the terminal to whatever `work` starts there; what is to be shown meanwhile comes after.
    pub(crate) async fn step_aside<T>(&self, work: impl Future<Output = T>) -> T {
        if let View::Live(live) = &mut *self.lock() {
            live.step_aside();
        }
        let lent = keys::lend();
        let done = work.await;
        drop(lent);
        if let View::Live(live) = &mut *self.lock() {
            live.come_back();
        }
        done
    }

    /// Shows a line.
    pub(crate) fn note(&self, text: &str) {
        self.lock().line(text);
    }

    /// Takes the live view away and writes the verdict to standard output.
    pub(crate) fn finish(&self, view: &RunView) {
        if let View::Live(live) = &mut *self.lock() {
            live.clear();
        }
        if !self.speaks {
            return;
        }
        let text = render_verdict_block(view, self.color);
        let mut out = io::stdout().lock();
        drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    }

    /// Says where the reports are.
    pub(crate) fn written(&self, output: &Path) {
        if !self.speaks {
            return;
        }
        let mut out = io::stdout().lock();
        drop(out.write_all(render_place(output).as_bytes()).and_then(|()| out.flush()));
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Appends the verdict to the page of the job, where GitHub Actions gives a file for it.
///
/// # Errors
/// When the file is named but cannot be written.
pub(crate) fn append_github_summary(settings: &Settings, view: &RunView) -> io::Result<()> {
    let Some(path) = settings.github_step_summary().map_err(io::Error::other)? else { return Ok(()) };
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(github_summary(view).as_bytes())
}

impl View {
    fn line(&mut self, text: &str) {
        let text = &printable(text);
        match self {
            Self::Live(live) => live.line(text),
            Self::Plain(to) => drop(writeln!(to, "{text}").and_then(|()| to.flush())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    fn show(ui: &Ui) {
        let view = fixture::view();
        ui.run_started(view.started.as_ref().unwrap());
        ui.phase_started(2, "load", 115.0);
        ui.load_started("a6.baseline", "baseline of A6", 8.0);
        let tick = Tick { elapsed_s: 8.0, vus: 20, rps: 237.5, p95_ms: 169.8, error_pct: 0.105, dropped: 3 };
        ui.load_tick(tick);
        ui.load_finished("a6.baseline", tick);
        view.rulings.iter().for_each(|ruling| ui.ruled(ruling));
        ui.note("A4 does not answer on 127.0.0.1:7104");
        ui.phase_finished(2, 116.6);
    }

    #[test]
    fn plain_lines_name_phases_loads_and_failures_and_nothing_else() {
        let memory = Memory::default();
        show(&Ui::plain(memory.clone()));
        insta::assert_snapshot!(String::from_utf8(memory.0.lock().unwrap().clone()).unwrap());
    }

    #[test]
    fn a_closed_output_does_not_end_a_run() {
        show(&Ui::plain(Closed));
    }

    #[test]
    fn the_summary_is_appended_where_github_wants_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.md");
        std::fs::write(&path, "before\n").unwrap();
        let settings = Settings::of([("GITHUB_STEP_SUMMARY", path.to_str().unwrap())]);
        append_github_summary(&settings, &fixture::view()).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("before\n# Handshake: NOT READY"), "{text}");
        append_github_summary(&Settings::of([]), &fixture::view()).unwrap();
    }

    #[test]
    fn a_live_view_without_a_terminal_shows_nothing_and_stays_calm() {
        let ui = Ui { view: Mutex::new(View::Live(Live::hidden())), ..Ui::silent() };
        show(&ui);
    }
}
