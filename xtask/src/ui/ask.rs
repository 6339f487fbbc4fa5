//! Questions to the person at the terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use common::settings::Secret;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// Asks, and gives the line that was typed; `None` if there is nobody to ask.
pub(crate) fn ask(prompt: &str) -> Option<String> {
    if !io::stdin().is_terminal() {
        return None;
    }
    let mut err = io::stderr().lock();
    err.write_all(prompt.as_bytes()).and_then(|()| err.flush()).ok()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).ok()?;
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The same for what nobody may see: the terminal does not echo it.
pub(crate) fn ask_secretly(prompt: &str) -> Option<Secret> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin).ok()?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Now, &silent).ok()?;
    let answer = ask(prompt);
    // A terminal that went away needs no mode.
    let _gone = tcsetattr(&stdin, OptionalActions::Now, &before);
    let mut err = io::stderr().lock();
    drop(err.write_all(b"\n"));
    answer.filter(|answer| !answer.is_empty()).map(Secret::new)
}
