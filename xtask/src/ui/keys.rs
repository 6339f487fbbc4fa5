//! Single keys on a terminal: `t` asks for the status, `a` to answer what waits. The terminal gets its own mode back however
//! the run ends, and while it is lent to another program.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// The terminal's own mode while ours is set.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// True while another program reads from the terminal.
static LENT: Mutex<bool> = Mutex::new(false);
static CAME_BACK: Condvar = Condvar::new();

/// Gives the terminal its own mode back when it goes.
pub(crate) struct Keys(());

/// The terminal is another program's until this goes.
pub(super) struct Lent {
    /// Our mode, if we had set one.
    single: Option<(Termios, Termios)>,
}

impl Drop for Keys {
    fn drop(&mut self) {
        restore();
    }
}

/// Reads keys one by one, without echo; Ctrl-C stays what it is. `None` if standard input is no terminal, or belongs to
/// another job.
pub(crate) fn listen(on_key: impl Fn(u8) + Send + 'static) -> Option<Keys> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin).ok().filter(|_| in_foreground())?;
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before.clone());
    let keys = Keys(());
    tcsetattr(&stdin, OptionalActions::Now, &single(before)).ok()?;
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        restore();
        hook(panic);
    }));
    let reader = move || {
        // Reading from the background would halt the process, so it is only done while the terminal is ours.
        while let Some(key) = next_key() {
            if let Some(key) = key {
                on_key(key);
            }
        }
    };
    std::thread::Builder::new().name("keys".to_owned()).spawn(reader).ok()?;
    Some(keys)
}

/// Gives the terminal its own mode back; for exits that drop nothing.
pub(crate) fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(before) = before.filter(|_| in_foreground()) {
        // A terminal that went away needs no mode.
        let _gone = tcsetattr(io::stdin(), OptionalActions::Now, &before);
    }
}

/// Gives the terminal its own mode and reads no key until what is returned goes, so that another program can ask there.
pub(super) fn lend() -> Lent {
    *lent() = true;
    let single =
        BEFORE.lock().unwrap_or_else(PoisonError::into_inner).clone().map(|before| (single(before.clone()), before));
    restore();
    Lent { single }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some((single, before)) = self.single.take().filter(|_| in_foreground()) {
            *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
            // A terminal that went away needs no mode.
            let _gone = tcsetattr(io::stdin(), OptionalActions::Now, &single);
        }
        *lent() = false;
        CAME_BACK.notify_all();
    }
}

fn lent() -> MutexGuard<'static, bool> {
    LENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The mode in which keys come one by one.
fn single(mut mode: Termios) -> Termios {
    mode.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
    mode.special_codes[SpecialCodeIndex::VMIN] = 1;
    mode.special_codes[SpecialCodeIndex::VTIME] = 0;
    mode
}

fn in_foreground() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}

/// Waits for a key: `Some(None)` if it was another program's, `None` once there is no terminal any more or it belongs to
/// another job.
fn next_key() -> Option<Option<u8>> {
    let stdin = io::stdin();
    let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
    loop {
        match poll(&mut ready, None) {
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
    let away = lent();
    if *away {
        drop(CAME_BACK.wait_while(away, |away| *away));
        return Some(None);
    }
    // Held while reading, so that what is typed for another program is not taken from it.
    let mut key = [0];
    let read = in_foreground().then(|| rustix::io::read(&stdin, &mut key).ok())??;
    (read == 1).then_some(Some(key[0]))
}
