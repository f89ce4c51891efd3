//! Random fleets.

use std::time::Duration;

use envoy_maintenance::time::Time;

use super::model::{ModelFleet, START, Trouble};
use crate::document::draft::Draft;

/// A generator of numbers (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn milliseconds(&mut self, limit: u64) -> Duration {
        Duration::from_millis(self.below(limit))
    }
}

impl ModelFleet {
    pub fn random(random: &mut Random) -> ModelFleet {
        let mut model = ModelFleet::healthy(0, Duration::from_secs(6) + random.milliseconds(6000));
        model.latency = random.milliseconds(40) + Duration::from_millis(1);
        model.has_unknown_name = random.below(4) == 0;
        for _ in 0..=random.below(5) {
            let from = random.milliseconds(400);
            model.add(match random.below(8) {
                0 => Trouble::Dead,
                1 => Trouble::FrozenUntil(random.milliseconds(9000)),
                2 => Trouble::FrozenUntil(Duration::MAX),
                3 => Trouble::Freezes(from, from + random.milliseconds(4000)),
                4 => Trouble::Restarts,
                _ => Trouble::None,
            });
        }
        // Documents from before; some Envoys lack the newest.
        let count = model.envoys.len() as u64;
        let mut old = Draft::new("shop", Some("f"));
        for number in 0..random.below(3) {
            old.restamp(Time(START - 600_000 + i64::try_from(number).unwrap() * 1000));
            for envoy in &mut model.envoys {
                if random.below(3) > 0 {
                    envoy.document = Some(old.clone());
                }
            }
        }
        if random.below(2) == 0 {
            model.other_at = Some(random.milliseconds(4000) + Duration::from_millis(1));
            if random.below(2) == 0 {
                model.other_at = Some(random.milliseconds(300));
            }
            model.other_envoy = usize::try_from(random.below(count)).unwrap();
        }
        let restarting = model.envoys.iter_mut().filter(|envoy| envoy.trouble == Trouble::Restarts);
        restarting.for_each(|envoy| envoy.restarts_at = Some(random.milliseconds(800)));
        model
    }
}
