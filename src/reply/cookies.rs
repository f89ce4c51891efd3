//! Cookies that a refusal expires in the browser.

use std::rc::Rc;

use crate::config::RuleConfig;
use crate::policy::{Effect, Rule};
use crate::request::{Request, is_token_byte};
use crate::state::Mode;
use crate::tree::{KeyPath, PathError, quoted};

/// A cookie to expire, for all refused requests or for those that meet conditions.
#[derive(Clone, Debug)]
pub struct ClearedCookie {
    /// The value of the `set-cookie` header.
    pub header: String,
    conditions: Option<Rc<Rule>>,
}

impl ClearedCookie {
    /// Compiles the list of cookies at `path`.
    pub fn compile(configs: &[RuleConfig], path: &KeyPath<'_>) -> Result<Vec<ClearedCookie>, PathError> {
        let mut cookies = Vec::with_capacity(configs.len());
        for (index, config) in configs.iter().enumerate() {
            let (path, name) = (path.index(index), &config.name);
            if name.is_empty() || !name.bytes().all(is_token_byte) {
                return Err(PathError::new(&path, format_args!("{} is not a cookie name", quoted(name))));
            }
            let is_conditional = config.has_condition() || config.modes.is_some();
            let conditions = if is_conditional { Some(Rc::new(Rule::with_conditions(config, &path)?)) } else { None };
            cookies.push(ClearedCookie { header: expired(name), conditions });
        }
        Ok(cookies)
    }

    /// True if the cookie is expired by all refusals.
    pub fn is_unconditional(&self) -> bool {
        self.conditions.is_none()
    }

    /// True if the cookie has conditions, and a request that is refused because of `mode` meets them.
    pub fn is_met(&self, request: &Request<'_>, mode: Mode) -> bool {
        self.conditions.as_ref().is_some_and(|conditions| conditions.matches(request, mode, Effect::Opens))
    }
}

/// The `set-cookie` that expires a cookie (RFC 6265 section 3.1). Browsers accept the prefixes `__Host-` and `__Secure-`
/// only with `Secure`, and over plain HTTP they accept other cookies only without it (RFC 6265bis section 4.1.3).
fn expired(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let secure = if lower.starts_with("__host-") || lower.starts_with("__secure-") { "; Secure" } else { "" };
    format!("{name}=; Max-Age=0; Path=/{secure}")
}
