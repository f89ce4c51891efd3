//! Envoy's shared data as the simulation models it: each function is one hostcall.

use std::rc::Rc;

use crate::members::Vm;

/// A document of the site, or the absence of one (`Pushed(0)`). Later documents have greater numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    Pushed(u64),
    Declared(u64),
}

impl Document {
    pub fn label(self) -> String {
        match self {
            Document::Pushed(number) => format!("push-{number}"),
            Document::Declared(number) => format!("policy-{number}"),
        }
    }
}

/// A policy of the plugin, brought by the update `issue`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub issue: usize,
    pub content: usize,
    pub identity: usize,
}

impl Policy {
    /// The document that the policy declares; every other one leaves the state to pushes.
    pub fn declared(self) -> Option<Document> {
        (self.content % 2 == 1).then_some(Document::Declared(self.content as u64))
    }
}

#[derive(Clone, Default)]
pub struct Value {
    pub cas: u32,
    pub vm: Option<Rc<Vm>>,
}

#[derive(Default)]
pub struct Shared {
    pub vms: Vec<Value>,
    next_cas: u32,
    pub generation: u64,
    pub threads: Option<usize>,
    pub pushed: u64,
    pub published: Option<Policy>,
    /// The number of the step that runs.
    pub step: usize,
}

impl Shared {
    pub fn bump(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    /// Writes a record that was last seen with this CAS.
    pub fn write(&mut self, number: usize, cas: u32, vm: Option<Rc<Vm>>) -> Option<u32> {
        self.next_cas += 1;
        let next = self.next_cas;
        let value = self.vms.get_mut(number).filter(|value| value.cas == cas)?;
        *value = Value { cas: next, vm };
        Some(next)
    }

    /// Writes a new record under the first unused number.
    pub fn create(&mut self, vm: Rc<Vm>) -> (usize, u32) {
        self.next_cas += 1;
        let value = Value { cas: self.next_cas, vm: Some(vm) };
        let number = self.vms.iter().position(|value| value.vm.is_none()).unwrap_or(self.vms.len());
        match self.vms.get_mut(number) {
            Some(unused) => *unused = value,
            None => self.vms.push(value),
        }
        (number, self.next_cas)
    }

    pub fn wanted(&self) -> Document {
        self.published.and_then(Policy::declared).unwrap_or(Document::Pushed(self.pushed))
    }
}
