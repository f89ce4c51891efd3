//! The rows: which sites there are, what is asked of them, and what becomes of it.

use serde_json::{Value, json};

use crate::support::signer::Signer;

/// The sites of the table. `shop` has every kind of rule.
pub fn policy(signer: &Signer) -> Value {
    json!({
        "fleet": "test",
        "keys": [signer.entry("oncall")],
        "sites": [
            {
                "name": "shop",
                "hosts": ["shop.example.com"],
                "exempt": [
                    { "name": "office", "remote_ips": ["203.0.113.7"] },
                    { "name": "office-range", "remote_ips": ["198.51.100.0/24"] },
                    { "name": "office-six", "remote_ips": ["2001:db8:1::/48"] },
                    { "name": "staff", "headers": [{ "name": "x-staff", "value": "yes" }] },
                    { "name": "superuser", "headers": [{ "name": "x-superuser" }] },
                    { "name": "host", "headers": [{ "name": "host", "value": "shop.example.com:8443" }] },
                    {
                        "name": "pseudo",
                        "headers": [
                            { "name": ":authority", "value": "*:8444" },
                            { "name": ":method", "value": "GET" },
                            { "name": ":path", "value": "/?a" },
                            { "name": ":scheme", "value": "http" },
                        ],
                    },
                    { "name": "ignored", "paths": ["/ignored-page/"] },
                    { "name": "admin", "paths": ["/admin/*"] },
                    { "name": "api-key", "query": [{ "name": "api_key", "value": "good" }] },
                    { "name": "session", "cookies": [{ "name": "sessionid", "value": "s3cret" }] },
                    { "name": "reports", "paths": ["/reports"], "methods": ["POST"], "modes": ["read_only"] },
                ],
                "always_closed": [
                    { "name": "beta", "paths": ["/beta/*"] },
                    { "name": "cancel", "paths": ["/v1/x:cancel", "/v1/{x}"] },
                ],
                "health_checks": [{ "name": "balancer", "paths": ["/healthz"] }],
            },
            { "name": "blog", "hosts": ["blog.example.com", "*.blog.example.com"] },
            { "name": "checkout", "hosts": ["api.example.com"], "paths": ["/checkout"] },
            { "name": "api", "hosts": ["api.example.com"] },
            { "name": "moved", "hosts": ["moved.example.com"], "reply": { "redirect": "https://moved.example.com/sorry?from=a" } },
        ],
    })
}

/// What happens to a request. The words are the verdict, as the access log has it.
#[derive(Clone, Copy)]
pub enum Then {
    /// The application answers.
    Passes(&'static str),
    /// 503, and the application sees nothing.
    Refused(&'static str),
    /// 200 by the filter itself, and the application sees nothing.
    Answered(&'static str),
    /// 302, and the application sees nothing.
    Redirected(&'static str),
}
pub use Then::{Answered, Passes, Redirected, Refused};

/// A behaviour: the states of sites (others are online), and requests with what becomes of them. A request is its first
/// line without the version, its host in front, and headers.
pub struct Row {
    pub behaviour: &'static str,
    pub state: Value,
    pub requests: &'static [(&'static str, Then)],
}

/// The verdict where the filter has nothing to say.
const ONLINE: &str = "-";

pub fn rows() -> Vec<Row> {
    let row = |behaviour, state, requests| Row { behaviour, state, requests };
    let offline = || json!({ "shop": { "mode": "offline" } });
    vec![
        row(
            "online, everything reaches the application",
            json!({}),
            &[
                ("shop.example.com GET /", Passes(ONLINE)),
                ("shop.example.com POST /cart", Passes(ONLINE)),
                ("shop.example.com GET /healthz", Passes(ONLINE)),
                ("unknown.example.com GET /", Passes("no-site")),
            ],
        ),
        row(
            "offline, nothing reaches the application, whatever the method",
            offline(),
            &[
                ("shop.example.com GET /", Refused("offline")),
                ("shop.example.com GET /deep/inside?a=b", Refused("offline")),
                ("shop.example.com POST /", Refused("offline")),
                ("shop.example.com DELETE /", Refused("offline")),
                ("shop.example.com OPTIONS /", Refused("offline")),
                ("shop.example.com PROPFIND /", Refused("offline")),
            ],
        ),
        row(
            "offline, the office's address passes, in IPv4 and IPv6, one or a range",
            offline(),
            &[
                ("shop.example.com GET /\nx-forwarded-for: 203.0.113.7", Passes("exempt:office")),
                ("shop.example.com GET /\nx-forwarded-for: 203.0.113.8", Refused("offline")),
                ("shop.example.com GET /\nx-forwarded-for: ::ffff:203.0.113.7", Passes("exempt:office")),
                ("shop.example.com GET /\nx-forwarded-for: 198.51.100.255", Passes("exempt:office-range")),
                ("shop.example.com GET /\nx-forwarded-for: 198.51.101.0", Refused("offline")),
                ("shop.example.com GET /\nx-forwarded-for: 2001:db8:1:ffff::9", Passes("exempt:office-six")),
                ("shop.example.com GET /\nx-forwarded-for: 2001:db8:2::9", Refused("offline")),
                // The proxy in front adds what it saw; what the client wrote itself stands further left.
                ("shop.example.com GET /\nx-forwarded-for: 203.0.113.7, 192.0.2.1", Refused("offline")),
                ("shop.example.com GET /", Refused("offline")),
            ],
        ),
        row(
            "offline, the host and what Envoy calls pseudo headers can be asked for",
            offline(),
            &[
                ("shop.example.com:8443 GET /", Passes("exempt:host")),
                ("shop.example.com:8444 GET /?a", Passes("exempt:pseudo")),
                ("shop.example.com:8444 POST /?a", Refused("offline")),
                ("shop.example.com:8445 GET /?a", Refused("offline")),
            ],
        ),
        row(
            "offline, the staff header passes when it is right, not when it is wrong or absent",
            offline(),
            &[
                ("shop.example.com GET /\nx-staff: yes", Passes("exempt:staff")),
                ("shop.example.com POST /\nX-Staff: yes", Passes("exempt:staff")),
                ("shop.example.com GET /\nx-staff: no", Refused("offline")),
                ("shop.example.com GET /\nx-staff: YES", Refused("offline")),
                ("shop.example.com GET /\nx-staff:", Refused("offline")),
                ("shop.example.com GET /", Refused("offline")),
            ],
        ),
        row(
            "offline with staff suspended, staff is kept out and a superuser is not",
            json!({ "shop": { "mode": "offline", "suspend": ["staff"] } }),
            &[
                ("shop.example.com GET /\nx-staff: yes", Refused("offline")),
                ("shop.example.com GET /\nx-superuser: yes", Passes("exempt:superuser")),
                ("shop.example.com GET /\nx-staff: yes\nx-superuser: yes", Passes("exempt:superuser")),
            ],
        ),
        row(
            "offline, an exact path passes and its children do not",
            offline(),
            &[
                ("shop.example.com GET /ignored-page/", Passes("exempt:ignored")),
                ("shop.example.com GET /ignored-page/?a=b", Passes("exempt:ignored")),
                ("shop.example.com GET /ignored-page/child", Refused("offline")),
                ("shop.example.com GET /ignored-page", Refused("offline")),
            ],
        ),
        row(
            "offline, a path prefix passes and its sibling does not",
            offline(),
            &[
                ("shop.example.com GET /admin/login/", Passes("exempt:admin")),
                ("shop.example.com GET /administrator", Refused("offline")),
                ("shop.example.com GET /admin/../cart", Refused("offline")),
            ],
        ),
        row(
            "offline, a key in the query passes when it is good",
            offline(),
            &[
                ("shop.example.com GET /?api_key=good", Passes("exempt:api-key")),
                ("shop.example.com GET /?a=b&api_key=good", Passes("exempt:api-key")),
                ("shop.example.com GET /?api_key=bad", Refused("offline")),
                ("shop.example.com GET /?xapi_key=good", Refused("offline")),
            ],
        ),
        row(
            "offline, who is logged in passes by a cookie",
            offline(),
            &[
                ("shop.example.com GET /\ncookie: a=b; sessionid=s3cret", Passes("exempt:session")),
                ("shop.example.com GET /\ncookie: sessionid=other", Refused("offline")),
            ],
        ),
        row(
            "offline, certificates still renew",
            offline(),
            &[("shop.example.com GET /.well-known/acme-challenge/token", Passes("exempt:acme-challenge"))],
        ),
        row(
            "one site offline, the others are not, by host",
            offline(),
            &[
                ("shop.example.com GET /", Refused("offline")),
                ("SHOP.example.com.:8443 GET /", Refused("offline")),
                ("blog.example.com GET /", Passes(ONLINE)),
                ("unknown.example.com GET /", Passes("no-site")),
            ],
        ),
        row(
            "a site of a wildcard host closes all its hosts",
            json!({ "blog": { "mode": "offline" } }),
            &[
                ("a.b.blog.example.com GET /", Refused("offline")),
                ("blog.example.com GET /", Refused("offline")),
                ("xblog.example.com GET /", Passes("no-site")),
                ("shop.example.com GET /", Passes(ONLINE)),
            ],
        ),
        row(
            "a site by path prefix closes within its host",
            json!({ "checkout": { "mode": "offline" } }),
            &[
                ("api.example.com POST /checkout", Refused("offline")),
                ("api.example.com POST /checkout/pay", Refused("offline")),
                ("api.example.com POST /checkouts", Passes(ONLINE)),
                ("api.example.com GET /", Passes(ONLINE)),
            ],
        ),
        row(
            "a host closes without the site that has one of its paths",
            json!({ "api": { "mode": "offline" } }),
            &[
                ("api.example.com GET /", Refused("offline")),
                ("api.example.com GET /checkouts", Refused("offline")),
                ("api.example.com POST /checkout/pay", Passes(ONLINE)),
            ],
        ),
        row(
            "what is always closed is closed while the site is online, also to staff",
            json!({}),
            &[
                ("shop.example.com GET /beta/x", Refused("always_closed:beta")),
                ("shop.example.com GET /beta/x\nx-staff: yes", Refused("always_closed:beta")),
                ("shop.example.com GET /betamax", Passes(ONLINE)),
                ("shop.example.com GET /v1/x:cancel", Refused("always_closed:cancel")),
                ("shop.example.com GET /v1/x%3Acancel", Refused("always_closed:cancel")),
                ("shop.example.com GET /v1/x%3acancel", Refused("always_closed:cancel")),
                ("shop.example.com GET /v1/{x}", Refused("always_closed:cancel")),
                ("shop.example.com GET /v1/%7Bx%7d", Refused("always_closed:cancel")),
                ("shop.example.com GET /v1/x:create", Passes(ONLINE)),
                ("blog.example.com GET /beta/x", Passes(ONLINE)),
            ],
        ),
        row(
            "what is always closed is closed while the site is offline, also to staff",
            offline(),
            &[
                ("shop.example.com GET /beta/x", Refused("always_closed:beta")),
                ("shop.example.com GET /beta/x\nx-staff: yes", Refused("always_closed:beta")),
                ("shop.example.com GET /betamax\nx-staff: yes", Passes("exempt:staff")),
            ],
        ),
        row(
            "offline, a balancer's health check is answered by the filter",
            offline(),
            &[
                ("shop.example.com GET /healthz", Answered("health-check:balancer")),
                ("shop.example.com GET /healthz/deep", Refused("offline")),
                ("shop.example.com GET /\nuser-agent: kube-probe/1.31", Answered("health-check:health-check-agents")),
                (
                    "shop.example.com GET /\nuser-agent: ELB-HealthChecker/2.0",
                    Answered("health-check:health-check-agents"),
                ),
                ("shop.example.com GET /\nuser-agent: GoogleHC/1.0", Answered("health-check:health-check-agents")),
                ("shop.example.com GET /\nuser-agent: Envoy/HC", Answered("health-check:health-check-agents")),
                ("shop.example.com GET /\nuser-agent: curl/8.0", Refused("offline")),
            ],
        ),
        row(
            "a redirect is for browsers; an API client gets the 503, and the target passes",
            json!({ "moved": { "mode": "offline" } }),
            &[
                ("moved.example.com GET /\naccept: text/html,*/*;q=0.8", Redirected("offline")),
                ("moved.example.com HEAD /\naccept: text/html,*/*;q=0.8", Redirected("offline")),
                ("moved.example.com POST /\naccept: text/html,*/*;q=0.8", Refused("offline")),
                ("moved.example.com GET /\naccept: application/json", Refused("offline")),
                ("moved.example.com GET /", Refused("offline")),
                ("moved.example.com GET /sorry\naccept: text/html,*/*;q=0.8", Passes("redirect-target")),
                ("moved.example.com GET /sorry?from=a\naccept: text/html", Passes("redirect-target")),
                ("moved.example.com GET /sorry/more", Refused("offline")),
            ],
        ),
        row(
            "read-only, what changes nothing passes",
            json!({ "shop": { "mode": "read_only" } }),
            &[
                ("shop.example.com GET /cart", Passes("read_only")),
                ("shop.example.com HEAD /cart", Passes("read_only")),
                ("shop.example.com OPTIONS /cart", Passes("read_only")),
                ("shop.example.com POST /cart", Refused("read_only")),
                ("shop.example.com PUT /cart", Refused("read_only")),
                ("shop.example.com PROPFIND /cart", Refused("read_only")),
                ("shop.example.com POST /reports", Passes("exempt:reports")),
                ("shop.example.com POST /cart\nx-staff: yes", Passes("exempt:staff")),
            ],
        ),
        row(
            "offline, a rule for read-only does not hold",
            offline(),
            &[("shop.example.com POST /reports", Refused("offline"))],
        ),
        row(
            "a window that is to come lets everything pass",
            json!({ "shop": { "mode": "online", "windows": [
                { "id": "w1", "mode": "offline", "from": "2099-01-01T00:00:00Z", "until": "2099-01-02T00:00:00Z" },
            ] } }),
            &[("shop.example.com GET /", Passes(ONLINE))],
        ),
        row(
            "a window that is open closes the site",
            json!({ "shop": { "mode": "online", "windows": [
                { "id": "w1", "mode": "offline", "from": "2020-01-01T00:00:00Z", "until": "2099-01-02T00:00:00Z" },
            ] } }),
            &[
                ("shop.example.com GET /", Refused("offline")),
                ("shop.example.com GET /\nx-staff: yes", Passes("exempt:staff")),
            ],
        ),
        row(
            "a window without an end stays until somebody opens the site",
            json!({ "shop": { "mode": "online", "windows": [
                { "id": "w1", "mode": "read_only", "from": "2020-01-01T00:00:00Z" },
            ] } }),
            &[("shop.example.com GET /", Passes("read_only")), ("shop.example.com POST /", Refused("read_only"))],
        ),
        row(
            "a window that is over lets everything pass",
            json!({ "shop": { "mode": "online", "windows": [
                { "id": "w1", "mode": "offline", "from": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z" },
            ] } }),
            &[("shop.example.com GET /", Passes(ONLINE))],
        ),
        row(
            "of two windows that are open the stricter decides, and each suspends for itself",
            json!({ "shop": { "mode": "read_only", "suspend": ["superuser"], "windows": [
                { "id": "w1", "mode": "offline", "from": "2020-01-01T00:00:00Z", "suspend": ["staff"] },
            ] } }),
            &[
                ("shop.example.com GET /", Refused("offline")),
                ("shop.example.com GET /\nx-staff: yes", Refused("offline")),
                ("shop.example.com GET /\nx-superuser: yes", Refused("offline")),
                ("shop.example.com GET /admin/", Passes("exempt:admin")),
            ],
        ),
        row(
            "a site whose time is over is open",
            json!({ "shop": { "mode": "offline", "until": "2020-01-01T00:00:00Z" } }),
            &[("shop.example.com GET /", Passes(ONLINE))],
        ),
        row(
            "a promise that is over opens nothing",
            json!({ "shop": { "mode": "offline", "eta": "2020-01-01T00:00:00Z" } }),
            &[("shop.example.com GET /", Refused("offline"))],
        ),
    ]
}
