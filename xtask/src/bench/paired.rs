//! Pairs: each run of a candidate stands between two runs of the reference, and only their ratio counts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::tools::Tool;

/// What one slice gave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Slice {
    pub(crate) tool: Tool,
    pub(crate) rps: f64,
    /// The generator's processor time for a request, in microseconds.
    pub(crate) cpu_us: f64,
    pub(crate) errors: u64,
    pub(crate) peak_rss_bytes: u64,
    /// The share of its core that the server used.
    pub(crate) server_cpu: f64,
}

/// The middle of some figures, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` without figures.
    pub(crate) fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*figures.first()?, *figures.last()?);
        let (low, high) = (figures[(figures.len() - 1) / 2], figures[figures.len() / 2]);
        Some(Self { median: f64::midpoint(low, high), min, max })
    }
}

/// A candidate over all its slices.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figures {
    pub(crate) rps: Spread,
    pub(crate) cpu_us: Spread,
    pub(crate) server_cpu: Spread,
    pub(crate) errors: u64,
    pub(crate) peak_rss_bytes: u64,
    /// To the mean of the two neighbours of the reference.
    pub(crate) rps_ratio: Option<Spread>,
    pub(crate) cpu_ratio: Option<Spread>,
}

/// One slice beside the mean of its neighbours.
#[derive(Debug, Clone, Copy)]
struct Ratio {
    tool: Tool,
    rps: f64,
    cpu: f64,
}

/// The order of a round: the reference, then each candidate followed by it.
pub(crate) fn round(reference: Tool, candidates: &[Tool]) -> Vec<Tool> {
    candidates.iter().flat_map(|tool| [reference, *tool]).collect()
}

/// The figures of every tool in slices that were measured in this order; the last slice is one of the reference.
pub(crate) fn figures(reference: Tool, slices: &[Slice]) -> BTreeMap<Tool, Figures> {
    let ratios = ratios(reference, slices);
    let tools: Vec<_> = slices.iter().map(|slice| slice.tool).collect();
    let of = |tool: Tool| {
        let own: Vec<_> = slices.iter().filter(|slice| slice.tool == tool).collect();
        let spread = |figure: fn(&Slice) -> f64| Spread::of(own.iter().map(|slice| figure(slice)).collect());
        let ratio = |figure: fn(&Ratio) -> f64| {
            Spread::of(ratios.iter().filter(|ratio| ratio.tool == tool).map(figure).collect())
        };
        Some(Figures {
            rps: spread(|slice| slice.rps)?,
            cpu_us: spread(|slice| slice.cpu_us)?,
            server_cpu: spread(|slice| slice.server_cpu)?,
            errors: own.iter().map(|slice| slice.errors).sum(),
            peak_rss_bytes: own.iter().map(|slice| slice.peak_rss_bytes).max().unwrap_or(0),
            rps_ratio: ratio(|ratio| ratio.rps),
            cpu_ratio: ratio(|ratio| ratio.cpu),
        })
    };
    tools.into_iter().filter_map(|tool| Some((tool, of(tool)?))).collect()
}

fn ratios(reference: Tool, slices: &[Slice]) -> Vec<Ratio> {
    let threes = slices.windows(3).filter(|three| three[0].tool == reference && three[2].tool == reference);
    let of = |three: &[Slice]| Ratio {
        tool: three[1].tool,
        rps: three[1].rps / f64::midpoint(three[0].rps, three[2].rps),
        cpu: three[1].cpu_us / f64::midpoint(three[0].cpu_us, three[2].cpu_us),
    };
    threes.filter(|three| three[1].tool != reference).map(of).collect()
}

/// What a comparison of two tools is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Per {
    /// Requests a second.
    Second,
    /// Requests for the same time of the processor: where the server is the limit, all make as many a second.
    Cpu,
}

/// How many times as many requests one tool makes as another, paired round by round through the reference.
pub(crate) fn times(reference: Tool, slices: &[Slice], tool: Tool, other: Tool, per: Per) -> Option<Spread> {
    let ratios = ratios(reference, slices);
    let figure = move |ratio: &Ratio| match per {
        Per::Second => ratio.rps,
        Per::Cpu => 1.0 / ratio.cpu,
    };
    let of = |wanted: Tool| ratios.iter().filter(move |ratio| ratio.tool == wanted).map(figure);
    Spread::of(of(tool).zip(of(other)).map(|(own, other)| own / other).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(tool: Tool, rps: f64, cpu_us: f64) -> Slice {
        Slice { tool, rps, cpu_us, errors: 0, peak_rss_bytes: 1, server_cpu: 0.5 }
    }

    /// A machine that gets twice as slow during the second pair.
    fn slices() -> Vec<Slice> {
        let (wrk, own, oha) = (Tool::Wrk, Tool::Handshake, Tool::Oha);
        [
            (wrk, 100.0, 10.0),
            (own, 130.0, 8.0),
            (wrk, 100.0, 10.0),
            (oha, 50.0, 20.0),
            (wrk, 100.0, 10.0),
            (own, 90.0, 12.0),
            (wrk, 50.0, 20.0),
            (oha, 25.0, 40.0),
            (wrk, 50.0, 20.0),
        ]
        .map(|(tool, rps, cpu)| slice(tool, rps, cpu))
        .into()
    }

    #[test]
    fn a_candidate_is_compared_with_the_runs_beside_it() {
        let figures = figures(Tool::Wrk, &slices());
        let own = figures[&Tool::Handshake].rps_ratio.unwrap();
        assert!((own.min - 1.2).abs() < 1e-9 && (own.max - 1.3).abs() < 1e-9, "{own:?}");
        assert_eq!(figures[&Tool::Handshake].cpu_ratio.unwrap().median, 0.8);
        assert_eq!(figures[&Tool::Wrk].rps_ratio, None);
        assert_eq!(figures[&Tool::Oha].rps_ratio.unwrap().median, 0.5);
    }

    #[test]
    fn two_candidates_are_compared_round_by_round() {
        let per_second = times(Tool::Wrk, &slices(), Tool::Handshake, Tool::Oha, Per::Second).unwrap();
        assert!((per_second.min - 2.4).abs() < 1e-9 && (per_second.max - 2.6).abs() < 1e-9, "{per_second:?}");
        let for_the_same_cpu = times(Tool::Wrk, &slices(), Tool::Handshake, Tool::Oha, Per::Cpu).unwrap();
        assert!((for_the_same_cpu.median - 2.5).abs() < 1e-9, "{for_the_same_cpu:?}");
    }

    #[test]
    fn a_round_puts_every_candidate_after_the_reference() {
        let round = round(Tool::Wrk, &[Tool::Handshake, Tool::K6]);
        assert_eq!(round, [Tool::Wrk, Tool::Handshake, Tool::Wrk, Tool::K6]);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.5, 4.0));
        assert_eq!(Spread::of(Vec::new()), None);
    }
}
