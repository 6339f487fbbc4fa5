//! A session: what one visitor did on one page, and what that is worth. Each event counts once, however often it is told.

use serde::Deserialize;

/// What a session had, one bit an event, so that a change can be written only over what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Session(u8);

/// What may be told of a session.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Told {
    pub(super) page_view: bool,
    pub(super) lead: bool,
    pub(super) checkout: bool,
    pub(super) complaint: bool,
    /// Something could not be shown or taken.
    pub(super) failed: bool,
}

impl Session {
    const PAGE_VIEW: u8 = 1;
    const LEAD: u8 = 2;
    const CHECKOUT: u8 = 4;
    const COMPLAINT: u8 = 8;
    const FAILED: u8 = 16;

    /// A page that could not be built or shown.
    pub(super) const NO_PAGE: Self = Self(Self::FAILED);

    pub(super) fn of(told: Told) -> Self {
        let bit = |happened, bit| if happened { bit } else { 0 };
        Self(
            bit(told.page_view, Self::PAGE_VIEW)
                | bit(told.lead, Self::LEAD)
                | bit(told.checkout, Self::CHECKOUT)
                | bit(told.complaint, Self::COMPLAINT)
                | bit(told.failed, Self::FAILED),
        )
    }

    /// Reads what [`Session::bits`] wrote.
    pub(super) fn read(bits: i64) -> Self {
        Self(u8::try_from(bits).unwrap_or_default())
    }

    pub(super) fn bits(self) -> i64 {
        self.0.into()
    }

    /// Both together.
    pub(super) fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// The same without its complaint.
    pub(super) fn forgiven(self) -> Self {
        Self(self.0 & !Self::COMPLAINT)
    }

    pub(super) fn has_failed(self) -> bool {
        self.0 & Self::FAILED != 0
    }

    /// `0.05·page_view + 0.3·lead + 0.65·checkout − 0.4·complaint`, -0.4 to 1; where something failed, nothing is earned.
    pub(super) fn value(self) -> f64 {
        let share = |bit, weight: f64| if self.0 & bit == 0 { 0.0 } else { weight };
        let good = share(Self::PAGE_VIEW, 0.05) + share(Self::LEAD, 0.3) + share(Self::CHECKOUT, 0.65);
        let harm = share(Self::COMPLAINT, 0.4);
        if self.has_failed() { -harm } else { good - harm }
    }

    /// What is added to alpha and beta. The share above 0 is success and the rest of 1 is failure; harm is failure
    /// beyond a session without any reward, so that a complaint is worse than nothing.
    pub(super) fn evidence(self) -> (f64, f64) {
        (self.value().max(0.0), 1.0 - self.value())
    }

    /// What an arm counts: sessions with a reward, failures, page views, leads, checkouts, complaints.
    pub(super) fn counts(self) -> [i64; 6] {
        let has = |bit| i64::from(self.0 & bit != 0);
        let failed = has(Self::FAILED);
        [1 - failed, failed, has(Self::PAGE_VIEW), has(Self::LEAD), has(Self::CHECKOUT), has(Self::COMPLAINT)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [fn(&mut Told); 5] = [
        |told| told.page_view = true,
        |told| told.lead = true,
        |told| told.checkout = true,
        |told| told.complaint = true,
        |told| told.failed = true,
    ];

    fn session(events: &[usize]) -> Session {
        let mut told = Told::default();
        events.iter().for_each(|event| ALL[*event](&mut told));
        Session::of(told)
    }

    fn close(seen: (f64, f64), wanted: (f64, f64)) {
        assert!((seen.0 - wanted.0).abs() < 1e-12 && (seen.1 - wanted.1).abs() < 1e-12, "{seen:?} {wanted:?}");
    }

    #[test]
    fn evidence_is_worth_one_session_and_harm_is_worth_more() {
        close(session(&[0, 1, 2]).evidence(), (1.0, 0.0));
        close(session(&[0, 1]).evidence(), (0.35, 0.65));
        close(session(&[]).evidence(), (0.0, 1.0));
        close(Session::NO_PAGE.evidence(), (0.0, 1.0));
        close(session(&[3]).evidence(), (0.0, 1.4));
    }

    #[test]
    fn where_something_failed_nothing_is_earned_and_a_complaint_still_costs() {
        close(session(&[0, 1, 2, 4]).evidence(), (0.0, 1.0));
        close(session(&[0, 3, 4]).evidence(), (0.0, 1.4));
    }

    #[test]
    fn every_complaint_leaves_the_belief_worse_than_the_session_without_it() {
        let mean = |(alpha, beta): (f64, f64)| (2.0 + alpha) / (4.0 + alpha + beta);
        for without in [vec![], vec![0], vec![1], vec![0, 1], vec![2], vec![0, 1, 2], vec![0, 4]] {
            let with = [without.clone(), vec![3]].concat();
            assert!(mean(session(&with).evidence()) < mean(session(&without).evidence()), "{without:?}");
        }
    }

    proptest! {
        #[test]
        fn a_session_is_the_same_in_whatever_order_and_however_often_it_is_told(
            (events, again) in prop::collection::vec(0..5_usize, 0..12)
                .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
        ) {
            let one_by_one = |events: &[usize]| {
                events.iter().fold(Session::default(), |all, event| all.and(session(&[*event])))
            };
            prop_assert_eq!(one_by_one(&events), session(&again));
            prop_assert_eq!(one_by_one(&[events.clone(), again].concat()), session(&events));
            prop_assert_eq!(Session::read(session(&events).bits()), session(&events));
        }
    }
}
