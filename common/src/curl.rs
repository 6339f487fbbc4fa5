//! Curl lines that somebody else can run again and that show no secret: each secret is a variable of the shell.
//!
//! A line fails at once when a variable is not set (`${TOKEN:?}`) rather than send a request without it.

use std::fmt::Write;

use crate::contract::header;

/// Stand before and after the name of a variable until the text is quoted for the shell.
pub(crate) const MARK: char = '\u{1}';
pub(crate) const END: char = '\u{2}';

/// A secret by the name of its variable.
pub(crate) fn marked(name: &str) -> String {
    format!("{MARK}{name}{END}")
}

/// `code_verifier` → `CODE_VERIFIER`.
pub(crate) fn variable(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Tells by the name of a header or field whether its value is a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let word = |part: &str| name.split(|c: char| !c.is_ascii_alphanumeric()).any(|own| own == part);
    if name == "idempotency_key" || name == header::IDEMPOTENCY_KEY {
        return false;
    }
    ["password", "secret", "token", "assertion", "verifier", "credential", "authorization", "cookie"]
        .iter()
        .any(|part| name.contains(part))
        || ["code", "key", "otp", "pin", "session", "signature"].into_iter().any(word)
}

/// Marks secrets in `a=b&c=d` field by field and leaves the rest byte for byte.
pub(crate) fn form_without_secrets(form: &str) -> String {
    let fields = form.split('&').map(|field| match field.split_once('=') {
        Some((name, _)) if is_secret_name(name) => format!("{name}={}", marked(&variable(name))),
        _ => field.to_owned(),
    });
    fields.collect::<Vec<_>>().join("&")
}

/// The value of a header, with what is secret in it marked.
pub(crate) fn header_without_secrets(name: &str, value: &str) -> String {
    match name {
        "authorization" if value.starts_with("Bearer ") => format!("Bearer {}", marked("TOKEN")),
        header::TELEMETRY_KEY => marked("HANDSHAKE_TELEMETRY_KEY"),
        header::ADMIN_KEY => marked("HANDSHAKE_ADMIN_KEY"),
        _ if is_secret_name(name) => marked(&variable(name)),
        _ => value.to_owned(),
    }
}

/// Quotes a text for a POSIX shell; marked names become variables that the shell fills in.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |part: &str| if part.is_empty() { String::new() } else { format!("'{}'", part.replace('\'', r"'\''")) };
    let mut parts = text.split(MARK);
    let mut line = plain(&parts.next().unwrap_or_default().replace(END, ""));
    for part in parts {
        // A mark that we did not make (it came in a body) stands around something else, and stays plain text.
        match part.split_once(END).filter(|(name, _)| is_variable(name)) {
            Some((name, rest)) => {
                write!(line, "\"${{{name}:?}}\"{}", plain(&rest.replace(END, "")))
                    .expect("writing to a string does not fail");
            }
            None => line.push_str(&plain(&part.replace(END, ""))),
        }
    }
    if line.is_empty() { "''".to_owned() } else { line }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn through_the_shell(quoted: &str) -> std::process::Output {
        Command::new("sh").args(["-c", &format!("printf %s {quoted}")]).output().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_quoted_text_comes_out_of_the_shell_as_it_went_in(text in r#"([^\x00-\x02]|['"$`\\\n!*~;&|<>(){}%]){0,40}"#) {
            prop_assert_eq!(String::from_utf8(through_the_shell(&quoted(&text)).stdout).unwrap(), text);
        }
    }

    #[test]
    fn a_variable_is_filled_in_and_a_missing_one_stops_the_line() {
        let line = quoted(&format!("a'{}$b", marked("WHO")));
        assert_eq!(line, r#"'a'\'''"${WHO:?}"'$b'"#);
        let given = Command::new("sh").args(["-c", &format!("printf %s {line}")]).env("WHO", "x $y").output().unwrap();
        assert_eq!(given.stdout, b"a'x $y$b");
        let missing = through_the_shell(&line);
        assert!(!missing.status.success() && missing.stdout.is_empty(), "{missing:?}");
    }

    #[test]
    fn a_foreign_mark_cannot_smuggle_a_command_into_the_line() {
        assert_eq!(quoted("x\u{1}(reboot)\u{2}y"), "'x''(reboot)y'");
    }
}
