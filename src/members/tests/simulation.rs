//! Runs random interleavings of joins, ticks, stuck and trapped VMs, pushes and updates, and checks two invariants.
//!
//! *Safe*: whenever the status says that all workers have adopted a document, no worker decides by an older one. *Live*:
//! once nothing changes and every worker ticks, the status says within five seconds that all have adopted.
//!
//! Runs are numbered, and a run's number determines it. A failure is reported with the fewest steps that still cause it.
//! `SIMULATIONS` sets the number of runs, and `SIMULATION` runs a single one.

use envoy::ModelEnvoy;
use plan::{Interleaving, ModelStep};
use thread::ModelEvent;

mod claims;
mod envoy;
mod plan;
mod shared;
mod thread;
mod vm;

const RUNS: u64 = 2_000;
/// The time that *Live* allows, in milliseconds.
const LIVE: i64 = 5000;

impl Interleaving {
    fn run(&self) -> Result<usize, String> {
        let mut envoy = ModelEnvoy::new(self.threads, self.has_control);
        let started_at = envoy.now;
        for (number, step) in self.steps.iter().enumerate() {
            envoy.shared.step = number;
            // All threads create their first VM within `SETTLE`.
            if !envoy.has_started() && envoy.now - started_at > 400 {
                start(&mut envoy);
            }
            let result = apply(&mut envoy, *step);
            let partial = envoy.claims.partial.map(|workers| format!("{workers:?}"));
            result
                .and(partial.map_or(Ok(()), Err))
                .map_err(|error| format!("Safe, step {number}: {error}\n{}", envoy.describe()))?;
        }
        envoy.shared.step = self.steps.len();
        self.check_live(&mut envoy)?;
        Ok(envoy.claims.count)
    }

    fn check_live(&self, envoy: &mut ModelEnvoy) -> Result<(), String> {
        start(envoy);
        settle(envoy, self.keeps_streams);
        let until = envoy.now + LIVE;
        while envoy.now < until {
            envoy.now += 200;
            run_all(envoy);
        }
        let workers = envoy.status();
        if workers.have_adopted() && workers.members == self.threads - 1 {
            return Ok(());
        }
        Err(format!("Live: {workers:?} of {} workers\n{}", self.threads - 1, envoy.describe()))
    }
}

/// Ends pauses, updates, drains and streams (except those of superseded policies if `keeps_streams`), and sends a request to each worker, which replaces VMs that have trapped.
fn settle(envoy: &mut ModelEnvoy, keeps_streams: bool) {
    envoy.threads.iter_mut().for_each(|thread| thread.paused_until = envoy.now);
    envoy.tell(ModelEvent::Switch);
    envoy.tell(ModelEvent::EndDrain);
    run_all(envoy);
    for thread in 0..envoy.threads.len() {
        let _ = envoy.request(thread, false);
    }
    let end = if keeps_streams { ModelEnvoy::end_current_streams } else { ModelEnvoy::end_streams };
    (0..envoy.threads.len()).for_each(|thread| end(envoy, thread));
    if std::mem::take(&mut envoy.unbumped) {
        envoy.shared.bump();
    }
}

/// Delivers all changes, and runs every tick that is due.
fn run_all(envoy: &mut ModelEnvoy) {
    for thread in 0..envoy.threads.len() {
        // More hostcalls than a tick of three VMs makes.
        let _ = (0..2000).take_while(|_| envoy.run(thread, true)).count();
    }
}

/// Runs all threads that are not stuck for a time.
fn work(envoy: &mut ModelEnvoy, milliseconds: i64) {
    let until = envoy.now + milliseconds;
    while envoy.now < until {
        envoy.now += 50;
        run_all(envoy);
    }
}

/// Runs all threads until each has a VM that has joined.
fn start(envoy: &mut ModelEnvoy) {
    for _ in 0..1000 {
        if envoy.has_started() {
            return;
        }
        envoy.threads.iter_mut().for_each(|thread| thread.paused_until = 0);
        run_all(envoy);
        envoy.now += 10;
    }
}

fn apply(envoy: &mut ModelEnvoy, step: ModelStep) -> Result<(), String> {
    match step {
        ModelStep::Run(thread, prefers_events) => drop(envoy.run(thread, prefers_events)),
        ModelStep::Pass(milliseconds) => envoy.now += milliseconds,
        ModelStep::Work(milliseconds) => work(envoy, milliseconds),
        ModelStep::Status => envoy.read_status(),
        ModelStep::WholeStatus => {
            envoy.status();
        }
        ModelStep::Tick(thread) => envoy.tick(thread),
        ModelStep::Wake(thread, to_old) => envoy.wake(thread, to_old)?,
        ModelStep::Request(thread) => envoy.request(thread, false)?,
        ModelStep::RequestToOld(thread) => envoy.request(thread, true)?,
        ModelStep::Push if std::mem::take(&mut envoy.unbumped) => drop(envoy.shared.bump()),
        ModelStep::Push => {
            envoy.shared.pushed += 1;
            envoy.unbumped = true;
        }
        // Before all threads have a VM, nothing can tell that one still has to configure an older policy.
        ModelStep::Update(..) if !envoy.has_started() => {}
        ModelStep::Update(content, identity, warms) => envoy.update(content, identity, warms),
        ModelStep::Switch => envoy.tell(ModelEvent::Switch),
        ModelStep::Refuse => envoy.tell(ModelEvent::Refuse),
        ModelStep::EndDrain => envoy.tell(ModelEvent::EndDrain),
        ModelStep::OpenStream(thread) => envoy.open_stream(thread),
        ModelStep::EndStreams(thread) => envoy.end_streams(thread),
        ModelStep::Trap(thread) => envoy.trap(thread),
        ModelStep::Pause(thread, milliseconds) => {
            let until = envoy.now + milliseconds;
            envoy.threads[thread].paused_until = until;
        }
    }
    Ok(())
}

/// Removes steps while the run still fails.
fn shrink(mut plan: Interleaving) -> Interleaving {
    let mut length = plan.steps.len() / 2;
    while length > 0 {
        let mut from = 0;
        while from < plan.steps.len() {
            let mut steps = plan.steps.clone();
            steps.drain(from..(from + length).min(steps.len()));
            let shorter = Interleaving { steps, ..plan };
            if shorter.run().is_err() {
                plan = shorter;
            } else {
                from += length;
            }
        }
        length /= 2;
    }
    plan
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|number| number.parse().ok())
}

#[test]
fn random_interleavings_are_safe_and_live() {
    let runs = number("SIMULATION").map_or(0..number("SIMULATIONS").unwrap_or(RUNS), |run| run..run + 1);
    let mut claims = 0;
    for run in runs {
        match Interleaving::of(run).run() {
            Ok(claimed) => claims += claimed,
            Err(_) => {
                let plan = shrink(Interleaving::of(run));
                let error = plan.run().expect_err("a shrunk run fails");
                let Interleaving { threads, has_control, keeps_streams, steps } = plan;
                panic!(
                    "SIMULATION={run}, {threads} threads, control: {has_control}, open streams: {keeps_streams}: {error}\n{steps:?}"
                );
            }
        }
    }
    assert!(claims > 0, "no status was complete");
}
