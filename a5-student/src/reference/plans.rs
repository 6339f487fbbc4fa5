//! What a student can have and buy. Prices are cents; each is paid once.

/// A plan, or the pack of credits that tops one up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) price_minor: i64,
    pub(super) credits: i64,
    pub(super) for_whom: &'static str,
    /// Under which key the payment provider keeps the price; `None` if there is nothing to pay.
    pub(super) lookup_key: Option<&'static str>,
}

/// All plans, cheapest first; the first is everybody's until she chooses.
pub(super) const PLANS: [Plan; 3] = [
    Plan {
        id: "free",
        title: "Free",
        price_minor: 0,
        credits: 5,
        for_whom: "To look around and ask your first questions.",
        lookup_key: None,
    },
    Plan {
        id: "starter",
        title: "Starter",
        price_minor: 900,
        credits: 60,
        for_whom: "For a handful of applications in one term.",
        lookup_key: Some("scholar_starter_900_usd"),
    },
    Plan {
        id: "scholar",
        title: "Scholar",
        price_minor: 1_900,
        credits: 200,
        for_whom: "For a whole year of deadlines.",
        lookup_key: Some("scholar_plan_1900_usd"),
    },
];

/// The smallest purchase: a few credits more, on any plan.
pub(super) const MICRO: Plan = Plan {
    id: "micro",
    title: "Top-up",
    price_minor: 50,
    credits: 10,
    for_whom: "A few more questions before the deadline.",
    lookup_key: Some("scholar_micro_050_usd"),
};

impl Plan {
    /// The plan of this id.
    pub(super) fn find(id: &str) -> Option<&'static Self> {
        PLANS.iter().find(|plan| plan.id == id)
    }

    /// The plan or pack of this id, if it costs something.
    pub(super) fn for_sale(id: &str) -> Option<&'static Self> {
        PLANS.iter().chain([&MICRO]).find(|plan| plan.id == id && plan.lookup_key.is_some())
    }

    /// `$9.00`.
    pub(super) fn price(&self) -> String {
        price(self.price_minor)
    }
}

/// `$9.00`.
pub(super) fn price(minor: i64) -> String {
    format!("${}.{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_price_is_for_sale_and_no_price_is_below_the_floor() {
        let ids: Vec<_> = PLANS.iter().chain([&MICRO]).filter_map(|plan| Plan::for_sale(plan.id)).collect();
        assert_eq!(ids.iter().map(|plan| plan.id).collect::<Vec<_>>(), ["starter", "scholar", "micro"]);
        assert!(ids.iter().all(|plan| plan.price_minor >= 50));
        assert_eq!((Plan::for_sale("free").map(|plan| plan.id), Plan::find("micro").map(|plan| plan.id)), (None, None));
        assert_eq!((MICRO.price(), price(1_905)), ("$0.50".to_owned(), "$19.05".to_owned()));
    }
}
