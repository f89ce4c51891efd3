//! placeholder until the reply branch lands
use crate::{
    config::ReplyConfig, policy::HostPattern, request::*, state::Situation, time::Time, tree::*,
    verdict::Refusal,
};
pub struct ReplyPart;
#[derive(Debug)]
pub struct Reply;
pub struct RedirectTarget {
    pub host: Option<Host>,
    pub path: String,
}
impl ReplyPart {
    pub fn compile(_: &ReplyConfig, _: &Path<'_>) -> Result<ReplyPart, PathError> {
        Ok(ReplyPart)
    }
}
impl Reply {
    pub fn merge(
        _: &ReplyPart,
        _: &ReplyPart,
        _: &str,
        _: &[HostPattern],
        _: &Path<'_>,
    ) -> Result<Reply, PathError> {
        Ok(Reply)
    }
    pub fn redirect_target(&self) -> Option<&RedirectTarget> {
        None
    }
    pub fn answer(
        &self,
        _: Refusal<'_>,
        _: &Situation<'_>,
        _: &Request<'_>,
        _: Time,
        _: u32,
    ) -> LocalReply {
        LocalReply {
            status: 503,
            headers: vec![],
            body: b"x".to_vec(),
            grpc_status: None,
            details: "maintenance_offline",
        }
    }
}
pub struct LocalReply {
    pub status: u32,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub grpc_status: Option<u32>,
    pub details: &'static str,
}
pub fn health_check() -> LocalReply {
    LocalReply {
        status: 200,
        headers: vec![],
        body: b"ok".to_vec(),
        grpc_status: None,
        details: "maintenance_health_check",
    }
}
