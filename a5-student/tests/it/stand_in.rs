//! The stand-ins for the payment provider and the CRM, as anybody sees them who speaks HTTP.

mod checkout;
mod contacts;
mod objects;
mod requests;
mod shop;
mod webhooks;
