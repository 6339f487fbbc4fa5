//! Figures as people read them.

use common::slo::Score;
use common::verdict::LatencyFigures;

/// `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Milliseconds with as many digits as matter: `1.54`, `49.6`, `1,085`; `∞` for what never came.
pub(crate) fn ms(value: f64) -> String {
    match value {
        v if !v.is_finite() => "∞".into(),
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => count(whole(v)),
    }
}

/// Whole milliseconds between two clocks, `1,640 ms` or `-3 ms`; a dash for none.
pub(crate) fn delay(ms: Option<i64>) -> String {
    ms.map_or_else(|| "–".into(), |ms| format!("{}{} ms", if ms < 0 { "-" } else { "" }, count(ms.unsigned_abs())))
}

/// `118 to 131 ms`, the 95 % interval of the P95.
pub(crate) fn p95_interval(latency: &LatencyFigures) -> String {
    match (latency.p95_lower_ms, latency.p95_upper_ms) {
        (Some(lower), Some(upper)) => format!("{} to {} ms", ms(lower), ms(upper)),
        (Some(lower), None) => format!("{} ms to no limit", ms(lower)),
        (None, Some(upper)) => format!("no limit to {} ms", ms(upper)),
        (None, None) => "none".into(),
    }
}

/// A percentage without its sign: `0.12`, `3.4`, `100`.
pub(crate) fn pct(value: f64) -> String {
    let text = if value.abs() < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") };
    match text.trim_end_matches('0').trim_end_matches('.') {
        "" | "-" => "0".into(),
        short if text.contains('.') => short.to_owned(),
        _ => text,
    }
}

/// `58 to 100`, or one number where nothing is undecided.
pub(crate) fn range(score: Score) -> String {
    let (low, high) = (format!("{:.0}", score.low), format!("{:.0}", score.high));
    if low == high { low } else { format!("{low} to {high}") }
}

/// `2 min 41 s`.
pub(crate) fn duration(seconds: f64) -> String {
    let total = whole(seconds);
    match (total / 3600, total / 60 % 60, total % 60) {
        (0, 0, _) if seconds < 9.95 => format!("{seconds:.1} s"),
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

/// `30.00 USD` from 3000 minor units; integers only.
pub(crate) fn money(minor: i64, currency: &str) -> String {
    let sign = if minor < 0 { "−" } else { "" };
    let minor = minor.unsigned_abs();
    format!("{sign}{}.{:02} {currency}", count(minor / 100), minor % 100)
}

/// `2026-11-21 10:15:00 UTC` from RFC 3339 text; the text itself if it is another.
pub(crate) fn moment(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(11..19), rfc3339.ends_with('Z')) {
        (Some(day), Some(time), true) => format!("{day} {time} UTC"),
        _ => rfc3339.to_owned(),
    }
}

/// Text that an app may have answered, for a terminal: nothing in it can move the cursor or change colours.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '·' } else { c }).collect()
}

/// `1 claim`, `2 claims`.
pub(crate) fn plural(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, not negative, saturates")]
fn whole(value: f64) -> u64 {
    value.round().max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_the_digits_that_matter() {
        let shown: Vec<_> = [0.5, 1.539, 49.62, 149.6, 1_085.4, f64::INFINITY].map(ms).into();
        assert_eq!(shown, ["0.50", "1.54", "49.6", "150", "1,085", "∞"]);
        let shown: Vec<_> = [0.0, 0.118, 3.4, 100.0, 10.0].map(pct).into();
        assert_eq!(shown, ["0", "0.12", "3.4", "100", "10"]);
    }

    #[test]
    fn a_duration_is_told_in_its_two_greatest_units() {
        let shown: Vec<_> = [0.25, 12.0, 161.0, 4_000.0].map(duration).into();
        assert_eq!(shown, ["0.2 s", "12 s", "2 min 41 s", "1 h 06 min"]);
    }

    #[test]
    fn an_answer_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\r\u{9b}1mc\nd"), "a·[2Jb··1mc\nd");
    }

    #[test]
    fn money_is_never_rounded() {
        assert_eq!(money(100_000_001, "USD"), "1,000,000.01 USD");
        assert_eq!(money(-5, "EUR"), "−0.05 EUR");
    }
}
