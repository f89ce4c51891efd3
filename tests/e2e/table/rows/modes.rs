//! Modes, `always_closed` rules, health checks and redirects.

use super::{Answered, BehaviourRow, NO_VERDICT, OFFLINE, Passes, Redirected, Refused};

/// Modes, `always_closed` rules, health checks and redirects.
pub const MODES: &[BehaviourRow] = &[
    BehaviourRow {
        behaviour: "online: every request reaches the application",
        state: "{}",
        requests: &[
            ("shop.example.com GET /", Passes(NO_VERDICT)),
            ("shop.example.com POST /cart", Passes(NO_VERDICT)),
            ("shop.example.com GET /healthz", Passes(NO_VERDICT)),
            ("unknown.example.com GET /", Passes("no-site")),
        ],
    },
    BehaviourRow {
        behaviour: "offline: no method reaches the application",
        state: OFFLINE,
        requests: &[
            ("shop.example.com GET /", Refused("offline")),
            ("shop.example.com GET /deep/inside?a=b", Refused("offline")),
            ("shop.example.com POST /", Refused("offline")),
            ("shop.example.com DELETE /", Refused("offline")),
            ("shop.example.com OPTIONS /", Refused("offline")),
            ("shop.example.com PROPFIND /", Refused("offline")),
        ],
    },
    BehaviourRow {
        behaviour: "online: always_closed rules refuse, and exempt rules do not override them",
        state: "{}",
        requests: &[
            ("shop.example.com GET /beta/x", Refused("always_closed:beta")),
            ("shop.example.com GET /beta/x\nx-staff: yes", Refused("always_closed:beta")),
            ("shop.example.com GET /betamax", Passes(NO_VERDICT)),
            ("shop.example.com GET /v1/x:cancel", Refused("always_closed:cancel")),
            ("shop.example.com GET /v1/x%3Acancel", Refused("always_closed:cancel")),
            ("shop.example.com GET /v1/x%3acancel", Refused("always_closed:cancel")),
            ("shop.example.com GET /v1/{x}", Refused("always_closed:cancel")),
            ("shop.example.com GET /v1/%7Bx%7d", Refused("always_closed:cancel")),
            ("shop.example.com GET /v1/x:create", Passes(NO_VERDICT)),
            ("blog.example.com GET /beta/x", Passes(NO_VERDICT)),
        ],
    },
    BehaviourRow {
        behaviour: "offline: always_closed rules take precedence over exempt rules",
        state: OFFLINE,
        requests: &[
            ("shop.example.com GET /beta/x", Refused("always_closed:beta")),
            ("shop.example.com GET /beta/x\nx-staff: yes", Refused("always_closed:beta")),
            ("shop.example.com GET /betamax\nx-staff: yes", Passes("exempt:staff")),
        ],
    },
    BehaviourRow {
        behaviour: "offline: the filter answers health checks itself",
        state: OFFLINE,
        requests: &[
            ("shop.example.com GET /healthz", Answered("health-check:balancer")),
            ("shop.example.com GET /healthz/deep", Refused("offline")),
            ("shop.example.com GET /\nuser-agent: kube-probe/1.31", Answered("health-check:health-check-agents")),
            ("shop.example.com GET /\nuser-agent: ELB-HealthChecker/2.0", Answered("health-check:health-check-agents")),
            ("shop.example.com GET /\nuser-agent: GoogleHC/1.0", Answered("health-check:health-check-agents")),
            ("shop.example.com GET /\nuser-agent: Envoy/HC", Answered("health-check:health-check-agents")),
            ("shop.example.com GET /\nuser-agent: curl/8.0", Refused("offline")),
        ],
    },
    BehaviourRow {
        behaviour: "redirect: browsers are redirected, API clients get 503, the redirect's target passes",
        state: r#"{ "moved": { "mode": "offline" } }"#,
        requests: &[
            ("moved.example.com GET /\naccept: text/html,*/*;q=0.8", Redirected("offline")),
            ("moved.example.com HEAD /\naccept: text/html,*/*;q=0.8", Redirected("offline")),
            ("moved.example.com POST /\naccept: text/html,*/*;q=0.8", Refused("offline")),
            ("moved.example.com GET /\naccept: application/json", Refused("offline")),
            ("moved.example.com GET /", Refused("offline")),
            ("moved.example.com GET /sorry\naccept: text/html,*/*;q=0.8", Passes("redirect-target")),
            ("moved.example.com GET /sorry?from=a\naccept: text/html", Passes("redirect-target")),
            ("moved.example.com GET /sorry/more", Refused("offline")),
        ],
    },
    BehaviourRow {
        behaviour: "read-only: safe methods and exempt requests pass",
        state: r#"{ "shop": { "mode": "read_only" } }"#,
        requests: &[
            ("shop.example.com GET /cart", Passes("read_only")),
            ("shop.example.com HEAD /cart", Passes("read_only")),
            ("shop.example.com OPTIONS /cart", Passes("read_only")),
            ("shop.example.com POST /cart", Refused("read_only")),
            ("shop.example.com PUT /cart", Refused("read_only")),
            ("shop.example.com PROPFIND /cart", Refused("read_only")),
            ("shop.example.com POST /reports", Passes("exempt:reports")),
            ("shop.example.com POST /cart\nx-staff: yes", Passes("exempt:staff")),
        ],
    },
];
