//! The codes of findings. They are stable: `# lint: allow CODE` and the rules of code scanners name them.

use super::finding::Code;
use crate::diagnosis::remark::Severity;

/// Declares the codes, and the list of all of them.
macro_rules! codes {
    ($($constant:ident = $level:ident $name:literal $summary:literal;)+) => {
        $(pub static $constant: Code = Code { name: $name, level: Severity::$level, summary: $summary };)+

        /// All codes, sorted by name.
        pub static ALL: &[&Code] = &[$(&$constant),+];
    };
}

codes! {
    ALLOW_UNUSED = Note "allow-unused" "A `# lint: allow` comment accepts no finding";
    ANSWERS_EVERYTHING = Warning "answers-everything" "A health check answers every request while its site is closed";
    ASSET_REFUSED = Warning "asset-refused" "The page loads an asset that the closed site refuses";
    CLAIM_ISSUER = Error "claim-issuer" "No provider of jwt_authn has the issuer of a claim, so the rule never matches";
    CLAIMS_WITHOUT_JWT = Error "claims-without-jwt" "Rules use claims, but no jwt_authn filter is in front of the plugin";
    CONTROL_PUBLIC = Warning "control-public" "Other machines can reach the control endpoint";
    CONTROL_WITHOUT_SITES = Warning "control-without-sites" "A control endpoint shares its vm_id and fleet with no policy that has sites";
    COOKIE_PRESENCE = Warning "cookie-presence" "An exempt rule tests only whether a cookie is present, and any client can send it";
    DOMAIN_WITHOUT_SITE = Warning "domain-without-site" "Envoy routes a domain that no site covers";
    EMPTY_POLICY = Warning "empty-policy" "The policy is empty, so nothing can close a site";
    EXEMPTS_ANY_VALUE = Warning "exempts-any-value" "An exempt rule accepts any value of a header or parameter";
    EXEMPTS_BY_OMISSION = Warning "exempts-by-omission" "An exempt rule accepts every request that omits a header, parameter or cookie";
    EXEMPTS_EVERYTHING = Error "exempts-everything" "An exempt rule accepts every request, so nothing is closed";
    EXPENSIVE_RULES = Warning "expensive-rules" "The rules use most of the work budget of an ordinary request";
    FILTER_ORDER = Warning "filter-order" "A filter that answers requests or calls services is in front of the plugin";
    FLEET_DIFFERS = Error "fleet-differs" "A control listener and a data listener name different fleets";
    FORGED_ADDRESSES = Error "forged-addresses" "Rules use remote_ips, but clients can set their address by X-Forwarded-For";
    IGNORED_MEMBERS = Warning "ignored-members" "Envoy ignores members of a watched file";
    ISTIO_FILE_SHA256 = Warning "istio-file-sha256" "Istio ignores sha256 for modules with a file:// URL";
    ISTIO_NOT_A_GATEWAY = Warning "istio-not-a-gateway" "Rules use remote_ips, but the manifest is not known to select a gateway";
    JWT_ALLOW_MISSING = Warning "jwt-allow-missing" "jwt_authn answers 401 to clients with an expired token, even while the site is online";
    JWT_METADATA_KEY = Error "jwt-metadata-key" "jwt_authn stores tokens under another key than jwt.metadata_key";
    JWT_ORDER = Error "jwt-order" "jwt_authn is behind the plugin, so rules with claims never match";
    KEY_DIFFERS = Error "key-differs" "Control and data listener have different keys under one name";
    KEY_MISSING = Error "key-missing" "A data listener lacks a key of the control listener";
    KEY_UNKNOWN_SITE = Warning "key-unknown-site" "A key names a site that no policy has";
    MODULE_DIGEST_PLACEHOLDER = Note "module-digest-placeholder" "The digest of the module consists of zeros";
    MODULE_NOT_PINNED = Warning "module-not-pinned" "No digest pins the module";
    NO_POLICY = Warning "no-policy" "The file contains no policy";
    NO_RELOAD = Warning "no-reload" "The filter does not restart after a trap";
    NOT_READABLE = Error "not-readable" "The file cannot be read";
    NOT_YAML = Error "not-yaml" "The file is not YAML";
    PATH_NOT_NORMALIZED = Warning "path-not-normalized" "The connection manager does not normalize paths";
    PATH_OUTSIDE_SITE = Warning "path-outside-site" "A rule matches no path of its site";
    PATH_WITHOUT_SITE = Note "path-without-site" "Sites cover only some paths of a domain";
    PLUGIN_NAME_CONFLICT = Error "plugin-name-conflict" "Two plugins of one name have different policies";
    POLICY_REJECTED = Error "policy-rejected" "The filter rejects the policy";
    REDIRECT_OPEN = Note "redirect-open" "Requests for the redirect target pass while the site is closed";
    REDIRECT_REFUSED = Warning "redirect-refused" "The closed site refuses its own redirect target";
    REDIRECT_UNKNOWN_HOST = Note "redirect-unknown-host" "The redirect target may be a host of the closed site";
    REFUSES_EVERYTHING = Warning "refuses-everything" "An always_closed rule refuses every request, even of online sites";
    REGEX_OPEN_END = Warning "regex-open-end" "A regex begins with `^` and has no explicit end, but must match the whole value";
    ROUTER_FIRST = Error "router-first" "The router is in front of the plugin";
    SECRET_IN_PLAIN_TEXT = Warning "secret-in-plain-text" "A rule contains a secret in plain text";
    SECRET_IN_QUERY = Warning "secret-in-query" "A rule exempts by a secret in the query, which appears in logs";
    SITE_OVERLAP = Note "site-overlap" "A site is part of another site";
    SITES_WITHOUT_CONTROL = Warning "sites-without-control" "The keys of a policy have no effect, because its vm_id and fleet have no control endpoint";
    STATE_ENDED = Warning "state-ended" "Declared state has ended";
    SUSPENDS_UNKNOWN_RULE = Warning "suspends-unknown-rule" "`suspend` names a rule that the site does not have";
    UNTRUSTED_CERTIFICATES = Error "untrusted-certificates" "Rules use uri_sans, but Envoy accepts certificates that it does not verify";
    VM_ID_DIFFERS = Error "vm-id-differs" "A control listener and a data listener have different vm_ids";
}

#[cfg(test)]
mod tests;
