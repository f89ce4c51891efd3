//! The policy of the table.

use serde_json::{Value, json};

use crate::support::signer::Signer;

/// Five sites; `shop` has rules of every kind.
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
