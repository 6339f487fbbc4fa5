//! The drawings of the page as SVG without a colour in it: the style sheet gives them, so that they follow the theme.

use std::fmt::Write as _;

use super::geometry::{Scale, nines, ticks};
use crate::record::{Second, ShapePoint};
use crate::report::text::{ms, plural};

/// Where a claim's figure lies beside its limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bar {
    pub(super) point: Option<f64>,
    /// Absent where the samples give no bound.
    pub(super) lower: Option<f64>,
    pub(super) upper: Option<f64>,
    pub(super) limit: f64,
}

/// The width of an interval bar; its limit always lies at the same place, so that a column of bars shares one line.
const BAR: (f64, f64) = (240.0, 22.0);
const LIMIT_AT: f64 = 156.0;

/// The 95 % interval as a bar, the point on it, the limit as a line.
pub(super) fn interval_bar(bar: Bar, class: &str, title: &str) -> String {
    let scale = Scale::new((0.0, bar.limit * (BAR.0 - 8.0) / LIMIT_AT), (0.0, BAR.0 - 8.0));
    let from = bar.lower.map_or(0.0, |lower| scale.at(lower));
    let to = bar.upper.map_or(BAR.0, |upper| scale.at(upper));
    let width = (to - from).max(3.0);
    let mut svg = open("bar", BAR, class, title);
    let _ = write!(
        svg,
        "<path class=\"track\" d=\"M0 11H{w}\"/><path class=\"zone\" d=\"M0 4H{l}V18H0Z\"/>\
         <rect class=\"span\" x=\"{from:.1}\" y=\"6\" width=\"{width:.1}\" height=\"10\" rx=\"3\"/>",
        w = BAR.0,
        l = LIMIT_AT,
    );
    if let Some(point) = bar.point {
        let at = scale.at(point).max(1.5);
        let _ = write!(svg, "<path class=\"point\" d=\"M{at:.1} 4V18\"/>");
    }
    let open_end = bar.upper.is_none_or(|upper| scale.beyond(upper));
    if open_end {
        let _ = write!(svg, "<path class=\"arrow\" d=\"M{:.1} 6l6 5l-6 5\"/>", BAR.0 - 7.0);
    }
    let _ = write!(svg, "<path class=\"limit\" d=\"M{LIMIT_AT} 0V{}\"/></svg>", BAR.1);
    svg
}

const PLOT: (f64, f64) = (460.0, 210.0);
/// Left, top, right, bottom of the drawing inside a plot.
const INSIDE: (f64, f64, f64, f64) = (48.0, 14.0, 418.0, 178.0);

/// The line of one figure.
type Line = (&'static str, fn(&Second) -> f64);

/// From top to bottom.
const LINES: [Line; 3] =
    [("p99", |second| second.p99_ms), ("p95", |second| second.p95_ms), ("p50", |second| second.p50_ms)];

/// Response time at each percentile, on a tail axis, with the limit and the P95.
pub(super) fn distribution(points: &[(f64, f64)], limit_ms: f64, title: &str) -> String {
    let points: Vec<_> = points.iter().filter(|(_, ms)| ms.is_finite()).collect();
    let top = points.iter().map(|(_, ms)| *ms).fold(limit_ms * 1.1, f64::max);
    let last = points.iter().map(|(p, _)| nines(p.min(99.95))).fold(2.0, f64::max);
    let x = Scale::new((0.0, last), (INSIDE.0, INSIDE.2));
    let y = Scale::new((0.0, top), (INSIDE.3, INSIDE.1));
    let mut svg = open("plot", PLOT, "distribution", title);
    frame(&mut svg, y, top);
    for (percentile, label) in [(0.0, "0"), (50.0, "50"), (90.0, "90"), (95.0, "95"), (99.0, "99"), (99.9, "99.9")] {
        if nines(percentile) <= last + 0.001 {
            column(&mut svg, x.at(nines(percentile)), label);
        }
    }
    caption(&mut svg, "percentile");
    limit(&mut svg, y, limit_ms);
    let line = points.iter().map(|(p, ms)| (x.at(nines(p.min(99.95))), y.at(*ms)));
    polyline(&mut svg, "p95", line);
    if let Some((p, value)) = points.iter().find(|(p, _)| (*p - 95.0).abs() < 1e-6) {
        let (cx, cy) = (x.at(nines(*p)), y.at(*value));
        let _ = write!(
            svg,
            "<circle class=\"mark\" cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"4\"/>\
             <text class=\"value\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">P95 {}</text>",
            cx - 8.0,
            (cy - 8.0).max(11.0),
            ms(*value)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// P50, P95 and P99 of each second, and the errors under them.
pub(super) fn series(seconds: &[Second], limit_ms: f64, title: &str) -> String {
    let top = seconds.iter().map(|second| second.p99_ms).filter(|ms| ms.is_finite()).fold(limit_ms * 1.1, f64::max);
    let end = seconds.iter().map(|second| second.t_s).max().unwrap_or(0).max(1);
    let x = Scale::new((0.0, f64::from(end)), (INSIDE.0, INSIDE.2));
    let y = Scale::new((0.0, top), (INSIDE.3, INSIDE.1));
    let mut svg = open("plot", PLOT, "series", title);
    frame(&mut svg, y, top);
    for tick in ticks(f64::from(end)) {
        column(&mut svg, x.at(tick), &format!("{tick}"));
    }
    caption(&mut svg, "seconds");
    limit(&mut svg, y, limit_ms);
    let most = seconds.iter().map(|second| second.errors).max().unwrap_or(0).max(1);
    for second in seconds.iter().filter(|second| second.errors > 0) {
        let errors = Scale::new((0.0, as_f64(most)), (0.0, 36.0)).at(as_f64(second.errors)).max(3.0);
        error_bar(&mut svg, x.at(f64::from(second.t_s)), errors, (second.errors, second.t_s));
    }
    for (class, of) in LINES {
        polyline(&mut svg, class, seconds.iter().map(|s| (x.at(f64::from(s.t_s)), y.at(of(s)))));
    }
    names(&mut svg, seconds, y);
    svg.push_str("</svg>");
    svg
}

/// Virtual users and requests of each second, on one scale.
pub(super) fn crowd(points: &[ShapePoint], title: &str) -> String {
    let users = |point: &ShapePoint| f64::from(point.users);
    let rate = |point: &ShapePoint| as_f64(point.requests);
    let top = points.iter().map(|point| users(point).max(rate(point))).fold(1.0, f64::max) * 1.1;
    let (mut svg, x, y) = over_time("crowd", points, top, title);
    polyline(&mut svg, "users", points.iter().map(|point| (x.at(middle(point)), y.at(users(point)))));
    polyline(&mut svg, "p95", points.iter().map(|point| (x.at(middle(point)), y.at(rate(point)))));
    if let Some(last) = points.last() {
        let (of_rate, of_users) = (y.at(rate(last)) + 4.0, y.at(users(last)) + 4.0);
        let of_users = if (of_rate - of_users).abs() < 13.0 { of_rate - 13.0 } else { of_users };
        name(&mut svg, "p95", "req/s", of_rate);
        name(&mut svg, "users", "users", of_users);
    }
    svg.push_str("</svg>");
    svg
}

/// P95 of each second beside the limit, and the errors under it.
pub(super) fn shaped(points: &[ShapePoint], limit_ms: f64, title: &str) -> String {
    let top = points.iter().map(|point| point.p95_ms).filter(|ms| ms.is_finite()).fold(limit_ms * 1.1, f64::max);
    let (mut svg, x, y) = over_time("series", points, top, title);
    limit(&mut svg, y, limit_ms);
    let most = points.iter().map(|point| point.errors).max().unwrap_or(0).max(1);
    for point in points.iter().filter(|point| point.errors > 0) {
        let high = Scale::new((0.0, as_f64(most)), (0.0, 36.0)).at(as_f64(point.errors)).max(3.0);
        error_bar(&mut svg, x.at(middle(point)), high, (point.errors, point.t_s));
    }
    polyline(&mut svg, "p95", points.iter().map(|point| (x.at(middle(point)), y.at(point.p95_ms))));
    if let Some(last) = points.last() {
        name(&mut svg, "p95", "P95", y.at(last.p95_ms) + 4.0);
    }
    svg.push_str("</svg>");
    svg
}

/// A second is drawn in its middle.
fn middle(point: &ShapePoint) -> f64 {
    f64::from(point.t_s) + 0.5
}

/// An empty plot over the seconds of a shape.
fn over_time(class: &str, points: &[ShapePoint], top: f64, title: &str) -> (String, Scale, Scale) {
    let end = points.iter().map(|point| point.t_s + 1).max().unwrap_or(1);
    let x = Scale::new((0.0, f64::from(end)), (INSIDE.0, INSIDE.2));
    let y = Scale::new((0.0, top), (INSIDE.3, INSIDE.1));
    let mut svg = open("plot", PLOT, class, title);
    frame(&mut svg, y, top);
    for tick in ticks(f64::from(end)) {
        column(&mut svg, x.at(tick), &format!("{tick}"));
    }
    caption(&mut svg, "seconds");
    (svg, x, y)
}

fn name(svg: &mut String, class: &str, text: &str, at: f64) {
    let x = INSIDE.2 + 6.0;
    let _ = write!(svg, "<text class=\"name {class}\" x=\"{x:.1}\" y=\"{at:.1}\">{text}</text>");
}

fn error_bar(svg: &mut String, x: f64, high: f64, (errors, second): (u64, u32)) {
    let _ = write!(
        svg,
        "<rect class=\"errors\" x=\"{:.1}\" y=\"{:.1}\" width=\"5\" height=\"{high:.1}\"><title>{} at {second} s</title></rect>",
        x - 2.5,
        INSIDE.3 - high,
        plural(usize::try_from(errors).unwrap_or(usize::MAX), "error"),
    );
}

/// The name of each line at its end, moved apart where they would lie on each other.
fn names(svg: &mut String, seconds: &[Second], y: Scale) {
    let Some(last) = seconds.last() else { return };
    let mut above = 0.0;
    for (class, of) in LINES {
        let at = f64::max(y.at(of(last)) + 4.0, above);
        above = at + 13.0;
        name(svg, class, &class.to_uppercase(), at);
    }
}

/// A drawing with its name.
pub(super) fn open(class: &str, (width, height): (f64, f64), more: &str, title: &str) -> String {
    let title = escape(title);
    format!(
        "<svg class=\"{class} {more}\" role=\"img\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\"><title>{title}</title>"
    )
}

fn frame(svg: &mut String, y: Scale, top: f64) {
    for tick in ticks(top) {
        let at = y.at(tick);
        let _ = write!(
            svg,
            "<path class=\"grid\" d=\"M{:.0} {at:.1}H{:.0}\"/><text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            INSIDE.0,
            INSIDE.2,
            INSIDE.0 - 8.0,
            at + 4.0,
            tick_label(tick)
        );
    }
}

fn tick_label(tick: f64) -> String {
    if tick >= 1.0 && (tick - tick.round()).abs() < 1e-9 { format!("{tick:.0}") } else { format!("{tick}") }
}

fn column(svg: &mut String, at: f64, label: &str) {
    let (foot, text) = (INSIDE.3, INSIDE.3 + 15.0);
    let _ = write!(
        svg,
        "<path class=\"tick\" d=\"M{at:.1} {foot:.0}v4\"/><text x=\"{at:.1}\" y=\"{text:.0}\" text-anchor=\"middle\">{label}</text>"
    );
}

fn caption(svg: &mut String, label: &str) {
    let _ = write!(svg, "<text class=\"axis\" x=\"{:.0}\" y=\"207\" text-anchor=\"end\">{label}</text>", INSIDE.2);
}

fn limit(svg: &mut String, y: Scale, limit_ms: f64) {
    let at = y.at(limit_ms);
    let _ = write!(
        svg,
        "<path class=\"limit\" d=\"M{:.0} {at:.1}H{:.0}\"/><text class=\"limit-name\" x=\"{:.0}\" y=\"{:.1}\">limit {}</text>",
        INSIDE.0,
        INSIDE.2,
        INSIDE.0 + 6.0,
        at - 5.0,
        ms(limit_ms)
    );
}

fn polyline(svg: &mut String, class: &str, points: impl Iterator<Item = (f64, f64)>) {
    let _ = write!(svg, "<polyline class=\"{class}\" points=\"");
    for (x, y) in points {
        let _ = write!(svg, "{x:.1},{y:.1} ");
    }
    svg.push_str("\"/>");
}

/// Text inside an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[expect(clippy::cast_precision_loss, reason = "a count of one second is far below 2^53")]
fn as_f64(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAR_150: Bar = Bar { point: Some(170.0), lower: Some(165.0), upper: Some(175.0), limit: 150.0 };

    #[test]
    fn an_interval_beyond_the_limit_is_drawn_right_of_its_line() {
        let svg = interval_bar(BAR_150, "fail", "P95");
        let from: f64 = svg.split("class=\"span\" x=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        assert!(from > LIMIT_AT, "{svg}");
        assert!(!svg.contains("arrow"), "{svg}");
    }

    #[test]
    fn an_interval_without_an_upper_bound_is_open_to_the_right() {
        let svg = interval_bar(Bar { upper: None, ..BAR_150 }, "inconclusive", "P95");
        assert!(svg.contains("arrow"), "{svg}");
    }

    #[test]
    fn a_title_cannot_break_out_of_a_drawing() {
        assert!(!interval_bar(BAR_150, "fail", "</title><script>").contains("<script>"));
    }

    #[test]
    fn a_plot_without_points_or_with_infinite_ones_is_still_a_plot() {
        let svg = distribution(&[(95.0, f64::INFINITY)], 150.0, "none") + &series(&[], 150.0, "none");
        assert!(!svg.contains("inf") && !svg.contains("NaN"), "{svg}");
    }
}
