//! The checks of a target.

use std::time::Instant;

use crate::config::target::{Target, TargetWriter};
use crate::diagnosis::lag::Remedy;
use crate::diagnosis::remark::{Remark, Severity, Topic};
use crate::diagnosis::{closure, envoy, fleet};
use crate::envoys::roll::Roll;
use crate::envoys::status::EnvoyStatus;
use crate::terminal::output::counted;
use crate::terminal::times;
use crate::view::View;
use crate::view::site::SiteView;

/// The difference between clocks that is ignored, in milliseconds.
const CLOCK_TOLERANCE: i64 = 1000;

/// The checks that were made, and their results.
pub struct Examination {
    /// The properties that were checked.
    pub checks: Vec<Topic>,
    pub remarks: Vec<Remark>,
    /// Descriptions of checks without problems.
    pub facts: Vec<(Topic, String)>,
}

impl Examination {
    /// Checks a target.
    pub fn of(target: &Target, deadline: Instant) -> Examination {
        let mut examination =
            Examination { checks: vec![Topic::Configuration, Topic::Key], remarks: Vec::new(), facts: Vec::new() };
        examination.check_configuration(target);
        match View::of(target, deadline) {
            Ok(view) => examination.check_view(target, &view, deadline),
            Err(error) => {
                examination.checks.push(Topic::Envoys);
                examination.add(Remark::new(Topic::Envoys, Severity::Error, format!("{error:#}"), ""));
            }
        }
        examination
    }

    /// True if a remark is a warning or an error.
    pub fn has_problem(&self) -> bool {
        self.remarks.iter().any(|remark| remark.severity >= Severity::Warning)
    }

    fn add(&mut self, remark: Remark) {
        self.remarks.push(remark);
    }

    fn add_fact(&mut self, topic: Topic, text: String) {
        self.facts.push((topic, text));
    }

    /// Checks maintctl.toml and the key.
    fn check_configuration(&mut self, target: &Target) {
        let writer = match &target.writer {
            TargetWriter::Push => "by push".to_owned(),
            TargetWriter::File(files) => format!("by the file {}", files.file.display()),
        };
        self.add_fact(Topic::Configuration, format!("target \"{}\" is changed {writer}", target.name));
        match (target.signer(), &target.writer) {
            (Ok((key, _)), _) => self.add_fact(Topic::Key, format!("the key can be used; its id is {}", key.kid())),
            (Err(error), TargetWriter::Push) => {
                self.add(Remark::new(Topic::Key, Severity::Error, format!("{error:#}"), ""));
            }
            (Err(error), TargetWriter::File(_)) => {
                let problem = format!("{error:#}");
                let remedy = "a file target works without a key; with one, Envoys show more details";
                self.add(Remark::new(Topic::Key, Severity::Note, problem, remedy));
            }
        }
    }

    /// Checks the Envoys, the file and the sites.
    fn check_view(&mut self, target: &Target, view: &View, deadline: Instant) {
        for remark in &view.remarks {
            self.add_view_remark(remark);
        }
        self.check_envoys(target, &view.roll, deadline);
        if let TargetWriter::File(files) = &target.writer {
            self.checks.push(Topic::File);
            self.add_fact(
                Topic::File,
                format!("{} is valid and has the policy of {}", files.file.display(), files.policy.display()),
            );
        }
        if !view.roll.envoys.is_empty() {
            self.checks.push(Topic::Adoption);
        }
        if !view.sites.is_empty() {
            self.checks.push(Topic::Closures);
        }
        for site in &view.sites {
            self.check_site(site);
        }
        let (sites, envoys) = (counted(view.sites.len(), "site"), counted(view.roll.envoys.len(), "Envoy"));
        self.add_fact(Topic::Adoption, format!("every worker has adopted the state of {sites} in {envoys}"));
        let closed = counted(closed(&view.sites), "closed site");
        self.add_fact(Topic::Closures, format!("{closed}; none seems forgotten"));
    }

    /// Adds a remark of the view. Clocks are measured again, more exactly, and incomplete details hide problems.
    fn add_view_remark(&mut self, remark: &Remark) {
        let severity = match remark.topic {
            Topic::Clocks => return,
            Topic::Key => Severity::Error,
            Topic::File => remark.severity.max(Severity::Warning),
            _ => remark.severity,
        };
        self.add(Remark { severity, ..remark.clone() });
    }

    fn check_envoys(&mut self, target: &Target, roll: &Roll, deadline: Instant) {
        self.checks.push(Topic::Envoys);
        if target.envoys.is_empty() {
            let problem = "the target has no `envoys`, so maintctl cannot see what they do";
            return self.add(Remark::new(
                Topic::Envoys,
                Severity::Warning,
                problem,
                "add the URLs of their control endpoints",
            ));
        }
        for failure in &roll.failures {
            let error = failure.error.clone().with_advice().to_string();
            let remedy = "check the URL, the name, and that Envoy runs";
            self.add(Remark::new(Topic::Envoys, Severity::Error, error, remedy).about(&failure.name));
        }
        if let Some(miscount) = &roll.miscount {
            let remedy = "start the missing Envoys, or correct `expect` and `envoys`";
            self.add(Remark::new(Topic::Envoys, Severity::Error, miscount, remedy));
        }
        for failure in target.hot_restarts(deadline).finish(roll.envoys.len()) {
            self.add(Remark::new(Topic::Envoys, Severity::Warning, failure.error.to_string(), "").about(&failure.name));
        }
        if roll.envoys.is_empty() {
            return;
        }
        self.add_fact(Topic::Envoys, format!("{} Envoys respond, each at an address of its own", roll.envoys.len()));
        self.check_statuses(target, roll);
        self.check_clocks(roll);
    }

    /// Checks the reports of the Envoys.
    fn check_statuses(&mut self, target: &Target, roll: &Roll) {
        let statuses: Vec<&EnvoyStatus> = roll.envoys.iter().map(|envoy| &envoy.status).collect();
        let own = env!("CARGO_PKG_VERSION");
        self.checks.extend([
            Topic::Endpoints,
            Topic::Versions,
            Topic::Clocks,
            Topic::Plugins,
            Topic::Fleets,
            Topic::Policies,
        ]);
        self.remarks.extend(fleet::versions(&statuses, own));
        self.remarks.extend(fleet::plugins(&statuses));
        for envoy in &roll.envoys {
            let requires_certificate = envoy.endpoint.url.starts_with("https:") && target.has_certificate();
            let remark = fleet::public_address(envoy.endpoint.address.ip(), requires_certificate);
            self.remarks.extend(remark.map(|remark| remark.about(&envoy.name())));
        }
        self.add_fact(Topic::Endpoints, "visitors cannot reach the control endpoints by their addresses".to_owned());
        self.add_fact(Topic::Versions, format!("maintctl and the filter are {own}"));
        self.add_fact(Topic::Plugins, "the control listeners see the plugins with sites, whose names agree".to_owned());
        self.add_fact(
            Topic::Fleets,
            format!("all are in the fleet \"{}\"", target.fleet.as_deref().unwrap_or_default()),
        );
        self.add_fact(Topic::Policies, "no policy was refused".to_owned());
        if !target.is_file() {
            self.checks.push(Topic::Keys);
            self.add_fact(Topic::Keys, "every plugin lets the key change all of its sites".to_owned());
        }
    }

    /// Compares the clocks of Envoys with this machine's.
    fn check_clocks(&mut self, roll: &Roll) {
        for process in &roll.envoys {
            let remark = envoy::clock(&process.status, process.asked, process.answered, CLOCK_TOLERANCE);
            self.remarks.extend(remark.map(|remark| remark.about(&process.name())));
        }
        self.add_fact(Topic::Clocks, "they differ from this machine's by at most 1 s".to_owned());
    }

    fn check_site(&mut self, site: &SiteView) {
        for lag in &site.lagging {
            let remedy = match &lag.cause.remedy {
                Remedy::Sync => "run `maintctl sync`",
                Remedy::Text(text) => text,
            };
            let remark = Remark::new(Topic::Adoption, Severity::Error, &lag.cause.problem, remedy);
            self.add(remark.about(&format!("{}: {}", site.site, lag.envoy)));
        }
        for text in &site.remarks {
            self.add(Remark::new(Topic::Adoption, Severity::Note, text, "").about(&site.site));
        }
        if let Some((_, document)) = &site.document {
            self.remarks.extend(closure::remarks(document, &times::now()));
        }
    }
}

fn closed(sites: &[SiteView]) -> usize {
    sites.iter().filter(|site| site.mode != "online").count()
}
