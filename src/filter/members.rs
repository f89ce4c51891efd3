//! The running VMs, what runs in them, and what they have adopted.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashMap;

use super::host::HostError;
use super::{host, register};
use crate::time::Time;

/// What one running VM says of itself: its `instance/<id>`.
struct Record {
    cas: Option<u32>,
    /// The plugins that run there.
    slots: Vec<String>,
    /// What the policies there have adopted, by site (`<fleet>/<site>`): the plugin and the document.
    adopted: HashMap<String, Vec<(String, String)>>,
}

impl Record {
    fn read(shared: Option<host::Shared>) -> Record {
        let cas = shared.as_ref().map(|shared| shared.cas);
        let text = shared.and_then(|shared| String::from_utf8(shared.bytes).ok()).unwrap_or_default();
        let mut adopted: HashMap<String, Vec<(String, String)>> = HashMap::new();
        for line in text.lines() {
            let mut parts = line.splitn(3, ' ');
            if let (Some(site), Some(document), Some(slot)) = (parts.next(), parts.next(), parts.next()) {
                adopted.entry_ref(site).or_default().push((slot.to_owned(), document.to_owned()));
            }
        }
        Record { cas, slots: register::slots_of(&text).map(str::to_owned).collect(), adopted }
    }
}

/// One running VM.
pub struct Instance {
    id: String,
    build: String,
    is_alive: bool,
    record: Rc<Record>,
}

impl Instance {
    /// The plugins that run there.
    pub fn slots(&self) -> impl Iterator<Item = &str> {
        self.record.slots.iter().map(String::as_str)
    }

    /// What differs when the VM says something else, falls silent or comes back.
    pub fn version(&self) -> (String, Option<u32>, bool) {
        (self.id.clone(), self.record.cas, self.is_alive)
    }

    fn adopted_at(&self, site: &str) -> &[(String, String)] {
        self.record.adopted.get(site).map_or(&[], Vec::as_slice)
    }
}

thread_local! {
    /// The records as this VM has last read them, by id.
    static RECORDS: RefCell<HashMap<String, Rc<Record>>> = RefCell::default();
}

/// All running VMs. A record is read again only when it has changed.
pub fn instances(now: Time) -> Result<Vec<Instance>, HostError> {
    RECORDS.with_borrow_mut(|records| {
        let lines = register::text("instances")?;
        let instances: Vec<Instance> = lines
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(id, build)| {
                let shared = host::shared(&format!("instance/{id}"))?;
                let cas = shared.as_ref().map(|shared| shared.cas);
                let known = records.get(id).filter(|known| known.cas == cas).map(Rc::clone);
                let record = known.unwrap_or_else(|| Rc::new(Record::read(shared)));
                let is_alive = register::is_alive(id, now)?;
                Ok(Instance { id: id.to_owned(), build: build.to_owned(), is_alive, record })
            })
            .collect::<Result<_, HostError>>()?;
        *records = instances.iter().map(|instance| (instance.id.clone(), Rc::clone(&instance.record))).collect();
        Ok(instances)
    })
}

/// How many workers follow a site, and how many of them have adopted what is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Workers {
    pub members: usize,
    pub adopted: usize,
}

/// All running VMs, and which build of the module runs each plugin.
pub struct Members {
    instances: Vec<Instance>,
    runs: Vec<(String, String)>,
}

impl Members {
    pub fn of(instances: Vec<Instance>) -> Result<Members, HostError> {
        let slots = register::text("slots")?;
        let runs = slots.lines().map(|slot| Ok((slot.to_owned(), register::run_by(slot)?)));
        Ok(Members { instances, runs: runs.collect::<Result<_, HostError>>()? })
    }

    pub fn now(now: Time) -> Result<Members, HostError> {
        Members::of(instances(now)?)
    }

    fn is_run(&self, slot: &str, build: &str) -> bool {
        self.runs.iter().any(|(known, run)| known == slot && run == build)
    }

    /// Counts the workers of a site (`<fleet>/<site>`); `wanted` as it stands in the lines of `instance/<id>`.
    ///
    /// A VM whose plugin has the site elsewhere is a member too, though its own policy does not know the site yet: it has
    /// an update still before it.
    ///
    /// Envoy runs each VM once a worker and once on its main thread, where no request ever comes, and nothing tells which
    /// one that is. So one of each build is taken off both numbers: they are equal only when every one has adopted. Of a
    /// build that an upgrade has replaced, only workers that have not noticed are left, and each of those counts.
    pub fn workers(&self, site: &str, wanted: &str) -> Workers {
        let mut plugins: Vec<&str> = Vec::new();
        for (slot, _) in self.instances.iter().flat_map(|instance| instance.adopted_at(site)) {
            if !plugins.contains(&slot.as_str()) {
                plugins.push(slot);
            }
        }
        let mut builds: Vec<(&str, Workers, bool)> = Vec::new();
        for instance in &self.instances {
            let adopted = instance.adopted_at(site);
            let mut follows = instance.is_alive && adopted.iter().all(|(_, document)| document == wanted);
            let (mut is_member, mut is_run) = (false, false);
            for slot in instance.slots().filter(|slot| plugins.contains(slot)) {
                is_member = true;
                is_run |= self.is_run(slot, &instance.build);
                follows &= adopted.iter().any(|(known, _)| known == slot);
            }
            if is_member {
                if !builds.iter().any(|(build, ..)| *build == instance.build) {
                    builds.push((&instance.build, Workers::default(), false));
                }
                for (_, workers, is_current) in builds.iter_mut().filter(|(build, ..)| *build == instance.build) {
                    workers.members += 1;
                    workers.adopted += usize::from(follows);
                    *is_current |= is_run;
                }
            }
        }
        builds.iter().fold(Workers::default(), |total, (_, workers, is_current)| {
            let main = usize::from(*is_current);
            Workers {
                members: total.members + workers.members.saturating_sub(main),
                adopted: total.adopted + workers.adopted.saturating_sub(main),
            }
        })
    }
}
