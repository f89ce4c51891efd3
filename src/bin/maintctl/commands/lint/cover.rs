//! Whether one rule holds wherever another does. Where that cannot be told, the answer is no.

use envoy_maintenance::config::{NamedConfig, RuleConfig, TextConfig};
use envoy_maintenance::matching::cidr;

/// Whether `wide` surely holds for every request for which `narrow` does.
pub fn covers(wide: &RuleConfig, narrow: &RuleConfig) -> bool {
    optional(&wide.paths, &narrow.paths, |wide, narrow| texts_cover(wide, narrow))
        && optional(&wide.methods, &narrow.methods, |wide, narrow| narrow.iter().all(|one| wide.contains(one)))
        && optional(&wide.remote_ips, &narrow.remote_ips, |wide, narrow| ranges_cover(wide, narrow))
        && optional(&wide.uri_sans, &narrow.uri_sans, |wide, narrow| texts_cover(wide, narrow))
        && optional(&wide.modes, &narrow.modes, |wide, narrow| narrow.iter().all(|one| wide.contains(one)))
        && named_cover(&wide.headers, &narrow.headers, true)
        && named_cover(&wide.query, &narrow.query, false)
        && named_cover(&wide.cookies, &narrow.cookies, false)
        && optional(&wide.claims, &narrow.claims, |wide, narrow| {
            wide.iter().all(|wide| {
                let same = |narrow: &&envoy_maintenance::config::ClaimConfig| {
                    narrow.iss == wide.iss && narrow.name == wide.name
                };
                narrow.iter().filter(same).any(|narrow| value_covers(&wide.value, &narrow.value))
            })
        })
}

/// A condition that is not named always holds.
fn optional<T>(wide: &Option<T>, narrow: &Option<T>, covers: impl Fn(&T, &T) -> bool) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => covers(wide, narrow),
    }
}

fn named_cover(wide: &Option<Vec<NamedConfig>>, narrow: &Option<Vec<NamedConfig>>, fold: bool) -> bool {
    optional(wide, narrow, |wide, narrow| {
        wide.iter().all(|wide| {
            let is_same = |narrow: &&NamedConfig| {
                wide.name == narrow.name || fold && wide.name.eq_ignore_ascii_case(&narrow.name)
            };
            narrow.iter().filter(is_same).any(|narrow| value_covers(&wide.value, &narrow.value))
        })
    })
}

fn value_covers(wide: &Option<Vec<TextConfig>>, narrow: &Option<Vec<TextConfig>>) -> bool {
    let present = [TextConfig::Plain("*".to_owned())];
    texts_cover(wide.as_deref().unwrap_or(&present), narrow.as_deref().unwrap_or(&present))
}

/// Whether each of `narrow` is covered by one of `wide`.
fn texts_cover(wide: &[TextConfig], narrow: &[TextConfig]) -> bool {
    narrow.iter().all(|narrow| wide.iter().any(|wide| text_covers(wide, narrow)))
}

fn text_covers(wide: &TextConfig, narrow: &TextConfig) -> bool {
    match (wide, narrow) {
        (wide, narrow) if wide == narrow => true,
        (TextConfig::Plain(wide), narrow) if wide == "*" => *narrow != TextConfig::Absent,
        (TextConfig::Plain(wide), TextConfig::Plain(narrow)) => {
            let by_prefix = wide.strip_suffix('*').is_some_and(|prefix| narrow.starts_with(prefix));
            let by_suffix = wide.strip_prefix('*').is_some_and(|suffix| narrow.ends_with(suffix));
            by_prefix || by_suffix
        }
        _ => false,
    }
}

fn ranges_cover(wide: &[String], narrow: &[String]) -> bool {
    let ranges = |texts: &[String]| texts.iter().map(|text| cidr::parse(text)).collect::<Result<Vec<_>, _>>();
    let (Ok(wide), Ok(narrow)) = (ranges(wide), ranges(narrow)) else { return false };
    narrow.iter().all(|(first, last)| wide.iter().any(|(from, to)| from <= first && last <= to))
}
