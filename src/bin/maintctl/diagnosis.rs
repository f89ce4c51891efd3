//! Remarks on a target: problems that the reports of its Envoys show, each with a remedy.
//!
//! [`envoy`] has the remarks on one Envoy, [`fleet`] those on several Envoys together, [`closure`] those on the document of a
//! site, and [`lag`] the reasons why an Envoy has not adopted a document. All of them are functions that send no requests.
//! `status`, `doctor` and the answers of changes show the same remarks.

pub mod closure;
pub mod envoy;
pub mod fleet;
pub mod lag;
pub mod remark;
