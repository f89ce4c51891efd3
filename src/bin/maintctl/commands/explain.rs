//! `maintctl explain`: shows the decision on a request and the reasons for it. Files and flags replace Envoy; the
//! filter's own code computes the decision and the reply.

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use envoy_maintenance::compiled::CompiledConfig;
use envoy_maintenance::policy::{Policy, Site};
use envoy_maintenance::reply::health_check;
use envoy_maintenance::request::Request;
use envoy_maintenance::state::{EffectiveState, Mode};
use envoy_maintenance::time::Time;
use envoy_maintenance::verdict::{Decision, PassReason, Refusal, Verdict, decide};
use jiff::Zoned;

use crate::args::ExplainArgs;
use crate::args::common::Global;
use crate::config::policy_file;
use crate::exit::ExitError;
use crate::terminal::times;

mod explanation;
mod live;
mod peer;
mod print;
pub mod states;
mod url;
pub mod wire;

use explanation::{Action, Explanation};
use live::LiveState;
use peer::ClientFlags;
use states::States;
use wire::ClientResponse;

pub fn run(global: &Global, args: &ExplainArgs) -> Result<ExitCode> {
    let live = if args.live { Some(LiveState::ask(global, args.policy.as_deref())?) } else { None };
    let policy = args.policy.as_ref().or_else(|| live.as_ref().map(|live| &live.policy));
    let policy = policy.context("--policy or --live is required")?;
    let config = policy_file::compile(policy, args.plugin.as_deref())?;
    let at = at(args.at.as_deref())?;
    let mut states = States::read(&args.state, &config.policy, at)?;
    if let Some(live) = live {
        live.add_to(&mut states, &config.policy, at)?;
    }
    let (headers, url_notes) = url::headers(args).map_err(|problem| anyhow!(ExitError::Usage(problem)))?;
    let flags = ClientFlags::new(args);
    let request = Request::new(&headers, &flags);
    let mut explanation = explain(&config, &states, &request, &flags, at);
    explanation.notes.splice(0..0, url_notes.into_iter().chain(states.notes));
    if args.json {
        answer!("{}", print::json(&explanation));
    } else {
        print::lines(&explanation)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The time of `--at`.
fn at(text: Option<&str>) -> Result<Time> {
    let now = times::now();
    let any = |flag: &str, text: &str, now: &Zoned| times::any(flag, text, times::time(now), now);
    text.map_or_else(|| Ok(times::time(&now)), |text| times::read_echoed("--at", text, &now, any))
}

fn explain(
    config: &CompiledConfig,
    states: &States,
    request: &Request<'_>,
    flags: &ClientFlags,
    at: Time,
) -> Explanation {
    let policy = &config.policy;
    let explanation = |verdict: &str, outcome: Action, notes: Vec<String>| Explanation {
        at,
        verdict: verdict.to_owned(),
        outcome,
        site: None,
        mode: Mode::Online,
        rule: None,
        host: request.host.as_ref().map(|host| host.as_str().to_owned()),
        path: request.path.clone(),
        notes,
    };
    if policy.below_control(request).is_some() {
        let note = "the response depends on Envoy's state; use `maintctl status`".to_owned();
        return explanation("control-endpoint", Action::Control, vec![note]);
    }
    if policy.control.is_some() && policy.sites.is_empty() {
        let note = "the policy has no sites: every path outside of the control endpoint gets a 404";
        return explanation("control-endpoint", Action::Control, vec![note.to_owned()]);
    }
    let effective = states.effective_states(policy, at);
    let decision = decide(policy, |site| effective.get(site).unwrap_or(EffectiveState::ONLINE), request);
    let is_spent = request.budget.left() == 0;
    let mut notes = decision.site.map_or_else(Vec::new, |(_, site)| peer::notes(site, &decision, request, flags));
    notes.extend(site_notes(policy, states, &decision));
    if is_spent {
        let note = "the budget of the request was exhausted before all rules were evaluated; from then on exempt rules do not match, and \
                    always_closed rules do; `maintctl lint` names the most expensive rule";
        notes.insert(0, note.to_owned());
    }
    let mut explained = explanation(&decision.verdict.to_string(), outcome(config, &decision, request, at), notes);
    explained.site = decision.site.map(|(_, site)| site.name.clone());
    explained.mode = decision.state.mode();
    explained.rule = rule(&decision.verdict).map(str::to_owned);
    explained
}

fn outcome(config: &CompiledConfig, decision: &Decision<'_>, request: &Request<'_>, at: Time) -> Action {
    let reply = decision.site.and_then(|(position, _)| config.replies.get(position));
    match (decision.verdict, reply) {
        (Verdict::Refuse(refusal), Some(reply)) => {
            // Without jitter, which is random.
            Action::Answer(ClientResponse::of(&reply.answer(refusal, decision.state, request, at, 0), request))
        }
        (Verdict::HealthCheck(_), _) => Action::Answer(ClientResponse::of(&health_check(), request)),
        // A refusal always has a site.
        (Verdict::Pass(_), _) | (Verdict::Refuse(_), None) => {
            Action::Pass(decision.status().map(|status| ("x-maintenance-status", status)).into_iter().collect())
        }
    }
}

fn rule<'p>(verdict: &Verdict<'p>) -> Option<&'p str> {
    match verdict {
        Verdict::HealthCheck(rule)
        | Verdict::Pass(PassReason::Exempt(rule))
        | Verdict::Refuse(Refusal::AlwaysClosed(rule)) => Some(rule),
        Verdict::Pass(PassReason::NoSite | PassReason::Online | PassReason::RedirectTarget | PassReason::ReadOnly)
        | Verdict::Refuse(Refusal::Mode(_)) => None,
    }
}

/// Notes on the state of the site.
fn site_notes(policy: &Policy, states: &States, decision: &Decision<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let Some((_, site)) = decision.site else {
        let sites: Vec<&str> = policy.sites.iter().map(|site| site.name.as_str()).collect();
        notes.push(format!("no site matches this host and path (sites: {})", sites.join(", ")));
        return notes;
    };
    if !states.knows(site) {
        let note = "no document gives the state of the site, so it counts as online; --live uses the current one, --state that \
                    of a file";
        notes.push(note.to_owned());
    }
    let rules = |site: &Site| site.exempt.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>();
    let suspended: Vec<String> = rules(site).into_iter().filter(|name| decision.state.suspends(name)).collect();
    if !suspended.is_empty() {
        notes.push(format!("suspended rules: {}", suspended.join(", ")));
    }
    notes
}

#[cfg(test)]
mod tests;
