//! Runs random interleavings of joins, ticks, stuck and trapped VMs, pushes and updates, and checks two invariants.
//!
//! *Safe*: whenever the status says that all workers have adopted a document, no worker decides by an older one. *Live*:
//! once nothing changes and every worker ticks, the status says within five seconds that all have adopted.
//!
//! Runs are numbered, and a run's number determines it. A failure is reported with the fewest steps that still cause it.
//! `SIMULATIONS` sets the number of runs, and `SIMULATION` runs a single one.

use envoy::{ModelEnvoy, ModelEvent};

mod envoy;
mod shared;
mod vm;

const RUNS: u64 = 2_000;
const STEPS: usize = 400;
/// The time that *Live* allows, in milliseconds.
const LIVE: i64 = 5000;

#[derive(Clone, Copy, Debug)]
enum ModelStep {
    Run(usize, bool),
    Pass(i64),
    /// Runs all threads that are not stuck for a time.
    Work(i64),
    Status,
    WholeStatus,
    Request(usize),
    RequestToOld(usize),
    Push,
    Update(usize, usize, bool),
    Switch,
    Refuse,
    EndDrain,
    OpenStream(usize),
    EndStreams(usize),
    Trap(usize),
    Pause(usize, i64),
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

struct Interleaving {
    threads: usize,
    has_control: bool,
    steps: Vec<ModelStep>,
}

impl Interleaving {
    fn of(run: u64) -> Interleaving {
        let mut random = SplitMix(run);
        let threads = 2 + random.below(3);
        let has_control = random.below(2) == 0;
        let calm = random.below(3);
        let length = if calm == 2 { STEPS / 6 } else { STEPS };
        let steps = (0..length).map(|_| Interleaving::step(&mut random, threads, calm)).collect();
        Interleaving { threads, has_control, steps }
    }

    fn step(random: &mut SplitMix, threads: usize, calm: usize) -> ModelStep {
        let thread = random.below(threads);
        if calm == 2 {
            return Interleaving::faulty_step(random, thread);
        }
        match random.below(200) {
            0..=109 => ModelStep::Run(thread, random.below(2) == 0),
            110..=129 => ModelStep::Pass(1 + random.below(40) as i64),
            130..=132 => ModelStep::Pass(300 + random.below(900 * (1 + calm)) as i64),
            133..=159 => ModelStep::Status,
            160..=173 => ModelStep::Request(thread),
            174..=177 => ModelStep::RequestToOld(thread),
            178..=181 => ModelStep::Push,
            182..=184 => ModelStep::Update(random.below(4), random.below(3), false),
            185..=186 => ModelStep::Update(random.below(4), random.below(3), true),
            187 => ModelStep::Switch,
            188 => ModelStep::Refuse,
            189 => ModelStep::EndDrain,
            190..=192 => ModelStep::OpenStream(thread),
            193 => ModelStep::EndStreams(thread),
            194..=195 => ModelStep::Trap(thread),
            196..=197 => ModelStep::Pause(thread, 20 + random.below(400) as i64),
            _ => ModelStep::Pause(thread, 500 + random.below(6000) as i64),
        }
    }

    /// A step of a run with few races and many faults.
    fn faulty_step(random: &mut SplitMix, thread: usize) -> ModelStep {
        match random.below(100) {
            0..=19 => ModelStep::Work(50 + random.below(600) as i64),
            20..=24 => ModelStep::Work(2000 + random.below(3000) as i64),
            25..=39 => ModelStep::Run(thread, random.below(2) == 0),
            40..=54 => ModelStep::Request(thread),
            55..=69 => ModelStep::WholeStatus,
            70..=77 => ModelStep::Push,
            78..=83 => ModelStep::Update(random.below(4), random.below(3), false),
            84..=86 => ModelStep::OpenStream(thread),
            87 => ModelStep::EndStreams(thread),
            88..=91 => ModelStep::Trap(thread),
            _ => ModelStep::Pause(thread, 500 + random.below(5000) as i64),
        }
    }

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
            result.map_err(|error| format!("Safe, step {number}: {error}\n{}", envoy.describe()))?;
        }
        envoy.shared.step = self.steps.len();
        self.check_live(&mut envoy)?;
        Ok(envoy.claimed)
    }

    fn check_live(&self, envoy: &mut ModelEnvoy) -> Result<(), String> {
        start(envoy);
        settle(envoy);
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

/// Ends pauses, updates, drains and streams, and sends a request to each worker, which replaces VMs that have trapped.
fn settle(envoy: &mut ModelEnvoy) {
    envoy.threads.iter_mut().for_each(|thread| thread.paused_until = envoy.now);
    envoy.tell(ModelEvent::Switch);
    envoy.tell(ModelEvent::EndDrain);
    run_all(envoy);
    (0..envoy.threads.len()).for_each(|thread| envoy.end_streams(thread));
    for thread in 0..envoy.threads.len() {
        let _ = envoy.request(thread, false);
    }
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
        ModelStep::Status => drop(envoy.read_status()),
        ModelStep::WholeStatus => {
            envoy.status();
        }
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
                let Interleaving { threads, has_control, steps } = plan;
                panic!("SIMULATION={run}, {threads} threads, control: {has_control}: {error}\n{steps:?}");
            }
        }
    }
    assert!(claims > 0, "no status was complete");
}
