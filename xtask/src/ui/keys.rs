//! Single keys on a terminal: `t` asks for the status. The terminal gets its own mode back however the run ends.

use std::io;
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// The terminal's own mode while ours is set.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Gives the terminal its own mode back when it goes.
pub(crate) struct Keys(());

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
    let mut single = before.clone();
    single.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
    single.special_codes[SpecialCodeIndex::VMIN] = 1;
    single.special_codes[SpecialCodeIndex::VTIME] = 0;
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
    let keys = Keys(());
    tcsetattr(&stdin, OptionalActions::Now, &single).ok()?;
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        restore();
        hook(panic);
    }));
    let reader = move || {
        // Reading from the background would halt the process, so it is only done while the terminal is ours.
        while let Some(key) = next_key() {
            on_key(key);
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

fn in_foreground() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}

/// Waits for a key; `None` once there is no terminal any more or it belongs to another job.
fn next_key() -> Option<u8> {
    let stdin = io::stdin();
    let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
    loop {
        match poll(&mut ready, None) {
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
    let mut key = [0];
    let read = in_foreground().then(|| rustix::io::read(&stdin, &mut key).ok())??;
    (read == 1).then_some(key[0])
}
