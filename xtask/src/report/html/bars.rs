//! Bars of the agent: the weight of an arm beside its floor, and how long each outage took to come back from.

use std::fmt::Write as _;

use super::geometry::{Scale, ticks};
use super::plot::open;
use crate::record::PartyOutage;
use crate::report::text;

const WEIGHT: (f64, f64) = (240.0, 22.0);

/// The weight of an arm from 0 to 1, with the floor as a line.
pub(super) fn weight(weight: f64, floor: Option<f64>, title: &str) -> String {
    let scale = Scale::new((0.0, 1.0), (0.0, WEIGHT.0));
    let mut svg = open("bar", WEIGHT, "weight", title);
    let _ = write!(
        svg,
        "<path class=\"track\" d=\"M0 11H{w}\"/><rect class=\"span\" x=\"0\" y=\"5\" width=\"{long:.1}\" height=\"12\" rx=\"3\"/>",
        w = WEIGHT.0,
        long = scale.at(weight).max(2.0),
    );
    if let Some(floor) = floor {
        let _ = write!(svg, "<path class=\"limit\" d=\"M{:.1} 0V{}\"/>", scale.at(floor), WEIGHT.1);
    }
    svg.push_str("</svg>");
    svg
}

/// Left and right of the drawing, its top, and the height of a row.
const INSIDE: (f64, f64, f64, f64) = (28.0, 396.0, 8.0, 22.0);
const WIDTH: f64 = 460.0;

/// The longest recovery of all, so that parties share one scale.
pub(super) fn longest(parties: &[PartyOutage]) -> f64 {
    let closed = parties.iter().flat_map(|outage| &outage.cycles).filter_map(|cycle| cycle.closed_after_ms);
    closed.map(as_f64).fold(100.0, f64::max) * 1.05
}

/// A bar for each outage until its breaker was closed, over the 95 % interval of their median.
pub(super) fn recovery(outage: &PartyOutage, top: f64, title: &str) -> String {
    let x = Scale::new((0.0, top), (INSIDE.0, INSIDE.1));
    let foot = INSIDE.2 + INSIDE.3 * as_f64(outage.cycles.len() as u64);
    let mut svg = open("plot", (WIDTH, foot + 34.0), "recovery", title);
    let found = &outage.recovery;
    if let (Some(lower), Some(upper)) = (found.lower, found.upper) {
        let (from, to) = (x.at(as_f64(lower)), x.at(as_f64(upper)));
        let _ = write!(
            svg,
            "<rect class=\"band\" x=\"{from:.1}\" y=\"{:.0}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            INSIDE.2,
            (to - from).max(1.0),
            foot - INSIDE.2
        );
    }
    axis(&mut svg, x, foot, top);
    for (at, cycle) in (0_u64..).zip(&outage.cycles) {
        let y = INSIDE.2 + INSIDE.3 * as_f64(at);
        row(&mut svg, x, y, (at + 1, cycle.closed_after_ms));
    }
    if let Some(median) = found.value {
        let _ = write!(svg, "<path class=\"limit\" d=\"M{:.1} {:.0}V{foot:.1}\"/>", x.at(as_f64(median)), INSIDE.2);
    }
    svg.push_str("</svg>");
    svg
}

fn row(svg: &mut String, x: Scale, y: f64, (number, closed_ms): (u64, Option<u64>)) {
    let (class, to, label) = match closed_ms {
        Some(ms) => ("row", x.at(as_f64(ms)), text::count(ms)),
        None => ("row never", INSIDE.1, "never".to_owned()),
    };
    let _ = write!(
        svg,
        "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{number}</text>\
         <rect class=\"{class}\" x=\"{:.0}\" y=\"{:.1}\" width=\"{:.1}\" height=\"12\" rx=\"3\"/>\
         <text class=\"value\" x=\"{WIDTH:.0}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
        INSIDE.0 - 8.0,
        y + 15.0,
        INSIDE.0,
        y + 5.0,
        (to - INSIDE.0).max(2.0),
        y + 15.0,
    );
}

fn axis(svg: &mut String, x: Scale, foot: f64, top: f64) {
    for tick in ticks(top) {
        let at = x.at(tick);
        let _ = write!(
            svg,
            "<path class=\"grid\" d=\"M{at:.1} {:.0}V{foot:.1}\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick:.0}</text>",
            INSIDE.2,
            foot + 15.0
        );
    }
    let _ = write!(
        svg,
        "<text class=\"axis\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">ms from the end of the outage</text>",
        INSIDE.1,
        foot + 30.0
    );
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of an outage and the numbers of rows are far below 2^53")]
fn as_f64(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outage() -> PartyOutage {
        crate::report::fixture::view().resilience.unwrap().parties.remove(0)
    }

    #[test]
    fn an_outage_that_never_ended_fills_its_row_and_says_so() {
        let mut outage = outage();
        outage.cycles[2].closed_after_ms = None;
        let svg = recovery(&outage, longest(std::slice::from_ref(&outage)), "recovery");
        assert_eq!(svg.matches("class=\"row never\"").count(), 1, "{svg}");
        assert!(svg.contains(">never</text>"), "{svg}");
    }

    #[test]
    fn without_an_interval_there_is_no_band() {
        let mut outage = outage();
        assert!(recovery(&outage, 1_000.0, "recovery").contains("band"));
        outage.recovery.upper = None;
        assert!(!recovery(&outage, 1_000.0, "recovery").contains("band"));
    }

    #[test]
    fn a_weight_out_of_range_stays_in_its_bar() {
        let svg = weight(7.0, Some(f64::NAN), "</title><script>");
        assert!(svg.contains("width=\"240.0\"") && !svg.contains("NaN") && !svg.contains("<script>"), "{svg}");
    }
}
