//! A4, the scholarship sage: chat completions as OpenAI's API has them, with coaching where a student asks for the essay.

mod contract;
pub mod reference;

pub use contract::contract;
