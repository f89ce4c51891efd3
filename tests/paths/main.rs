//! A search for paths that pass a closed site, and for paths that are refused although nothing about them is closed.
//!
//! Envoy normalizes a path (`envoy`), the filter decides about the result, and each server resolves it in its own way
//! (`servers`). The search generates paths that these programs interpret differently (`generate`) and reports two kinds
//! of mistakes: a path that passes although a server resolves it to a closed path, and a path without dot segments that
//! is refused although none of its `interpretations` is closed.
//!
//! The variable `PATHS` sets the number of paths for each setting, and `SEED` the seed of the generator.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod envoy;
mod generate;
mod interpretations;
mod policies;
mod rows;
mod servers;

use std::collections::BTreeMap;

use envoy::{EnvoyModel, Setting};
use generate::{Pieces, SplitMix64};
use policies::{Case, PROBE, Ruling};
use servers::Read;
use servers::steps::decode_unreserved;

/// The default number of paths that reach the filter in each setting.
const PATHS: usize = 100_000;
const SEED: u64 = 6;

#[test]
fn no_path_is_misjudged_with_envoys_defaults() {
    search(Setting::Defaults);
}

#[test]
fn no_path_is_misjudged_with_normalize_path() {
    search(Setting::Base);
}

#[test]
fn no_path_is_misjudged_with_the_shipped_bootstrap() {
    search(Setting::Shipped);
}

/// The mistakes by kind: the first path with the mistake, and the number of such paths.
type Findings = BTreeMap<String, (EnvoyModel, Pieces, usize)>;

fn search(setting: Setting) {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
    };
    let (count, seed) = (number("PATHS", PATHS as u64), number("SEED", SEED));
    let cases = policies::cases();
    let mut random = SplitMix64::new(seed);
    let mut findings = Findings::new();
    let mut answers: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut reached = 0;
    while reached < count {
        let pieces = generate::path(&mut random);
        let envoy = EnvoyModel { setting, cuts_dot_parameters: random.chance(50) };
        let Some(path) = envoy.follow(&pieces.concat()) else { continue };
        reached += 1;
        let mut reads = None;
        for (case, answer) in cases.iter().zip(policies::answers(&cases, &path)) {
            *answers.entry((case.name, answer.name())).or_default() += 1;
            if let Some(kind) = mistake(case, answer, &path, &mut reads) {
                findings.entry(kind).or_insert_with(|| (envoy, pieces.clone(), 0)).2 += 1;
            }
        }
    }
    let report: Vec<String> =
        findings.iter().map(|(kind, (envoy, pieces, count))| describe(&cases, kind, *envoy, pieces, *count)).collect();
    assert!(report.is_empty(), "{setting:?}, SEED={seed}, {reached} paths:\n{}", report.join("\n"));
    // The search must have seen enough of both decisions.
    for case in &cases {
        for answer in [Ruling::Passes, Ruling::Refused] {
            let count = answers.get(&(case.name, answer.name())).copied().unwrap_or_default();
            assert!(count * 1000 > reached as usize, "{}: only {count} of {reached} {}", case.name, answer.name());
        }
    }
}

/// The interpretations of all servers that accept the path, in canonical form for comparisons.
fn read(path: &[u8], hosts_only: bool) -> Vec<Read> {
    let canonical = |mut read: Read| {
        read.seen.path = decode_unreserved(&read.seen.path);
        read
    };
    if hosts_only {
        servers::read_hosts(path).map(canonical).collect()
    } else {
        servers::read(path).map(canonical).collect()
    }
}

/// The mistake in a decision, if any. `reads` caches the interpretations of the servers for the next case.
fn mistake(case: &Case, answer: Ruling, path: &[u8], reads: &mut Option<Vec<Read>>) -> Option<String> {
    let mut find = |is_mistake: &dyn Fn(&Read) -> bool, what: &str| {
        let mut of_hosts = None;
        let reads = if case.is_of_other_hosts { &mut of_hosts } else { &mut *reads };
        let reads = reads.get_or_insert_with(|| read(path, case.is_of_other_hosts));
        let found = reads.iter().find(|read| is_mistake(read))?;
        let nginx = if found.is_behind_nginx { "nginx with a URI, then " } else { "" };
        Some(format!("{}: {what} {nginx}{}", case.name, found.server))
    };
    match answer {
        Ruling::Passes => {
            let is_closed = |read: &Read| {
                let host = read.seen.host.as_deref().map_or(case.host, |host| host.strip_suffix('.').unwrap_or(host));
                (case.is_closed)(host, &read.seen.path)
            };
            find(&is_closed, "passes, but is closed to:")
        }
        Ruling::Probe => find(&|read| read.seen.path != PROBE, "is a probe, but not to:"),
        Ruling::Refused if case.has_online_rest => {
            let kind = || format!("{}: refused, but no interpretation is closed", case.name);
            (!may_be_refused(case, path)).then(kind)
        }
        // Plain paths below /public are exempt.
        Ruling::Refused => {
            let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~');
            let segments = path.strip_prefix(b"/public/")?;
            let is_plain =
                segments.split(|byte| *byte == b'/').all(|part| !part.is_empty() && part.iter().all(is_plain));
            is_plain.then(|| format!("{}: a plain exempt path is refused", case.name))
        }
    }
}

/// True if an interpretation of the path is closed or has a dot segment.
fn may_be_refused(case: &Case, path: &[u8]) -> bool {
    if interpretations::has_plain_dots(path) {
        return true;
    }
    let Some(interpretations) = interpretations::of(path) else { return true };
    interpretations.iter().any(|(host, path)| {
        let path = decode_unreserved(path);
        let is_closed = match host.as_deref().map(|host| (host, plain_host(host))) {
            None => (case.is_closed)(case.host, &path),
            Some((_, Some(host))) => (case.is_closed)(&host, &path),
            // A name that servers interpret differently may be the host of any site.
            Some((_, None)) => {
                ["shop", "closed", "half"].iter().any(|name| (case.is_closed)(&format!("{name}.example.com"), &path))
            }
        };
        is_closed || interpretations::has_dots(&path)
    })
}

/// A host in lower case without its port; `None` if it has other characters than letters, digits, `-`, `_` and dots.
fn plain_host(host: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(host).ok()?.to_ascii_lowercase();
    let (name, port) = text.split_once(':').unwrap_or((&text, ""));
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    let is_plain = is_plain && port.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| name.strip_suffix('.').unwrap_or(name).to_owned())
}

impl Ruling {
    fn name(self) -> &'static str {
        match self {
            Ruling::Passes => "pass",
            Ruling::Refused => "are refused",
            Ruling::Probe => "are probes",
        }
    }
}

/// Describes a kind of mistake, with the shortest path that still has it.
fn describe(cases: &[Case], kind: &str, envoy: EnvoyModel, pieces: &Pieces, count: usize) -> String {
    let has_mistake = |pieces: &Pieces| {
        let Some(path) = envoy.follow(&pieces.concat()) else { return false };
        let answers = policies::answers(cases, &path);
        let mut kinds = cases.iter().zip(answers).filter_map(|(case, answer)| mistake(case, answer, &path, &mut None));
        kinds.any(|found| found == kind)
    };
    let mut pieces = pieces.clone();
    let mut at = 0;
    while at < pieces.len() {
        let mut fewer = pieces.clone();
        fewer.remove(at);
        if has_mistake(&fewer) {
            (pieces, at) = (fewer, 0);
        } else {
            at += 1;
        }
    }
    let path = pieces.concat();
    let filter = envoy.follow(&path).unwrap_or_default();
    format!("  {kind} ({count}): {}, to the filter {}", path.escape_ascii(), filter.escape_ascii())
}
