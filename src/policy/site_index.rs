//! Which site a request belongs to: an exact host before the longest suffix before `*`, then the longest path prefix.

use hashbrown::HashMap;

use crate::matching::host::{HostName, HostPattern};
use crate::request::path::{Interpretation, NamedHost};
use crate::request::{Host, Request, RequestPath, WorkBudget};

/// Finds the site of a request.
#[derive(Clone, Debug, Default)]
pub struct SiteIndex {
    hosts: HashMap<HostPattern, PathIndex>,
    /// How many sites there are.
    sites: usize,
}

/// What it costs to look up one prefix or label, beside its bytes, in units of the budget.
const LOOKUP: usize = 32;

/// The sites of one host by path prefix, without a trailing slash.
#[derive(Clone, Debug, Default)]
struct PathIndex {
    /// The site of the empty prefix, which stands for all paths.
    all: Option<usize>,
    sites: HashMap<String, usize>,
    /// Every site of the host, in the order of the policy.
    every: Vec<usize>,
    /// The lengths of the prefixes, each once and the greatest first, in bytes.
    lengths: Vec<usize>,
}

impl PathIndex {
    /// Adds a prefix. The site that has it already is the error.
    fn insert(&mut self, prefix: &str, site: usize) -> Result<(), usize> {
        if self.every.last() != Some(&site) {
            self.every.push(site);
        }
        let before = match prefix {
            "" => self.all.replace(site),
            prefix => self.sites.insert(prefix.to_owned(), site),
        };
        if let Err(place) = self.lengths.binary_search_by(|length| prefix.len().cmp(length)) {
            self.lengths.insert(place, prefix.len());
        }
        before.map_or(Ok(()), Err)
    }

    /// The site of the longest prefix that ends at a segment. Costs one lookup for each length of a prefix.
    fn longest_prefix(&self, path: &str) -> Option<usize> {
        let is_end = |length: usize| path.as_bytes().get(length).is_none_or(|byte| *byte == b'/');
        let ends = self.lengths.iter().filter(|length| **length > 0 && is_end(**length));
        ends.filter_map(|length| self.sites.get(path.get(..*length)?)).next().copied().or(self.all)
    }

    /// What a lookup costs at most, in units of the budget.
    fn cost(&self) -> usize {
        self.lengths.iter().map(|length| length + LOOKUP).sum()
    }
}

impl SiteIndex {
    /// Adds `site` under a host and a path prefix (canonical, without a trailing slash). The site that stands there
    /// already is the error.
    pub fn insert(&mut self, host: HostPattern, prefix: &str, site: usize) -> Result<(), usize> {
        self.sites = self.sites.max(site + 1);
        self.hosts.entry(host).or_default().insert(prefix, site)
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

    /// The site of a canonical host and a path.
    pub fn site(&self, host: &str, path: &str) -> Option<usize> {
        // A host's own sites come first; a path that none of them covers is left to the next wider host.
        self.patterns(host).find_map(|paths| paths.longest_prefix(path))
    }

    /// The sites of all interpretations of a path, each once and with its paths; none where the budget does not suffice to
    /// look all of them up.
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
                NamedHost::Any => self.hosts.values().chain(own.iter().copied()).collect(),
            };
            if !budget.pay(path.len() + patterns.iter().map(|paths| paths.cost()).sum::<usize>()) {
                return None;
            }
            let mut sites = patterns.iter().filter_map(|paths| paths.longest_prefix(path));
            // The narrowest pattern of one host decides; any host may be that of each pattern.
            let sites: Vec<usize> =
                if *host == NamedHost::Any { sites.collect() } else { sites.next().into_iter().collect() };
            for site in sites {
                if let Some(paths) = found.get_mut(site).filter(|paths| paths.last() != Some(&path.as_str())) {
                    paths.push(path);
                }
            }
        }
        Some(found.into_iter().enumerate().filter(|(_, paths)| !paths.is_empty()).collect())
    }

    /// Every site that a request to `host` can belong to, by whatever path.
    fn sites_of(&self, host: &str) -> Vec<usize> {
        let mut sites = Vec::new();
        for paths in self.patterns(host) {
            sites.extend(&paths.every);
            // A site of all paths leaves nothing to wider hosts.
            if paths.all.is_some() {
                break;
            }
        }
        sites
    }

    /// The sites of each pattern that takes `host`, the narrowest first.
    fn patterns(&self, host: &str) -> impl Iterator<Item = &PathIndex> {
        let exact = self.hosts.get(&HostName::Exact(host));
        let suffixes = host.match_indices('.').filter(|(dot, _)| *dot > 0).filter_map(|(dot, _)| host.get(dot..));
        let by_suffix = suffixes.filter_map(|suffix| self.hosts.get(&HostName::Suffix(suffix)));
        let any = std::iter::once_with(|| self.hosts.get(&HostName::Any)).flatten();
        exact.into_iter().chain(by_suffix).chain(any)
    }
}

/// What [`SiteIndex::find`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteMatch<'r> {
    /// A canonical path: it belongs to one site or none.
    One(Option<usize>, &'r str),
    /// The sites of all interpretations of an ambiguous path, each with its paths.
    Several(Vec<(usize, Vec<&'r str>)>),
    /// The path may lead anywhere at these sites, or there is none.
    AnyPath(Vec<usize>),
    /// The host cannot be read: it may be that of any site.
    AnySite,
}

#[cfg(test)]
mod tests;
