//! Finds the site of a request: an exact host wins over the longest matching suffix, a suffix wins over `*`; among the
//! sites of a host, the longest matching path prefix wins.

use crate::byte_index::ByteIndex;
use crate::matching::HostPattern;
use crate::request::path::{Interpretation, NamedHost};
use crate::request::{Host, Request, RequestPath, WorkBudget};

/// The sites of a policy by host and path prefix. A site is identified by its position in the policy.
#[derive(Clone, Debug, Default)]
pub struct SiteIndex {
    /// The positions in `paths` by host pattern: `name`, `.suffix`, or empty for `*`.
    hosts: ByteIndex,
    paths: Vec<PathIndex>,
    /// The number of sites.
    sites: usize,
}

/// The sites that a request may belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteMatch<'r> {
    /// The path is canonical: at most one site, and the path.
    One(Option<usize>, &'r str),
    /// The path is ambiguous: the sites of all interpretations, each with its paths.
    Several(Vec<(usize, Vec<&'r str>)>),
    /// The path may resolve to any path of these sites, or the request has none.
    AnyPath(Vec<usize>),
    /// The host is ambiguous: the request may belong to any site.
    AnySite,
}

/// The cost of looking up one prefix or one part of a host name, besides its bytes, in units of the budget.
const LOOKUP: usize = 32;

/// The sites of one host pattern by path prefix.
#[derive(Clone, Debug, Default)]
struct PathIndex {
    /// The site of all paths that no prefix matches.
    all: Option<usize>,
    /// The sites by path prefix, without a trailing slash.
    sites: ByteIndex,
    /// All sites of the host, in the order of the policy.
    every: Vec<usize>,
    /// The distinct lengths of the prefixes, in bytes, longest first.
    lengths: Vec<usize>,
}

impl PathIndex {
    /// Adds a prefix; empty for all paths. The error is the site that already has it.
    fn insert(&mut self, prefix: &str, site: usize) -> Result<(), usize> {
        if self.every.last() != Some(&site) {
            self.every.push(site);
        }
        let before = match prefix {
            "" => self.all.replace(site),
            prefix => self.sites.insert(prefix.as_bytes(), site),
        };
        if let Err(position) = self.lengths.binary_search_by(|length| prefix.len().cmp(length)) {
            self.lengths.insert(position, prefix.len());
        }
        before.map_or(Ok(()), Err)
    }

    /// The site of the longest prefix that matches whole segments of `path`. Looks up each length once.
    fn longest_prefix(&self, path: &str) -> Option<usize> {
        let is_end = |length: usize| path.as_bytes().get(length).is_none_or(|byte| *byte == b'/');
        let mut lengths = self.lengths.iter().filter(|length| **length > 0 && is_end(**length));
        lengths.find_map(|length| self.sites.get(path.as_bytes().get(..*length)?)).or(self.all)
    }

    /// The greatest cost of a lookup, in units of the budget.
    fn cost(&self) -> usize {
        self.lengths.iter().map(|length| length + LOOKUP).sum()
    }
}

impl SiteIndex {
    /// Adds `site` with a host and a path prefix (canonical, without a trailing slash, empty for all paths). The error is
    /// the site that already has both.
    pub fn insert(&mut self, host: &HostPattern, prefix: &str, site: usize) -> Result<(), usize> {
        self.sites = self.sites.max(site + 1);
        let key = match host {
            HostPattern::Exact(name) | HostPattern::Suffix(name) => name.as_bytes(),
            HostPattern::Any => b"",
        };
        let position = self.hosts.get(key).unwrap_or_else(|| {
            self.hosts.insert(key, self.paths.len());
            self.paths.push(PathIndex::default());
            self.paths.len() - 1
        });
        self.paths.get_mut(position).map_or(Ok(()), |paths| paths.insert(prefix, site))
    }

    /// The sites that a request may belong to.
    pub fn find<'r>(&self, request: &'r Request<'_>) -> SiteMatch<'r> {
        let Some(host) = &request.host else {
            return SiteMatch::AnySite;
        };
        let every_site = || SiteMatch::AnyPath((0..self.sites).collect());
        match &request.path {
            _ if request.is_connect() => SiteMatch::AnyPath(self.sites_of(host.as_str())),
            RequestPath::Canonical(path) => SiteMatch::One(self.site(host.as_str(), path), path),
            RequestPath::Ambiguous { interpretations, .. } => {
                self.sites_by(host, interpretations, &request.budget).map_or_else(every_site, SiteMatch::Several)
            }
            RequestPath::Anywhere { may_leave_host: false, .. } => SiteMatch::AnyPath(self.sites_of(host.as_str())),
            RequestPath::Anywhere { may_leave_host: true, .. } => every_site(),
        }
    }

    /// The site of a canonical host and path.
    pub fn site(&self, host: &str, path: &str) -> Option<usize> {
        // If no prefix of a host matches, the next wider pattern may.
        self.patterns(host).find_map(|paths| paths.longest_prefix(path))
    }

    /// The sites of all interpretations of a path, each with its paths; none if the budget is too small for all lookups.
    fn sites_by<'r>(
        &self,
        own: &Host,
        interpretations: &'r [Interpretation],
        budget: &WorkBudget,
    ) -> Option<Vec<(usize, Vec<&'r str>)>> {
        let mut found: Vec<Vec<&str>> = vec![Vec::new(); self.sites];
        let own: Vec<&PathIndex> = self.patterns(own.as_str()).collect();
        let other = |host: &Host| {
            let labels = host.as_str().split('.').count();
            budget.pay(labels * (host.as_str().len() + LOOKUP)).then(|| self.patterns(host.as_str()).collect())
        };
        for Interpretation { host, path } in interpretations {
            let patterns: Vec<&PathIndex> = match host {
                NamedHost::Own => own.clone(),
                NamedHost::Other(host) => other(host)?,
                NamedHost::Any => self.paths.iter().collect(),
            };
            if !budget.pay(path.len() + patterns.iter().map(|paths| paths.cost()).sum::<usize>()) {
                return None;
            }
            // Of one host, the first pattern with a matching prefix decides; any host may match each pattern.
            let matches = if *host == NamedHost::Any { patterns.len() } else { 1 };
            for site in patterns.iter().filter_map(|paths| paths.longest_prefix(path)).take(matches) {
                if let Some(paths) = found.get_mut(site).filter(|paths| paths.last() != Some(&path.as_str())) {
                    paths.push(path);
                }
            }
        }
        Some(found.into_iter().enumerate().filter(|(_, paths)| !paths.is_empty()).collect())
    }

    /// All sites that a request to `host` can belong to, with any path.
    fn sites_of(&self, host: &str) -> Vec<usize> {
        let mut sites = Vec::new();
        for paths in self.patterns(host) {
            sites.extend(&paths.every);
            // A site with all paths leaves none to wider patterns.
            if paths.all.is_some() {
                break;
            }
        }
        sites
    }

    /// The sites of each pattern that matches `host`: the exact host, then suffixes from longest to shortest, then `*`.
    fn patterns(&self, host: &str) -> impl Iterator<Item = &PathIndex> {
        let suffixes = host.match_indices('.').filter(|(dot, _)| *dot > 0).filter_map(|(dot, _)| host.get(dot..));
        let names = std::iter::once(host).chain(suffixes).chain(std::iter::once(""));
        names.filter_map(|name| self.paths.get(self.hosts.get(name.as_bytes())?))
    }
}

#[cfg(test)]
mod tests;
