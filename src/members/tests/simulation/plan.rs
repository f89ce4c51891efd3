//! The steps of a run, which its number determines.

/// One step of a run. Threads are numbers; times are in milliseconds.
#[derive(Clone, Copy, Debug)]
pub enum ModelStep {
    /// Lets a thread make one hostcall, or begin a tick, or receive a change, which comes first if true.
    Run(usize, bool),
    /// Lets a thread do all of one tick.
    Tick(usize),
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
    /// Ends a pause with a request, to an old policy if true.
    Wake(usize, bool),
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

    /// True in one of `cases` cases.
    fn is_one_of(&mut self, cases: usize) -> bool {
        self.below(cases) == 0
    }

    fn milliseconds(&mut self, from: i64, below: i64) -> i64 {
        from + self.below((below - from) as usize) as i64
    }
}

pub struct Interleaving {
    pub threads: usize,
    pub has_control: bool,
    /// True if *Live* must hold while streams of superseded policies are open.
    pub keeps_streams: bool,
    pub steps: Vec<ModelStep>,
}

impl Interleaving {
    pub fn of(run: u64) -> Interleaving {
        let mut random = SplitMix(run);
        let threads = 2 + random.below(3);
        let has_control = random.is_one_of(2);
        let profile = random.below(16);
        // A policy that is replaced before its first tick is counted later than the next one, until its streams end.
        let keeps_streams = profile > 0 && random.is_one_of(2);
        let steps = match profile {
            0 => (0..400).map(|_| racing(&mut random, threads)).collect(),
            1..=3 => (0..60).map(|_| faulty(&mut random, threads)).collect(),
            4 => early(&mut random, threads),
            5 => stopped(&mut random, threads),
            _ => (0..1 + random.below(3)).flat_map(|_| stuck(&mut random, threads)).collect(),
        };
        Interleaving { threads, has_control, keeps_streams, steps }
    }
}

fn update(random: &mut SplitMix, warms: bool) -> ModelStep {
    ModelStep::Update(random.below(4), random.below(3), warms)
}

/// A step of a run with many races and few faults.
fn racing(random: &mut SplitMix, threads: usize) -> ModelStep {
    let thread = random.below(threads);
    match random.below(200) {
        0..=109 => ModelStep::Run(thread, random.is_one_of(2)),
        110..=129 => ModelStep::Pass(random.milliseconds(1, 41)),
        130..=132 => ModelStep::Pass(random.milliseconds(300, 1500)),
        133..=159 => ModelStep::Status,
        160..=173 => ModelStep::Request(thread),
        174..=177 => ModelStep::RequestToOld(thread),
        178..=181 => ModelStep::Push,
        182..=184 => update(random, false),
        185..=186 => update(random, true),
        187 => ModelStep::Switch,
        188 => ModelStep::Refuse,
        189 => ModelStep::EndDrain,
        190..=192 => ModelStep::OpenStream(thread),
        193 => ModelStep::EndStreams(thread),
        194..=195 => ModelStep::Trap(thread),
        196..=197 => ModelStep::Pause(thread, random.milliseconds(20, 420)),
        _ => ModelStep::Pause(thread, random.milliseconds(500, 6500)),
    }
}

/// A step of a run with few races and many faults.
fn faulty(random: &mut SplitMix, threads: usize) -> ModelStep {
    let thread = random.below(threads);
    match random.below(100) {
        0..=19 => ModelStep::Work(random.milliseconds(50, 650)),
        20..=24 => ModelStep::Work(random.milliseconds(2000, 5000)),
        25..=39 => ModelStep::Run(thread, random.is_one_of(2)),
        40..=54 => ModelStep::Request(thread),
        55..=69 => ModelStep::WholeStatus,
        70..=77 => ModelStep::Push,
        78..=83 => update(random, false),
        84..=86 => ModelStep::OpenStream(thread),
        87 => ModelStep::EndStreams(thread),
        88..=91 => ModelStep::Trap(thread),
        _ => ModelStep::Pause(thread, random.milliseconds(500, 5500)),
    }
}

/// A worker is stuck soon after the start, while an update moves the others to another identity.
fn early(random: &mut SplitMix, threads: usize) -> Vec<ModelStep> {
    let stuck = 1 + random.below(threads - 1);
    vec![
        // The first policy comes in two events.
        ModelStep::Run(0, true),
        ModelStep::Run(0, true),
        ModelStep::Run(stuck, true),
        ModelStep::Run(stuck, true),
        ModelStep::Tick(stuck),
        ModelStep::Pause(stuck, 60_000),
        ModelStep::Work(random.milliseconds(100, 400)),
        update(random, false),
        ModelStep::Push,
        ModelStep::Push,
        ModelStep::Work(random.milliseconds(1500, 4500)),
        ModelStep::WholeStatus,
        ModelStep::Work(random.milliseconds(1500, 4500)),
        ModelStep::WholeStatus,
        ModelStep::Wake(stuck, false),
    ]
}

/// All threads are stopped while a state is pushed, and a draining listener receives a request right after.
fn stopped(random: &mut SplitMix, threads: usize) -> Vec<ModelStep> {
    let worker = 1 + random.below(threads - 1);
    let mut steps = vec![
        ModelStep::Work(random.milliseconds(2000, 3000)),
        update(random, true),
        ModelStep::Work(200),
        ModelStep::Switch,
        ModelStep::Work(200),
        ModelStep::RequestToOld(worker),
        ModelStep::Work(random.milliseconds(200, 2000)),
        ModelStep::Push,
        ModelStep::Push,
        ModelStep::Pass(random.milliseconds(2000, 4000)),
    ];
    for tick in 0..threads + 2 {
        let thread = if tick < threads { tick } else { random.below(threads) };
        steps.extend([ModelStep::Tick(thread), ModelStep::Pass(random.milliseconds(10, 60))]);
    }
    steps.extend([ModelStep::WholeStatus, ModelStep::RequestToOld(worker), ModelStep::Work(200)]);
    steps
}

/// The steps in which one worker is stuck while the state or the policy changes and another worker may trap. Each step
/// may be left out.
fn stuck(random: &mut SplitMix, threads: usize) -> Vec<ModelStep> {
    let (stuck, other) = (1 + random.below(threads - 1), 1 + random.below(threads - 1));
    let mut steps = vec![ModelStep::Work(100)];
    let mut maybe = |random: &mut SplitMix, chance: usize, step: ModelStep| {
        if random.below(100) < chance {
            steps.push(step);
        }
    };
    let work = |random: &mut SplitMix| {
        let is_long = random.is_one_of(2);
        ModelStep::Work(if is_long { random.milliseconds(2000, 3000) } else { random.milliseconds(50, 600) })
    };
    let step = work(random);
    maybe(random, 60, step);
    maybe(random, 30, ModelStep::OpenStream(stuck));
    let warms = random.is_one_of(2);
    let step = update(random, warms);
    maybe(random, 60, step);
    let step = work(random);
    maybe(random, 80, step);
    maybe(random, 60, ModelStep::Switch);
    maybe(random, 60, ModelStep::Work(200));
    maybe(random, 30, ModelStep::RequestToOld(stuck));
    maybe(random, 30, ModelStep::Trap(stuck));
    let step = work(random);
    maybe(random, 50, step);
    maybe(random, 30, ModelStep::Push);
    maybe(random, 60, ModelStep::Push);
    maybe(random, 30, ModelStep::Tick(stuck));
    let warms = random.is_one_of(4);
    let step = update(random, warms);
    maybe(random, 30, step);
    for _ in 0..random.below(8) {
        let thread = random.below(threads);
        let step = if random.is_one_of(2) { ModelStep::Tick(thread) } else { ModelStep::Run(thread, true) };
        maybe(random, 80, step);
    }
    maybe(random, 100, ModelStep::Pause(stuck, 60_000));
    let step = update(random, false);
    maybe(random, 40, step);
    maybe(random, 40, ModelStep::Push);
    maybe(random, 60, ModelStep::Push);
    let step = work(random);
    maybe(random, 90, step);
    maybe(random, 30, ModelStep::Trap(other));
    maybe(random, 70, ModelStep::Request(other));
    let step = work(random);
    maybe(random, 60, step);
    maybe(random, 100, ModelStep::WholeStatus);
    let to_old = random.is_one_of(3);
    maybe(random, 100, ModelStep::Wake(stuck, to_old));
    maybe(random, 50, ModelStep::EndDrain);
    let step = work(random);
    maybe(random, 50, step);
    steps
}
