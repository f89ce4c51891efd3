//! The reply of a closed site to a request of a visitor.

use anyhow::{Context, Result, bail};
use envoy_maintenance::compiled::CompiledConfig;
use envoy_maintenance::matching::HostPattern;
use envoy_maintenance::policy::{Policy, Site};
use envoy_maintenance::request::{HeaderMap, Request, UnknownPeer};
use envoy_maintenance::state::{EffectiveState, Mode};
use envoy_maintenance::time::Time;
use envoy_maintenance::verdict::Refusal;

use crate::args::PreviewArgs;
use crate::commands::explain::states::States;
use crate::commands::explain::wire::ClientResponse;
use crate::config::policy_file;
use crate::document::draft::Draft;
use crate::document::edit::{self, Details};
use crate::exit::ExitError;
use crate::terminal::output::shown;
use crate::terminal::times::{self, after};
use crate::write::selection;

/// A closed site of a policy.
pub struct Preview<'a> {
    args: &'a PreviewArgs,
    details: Details,
    /// The time of the start, from which the site is closed.
    since: Time,
    pub site: String,
}

/// The header of a request.
pub type Header = (String, String);

impl Preview<'_> {
    /// Reads the policy and the flags. Fails if the site is not closed.
    pub fn new(args: &PreviewArgs) -> Result<Preview<'_>> {
        let now = times::now();
        let since = times::time(&now);
        let duration_or_time = |flag: &str, text: &str, now: &_| times::future_or_duration(flag, text, since, now);
        let until =
            args.until.as_ref().map(|text| times::read_echoed("--until", text, &now, times::future)).transpose()?;
        let details = Details {
            until: args.lasting.map(|lasting| after(since, lasting)).or(until),
            eta: args.eta.as_ref().map(|text| times::read_echoed("--eta", text, &now, duration_or_time)).transpose()?,
            reason: args.reason.clone(),
            ..Details::default()
        };
        let mut preview = Preview { args, details, since, site: String::new() };
        let config = preview.config()?;
        preview.site = chosen(args.site.as_ref(), &config.policy)?;
        let (_, site) = preview.site(&config.policy)?;
        if preview.state(&config.policy, site, since)?.mode() == Mode::Online {
            bail!("{}: online in this state, so visitors reach the application", preview.site);
        }
        Ok(preview)
    }

    /// The page for browsers.
    pub fn html(&self) -> Result<Vec<u8>> {
        let reply = self.reply("GET", "/", &[("accept".to_owned(), "text/html".to_owned())])?;
        match reply.headers.iter().find(|(name, _)| name == "location") {
            Some((_, target)) => {
                bail!("{}: browsers are redirected to {}, so there is no page", self.site, shown(target))
            }
            None => Ok(reply.body),
        }
    }

    /// The reply to a request. `headers` have names in lower case.
    pub fn reply(&self, method: &str, target: &str, headers: &[Header]) -> Result<ClientResponse> {
        let config = self.config()?;
        let (position, site) = self.site(&config.policy)?;
        let now = times::time(&times::now());
        let state = self.state(&config.policy, site, now)?;
        let host = site.hosts.iter().find_map(|host| match host {
            HostPattern::Exact(host) => Some(host.to_string()),
            _ => None,
        });
        let host = host.unwrap_or_else(|| "localhost".to_owned());
        let pseudo = [(":method", method), (":scheme", "https"), (":authority", &host), (":path", target)];
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let entries = pseudo.into_iter().chain(headers.filter(|(name, _)| *name != "host"));
        let headers = HeaderMap::new(entries.map(|(name, value)| (name.into(), value.into())).collect());
        let request = Request::new(&headers, &UnknownPeer);
        if state.mode() == Mode::Online {
            let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
            return Ok(ClientResponse { status: 200, headers, body: b"the site is open now\n".to_vec() });
        }
        let reply = config.replies.get(position).context("no reply")?;
        Ok(ClientResponse::of(&reply.answer(Refusal::Mode(state.mode()), &state, &request, now, 0), &request))
    }

    /// Reads the policy, which the operator may edit meanwhile.
    fn config(&self) -> Result<CompiledConfig> {
        policy_file::compile(&self.args.policy, self.args.plugin.as_deref())
    }

    fn site<'p>(&self, policy: &'p Policy) -> Result<(usize, &'p Site)> {
        let found = policy.sites.iter().enumerate().find(|(_, site)| site.name == self.site);
        found.with_context(|| ExitError::Usage(format!("{}: no longer a site of the policy", self.site)))
    }

    /// The state of the site: that of the file or the policy, else that of the flags.
    fn state(&self, policy: &Policy, site: &Site, now: Time) -> Result<EffectiveState> {
        let files: Vec<_> = self.args.state.iter().cloned().collect();
        let states = States::read(&files, policy, now)?;
        if states.knows(site) {
            let states = states.effective_states(policy, now);
            let own = policy.sites.iter().zip(states).find(|(other, _)| other.name == site.name);
            return Ok(own.map(|(_, state)| state).unwrap_or_default());
        }
        let mut draft = Draft::new(&site.name, policy.fleet.as_deref());
        let mode = if self.args.read_only { Mode::ReadOnly } else { Mode::Offline };
        edit::close(&mut draft, mode, &self.details, self.since)?;
        Ok(draft.read()?.at(now))
    }
}

/// The site with this name, or the only site.
fn chosen(site: Option<&String>, policy: &Policy) -> Result<String> {
    let names: Vec<String> = policy.sites.iter().map(|site| site.name.clone()).collect();
    if let Some(site) = site {
        selection::existing(std::slice::from_ref(site), &names, false)?;
        return Ok(site.clone());
    }
    match names.as_slice() {
        [one] => Ok(one.clone()),
        [] => bail!("the policy has no sites"),
        several => bail!(ExitError::Usage(format!("no site given (sites: {})", several.join(", ")))),
    }
}
