//! A small line of P95 over time, as SVG made by the server.

/// Intervals drawn.
pub(super) const BUCKETS: usize = 30;
/// Width and height of the drawing, in its own units.
const SIZE: (f64, f64) = (120.0, 28.0);

/// A drawn line.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Spark {
    /// Path data, with a gap where nothing was reported.
    pub(super) path: String,
    /// Where the last value lies, if it is in the last interval drawn.
    pub(super) dot: Option<(String, String)>,
    /// The height of the limit, if it is within the drawing.
    pub(super) limit_y: Option<String>,
    /// What it shows, in words.
    pub(super) label: String,
}

/// Draws the P95 of each of the [`BUCKETS`] intervals, `None` where nothing was reported.
pub(super) fn draw(values: &[Option<f64>], limit_ms: Option<f64>) -> Spark {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let Some(latest) = known.last().copied() else {
        return Spark { label: "no requests reported".to_owned(), ..Spark::default() };
    };
    let highest = known.iter().copied().fold(0.0, f64::max);
    let top = (highest * 1.15).max(1.0);
    let y = |value: f64| format!("{:.1}", SIZE.1 - 2.0 - value / top * (SIZE.1 - 4.0));
    let last = values.iter().rposition(Option::is_some).unwrap_or(0);
    Spark {
        path: path(values, y),
        dot: Some((x(last), y(latest))),
        limit_y: limit_ms.filter(|limit| *limit < top).map(y),
        label: format!(
            "P95 over the last 15 minutes: latest {}, highest {}",
            super::format::ms(latest),
            super::format::ms(highest)
        ),
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most thirty")]
fn x(index: usize) -> String {
    format!("{:.1}", 2.0 + index as f64 * (SIZE.0 - 4.0) / (BUCKETS - 1) as f64)
}

fn path(values: &[Option<f64>], y: impl Fn(f64) -> String) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    for (index, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let command = if pen_down { 'L' } else { 'M' };
            path.push_str(&format!("{command}{} {} ", x(index), y(*value)));
        }
        pen_down = value.is_some();
    }
    path.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_interval_is_a_gap_and_no_line_is_drawn_across_it() {
        let drawn = draw(&[Some(10.0), None, Some(10.0)], None);
        assert_eq!(drawn.path.matches('M').count(), 2);
        assert_eq!(drawn.path.matches('L').count(), 0);
    }

    #[test]
    fn the_limit_is_drawn_only_where_it_is_in_sight() {
        assert_eq!(draw(&[Some(10.0)], Some(150.0)).limit_y, None);
        assert!(draw(&[Some(200.0)], Some(150.0)).limit_y.is_some());
    }
}
