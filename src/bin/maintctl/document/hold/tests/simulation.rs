//! Random pipelines: jobs that hold one site start, renew their leases, end, fail and are killed in every order, while an
//! operator closes and opens the site. Edits of different machines interleave, and a job's view of the document is old.

use proptest::prelude::*;

use super::*;
use crate::document::edit::{self, Details};

/// One step of the simulation; the number selects the job.
#[derive(Clone, Copy, Debug)]
enum Step {
    Start(usize),
    Renew(usize),
    Succeed(usize),
    Fail(usize),
    Kill(usize),
    Close,
    Open,
    /// Envoy restarts, and has no document.
    Restart,
    /// So many seconds pass.
    Pass(i64),
}

/// Leases, in seconds; 0: none.
const LEASES: [i64; 3] = [0, 30, 60];

#[derive(Clone, Debug, PartialEq)]
enum SimulatedJob {
    Waiting,
    /// Contains the end of the lease that the job knows.
    Running(SeenHold),
    Over,
}

/// The site's document, and what should follow from the steps so far.
struct Simulation {
    draft: Draft,
    now: i64,
    jobs: [SimulatedJob; 3],
    /// The holds of killed jobs, which stay until their leases end.
    orphans: Vec<usize>,
    /// True if an operator, or a job that failed, has closed the site by hand.
    closed_by_hand: bool,
    /// The jobs whose hold an operator has overridden.
    overridden: Vec<usize>,
    /// The jobs whose hold Envoy has forgotten.
    forgotten: Vec<usize>,
}

impl Simulation {
    fn hold(&self, job: usize) -> NewHold {
        NewHold {
            until: (LEASES[job] > 0).then(|| at(self.now + LEASES[job])),
            ..hold(&format!("job{job}"), LEASES[job])
        }
    }

    /// Makes a change, which every maintctl stamps.
    fn change(&mut self, change: impl FnOnce(&mut Draft, Time)) {
        let before = self.draft.clone();
        change(&mut self.draft, at(self.now));
        if self.draft != before {
            self.draft.stamp(&before, at(self.now), "by");
        }
    }

    fn running(&self) -> Vec<usize> {
        (0..3).filter(|job| matches!(self.jobs[*job], SimulatedJob::Running(_))).collect()
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Pass(seconds) => self.now += seconds,
            Step::Close => {
                self.change(|draft, now| edit::close(draft, Mode::Offline, &Details::default(), now).unwrap());
                self.closed_by_hand = true;
            }
            Step::Open => {
                let held: Vec<String> =
                    live(&self.draft.read().unwrap(), at(self.now)).map(|hold| hold.id.clone()).collect();
                self.change(|draft, now| edit::open(draft, now).unwrap());
                self.closed_by_hand = false;
                // A hold that has expired is not overridden.
                let held: Vec<usize> = (0..3).filter(|job| held.contains(&format!("h-job{job}"))).collect();
                self.overridden
                    .extend(held.into_iter().filter(|job| matches!(self.jobs[*job], SimulatedJob::Running(_))));
                self.orphans.clear();
            }
            Step::Restart => {
                self.draft = draft(json!({}));
                self.closed_by_hand = false;
                self.forgotten = self.running();
                self.overridden.clear();
                self.orphans.clear();
            }
            Step::Start(job) if self.jobs[job] == SimulatedJob::Waiting => {
                let hold = self.hold(job);
                self.change(|draft, now| hold.take(draft, now).unwrap());
                self.jobs[job] = SimulatedJob::Running(seen(&self.draft, &hold.id).unwrap().unwrap());
            }
            Step::Renew(job) | Step::Succeed(job) | Step::Fail(job) | Step::Kill(job) => {
                self.step_of_running(step, job)
            }
            Step::Start(_) => {}
        }
    }

    fn step_of_running(&mut self, step: Step, job: usize) {
        let SimulatedJob::Running(known) = self.jobs[job].clone() else { return };
        let hold = self.hold(job);
        let (is_overridden, mode) = (self.overridden.contains(&job), self.draft.read().unwrap().mode);
        match step {
            Step::Renew(_) => {
                let mut state = HoldState::Removed;
                self.change(|draft, now| state = hold.renew(draft, &known, now).unwrap());
                assert!(!is_overridden || state == HoldState::Removed, "{state:?}");
                if let Some(known) = seen(&self.draft, &hold.id).unwrap() {
                    self.jobs[job] = SimulatedJob::Running(known);
                    self.forgotten.retain(|lost| *lost != job);
                }
                return;
            }
            Step::Succeed(_) => self.change(|draft, now| hold.release(draft, now).unwrap()),
            Step::Fail(_) => {
                self.change(|draft, now| hold.keep_closed(draft, &known, now).unwrap());
                let after = self.draft.read().unwrap().mode;
                assert!(!is_overridden || after == mode, "an operator has opened the site");
                self.closed_by_hand = after != Mode::Online;
            }
            _ => self.orphans.push(job),
        }
        self.overridden.retain(|lost| *lost != job);
        self.forgotten.retain(|lost| *lost != job);
        self.jobs[job] = SimulatedJob::Over;
    }

    /// The holds that are in effect, as far as the steps tell.
    fn holding(&self, job: usize) -> bool {
        let window = format!("h-job{job}");
        let document = self.draft.read().unwrap();
        live(&document, at(self.now)).any(|hold| hold.id == window)
    }

    fn check(&self) {
        let is_open = is_open(&self.draft, at(self.now));
        for job in self.running() {
            let SimulatedJob::Running(known) = &self.jobs[job] else { continue };
            let is_in_time = known.until.is_none_or(|until| at(self.now) < until);
            if is_in_time && !self.overridden.contains(&job) && !self.forgotten.contains(&job) {
                assert!(self.holding(job) && !is_open, "open while job {job} runs");
            }
        }
        let has_live_hold = (0..3).any(|job| self.holding(job));
        assert_eq!(is_open, !has_live_hold && !self.closed_by_hand, "opens when the last hold ends");
        for job in 0..3 {
            let is_over = self.jobs[job] == SimulatedJob::Over && !self.orphans.contains(&job);
            assert!(!(is_over && self.holding(job)), "job {job} is over, and its hold stays");
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let job = 0..3_usize;
    let step = prop_oneof![
        4 => job.clone().prop_map(Step::Start),
        4 => job.clone().prop_map(Step::Renew),
        3 => job.clone().prop_map(Step::Succeed),
        2 => job.clone().prop_map(Step::Fail),
        2 => job.prop_map(Step::Kill),
        1 => Just(Step::Close),
        1 => Just(Step::Open),
        1 => Just(Step::Restart),
        4 => prop_oneof![Just(0), Just(1), Just(10), Just(40), Just(90)].prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_site_is_never_open_while_a_job_holds_it_and_opens_when_the_last_hold_ends(steps in steps()) {
        let mut simulation = Simulation {
            draft: draft(json!({})),
            now: 0,
            jobs: [SimulatedJob::Waiting, SimulatedJob::Waiting, SimulatedJob::Waiting],
            orphans: Vec::new(),
            closed_by_hand: false,
            overridden: Vec::new(),
            forgotten: Vec::new(),
        };
        for step in steps {
            simulation.step(step);
            simulation.check();
        }
    }
}
