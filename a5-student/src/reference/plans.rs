//! The plans a student can choose. Prices are cents; nothing is charged here.

/// A plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) price_minor: i64,
    pub(super) credits: u32,
    pub(super) for_whom: &'static str,
}

/// All plans, cheapest first; the first is everybody's until she chooses.
pub(super) const PLANS: [Plan; 3] = [
    Plan { id: "free", title: "Free", price_minor: 0, credits: 5, for_whom: "To look around and keep a shortlist." },
    Plan {
        id: "starter",
        title: "Starter",
        price_minor: 900,
        credits: 60,
        for_whom: "For a handful of applications in one term.",
    },
    Plan {
        id: "scholar",
        title: "Scholar",
        price_minor: 1_900,
        credits: 200,
        for_whom: "For a whole year of deadlines.",
    },
];

impl Plan {
    /// The plan of this id.
    pub(super) fn find(id: &str) -> Option<&'static Self> {
        PLANS.iter().find(|plan| plan.id == id)
    }

    /// `$9.00`.
    pub(super) fn price(&self) -> String {
        format!("${}.{:02}", self.price_minor / 100, self.price_minor % 100)
    }
}
