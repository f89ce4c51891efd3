use std::net::IpAddr;
use std::rc::Rc;

use super::*;
use crate::config::PluginConfig;
use crate::request::{HeaderMap, Peer, WorkBudget};
use crate::state::{Document, EffectiveState};
use crate::time::Time;
use crate::tree::{KeyPath, Tree};

/// A client at 10.0.0.9, with a token of the issuer `i` whose claim `role` is `staff`.
struct TestPeer;

impl Peer for TestPeer {
    fn remote_address(&self) -> Option<IpAddr> {
        "10.0.0.9".parse().ok()
    }
    fn uri_sans(&self) -> Vec<Vec<u8>> {
        vec![b"spiffe://cluster/ns/ops/sa/x".to_vec()]
    }
    fn claim(&self, path: &[String], _: &WorkBudget) -> Rc<[Vec<u8>]> {
        match path.join(".").as_str() {
            "iss" => [b"i".to_vec()].into(),
            "realm.roles" => [b"staff".to_vec(), b"other".to_vec()].into(),
            "is_staff" => [vec![1]].into(),
            "is_guest" => [vec![0]].into(),
            "age" => [b"x".to_vec(), 42f64.to_le_bytes().to_vec()].into(),
            "groups" => (0..40).map(|group| format!("group-{group}").into_bytes()).collect(),
            _ => Rc::default(),
        }
    }
}

mod ambiguous;
mod redirect;

fn json(text: &str) -> Vec<u8> {
    text.replace('\'', "\"").into_bytes()
}

fn policy(text: &str) -> Policy {
    Policy::compile(&PluginConfig::read(&Tree::from_json(&json(text)).unwrap()).unwrap()).unwrap()
}

fn document(text: &str) -> Document {
    let path = KeyPath::Root;
    Document::declared("a", &Tree::from_json(&json(text)).unwrap(), &path).unwrap()
}

/// Parses request headers from `METHOD host/path | name: value | name: value`.
fn headers(request: &str) -> HeaderMap {
    let (line, rest) = request.split_once(" | ").unwrap_or((request, ""));
    let (method, target) = line.split_once(' ').unwrap();
    let (host, path) = target.split_at(target.find('/').unwrap_or(target.len()));
    let pairs = rest.split(" | ").filter_map(|pair| pair.split_once(": "));
    let own = [(":method", method), (":authority", host), (":path", path)];
    HeaderMap::new(own.into_iter().chain(pairs).map(|(name, value)| (name.into(), value.into())).collect())
}

/// The verdict at noon of 2026-11-21; `states` are the documents of the sites, in the order of the policy.
fn verdict(policy: &Policy, states: &[Document], request: &str) -> String {
    let now = Time::parse("2026-11-21T12:00:00Z").unwrap();
    let headers = headers(request);
    let states: Vec<EffectiveState> = states.iter().map(|state| state.at(now)).collect();
    let state = |site: usize| states.get(site).unwrap_or(EffectiveState::ONLINE);
    decide(policy, state, &Request::new(&headers, &TestPeer)).verdict.to_string()
}

const STEPS: &str = "{'builtin_rules': false, 'jwt': {'metadata_key': 'payload'},
    'sites': [{'name': 'a', 'hosts': ['shop'], 'paths': ['/in'],
      'always_closed': [{'name': 'shut', 'headers': [{'name': 'x-shut'}]}],
      'health_checks': [{'name': 'probe', 'headers': [{'name': 'x-probe'}]}],
      'exempt': [{'name': 'staff', 'headers': [{'name': 'x-staff'}]}, {'name': 'bots', 'headers': [{'name': 'x-bot'}]}],
      'reply': {'redirect': '/in/sorry'}}]}";

#[test]
fn each_step_comes_before_the_next() {
    let policy = policy(STEPS);
    for (state, request, expected) in [
        // Begins with a request that matches every step, and removes the deciding one each time.
        ("offline", "GET other/in/sorry | x-shut: 1 | x-probe: 1 | x-staff: 1", "no-site"),
        ("offline", "GET shop/inn | x-shut: 1 | x-probe: 1 | x-staff: 1", "no-site"),
        ("offline", "GET shop/in/sorry | x-shut: 1 | x-probe: 1 | x-staff: 1", "always_closed:shut"),
        ("online", "GET shop/in/sorry | x-shut: 1 | x-probe: 1 | x-staff: 1", "always_closed:shut"),
        ("online", "GET shop/in/sorry | x-probe: 1 | x-staff: 1", "online"),
        ("online", "DELETE shop/in", "online"),
        ("offline", "GET shop/in/sorry | x-probe: 1 | x-staff: 1", "health-check:probe"),
        ("read_only", "GET shop/in/sorry | x-probe: 1 | x-staff: 1", "health-check:probe"),
        ("offline", "GET shop/in/sorry | x-staff: 1 | x-bot: 1", "exempt:staff"),
        ("read_only", "GET shop/in/sorry | x-staff: 1 | x-bot: 1", "exempt:staff"),
        ("offline", "GET shop/in/sorry | x-bot: 1", "exempt:bots"),
        ("offline", "GET shop/in/sorry", "redirect-target"),
        ("read_only", "GET shop/in/sorry", "redirect-target"),
        ("read_only", "GET shop/in", "read_only"),
        ("read_only", "HEAD shop/in/x", "read_only"),
        ("read_only", "OPTIONS shop/in/x", "read_only"),
    ] {
        let state = document(&format!("{{'mode': '{state}'}}"));
        assert_eq!(verdict(&policy, &[state], request), expected, "{request}");
    }
    for (mode, request) in [
        ("offline", "GET shop/in"),
        ("offline", "GET SHOP.:80/in/sorry/x"),
        ("offline", "GET shop/in/sorry/"),
        ("read_only", "POST shop/in"),
        ("read_only", "get shop/in"),
        ("read_only", "CONNECT shop/in"),
    ] {
        let document = document(&format!("{{'mode': '{mode}'}}"));
        let headers = headers(request);
        let state = document.at(Time(0));
        let decision = decide(&policy, |_| &state, &Request::new(&headers, &TestPeer));
        assert!(matches!(decision.verdict, Verdict::Refuse(Refusal::Mode(by)) if by.name() == mode), "{request}");
        assert_eq!(decision.verdict.to_string(), mode);
        assert_eq!(decision.site.map(|(position, site)| (position, site.name.as_str())), Some((0, "a")));
    }
}

#[test]
fn every_active_mode_must_let_a_request_pass() {
    let policy = policy(
        "{'sites': [{'name': 'a',
          'always_closed': [{'name': 'shut-now', 'headers': [{'name': 'x-shut'}], 'modes': ['offline']},
                            {'name': 'frozen', 'headers': [{'name': 'x-write'}], 'modes': ['read_only']}],
          'exempt': [{'name': 'reader', 'headers': [{'name': 'x-reader'}], 'modes': ['read_only']},
                     {'name': 'staff', 'headers': [{'name': 'x-staff'}]},
                     {'name': 'boss', 'headers': [{'name': 'x-boss'}], 'modes': ['offline']}]}]}",
    );
    let window = |mode: &str, suspend: &str| {
        format!(
            "{{'id': '{mode}{}', 'mode': '{mode}', 'from': '2026-11-21T11:00:00Z', 'suspend': [{suspend}]}}",
            suspend.len()
        )
    };
    let with =
        |mode: &str, windows: &[String]| document(&format!("{{'mode': '{mode}', 'windows': [{}]}}", windows.join(",")));
    let online = with("online", &[]);
    let read_only = with("online", &[window("read_only", "")]);
    let offline = with("online", &[window("offline", "")]);
    let both = with("read_only", &[window("offline", "")]);
    let suspended = with("offline", &[window("read_only", "'staff'"), window("read_only", "")]);
    for (state, request, expected) in [
        (&online, "GET x/ | x-shut: 1", "online"),
        (&read_only, "GET x/ | x-shut: 1", "read_only"),
        (&offline, "GET x/ | x-shut: 1", "always_closed:shut-now"),
        (&both, "GET x/ | x-shut: 1", "always_closed:shut-now"),
        // A rule of any active mode refuses, even if the strictest mode would pass.
        (&offline, "GET x/ | x-write: 1 | x-staff: 1", "exempt:staff"),
        (&both, "GET x/ | x-write: 1 | x-staff: 1", "always_closed:frozen"),
        (&read_only, "POST x/ | x-reader: 1", "exempt:reader"),
        (&offline, "POST x/ | x-reader: 1", "offline"),
        // Offline refuses, read-only would not.
        (&both, "GET x/", "offline"),
        (&both, "POST x/ | x-reader: 1", "offline"),
        // Offline passes, read-only refuses.
        (&both, "POST x/ | x-boss: 1", "read_only"),
        (&both, "GET x/ | x-boss: 1", "exempt:boss"),
        (&both, "POST x/ | x-boss: 1 | x-reader: 1", "exempt:boss"),
        (&both, "POST x/ | x-staff: 1", "exempt:staff"),
        // A rule that any active mode suspends has no effect in all of them.
        (&suspended, "POST x/ | x-staff: 1", "offline"),
        (&suspended, "POST x/ | x-staff: 1 | x-boss: 1", "read_only"),
        (&suspended, "POST x/ | x-staff: 1 | x-boss: 1 | x-reader: 1", "exempt:boss"),
    ] {
        assert_eq!(verdict(&policy, std::slice::from_ref(state), request), expected, "{request}");
    }
}

#[test]
fn suspend_disables_exempt_rules_only() {
    let policy = policy(STEPS);
    let state = document("{'mode': 'offline', 'suspend': ['staff', 'shut', 'probe', 'nobody']}");
    for (request, expected) in [
        ("GET shop/in | x-staff: 1", "offline"),
        ("GET shop/in | x-staff: 1 | x-bot: 1", "exempt:bots"),
        ("GET shop/in | x-shut: 1", "always_closed:shut"),
        ("GET shop/in | x-probe: 1", "health-check:probe"),
    ] {
        assert_eq!(verdict(&policy, std::slice::from_ref(&state), request), expected, "{request}");
    }
}

#[test]
fn each_condition_matches_its_requests_only() {
    for (condition, matching, other) in [
        ("'paths': ['/a*']", "GET x/ab?b", "GET x/b?/a"),
        ("'paths': ['/a*']", "GET x/%61b", "GET x/./ab"),
        ("'methods': ['PUT']", "PUT x/", "put x/"),
        ("'headers': [{'name': 'X-A', 'value': 'b'}]", "GET x/ | x-a: a | x-a: b", "GET x/ | x-a: a, b"),
        ("'headers': [{'name': 'x-a'}, {'name': 'x-b'}]", "GET x/ | x-a: 1 | x-b: 1", "GET x/ | x-a: 1"),
        ("'headers': [{'name': 'x-a', 'value': {'absent': true}}]", "GET x/", "GET x/ | x-a: "),
        ("'headers': [{'name': 'x-a', 'value': ['', {'absent': true}]}]", "GET x/ | x-a: ", "GET x/ | x-a: 1"),
        ("'query': [{'name': 'k', 'value': 'a b'}]", "GET x/?k=1&%6b=a+b", "GET x/?k=a-b&K=a+b"),
        ("'query': [{'name': 'k'}]", "GET x/?k", "GET x/k?kk=1"),
        ("'query': [{'name': 'a+b', 'value': 'c'}]", "GET x/?a%2Bb=c", "GET x/?a+b=c"),
        ("'cookies': [{'name': 'k', 'value': 'v*'}]", "GET x/ | cookie: a=b; k=v1", "GET x/ | cookie: kk=v"),
        ("'claims': [{'iss': 'i', 'name': 'realm.roles', 'value': 'staff'}]", "GET x/", ""),
        ("'claims': [{'iss': 'j', 'name': 'realm.roles', 'value': 'staff'}]", "", "GET x/"),
        ("'claims': [{'iss': 'i', 'name': 'realm.roles', 'value': 'boss'}]", "", "GET x/"),
        ("'claims': [{'iss': 'i', 'name': 'realm'}]", "", "GET x/"),
        ("'claims': [{'iss': 'i', 'name': 'realm', 'value': {'absent': true}}]", "GET x/", ""),
        ("'claims': [{'iss': 'i', 'name': 'groups', 'value': {'regex': 'group-39'}}]", "GET x/", ""),
        ("'claims': [{'iss': 'i', 'name': 'is_staff', 'value': true}]", "GET x/", ""),
        ("'claims': [{'iss': 'i', 'name': 'is_staff', 'value': ['x', 1, true]}]", "GET x/", ""),
        ("'claims': [{'iss': 'i', 'name': 'is_staff', 'value': false}]", "", "GET x/"),
        ("'claims': [{'iss': 'i', 'name': 'is_staff'}]", "GET x/", ""),
        ("'claims': [{'iss': 'i', 'name': 'is_guest'}]", "", "GET x/"),
        ("'claims': [{'iss': 'i', 'name': 'is_guest', 'value': '*'}]", "", "GET x/"),
        ("'claims': [{'iss': 'i', 'name': 'is_guest', 'value': {'absent': true}}]", "", "GET x/"),
        ("'claims': [{'iss': 'i', 'name': 'age', 'value': 42}]", "GET x/", ""),
        ("'claims': [{'iss': 'i', 'name': 'age', 'value': 42.5}]", "", "GET x/"),
        ("'claims': [{'iss': 'i', 'name': 'groups', 'value': {'regex': 'group-40'}}]", "", "GET x/"),
        ("'uri_sans': ['spiffe://cluster/ns/ops/*']", "GET x/", ""),
        ("'uri_sans': ['spiffe://cluster/ns/dev/*']", "", "GET x/"),
        ("'remote_ips': ['10.0.0.0/8']", "GET x/", ""),
        ("'remote_ips': ['11.0.0.0/8']", "", "GET x/ | x-forwarded-for: 11.0.0.1"),
        ("'remote_ips': ['10.0.0.0/8'], 'methods': ['PUT']", "PUT x/", "GET x/"),
    ] {
        let rule = format!("{{'name': 'r', {condition}}}");
        let policy = policy(&format!("{{'jwt': {{'metadata_key': 'k'}}, 'exempt': [{rule}]}}"));
        let offline = [document("{'mode': 'offline'}")];
        for (request, expected) in [(matching, "exempt:r"), (other, "offline")] {
            if !request.is_empty() {
                assert_eq!(verdict(&policy, &offline, request), expected, "{condition} {request}");
            }
        }
    }
}
