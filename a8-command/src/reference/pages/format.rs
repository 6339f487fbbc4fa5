//! Figures as people read them.

use common::clock::rfc3339;

/// `12,345`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `$1,000.00`, `−€0.05`.
pub(super) fn money(minor: i64, currency: &str) -> String {
    let sign = if minor < 0 { "−" } else { "" };
    let cents = minor.unsigned_abs();
    let symbol = match currency {
        "USD" => "$",
        "EUR" => "€",
        other => other,
    };
    format!("{sign}{symbol}{}.{:02}", count(cents / 100), cents % 100)
}

/// `0.42 ms`, `12.3 ms`, `154 ms`, `2.10 s`.
pub(super) fn ms(value: f64) -> String {
    match value {
        v if v < 1.0 => format!("{v:.2} ms"),
        v if v < 99.95 => format!("{v:.1} ms"),
        v if v < 999.5 => format!("{v:.0} ms"),
        v => format!("{:.2} s", v / 1_000.0),
    }
}

/// `0 %`, `0.35 %`, `12.5 %`.
pub(super) fn percent(value: f64) -> String {
    match value {
        0.0 => "0 %".to_owned(),
        v if v < 1.0 => format!("{v:.2} %"),
        v => format!("{v:.1} %"),
    }
}

/// `10:15:00.123`, in UTC.
pub(super) fn clock_time(unix_ms: i64) -> String {
    rfc3339(unix_ms).get(11..23).unwrap_or_default().to_owned()
}

/// The time of day of an RFC 3339 text, to the second.
pub(super) fn time_of(text: &str) -> String {
    text.get(11..19).unwrap_or(text).to_owned()
}

/// `checkout completed`.
pub(super) fn words(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_as_on_an_invoice() {
        assert_eq!(money(123_456_789, "USD"), "$1,234,567.89");
        assert_eq!(money(-5, "EUR"), "−€0.05");
    }

    #[test]
    fn a_latency_has_the_digits_that_matter() {
        assert_eq!([0.421, 12.34, 153.7, 12_340.0].map(ms), ["0.42 ms", "12.3 ms", "154 ms", "12.34 s"]);
    }
}
