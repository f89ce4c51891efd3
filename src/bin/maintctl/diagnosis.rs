//! Remarks on a target: problems that the reports of its Envoys show, each with a remedy.
//!
//! [`envoy`] has the remarks on one Envoy, [`lag`] the reasons why an Envoy has not adopted a document. Both are functions of
//! the Envoy's status and send no requests. `status`, `doctor` and the answers of changes show the same remarks.

pub mod envoy;
pub mod lag;
pub mod remark;
