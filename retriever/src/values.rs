//! Values in text: amounts with their currency or unit, and dates, each with its place.
//!
//! English and Spanish notations are equals: 1,250.50 and 1.250,50 are one number. Pure functions of
//! the text; where a notation can be read in two ways, the document's language decides.

mod amount;
mod date;
mod number;
mod total;
mod unit;

pub(crate) use amount::{Amount, amounts};
pub(crate) use date::{Dated, dates, document_date, month_named, quarter_counted, quarter_named};
pub(crate) use number::Number;
pub(crate) use total::total;
pub(crate) use unit::Unit;
