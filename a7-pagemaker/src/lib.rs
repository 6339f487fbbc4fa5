//! A7, the page maker: public pages, their discovery by search engines, calls to action and leads.

mod contract;
pub mod reference;

pub use contract::contract;
