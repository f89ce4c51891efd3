//! Pages whose images, scripts or style sheets the policy refuses.

use envoy_maintenance::matching::HostPattern;
use envoy_maintenance::policy::Site;
use envoy_maintenance::verdict::Verdict;

use super::request::decided;
use super::subject::Subject;
use crate::commands::lint::code;
use crate::commands::lint::finding::Finding;

/// Assets of a page that are refused together with the page while the site is closed.
pub fn refused_assets(subject: &Subject) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for (position, site) in subject.policy.sites.iter().enumerate() {
        let Some((path, page)) = subject.reply_text(position, "html", |reply| reply.html.as_deref()) else { continue };
        for asset in assets(page) {
            let Some((host, target)) = location(asset, site) else { continue };
            if decided(subject, &host, &target, |_, verdict| !matches!(verdict, Verdict::Pass(_))) {
                let text = format!(
                    "the page loads {asset}, which site \"{}\" refuses while it is closed; exempt that path, or embed the \
                     asset as a data: URL",
                    site.name
                );
                let finding = code::ASSET_REFUSED.at(path.clone(), text);
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
        }
    }
    findings
}

/// The URLs that a page loads by itself: `src` and `poster` of any element, `href` of links, `url(…)` of styles.
fn assets(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for tag in page.split('<').skip(1) {
        let end = tag.find('>').unwrap_or(tag.len());
        let tag = tag.get(..end).unwrap_or(tag);
        let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
        found.extend(["src", "poster"].into_iter().filter_map(|key| attribute(tag, key)));
        let lower = tag.to_ascii_lowercase();
        if name == "link" && ["stylesheet", "icon", "preload", "manifest"].iter().any(|kind| lower.contains(kind)) {
            found.extend(attribute(tag, "href"));
        }
    }
    for rest in page.split("url(").skip(1) {
        let inner = rest.split(')').next().unwrap_or_default();
        found.push(inner.trim().trim_matches(['"', '\'']));
    }
    found
}

fn attribute<'t>(tag: &'t str, key: &str) -> Option<&'t str> {
    let lower = tag.to_ascii_lowercase();
    let found = lower.match_indices(key).find(|(at, _)| {
        let before = lower.get(..*at).and_then(|before| before.chars().next_back());
        let after = lower.get(at + key.len()..).unwrap_or_default().trim_start();
        before.is_some_and(|c| c.is_ascii_whitespace() || c == '"' || c == '\'') && after.starts_with('=')
    });
    let value = tag.get(found?.0 + key.len()..)?.trim_start().strip_prefix('=')?.trim_start();
    match value.chars().next()? {
        quote @ ('"' | '\'') => value.get(1..)?.split(quote).next(),
        _ => value.split(|c: char| c.is_ascii_whitespace()).next(),
    }
}

/// The host and path of an asset; `None` if it is on another host.
fn location(asset: &str, site: &Site) -> Option<(String, String)> {
    if asset.is_empty() || asset.starts_with('#') || asset.contains("{{") {
        return None;
    }
    let lower = asset.to_ascii_lowercase();
    let after_scheme = ["https://", "http://", "//"].iter().find(|scheme| lower.starts_with(**scheme));
    if let Some(scheme) = after_scheme {
        let rest = asset.get(scheme.len()..)?;
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let is_own = site.hosts.iter().any(|own| *own != HostPattern::Any && own.matches(&host.to_ascii_lowercase()));
        return is_own.then(|| (host.to_owned(), if path.is_empty() { "/".to_owned() } else { path.to_owned() }));
    }
    let scheme_end = asset.find(':').unwrap_or(asset.len());
    if scheme_end < asset.find(['/', '?', '#']).unwrap_or(asset.len()) {
        return None;
    }
    let host = match site.hosts.first()? {
        HostPattern::Exact(host) => host.clone(),
        HostPattern::Suffix(suffix) => format!("www{suffix}"),
        HostPattern::Any => "example.com".to_owned(),
    };
    // A page replaces any path of the site, so a relative URL is taken relative to the site's first path.
    let below = site.paths.first().map_or("", String::as_str);
    let path = if asset.starts_with('/') { asset.to_owned() } else { format!("{below}/{asset}") };
    Some((host, path))
}
